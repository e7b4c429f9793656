// What is open: series of frames, each with its mask, its numbers and the history of its corrections.

const MOST_UNDO_BYTES = 96 << 20;

/** One picture. */
export class Frame {
  constructor(described) {
    Object.assign(this, described); // file, frame, frames, rows, cols, type, pixels, spacing_mm, given_mm, regions, place
    this.typed = null; // pixel size typed by hand, [down, across] in mm
    this.task = null;
    this.said = null;
    this.mask = null; // as it is shown: the network's, or corrected
    this.found = null; // the network's
    this.numbers = null;
    this.corrected = false;
    this.error = "";
    this.undone = [];
    this.done = [];
  }

  /** The pixel size that holds for the whole picture; null where regions state it, or nothing does. */
  spacing() {
    if (this.typed) return this.typed;
    if (this.regions.length) return null;
    return this.spacing_mm ?? this.given_mm;
  }

  /** Height of a pixel by its width. */
  aspect() {
    const [down, across] = this.spacing() ?? this.numbers?.spacing_mm ?? [1, 1];
    return down / across;
  }

  /** Take over a network's answer. */
  predicted(answer) {
    const { task, said, proposal, mask, ...numbers } = answer;
    Object.assign(this, { task, said, proposal, mask, numbers, corrected: false, error: "", done: [], undone: [] });
    this.found = mask;
  }

  /** Replace a rectangle of the mask, as a step that can be undone. */
  edit(box, before) {
    const step = { ...box, before, after: cut(this.mask, this.cols, box), was: this.corrected };
    this.done.push(step);
    this.undone = [];
    this.corrected = true;
    let bytes = 0;
    for (let index = this.done.length - 1; index >= 0; index--) {
      bytes += 2 * this.done[index].before.length;
      if (bytes > MOST_UNDO_BYTES && index < this.done.length - 1) {
        this.done.splice(0, index + 1);
        break;
      }
    }
  }

  /** Replace the whole mask, as a step that can be undone; returns the rectangle that changed. */
  replace(mask, since = this.mask) {
    const box = difference(since, mask, this.rows, this.cols);
    const before = box && cut(since, this.cols, box);
    this.mask = mask;
    if (box) this.edit(box, before);
    return box;
  }

  undo() {
    const step = this.done.pop();
    if (!step) return null;
    paste(this.mask, this.cols, step, step.before);
    this.corrected = step.was;
    this.undone.push(step);
    return step;
  }

  redo() {
    const step = this.undone.pop();
    if (!step) return null;
    paste(this.mask, this.cols, step, step.after);
    this.corrected = true;
    this.done.push(step);
    return step;
  }
}

/** Frames that were opened together and belong together: those of one file, or of one zip. */
export class Series {
  constructor(name, frames, wanted) {
    this.name = name;
    this.frames = frames;
    this.wanted = wanted; // name of a task, or auto
    this.at = 0;
    this.studies = null;
    this.error = "";
    this.leftOut = [];
  }

  get task() {
    return this.frames.find((frame) => frame.task)?.task ?? (this.wanted === "auto" ? null : this.wanted);
  }

  get frame() {
    return this.frames[this.at];
  }
}

/** The values of a rectangle: columns left to right, rows top to bottom, ends excluded. */
export function cut(mask, cols, { top, bottom, left, right }) {
  const width = right - left;
  const values = new Uint8Array(width * (bottom - top));
  for (let row = top; row < bottom; row++) values.set(mask.subarray(row * cols + left, row * cols + right), (row - top) * width);
  return values;
}

function paste(mask, cols, { top, bottom, left, right }, values) {
  const width = right - left;
  for (let row = top; row < bottom; row++) mask.set(values.subarray((row - top) * width, (row - top + 1) * width), row * cols + left);
}

function difference(one, other, rows, cols) {
  let [top, bottom, left, right] = [rows, 0, cols, 0];
  for (let row = 0; row < rows; row++) {
    for (let at = row * cols, end = at + cols; at < end; at++) {
      if (one[at] === other[at]) continue;
      const col = at - row * cols;
      top = Math.min(top, row);
      bottom = row + 1;
      left = Math.min(left, col);
      right = Math.max(right, col + 1);
    }
  }
  return bottom > top ? { top, bottom, left, right } : null;
}
