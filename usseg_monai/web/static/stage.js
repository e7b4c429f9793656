// The picture in the middle: zoom, pan, layers, pointers. Knows nothing of what a tool does with them.

const MOST_ZOOM = 60; // screen pixels for one of the picture
const LEAST_SHOWN = 40; // screen pixels of the picture that stay in sight
const KEY_STEP = 40;

export class Stage {
  /**
   * @param {HTMLElement} root holds the canvas, and the handles of tools above it
   * @param {object} listen down, move, up: of a pointer that a tool wants; they return whether they do
   */
  constructor(root, listen) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.handles = root.querySelector(".handles");
    this.listen = listen;
    this.display = null;
    this.opacity = 0.25;
    this.ground = document.createElement("canvas"); // the picture as it was drawn last: it changes less often than what lies above it
    this.drawn = "";
    this.drawings = []; // functions of the context and this stage, drawn above the layers
    this.pointers = new Map();
    this.asked = false;
    this.frameTimes = null; // milliseconds between pictures, while they are recorded
    new ResizeObserver(() => this.resize()).observe(root);
    this.canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, (event) => this.#pointer(event));
    }
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("dblclick", () => this.fit());
  }

  /** Show a frame's display; the view is kept for frames of the same size. */
  show(display) {
    const same = this.display && this.display.frame.rows === display.frame.rows && this.display.frame.cols === display.frame.cols;
    this.display = display;
    if (same) this.draw();
    else this.fit();
  }

  get frame() {
    return this.display?.frame;
  }

  /** Screen pixels for a row, and for a column. */
  get scale() {
    return [this.zoom * this.frame.aspect(), this.zoom];
  }

  /** Place on the stage of a point (row, col); (0, 0) is the centre of the first pixel. */
  toStage([row, col]) {
    const [down, across] = this.scale;
    return [this.left + (col + 0.5) * across, this.top + (row + 0.5) * down];
  }

  /** Point (row, col) at a place on the stage. */
  toPicture([x, y]) {
    const [down, across] = this.scale;
    return [(y - this.top) / down - 0.5, (x - this.left) / across - 0.5];
  }

  resize() {
    const { clientWidth, clientHeight } = this.root;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    if (this.display) this.fit();
  }

  fit() {
    if (!this.display) return;
    const { clientWidth: width, clientHeight: height } = this.root;
    const { rows, cols } = this.frame;
    this.zoom = Math.max(1e-6, Math.min(width / cols, height / (rows * this.frame.aspect())));
    this.left = (width - cols * this.zoom) / 2;
    this.top = (height - rows * this.zoom * this.frame.aspect()) / 2;
    this.draw();
  }

  zoomAt(factor, [x, y] = [this.root.clientWidth / 2, this.root.clientHeight / 2]) {
    if (!this.display) return;
    const point = this.toPicture([x, y]);
    const least = Math.min(1, this.root.clientWidth / this.frame.cols) / 4;
    this.zoom = Math.min(MOST_ZOOM, Math.max(least, this.zoom * factor));
    const [atX, atY] = this.toStage(point);
    this.pan(x - atX, y - atY);
  }

  pan(right, down) {
    if (!this.display) return;
    const { clientWidth, clientHeight } = this.root;
    const [height, width] = [this.frame.rows * this.scale[0], this.frame.cols * this.scale[1]];
    this.left = Math.min(clientWidth - LEAST_SHOWN, Math.max(LEAST_SHOWN - width, this.left + right));
    this.top = Math.min(clientHeight - LEAST_SHOWN, Math.max(LEAST_SHOWN - height, this.top + down));
    this.draw();
  }

  /** Draw with the next picture of the screen. */
  draw() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame((time) => {
      this.asked = false;
      if (this.frameTimes) this.frameTimes.push(time);
      this.#draw();
    });
  }

  #draw() {
    const context = this.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.display || !this.canvas.width || !this.canvas.height) return;
    const { step, picture, layer, outline } = this.display;
    const [down, across] = this.scale;
    const box = [this.left, this.top, picture.width * step * across, picture.height * step * down];
    this.#drawGround(box, ratio, across * step < 4);
    context.drawImage(this.ground, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.opacity > 0) {
      context.globalAlpha = this.opacity;
      context.imageSmoothingEnabled = false;
      context.drawImage(layer, ...box);
      context.globalAlpha = 1;
    }
    const [x, y] = this.toStage([0, 0]);
    context.strokeStyle = shade("--found");
    context.lineWidth = 1.8;
    context.stroke(outline.path(new DOMMatrix([across * step, 0, 0, down * step, x, y])));
    for (const drawing of this.drawings) drawing(context, this);
  }

  /** Draw the picture anew if it, or the view, changed. */
  #drawGround(box, ratio, isSmooth) {
    const { width, height } = this.canvas;
    const { picture, number } = this.display;
    const wanted = [...box, ratio, width, height, number].join();
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    Object.assign(this.ground, { width, height });
    const context = this.ground.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = isSmooth;
    context.drawImage(picture, ...box);
  }

  place(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  #wheel(event) {
    event.preventDefault();
    this.zoomAt(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), this.place(event));
  }

  #pointer(event) {
    if (!this.display) return;
    const at = this.place(event);
    if (event.type === "pointerdown") {
      this.canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, at);
      if (this.pointers.size > 1) {
        if (this.taken) this.listen.up(null); // a second finger: the first one did not mean to draw
        this.taken = false;
      } else this.taken = event.button === 0 && this.listen.down(this.toPicture(at));
      return;
    }
    const before = this.pointers.get(event.pointerId);
    if (event.type === "pointermove") {
      this.listen.hover(this.toPicture(at));
      if (!before) return;
      if (this.pointers.size === 2) this.#pinch(event.pointerId, before, at);
      else if (this.taken) {
        const passed = event.getCoalescedEvents?.() ?? [];
        for (const one of passed.length ? passed : [event]) this.listen.move(this.toPicture(this.place(one)));
      } else this.pan(at[0] - before[0], at[1] - before[1]);
      this.pointers.set(event.pointerId, at);
      return;
    }
    if (before && this.taken && this.pointers.size === 1) this.listen.up(this.toPicture(at));
    this.pointers.delete(event.pointerId);
    if (this.pointers.size === 0) this.taken = false;
  }

  #pinch(moved, before, at) {
    const other = [...this.pointers].find(([id]) => id !== moved)[1];
    const distance = ([x, y]) => Math.hypot(x - other[0], y - other[1]);
    this.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    this.zoomAt(distance(at) / Math.max(distance(before), 1), [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2]);
  }

  #key(event) {
    if (!this.display || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const step = steps[event.key];
    if (step && !this.listen.key(event.key, event.shiftKey)) this.pan(step[0] * KEY_STEP, step[1] * KEY_STEP);
    else if (event.key === "+" || event.key === "=") this.zoomAt(1.25);
    else if (event.key === "-") this.zoomAt(0.8);
    else if (event.key === "0") this.fit();
    else if (!step && !this.listen.key(event.key, event.shiftKey)) return;
    event.preventDefault();
  }
}

const known = new Map();

/** A colour of the style sheet. */
export function shade(name) {
  if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return known.get(name);
}

/** Draw a polyline of points (row, col). */
export function line(context, stage, points, color, { width = 1.8, dashes = [] } = {}) {
  context.beginPath();
  for (const point of points) context.lineTo(...stage.toStage(point));
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dashes);
  context.stroke();
  context.setLineDash([]);
}

/** Write a text at a place on the stage, readable on any picture. */
export function write(context, text, [x, y]) {
  context.font = "600 13px system-ui, sans-serif";
  context.lineWidth = 3;
  context.strokeStyle = "#000";
  context.fillStyle = "#fff";
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}
