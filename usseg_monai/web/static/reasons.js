// Reasons why something did not work. They stay until the next thing is begun, whatever else arrives meanwhile.

import { byId, el } from "./dom.js";

const MOST = 5; // lines

let told = [];

export function forgetReasons() {
  told = [];
  show();
}

export function addReason(text) {
  if (!told.includes(text)) told.push(text);
  show();
}

function show() {
  const lines = told.length > MOST ? [...told.slice(0, MOST - 1), `and ${told.length - MOST + 1} more`] : told;
  byId("reasons").replaceChildren(...lines.map((line) => el("p", {}, line)));
}
