// The convex hull of a piece of a mask, as usseg_monai/geometry/hull.py.

import { extents } from "./runs.js";

/** Number of pixels whose centres lie in the convex hull of the piece's, by Pick's theorem. */
export function pixelsOfHull(runs) {
  const { row, left, right } = extents(runs);
  const down = row.map((r, k) => [r, left[k]]), up = row.map((r, k) => [r, right[k]]).reverse();
  const corners = [...chain(down), ...chain(up)];
  let twiceArea = 0, onBorder = 0;
  corners.forEach(([r, c], k) => {
    const [r1, c1] = corners[(k + 1) % corners.length];
    twiceArea += r * c1 - c * r1;
    onBorder += divisor(Math.abs(r1 - r), Math.abs(c1 - c));
  });
  return Math.floor((Math.abs(twiceArea) + onBorder) / 2) + 1;
}

/** Corners of one side (Andrew's chain). */
function chain(points) {
  const found = [];
  for (const [row, col] of points) {
    while (found.length > 1) {
      const [[r0, c0], [r1, c1]] = found.slice(-2);
      if ((r1 - r0) * (col - c0) - (c1 - c0) * (row - r0) > 0) break;
      found.pop();
    }
    found.push([row, col]);
  }
  return found;
}

const divisor = (one, other) => (other === 0 ? one : divisor(other, one % other));
