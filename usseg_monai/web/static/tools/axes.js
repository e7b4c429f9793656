// An ellipse by its axes: handles at their ends and at its centre. For tasks whose record names `mask_of_axes`.

import { line, shade } from "../stage.js";
import { handle } from "./handle.js";

const POINTS = 90;
const NAMES = ["Centre of the ellipse", "Long axis, one end", "Long axis, other end", "Short axis, one end", "Short axis, other end"];
const SHARE = 0.3; // half axes of an ellipse to begin with, by the shorter side of the picture
const ROUND = 0.8;
const LEAST = 2; // pixels of a half axis

export class Axes {
  /** @param {object} on moved(axes): while dragging; finished(axes): at its end */
  constructor(stage, on) {
    Object.assign(this, { stage, on, shape: null, handles: [] });
    this.drawing = (context) => this.#draw(context);
  }

  start() {
    this.handles = NAMES.map((name, index) =>
      handle(this.stage, name, { moved: (point) => this.#moved(index, point), finished: () => this.on.finished(this.#axes()) }),
    );
    this.stage.drawings.push(this.drawing);
    this.shown();
  }

  stop() {
    for (const button of this.handles) button.remove();
    this.handles = [];
    this.stage.drawings = this.stage.drawings.filter((drawing) => drawing !== this.drawing);
    this.stage.draw();
  }

  /** The frame, or its numbers, changed: begin with the ellipse that was measured. */
  shown() {
    const { frame } = this.stage;
    if (!frame?.mask) return;
    const tall = frame.aspect();
    const axes = frame.numbers.axes.filter(({ points }) => points.length === 2).map(({ points }) => points);
    const flat = ([row, col]) => [row * tall, col];
    if (axes.length === 2) {
      const [long, short] = axes.map((ends) => ends.map(flat));
      this.shape = { center: middle(long), long: half(long), short: half(short) };
    } else {
      const size = SHARE * Math.min(frame.rows * tall, frame.cols);
      this.shape = { center: flat([frame.rows / 2, frame.cols / 2]), long: [0, size], short: [-size * ROUND, 0] };
    }
    this.stage.draw();
  }

  down() {
    return false;
  }
  hover() {}
  move() {}
  up() {}
  key() {
    return false;
  }

  #moved(index, [row, col]) {
    const { center, long, short } = this.shape;
    const to = [row * this.stage.frame.aspect() - center[0], col - center[1]];
    if (index === 0) this.shape.center = [center[0] + to[0], center[1] + to[1]];
    else if (index < 3) {
      const sign = index === 1 ? 1 : -1;
      if (norm(to) < LEAST) return;
      this.shape.long = [sign * to[0], sign * to[1]];
      const size = norm(short) / norm(to);
      const turned = [-this.shape.long[1] * size, this.shape.long[0] * size];
      this.shape.short = turned[0] * short[0] + turned[1] * short[1] < 0 ? [-turned[0], -turned[1]] : turned;
    } else {
      const sign = index === 3 ? 1 : -1;
      const size = Math.max(LEAST, (sign * (to[0] * short[0] + to[1] * short[1])) / norm(short));
      this.shape.short = [(short[0] * size) / norm(short), (short[1] * size) / norm(short)];
    }
    this.on.moved(this.#axes());
    this.stage.draw();
  }

  /** Both ends of each axis as points (row, col). */
  #axes() {
    const { center, long, short } = this.shape;
    return [long, short].map((half) => [1, -1].map((sign) => this.#point([center[0] + sign * half[0], center[1] + sign * half[1]])));
  }

  #point([y, x]) {
    return [y / this.stage.frame.aspect(), x];
  }

  #draw(context) {
    if (!this.shape) return;
    const { center, long, short } = this.shape;
    const points = [];
    for (let index = 0; index <= POINTS; index++) {
      const [cos, sin] = [Math.cos((2 * Math.PI * index) / POINTS), Math.sin((2 * Math.PI * index) / POINTS)];
      points.push(this.#point([center[0] + cos * long[0] + sin * short[0], center[1] + cos * long[1] + sin * short[1]]));
    }
    line(context, this.stage, points, shade("--measured"), { width: 2.2 });
    const [ends, others] = this.#axes();
    [this.#point(center), ...ends, ...others].forEach((point, index) => this.handles[index]?.put(point));
  }
}

const norm = ([y, x]) => Math.hypot(y, x);
const middle = ([one, other]) => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
const half = ([one, other]) => [(one[0] - other[0]) / 2, (one[1] - other[1]) / 2];
