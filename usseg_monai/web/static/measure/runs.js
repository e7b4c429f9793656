// A mask as horizontal runs of pixels, as usseg_monai/geometry/runs.py.

export const SECOND_PIECE_SHARE = 0.05;
const MOST_RUNS = 120000;

/** Runs of structure pixels in reading order: row, first column, column after the last one. */
export class Runs {
  constructor(rows, cols, row, start, stop) {
    Object.assign(this, { rows, cols, row, start, stop });
  }

  get count() {
    return this.row.length;
  }

  get pixels() {
    let sum = 0;
    for (let k = 0; k < this.count; k++) sum += this.stop[k] - this.start[k];
    return sum;
  }

  touchesBorder() {
    const { rows, cols, row, start, stop } = this;
    return row.some((r, k) => r === 0 || r === rows - 1 || start[k] === 0 || stop[k] === cols);
  }
}

/** The runs of nonzero pixels; a reason in words is thrown for noise. */
export function findRuns({ mask, rows, cols }) {
  const row = [], start = [], stop = [];
  for (let r = 0; r < rows; r++) {
    const begin = r * cols, end = begin + cols;
    for (let at = begin; at < end; at++) {
      if (!mask[at]) continue;
      row.push(r);
      start.push(at - begin);
      while (at < end && mask[at]) at++;
      stop.push(at - begin);
    }
  }
  if (row.length > MOST_RUNS) {
    throw new RangeError(`a mask has ${row.length} runs of pixels: more than ${MOST_RUNS} are noise, not a structure; smooth it or draw it again`);
  }
  return new Runs(rows, cols, row, start, stop);
}

/** One label per run, from 0 in reading order; pixels are neighbours in eight directions. */
export function labelRuns({ row, start, stop }) {
  const root = Int32Array.from(row, (_, k) => k);
  const find = (k) => {
    while (root[k] !== k) k = root[k] = root[root[k]];
    return k;
  };
  let upper = 0;
  for (let lower = 0; lower < row.length; lower++) {
    // runs of the row above whose columns overlap, widened by one pixel for diagonal neighbours
    while (upper < lower && (row[upper] < row[lower] - 1 || (row[upper] === row[lower] - 1 && stop[upper] < start[lower]))) upper++;
    for (let k = upper; k < lower && row[k] === row[lower] - 1 && start[k] <= stop[lower]; k++) {
      const one = find(k), other = find(lower);
      if (one !== other) root[Math.max(one, other)] = Math.min(one, other);
    }
  }
  const number = new Map();
  return Array.from(root, (_, k) => {
    const own = find(k);
    if (!number.has(own)) number.set(own, number.size);
    return number.get(own);
  });
}

/** Pixels of each label. */
export function areasOf(runs, labels) {
  const areas = [];
  labels.forEach((label, k) => (areas[label] = (areas[label] ?? 0) + runs.stop[k] - runs.start[k]));
  return areas;
}

/** The largest connected piece, and the area of the second one as a share of it. */
export function largestPiece(runs) {
  const labels = labelRuns(runs);
  const areas = areasOf(runs, labels);
  const largest = areas.reduce((best, area, label) => (area > areas[best] ? label : best), 0);
  const second = areas.reduce((most, area, label) => (label === largest ? most : Math.max(most, area)), 0);
  const kept = (values) => values.filter((_, k) => labels[k] === largest);
  return [new Runs(runs.rows, runs.cols, kept(runs.row), kept(runs.start), kept(runs.stop)), second / areas[largest]];
}

/** Rows of a piece in order, each with its first column and its last. */
export function extents(runs) {
  const row = [], left = [], right = [];
  for (let k = 0; k < runs.count; k++) {
    const last = row.length - 1;
    if (row[last] === runs.row[k]) {
      right[last] = runs.stop[k] - 1; // runs of one row come from left to right
    } else {
      row.push(runs.row[k]);
      left.push(runs.start[k]);
      right.push(runs.stop[k] - 1);
    }
  }
  return { row, left, right };
}

/** Points [row, column] on the outer edge of a structure, seen from the four sides of the picture. */
export function edgePoints(runs) {
  const { rows, cols } = runs;
  const { row, left, right } = extents(runs);
  const leftmost = Math.min(...left), width = Math.max(...right) - leftmost + 1;
  const top = new Int32Array(width).fill(-1), bottom = new Int32Array(width).fill(-1);
  for (let k = 0; k < runs.count; k++) {
    for (let col = runs.start[k] - leftmost; col < runs.stop[k] - leftmost; col++) {
      if (top[col] < 0) top[col] = runs.row[k];
      bottom[col] = runs.row[k];
    }
  }
  const points = [];
  row.forEach((r, k) => left[k] > 0 && points.push([r, left[k] - 0.5]));
  row.forEach((r, k) => right[k] < cols - 1 && points.push([r, right[k] + 0.5]));
  top.forEach((r, col) => r > 0 && points.push([r - 0.5, col + leftmost]));
  bottom.forEach((r, col) => r >= 0 && r < rows - 1 && points.push([r + 0.5, col + leftmost]));
  return points;
}
