// Grey values as a picture of at most four million pixels, and the mask as a coloured layer of the same size.

import { Outline } from "./outline.js";

const MOST_PIXELS = 4e6;
const TAIL = 0.005; // share of the pixels at each end that may become black or white
const DARK = 100; // see usseg_monai/imaging/drawing/display.py
const SAMPLES = 40000;
let drawings = 0; // each picture that was drawn has a number of its own

/** The window that a picture is first shown with: [darkest, brightest], by the rule of the package's overlays. */
export function usualWindow(pixels) {
  const step = Math.max(1, Math.floor(pixels.length / SAMPLES));
  const some = [];
  for (let at = 0; at < pixels.length; at += step) some.push(pixels[at]);
  some.sort((one, other) => one - other);
  const [least, most] = [some[0], some[some.length - 1]];
  const onScreen = least >= 0 && most <= 255;
  if (onScreen && some[Math.floor((1 - TAIL) * (some.length - 1))] >= DARK) return [0, 255];
  const [low, high] = [some[Math.floor(TAIL * (some.length - 1))], some[Math.ceil((1 - TAIL) * (some.length - 1))]];
  if (low < high) return [low, high];
  return onScreen ? [0, 255] : [least, Math.max(most, least + 1)];
}

export class Display {
  /**
   * @param {number[]} fill red, green and blue of the mask's layer
   * @param {number[]} window darkest and brightest grey value
   */
  constructor(frame, fill, window) {
    this.frame = frame;
    this.window = window;
    this.step = Math.max(1, Math.ceil(Math.sqrt((frame.rows * frame.cols) / MOST_PIXELS)));
    this.rows = Math.ceil(frame.rows / this.step);
    this.cols = Math.ceil(frame.cols / this.step);
    this.picture = canvas(this.rows, this.cols);
    this.layer = canvas(this.rows, this.cols);
    this.shown = new Uint8Array(this.rows * this.cols); // the mask at every step-th pixel
    this.outline = new Outline(this.shown, this.rows, this.cols);
    this.fill = new Uint32Array(new Uint8ClampedArray([...fill, 255]).buffer)[0];
    this.drawPicture();
    this.drawMask();
  }

  setWindow(window) {
    if (this.window[0] === window[0] && this.window[1] === window[1]) return;
    this.window = window;
    this.drawPicture();
  }

  drawPicture() {
    this.number = ++drawings;
    const { pixels, cols } = this.frame;
    const [low, high] = this.window;
    const context = this.picture.getContext("2d");
    const data = context.createImageData(this.cols, this.rows);
    const target = new Uint32Array(data.data.buffer);
    const scale = 255 / Math.max(high - low, 1e-12);
    let at = 0;
    for (let row = 0; row < this.rows; row++) {
      let from = row * this.step * cols;
      for (let col = 0; col < this.cols; col++, from += this.step) {
        const value = (pixels[from] - low) * scale;
        const grey = value <= 0 ? 0 : value >= 255 ? 255 : value | 0;
        target[at++] = 0xff000000 | (grey * 0x010101);
      }
    }
    context.putImageData(data, 0, 0);
  }

  /** Draw the mask's layer again, all of it or within a rectangle of the picture. */
  drawMask(box = { top: 0, left: 0, bottom: this.frame.rows, right: this.frame.cols }) {
    const { mask, cols } = this.frame;
    const top = Math.max(0, Math.floor(box.top / this.step));
    const left = Math.max(0, Math.floor(box.left / this.step));
    const bottom = Math.min(this.rows, Math.ceil(box.bottom / this.step));
    const right = Math.min(this.cols, Math.ceil(box.right / this.step));
    if (bottom <= top || right <= left) return;
    const context = this.layer.getContext("2d");
    const data = context.createImageData(right - left, bottom - top);
    const target = new Uint32Array(data.data.buffer);
    let to = 0;
    for (let row = top; row < bottom; row++) {
      let at = row * this.cols + left;
      let from = row * this.step * cols + left * this.step;
      for (let col = left; col < right; col++, at++, to++, from += this.step) {
        const inside = mask ? mask[from] : 0;
        this.shown[at] = inside;
        target[to] = inside ? this.fill : 0;
      }
    }
    context.putImageData(data, left, top);
    this.outline.changed({ top, left, bottom, right });
  }
}

function canvas(rows, cols) {
  const made = document.createElement("canvas");
  made.height = rows;
  made.width = cols;
  return made;
}
