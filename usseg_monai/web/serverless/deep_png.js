// Grey PNG of 16 bits, which browsers cut to 8.

import { Refused } from "./refused.js";

const GREY = 0;

/** {rows, cols, pixels} of a grey picture of 16 bits; null for the others, which the browser decodes. */
export async function deepPng(bytes, check) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 33) throw new Refused("the PNG ends early; copy or export it again");
  const cols = view.getUint32(16), rows = view.getUint32(20);
  const [bits, kind, , , interlaced] = bytes.subarray(24, 29);
  check(rows, cols);
  const parts = [];
  for (let at = 8, name = ""; name !== "IEND"; ) {
    const length = at + 12 <= bytes.length ? view.getUint32(at) : Infinity;
    if (at + 12 + length > bytes.length) throw new Refused("the PNG ends early; copy or export it again");
    name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (name === "acTL") throw new Refused("an animation; save each picture as a PNG of its own");
    if (name === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  if (bits !== 16) return null;
  if (kind !== GREY || interlaced) throw new Refused("a PNG of 16 bits in colour, with transparency or interlaced is not read here; save it as plain grey");
  return { rows, cols, pixels: unfiltered(await inflated(parts, rows * (1 + 2 * cols)), rows, cols) };
}

async function inflated(parts, size) {
  const found = new Uint8Array(size);
  const reader = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let at = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (at + next.value.length > size) throw new RangeError();
      found.set(next.value, at);
      at += next.value.length;
    }
  } catch {
    at = -1;
  }
  if (at !== size) throw new Refused("the pixels of the PNG are damaged; copy or export it again");
  return found;
}

/** Grey values of filtered lines (PNG specification, 9.2); each sample has two bytes, the high one first. */
function unfiltered(lines, rows, cols) {
  const width = 2 * cols;
  const pixels = new Uint16Array(rows * cols);
  let above = new Uint8Array(width);
  for (let row = 0; row < rows; row++) {
    const filter = lines[row * (width + 1)];
    const line = lines.subarray(row * (width + 1) + 1, (row + 1) * (width + 1));
    if (filter > 4) throw new Refused("the pixels of the PNG are damaged; copy or export it again");
    for (let k = 0; k < width; k++) {
      const left = k > 1 ? line[k - 2] : 0, up = above[k], corner = k > 1 ? above[k - 2] : 0;
      line[k] += [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
    }
    for (let col = 0; col < cols; col++) pixels[row * cols + col] = (line[2 * col] << 8) | line[2 * col + 1];
    above = line;
  }
  return pixels;
}

function paeth(left, up, corner) {
  const byLeft = Math.abs(up - corner), byUp = Math.abs(left - corner), byCorner = Math.abs(left + up - 2 * corner);
  return byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner;
}
