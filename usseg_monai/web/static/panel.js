// Status, numbers, pixel size and what can be taken away, of the frame that is shown.

import { TAKES } from "./api.js";
import { el } from "./dom.js";
import { distance } from "./tools/calipers.js";

/** @param {object} on typed(spacing or null), useForAll(), take(kind), removeCaliper(number), addCaliper() */
export function panel(root, series, calipers, on) {
  const { frame } = series;
  const kept = document.activeElement?.id;
  root.replaceChildren(
    ...(frame.error ? [reason(frame.error)] : frame.numbers ? found(series, frame, calipers, on) : [el("p", {}, "Looking…")]),
  );
  if (kept && root.querySelector(`#${CSS.escape(kept)}`)) root.querySelector(`#${CSS.escape(kept)}`).focus();
}

const reason = (text) => el("div", { class: "status UNBELIEVABLE" }, el("h2", {}, "Could not be used"), el("p", {}, text));

function found(series, frame, calipers, on) {
  const { numbers } = frame;
  return [
    el(
      "div",
      { class: `status ${numbers.severity}` },
      el("h2", {}, frame.corrected ? `Corrected by hand${numbers.severity === "GOOD" ? "" : ` · ${numbers.heading}`}` : numbers.heading),
      numbers.message && el("p", {}, numbers.message[0].toUpperCase() + numbers.message.slice(1)),
      numbers.confidence != null && el("p", {}, "Expected Dice ", el("strong", {}, numbers.confidence), ", the overlap with an expert's outline"),
      frame.corrected && el("p", { class: "quiet" }, "No confidence: it was the network's, for its own outline."),
    ),
    el("p", { class: "quiet" }, `${series.titles[frame.task]} · ${frame.file}${frame.frames > 1 ? `, frame ${frame.frame}` : ""}`, proposal(frame, series)),
    el("dl", { class: "numbers" }, numbers.highlights.map(({ label, text, description }) => el("div", { title: description }, el("dt", {}, label), el("dd", {}, text)))),
    numbers.bars.length > 0 && bars(numbers.bars, frame.corrected),
    spacing(frame, on),
    numbers.parts && parts(numbers.parts),
    calipers.active && measured(frame, calipers, on),
    el(
      "fieldset",
      { id: "take" },
      el("legend", {}, "Take away"),
      el(
        "div",
        { class: "take" },
        [["png", "Mask, PNG"], ["nifti", "Mask, NIfTI"], ["csv", "Table, CSV"], ["json", "JSON"], ["pdf", "Sheet, PDF"], ["print", "Sheet, print or PDF"]]
          .filter(([kind]) => TAKES.has(kind))
          .map(([kind, text]) => el("button", { type: "button", id: `take-${kind}`, click: () => on.take(kind) }, text)),
        numbers.parts && el("button", { type: "button", id: "take-parts", click: () => on.take("parts") }, `Table of ${numbers.parts.name}s, CSV`),
      ),
      el("p", { class: "quiet" }, "The table and the JSON hold all pictures of this task; the others, this picture."),
    ),
    el(
      "details",
      { id: "all" },
      el("summary", {}, "All values, as in results.csv"),
      el(
        "div",
        { class: "wide", tabindex: "0", role: "group", "aria-label": "All values" },
        el("table", {}, el("tbody", {}, numbers.all.map(({ name, text, description }) => el("tr", { title: description }, el("th", { scope: "row" }, name), el("td", {}, text))))),
      ),
    ),
  ].filter(Boolean);
}

function proposal(frame, series) {
  if (!frame.proposal) return null;
  const others = Object.entries(frame.proposal).map(([task, unlikeness]) => `${series.titles[task]} ${unlikeness.toFixed(1)}`);
  return el("span", { title: `Unlikeness to the training images: ${others.join(", ")}; 1 is the limit` }, " · task found out from the picture");
}

function bars(values, corrected) {
  const rows = values.map(({ label, value }) => {
    const bar = el("b");
    bar.style.width = `${100 * value}%`;
    return el("div", {}, el("span", {}, label), el("i", {}, bar), el("span", {}, value.toFixed(2)));
  });
  return el("div", { class: "bars" }, el("p", { class: "quiet" }, corrected ? "Network's probabilities for the whole picture, not corrected" : "Network's probabilities for the whole picture"), rows);
}

function spacing(frame, on) {
  const size = frame.spacing() ?? frame.numbers.spacing_mm;
  const inputs = ["down", "across"].map((name, axis) =>
    el("input", {
      type: "number",
      id: `spacing-${name}`,
      min: "0.00001",
      max: "1000",
      step: "any",
      value: size ? Number(size[axis].toPrecision(7)) : "",
      input: () => typed(),
    }),
  );
  function typed() {
    const values = inputs.map((input) => (input.value === "" ? NaN : Number(input.value)));
    const one = values.findIndex((value) => !Number.isNaN(value));
    if (one < 0) on.typed(null);
    const both = values.map((value) => (Number.isNaN(value) ? values[one] : value));
    if (both.every((value) => value >= 1e-5 && value <= 1000)) on.typed(both);
  }
  const source = frame.typed ? "typed by hand" : frame.spacing_mm || frame.regions.length ? "stated by the file" : frame.given_mm ? "known of the sample" : "not stated by the file: lengths are in pixels";
  return el(
    "fieldset",
    {},
    el("legend", {}, "Pixel size, mm"),
    el("div", { class: "pair" }, ["Down", "Across"].map((name, axis) => el("label", {}, name, inputs[axis]))),
    el("p", { class: "quiet", id: "spacing-source" }, source[0].toUpperCase() + source.slice(1)),
    frame.typed && el("button", { type: "button", id: "spacing-all", click: () => on.useForAll() }, "Use for all pictures that state none"),
  );
}

function parts({ name, columns, rows }) {
  return el(
    "details",
    { open: true },
    el("summary", {}, `${rows.length} ${name}s, numbered as in the picture`),
    el(
      "div",
      { class: "wide", tabindex: "0", role: "group", "aria-label": `Table of ${name}s` },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, name), columns.map((column) => el("th", { scope: "col" }, column)))),
        el("tbody", {}, rows.map((cells, index) => el("tr", {}, el("th", { scope: "row" }, index + 1), cells.map((cell) => el("td", {}, cell))))),
      ),
    ),
  );
}

function measured(frame, calipers, on) {
  return el(
    "fieldset",
    { id: "distances" },
    el("legend", {}, "Calipers"),
    el(
      "ul",
      { class: "plain" },
      calipers.list.map((ends, number) =>
        el("li", {}, `${number + 1}: `, el("strong", {}, distance(frame, ends)), el("button", { type: "button", "aria-label": `Remove caliper ${number + 1}`, click: () => on.removeCaliper(number) }, "Remove")),
      ),
    ),
    el("button", { type: "button", id: "add-caliper", click: () => on.addCaliper() }, "Add one"),
  );
}
