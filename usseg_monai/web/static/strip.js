// Thumbnails of all that is open.

import { el } from "./dom.js";
import { usualWindow } from "./display.js";

const [WIDTH, HEIGHT] = [168, 124];

/** @param {function} go called with the number of a series */
export function strip(root, all, chosen, go) {
  root.hidden = all.length < 2;
  const focused = [...root.children].indexOf(document.activeElement);
  root.replaceChildren(
    ...all.map((series, number) => {
      const { frame } = series;
      series.thumb ??= thumbnail(series.frames[0]);
      const severity = frame.error || series.error ? "UNBELIEVABLE" : (frame.numbers?.severity ?? "");
      const heading = series.error || frame.error ? "could not be used" : (frame.numbers?.heading ?? "looking");
      return el(
        "button",
        { type: "button", class: "thumb", "aria-pressed": String(number === chosen), "aria-label": `${series.name}: ${heading}`, title: series.name, click: () => go(number) },
        series.thumb,
        el("span", {}, series.frames.length > 1 ? `${series.frames.length} × ${series.name}` : series.name),
        el("i", { class: severity }),
      );
    }),
  );
  root.children[focused]?.focus();
}

function thumbnail({ pixels, rows, cols, ...frame }) {
  const canvas = el("canvas", { width: WIDTH, height: HEIGHT, "aria-hidden": "true" });
  const [low, high] = usualWindow(pixels);
  const [down, across] = frame.spacing_mm ?? [1, 1];
  const zoom = Math.min(WIDTH / cols, HEIGHT / (rows * (down / across)));
  const [width, height] = [Math.max(1, Math.round(cols * zoom)), Math.max(1, Math.round(rows * zoom * (down / across)))];
  const [left, top] = [Math.floor((WIDTH - width) / 2), Math.floor((HEIGHT - height) / 2)];
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = pixels[Math.floor(((y + 0.5) * rows) / height) * cols + Math.floor(((x + 0.5) * cols) / width)];
      const grey = (255 * (value - low)) / (high - low);
      data.data.set([grey, grey, grey, 255], 4 * (y * width + x));
    }
  }
  context.putImageData(data, left, top);
  return canvas;
}
