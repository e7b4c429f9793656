// A point of a tool that can be dragged by pointer or finger, and moved by the keys.

import { el } from "../dom.js";

const FAR = 10; // screen pixels of a step with Shift

/** @param {object} on moved(point), finished() */
export function handle(stage, name, on) {
  let held = null;
  const button = el("button", {
    type: "button",
    class: "handle",
    "aria-label": name,
    title: name,
    pointerdown: (event) => {
      event.preventDefault();
      button.focus();
      button.setPointerCapture(event.pointerId);
      const [x, y] = stage.place(event);
      const [atX, atY] = stage.toStage(button.point);
      held = [atX - x, atY - y];
    },
    pointermove: (event) => {
      if (!held) return;
      const [x, y] = stage.place(event);
      on.moved(stage.toPicture([x + held[0], y + held[1]]));
    },
    pointerup: () => drop(),
    pointercancel: () => drop(),
    keydown: (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const [x, y] = stage.toStage(button.point);
      const length = event.shiftKey ? FAR : 1;
      on.moved(stage.toPicture([x + step[0] * length, y + step[1] * length]));
      on.finished();
    },
  });

  function drop() {
    if (!held) return;
    held = null;
    on.finished();
  }

  /** Put it to a point (row, col). */
  button.put = (point) => {
    button.point = point;
    const [x, y] = stage.toStage(point);
    button.style.transform = `translate(${x}px, ${y}px)`;
  };
  stage.handles.append(button);
  return button;
}
