// Calipers: distances between two points. They begin with the axes that were measured; dragging over the picture makes a new one.

import { line, write } from "../stage.js";
import { handle } from "./handle.js";

const COLOR = "#ff7af5";
const SHORTEST = 4; // screen pixels of a new one

/** Distance of two points (row, col), in mm if the pixel size is known. */
export function distance(frame, [one, other]) {
  const size = frame.spacing() ?? frame.numbers?.spacing_mm;
  const [down, across] = size ?? [1, 1];
  return `${Math.hypot((other[0] - one[0]) * down, (other[1] - one[1]) * across).toFixed(1)} ${size ? "mm" : "px"}`;
}

export class Calipers {
  /** @param {function} changed the list changed */
  constructor(stage, changed) {
    Object.assign(this, { stage, changed, active: false, handles: [], begun: null });
    this.drawing = (context) => this.#draw(context);
  }

  /** Those of the frame that is shown. */
  get list() {
    const { frame } = this.stage;
    if (!frame) return [];
    frame.calipers ??= (frame.numbers?.axes ?? [])
      .filter(({ points }) => points.length === 2)
      .map(({ points }) => points.map((point) => [...point]));
    return frame.calipers;
  }

  start() {
    this.active = true;
    this.stage.drawings.push(this.drawing);
    this.shown();
  }

  stop() {
    this.active = false;
    this.stage.drawings = this.stage.drawings.filter((drawing) => drawing !== this.drawing);
    this.#clear();
    this.changed();
    this.stage.draw();
  }

  shown() {
    this.#clear();
    this.handles = this.list.map((ends, number) =>
      ends.map((_, end) =>
        handle(this.stage, `Caliper ${number + 1}, ${end ? "other" : "one"} end`, {
          moved: (point) => {
            ends[end] = point;
            this.changed();
            this.stage.draw();
          },
          finished: () => {},
        }),
      ),
    );
    this.changed();
    this.stage.draw();
  }

  add() {
    const { root } = this.stage;
    const [x, y, reach] = [root.clientWidth / 2, root.clientHeight / 2, root.clientWidth / 8];
    this.list.push([this.stage.toPicture([x - reach, y]), this.stage.toPicture([x + reach, y])]);
    this.shown();
  }

  remove(number) {
    this.list.splice(number, 1);
    this.shown();
  }

  down(point) {
    this.begun = [point, point];
    return true;
  }

  hover() {}

  move(point) {
    if (!this.begun) return;
    this.begun[1] = point;
    this.stage.draw();
  }

  up(point) {
    const begun = this.begun;
    this.begun = null;
    if (!begun || !point) return;
    const [one, other] = begun.map((end) => this.stage.toStage(end));
    if (Math.hypot(other[0] - one[0], other[1] - one[1]) >= SHORTEST) this.list.push(begun);
    this.shown();
  }

  key() {
    return false;
  }

  #clear() {
    for (const button of this.handles.flat()) button.remove();
    this.handles = [];
  }

  #draw(context) {
    const { frame } = this.stage;
    [...this.list, ...(this.begun ? [this.begun] : [])].forEach((ends, number) => {
      line(context, this.stage, ends, COLOR, { width: 2, dashes: [6, 4] });
      const [x, y] = this.stage.toStage([(ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2]);
      write(context, `${number + 1}: ${distance(frame, ends)}`, [x + 8, y - 8]);
      ends.forEach((end, index) => this.handles[number]?.[index]?.put(end));
    });
  }
}
