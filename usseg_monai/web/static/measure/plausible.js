// Doubts about shapes and sizes, in words, as usseg_monai/measuring/plausible.py.

import { pixelsOfHull } from "./hull.js";
import { areasOf, labelRuns, Runs } from "./runs.js";
import { exponential, fixed, general } from "./text.js";

const HOLE_PERCENT = 5;
const PIXEL_SIDES = 10;

export function shapeDoubts(what, piece, leastSolidity) {
  const pixels = piece.pixels, hull = pixelsOfHull(piece);
  const doubts = [];
  if (pixels < leastSolidity * hull) {
    doubts.push(`the ${what} fills ${fixed((100 * pixels) / hull, 0)} % of its convex hull, less than ${general(100 * leastSolidity)} %`);
  }
  if (100 * (hull - pixels) > HOLE_PERCENT * hull) {
    const holes = holesOf(piece);
    if (100 * holes > HOLE_PERCENT * (pixels + holes)) {
      doubts.push(`the ${what} has a hole of ${fixed((100 * holes) / (pixels + holes), 0)} %, more than ${general(HOLE_PERCENT)} %`);
    }
  }
  return doubts;
}

export function shareDoubts(what, piece, [low, high]) {
  const share = (100 * piece.pixels) / (piece.rows * piece.cols);
  if (low <= share && share <= high) return [];
  const said = share < 10 ? general(share, 2) : fixed(share, 0);
  return [`the ${what} covers ${said} % of the picture, not ${general(low)} to ${general(high)} %`];
}

export function sizeDoubts(what, size, [low, high], [down, across]) {
  if (low <= size && size <= high) return [];
  const said = size >= 0.1 ? fixed(size, 1) : exponential(size, 1);
  return [`${what} ${said} mm is not in ${general(low)} to ${general(high)} mm: check the pixel size, ${general(down)} x ${general(across)} mm`];
}

export function pixelDoubts(spacing) {
  if (!spacing || Math.max(...spacing) <= PIXEL_SIDES * Math.min(...spacing)) return [];
  const sides = `${general(spacing[0])} x ${general(spacing[1])}`;
  return [`pixels of ${sides} mm: one side is more than ${general(PIXEL_SIDES)} times the other; check the pixel size`];
}

/** Long to short axis of the ellipse with the same second moments. */
export function elongation(piece, spacing) {
  const [down, right] = spacing ?? [1, 1];
  const pixels = piece.pixels;
  let [row, col] = [0, 0];
  for (let k = 0; k < piece.count; k++) {
    const length = piece.stop[k] - piece.start[k];
    row += piece.row[k] * length;
    col += ((piece.start[k] + piece.stop[k] - 1) / 2) * length;
  }
  [row, col] = [row / pixels, col / pixels];
  let [rows, cols, both] = [0, 0, 0];
  for (let k = 0; k < piece.count; k++) {
    const length = piece.stop[k] - piece.start[k];
    const r = piece.row[k] - row, c = (piece.start[k] + piece.stop[k] - 1) / 2 - col;
    rows += r ** 2 * length;
    cols += (c ** 2 + (length ** 2 - 1) / 12) * length;
    both += r * c * length;
  }
  const scale = right / down;
  const a = rows / pixels + 1 / 12, b = (both / pixels) * scale, c = (cols / pixels + 1 / 12) * scale ** 2;
  const large = (a + c) / 2 + Math.hypot((a - c) / 2, b);
  const small = (a * c - b * b) / large;
  return small > 0 ? Math.sqrt(large / small) : Infinity;
}

/** Number of enclosed background pixels, except those that meet the outside at a corner. */
function holesOf(piece) {
  const left = Math.min(...piece.start) - 1, right = Math.max(...piece.stop) + 1;
  const top = piece.row[0] - 1, bottom = piece.row[piece.count - 1] + 1;
  const outside = [[top, left, right]];
  for (let k = 0; k < piece.count; k++) {
    const first = k === 0 || piece.row[k - 1] !== piece.row[k];
    outside.push([piece.row[k], first ? left : piece.stop[k - 1], piece.start[k]]);
    if (k === piece.count - 1 || piece.row[k + 1] !== piece.row[k]) outside.push([piece.row[k], piece.stop[k], right]);
  }
  outside.push([bottom, left, right]);
  const column = (at) => outside.map((run) => run[at]);
  const runs = new Runs(bottom - top + 1, right - left, column(0), column(1), column(2));
  const labels = labelRuns(runs);
  return runs.pixels - areasOf(runs, labels)[labels[0]];
}
