// Brush and eraser: strokes of a round tip whose size is in pixels of the screen, on the mask at full size.

const KEY_STEP = 4; // screen pixels
const FAR_KEY_STEP = 24;

export class Brush {
  /** @param {object} on changed(box): the mask changed within a rectangle; finished(box, before): a stroke is done */
  constructor(stage, value, on) {
    Object.assign(this, { stage, value, on, radius: 12, cursor: null });
    this.drawing = (context) => this.#drawTip(context);
  }

  start() {
    this.stage.drawings.push(this.drawing);
    this.stage.draw();
  }

  stop() {
    this.up();
    this.stage.drawings = this.stage.drawings.filter((drawing) => drawing !== this.drawing);
    this.cursor = null;
    this.stage.draw();
  }

  down(point) {
    const { frame } = this.stage;
    if (!frame.mask) return false;
    if (frame.mask === frame.found) frame.mask = frame.found.slice();
    this.before = frame.mask.slice();
    this.box = null;
    this.last = point;
    this.move(point);
    return true;
  }

  hover(point) {
    this.cursor = point;
    this.stage.draw();
  }

  move(point) {
    if (!this.before) return;
    const box = this.#paint(this.last, point);
    this.last = this.cursor = point;
    if (!box) return;
    this.box = this.box ? united(this.box, box) : box;
    this.on.changed(box);
  }

  up() {
    if (!this.before) return;
    const [box, before] = [this.box, this.before];
    this.before = this.box = null;
    if (box) this.on.finished(box, before);
  }

  /** Arrows move the tip, space paints once. */
  key(name, far) {
    const { stage } = this;
    this.cursor ??= stage.toPicture([stage.root.clientWidth / 2, stage.root.clientHeight / 2]);
    if (name === " " || name === "Enter") {
      if (this.down(this.cursor)) this.up();
      return true;
    }
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[name];
    if (!step) return false;
    const length = far ? FAR_KEY_STEP : KEY_STEP;
    this.cursor = this.cursor.map((value, axis) => value + (step[axis] * length) / stage.scale[axis]);
    stage.draw();
    return true;
  }

  /** Set the pixels that the tip passes between two points; returns the rectangle around them, null outside the picture. */
  #paint(from, to) {
    const { mask, rows, cols } = this.stage.frame;
    const [down, across] = this.stage.scale;
    const radius = Math.max(this.radius, across / 2);
    const [p, q] = [from, to].map(([row, col]) => [row * down, col * across]);
    const length = Math.hypot(q[0] - p[0], q[1] - p[1]);
    const side = length ? [(-(q[1] - p[1]) / length) * radius, ((q[0] - p[0]) / length) * radius] : [0, 0];
    const corners = [[p[0] + side[0], p[1] + side[1]], [q[0] + side[0], q[1] + side[1]], [q[0] - side[0], q[1] - side[1]], [p[0] - side[0], p[1] - side[1]]];
    const top = Math.max(0, Math.ceil((Math.min(p[0], q[0]) - radius) / down));
    const bottom = Math.min(rows - 1, Math.floor((Math.max(p[0], q[0]) + radius) / down));
    let [leftmost, rightmost] = [cols, -1];
    for (let row = top; row <= bottom; row++) {
      const y = row * down;
      let [low, high] = [Infinity, -Infinity];
      for (const [cy, cx] of [p, q]) {
        const rest = radius * radius - (y - cy) * (y - cy);
        if (rest < 0) continue;
        low = Math.min(low, cx - Math.sqrt(rest));
        high = Math.max(high, cx + Math.sqrt(rest));
      }
      for (let index = 0; index < 4 && length; index++) {
        const [one, other] = [corners[index], corners[(index + 1) % 4]];
        if (one[0] === other[0] || (y - one[0]) * (y - other[0]) > 0) continue;
        const x = one[1] + ((other[1] - one[1]) * (y - one[0])) / (other[0] - one[0]);
        low = Math.min(low, x);
        high = Math.max(high, x);
      }
      const [first, last] = [Math.max(0, Math.ceil(low / across)), Math.min(cols - 1, Math.floor(high / across))];
      if (last < first) continue;
      mask.fill(this.value, row * cols + first, row * cols + last + 1);
      leftmost = Math.min(leftmost, first);
      rightmost = Math.max(rightmost, last);
    }
    return rightmost < 0 ? null : { top, bottom: bottom + 1, left: leftmost, right: rightmost + 1 };
  }

  #drawTip(context) {
    if (!this.cursor) return;
    for (const [color, width] of [["#000", 3], ["#fff", 1.2]]) {
      context.beginPath();
      context.arc(...this.stage.toStage(this.cursor), this.radius, 0, 2 * Math.PI);
      context.strokeStyle = color;
      context.lineWidth = width;
      context.stroke();
    }
  }
}

const united = (one, other) => ({
  top: Math.min(one.top, other.top),
  bottom: Math.max(one.bottom, other.bottom),
  left: Math.min(one.left, other.left),
  right: Math.max(one.right, other.right),
});
