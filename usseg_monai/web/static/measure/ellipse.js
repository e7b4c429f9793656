// Ellipses and fits to points [row, column], as usseg_monai/geometry/ellipse.py, where the sources of the formulas stand.

import { eigen3, solve } from "./linear.js";

export class Ellipse {
  constructor(centerRow, centerCol, semiMajor, semiMinor, angleDeg) {
    Object.assign(this, { centerRow, centerCol, semiMajor, semiMinor, angleDeg });
    const angle = (angleDeg * Math.PI) / 180;
    this.cos = Math.cos(angle);
    this.sin = Math.sin(angle);
  }

  /** The ellipse with these axes, each given by both ends. */
  static ofAxes(long, short) {
    let [[down, right], [acrossDown, acrossRight]] = [long, short].map(([one, other]) => [other[0] - one[0], other[1] - one[1]]);
    let [semiMajor, semiMinor] = [Math.hypot(down, right) / 2, Math.hypot(acrossDown, acrossRight) / 2];
    if (semiMinor > semiMajor) [semiMajor, semiMinor, down, right] = [semiMinor, semiMajor, acrossDown, acrossRight];
    if (right < 0 || (right === 0 && down > 0)) [down, right] = [-down, -right];
    const center = [0, 1].map((axis) => (long[0][axis] + long[1][axis] + (short[0][axis] + short[1][axis])) / 4);
    return new Ellipse(...center, semiMajor, semiMinor, (Math.atan2(-down, right) * 180) / Math.PI);
  }

  /** Ramanujan's second approximation. */
  get perimeter() {
    const { semiMajor: a, semiMinor: b } = this;
    const h = ((a - b) / (a + b)) ** 2;
    return Math.PI * (a + b) * (1 + (3 * h) / (10 + Math.sqrt(4 - 3 * h)));
  }

  /** A closed polyline along the ellipse. */
  points(count = 180) {
    return Array.from({ length: count + 1 }, (_, k) => {
      const turn = (2 * Math.PI * k) / count;
      const along = this.semiMajor * Math.cos(turn), across = this.semiMinor * Math.sin(turn);
      return [this.centerRow - along * this.sin - across * this.cos, this.centerCol + along * this.cos - across * this.sin];
    });
  }

  /** Both ends of the long axis, and of the short axis. */
  axes() {
    const quarters = this.points(4);
    return [[quarters[0], quarters[2]], [quarters[1], quarters[3]]];
  }

  /** (u/a)^2 + (v/b)^2 - 1 and its gradient. */
  implicit([r, c]) {
    const { cos, sin, semiMajor, semiMinor } = this;
    const row = r - this.centerRow, col = c - this.centerCol;
    const along = (col * cos - row * sin) / semiMajor, across = (-col * sin - row * cos) / semiMinor;
    const p = (2 * along) / semiMajor, q = (2 * across) / semiMinor;
    return [along ** 2 + across ** 2 - 1, -p * sin - q * cos, p * cos - q * sin];
  }

  /** Distance of a point from the curve to first order, negative inside. */
  distance(point) {
    const [value, down, right] = this.implicit(point);
    return value / Math.max(Math.hypot(down, right), 1e-300);
  }

  /** Left and right column between which a row lies inside; equal where it misses the ellipse. */
  span(row) {
    const { cos, sin } = this;
    const a = this.semiMajor ** 2, b = this.semiMinor ** 2;
    const reach = a * sin ** 2 + b * cos ** 2;
    const offset = row - this.centerRow;
    const half = (this.semiMajor * this.semiMinor * Math.sqrt(Math.max(reach - offset ** 2, 0))) / reach;
    const middle = half > 0 ? this.centerCol + (offset * (b - a) * sin * cos) / reach : this.centerCol;
    return [middle - half, middle + half];
  }
}

/** Direct least-squares fit; null if the points determine no ellipse. */
export function fitEllipse(points) {
  if (points.length < 5) return null;
  const frame = frameOf(points);
  const conic = leastSquares(frame.local.map(monomials));
  return conic && fromConic(conic, frame);
}

/** A fit of which up to about 45 % of the points may lie on something else; null if they determine no ellipse. */
export function fitEllipseRobust(points, start = null, noise = 0.4) {
  const ellipse = start ?? consensus(points);
  if (!ellipse) return null;
  const frame = frameOf(points);
  const design = frame.local.map(monomials);
  let value = [], slope = [];
  for (const point of points) {
    const [level, down, right] = ellipse.implicit(point);
    value.push(level);
    slope.push(Math.hypot(down, right) * frame.scale);
  }
  let conic = null;
  for (let turn = 0; turn < 50; turn++) {
    slope = slope.map((one) => Math.max(one, 1e-300));
    const distance = value.map((level, k) => Math.abs(level / slope[k]));
    const cut = 4.685 * Math.max(1.4826 * median(distance), noise / frame.scale);
    const weights = distance.map((far, k) => Math.max(1 - (far / cut) ** 2, 0) ** 2 / slope[k] ** 2);
    const previous = conic;
    conic = leastSquares(design, weights);
    if (!conic) return null;
    if (previous && Math.max(...conic.map((one, k) => Math.abs(one - previous[k]))) < 1e-6) break;
    const [a, b, c, d, e] = conic;
    value = design.map((row) => dot(row, conic));
    slope = frame.local.map(([y, x]) => Math.hypot(2 * a * x + b * y + d, b * x + 2 * c * y + e));
  }
  return fromConic(conic, frame);
}

const SECTORS = 12;
const JUDGES = 40;
const TOLERANCE = 0.05;
const FIVES = [...combinations(SECTORS, 5)];

function* combinations(count, size, from = 0) {
  if (size === 0) yield [];
  else for (let first = from; first <= count - size; first++) for (const rest of combinations(count, size - 1, first + 1)) yield [first, ...rest];
}

/** The ellipse that most points agree on: the fit to all if none is an outlier, else the best one through five of twelve. */
function consensus(points) {
  if (points.length < 5) return null;
  const plain = fitEllipse(points);
  const frame = frameOf(points);
  const { local, scale } = frame;
  if (plain && Math.max(...points.map((point) => Math.abs(plain.distance(point)))) < TOLERANCE * scale) return plain;
  const chosen = new Array(SECTORS).fill(-1);
  const offsets = new Array(SECTORS);
  local.forEach(([row, col], k) => {
    const turn = Math.atan2(row, col) * (SECTORS / (2 * Math.PI));
    const sector = Math.floor(turn);
    const place = (sector + SECTORS) % SECTORS, offset = Math.abs(turn - sector - 0.5);
    if (chosen[place] < 0 || offset < offsets[place]) [chosen[place], offsets[place]] = [k, offset];
  });
  const judges = local.filter((_, k) => k % Math.ceil(local.length / JUDGES) === 0);
  const conics = [];
  for (const five of FIVES) {
    if (five.some((sector) => chosen[sector] < 0)) continue;
    const corners = five.map((sector) => monomials(local[chosen[sector]]).slice(0, 5));
    // conics with constant -1, as the middle lies inside; the ridge avoids an error for points on a line
    const normal = [0, 1, 2, 3, 4].map((r) => [0, 1, 2, 3, 4].map((c) => sum(corners, (row) => row[r] * row[c]) + (r === c ? 1e-12 : 0)));
    const found = solve(normal, [0, 1, 2, 3, 4].map((c) => sum(corners, (row) => row[c])));
    if (found) conics.push([...found, -1]);
  }
  const costs = conics.map((conic) => sum(judges, (point) => Math.min(squaredDistance(conic, point), TOLERANCE ** 2)) / judges.length);
  const best = [...conics.keys()].sort((one, other) => costs[one] - costs[other]).slice(0, 8);
  let winner = null, least = Infinity;
  for (const ellipse of [plain, ...best.map((k) => fromConic(conics[k], frame))]) {
    if (!ellipse) continue;
    const cost = sum(points, (point) => Math.min((ellipse.distance(point) / scale) ** 2, TOLERANCE ** 2)) / points.length;
    if (cost < least) [winner, least] = [ellipse, cost];
  }
  return winner;
}

/** Squared distance to first order; infinite for conics that are not an ellipse around the origin. */
function squaredDistance(conic, point) {
  const [a, b, c, d, e] = conic;
  if (4 * a * c <= b ** 2 || a <= 0) return Infinity;
  const [y, x] = point;
  const slopes = (2 * a * x + b * y + d) ** 2 + (b * x + 2 * c * y + e) ** 2;
  return dot(monomials(point), conic) ** 2 / Math.max(slopes, 1e-24);
}

/** Centre and spread of points, and the points in that frame, where coordinates are about 1. */
function frameOf(points) {
  const center = [0, 1].map((axis) => sum(points, (point) => point[axis]) / points.length);
  const spread = Math.sqrt(sum(points, ([row, col]) => (row - center[0]) ** 2 + (col - center[1]) ** 2) / points.length);
  const scale = Math.max(spread, 1e-12);
  return { center, scale, local: points.map(([row, col]) => [(row - center[0]) / scale, (col - center[1]) / scale]) };
}

/** Monomials of a conic A x^2 + B xy + C y^2 + D x + E y + F, x the column, y the row. */
const monomials = ([y, x]) => [x * x, x * y, y * y, x, y, 1];

/** The conic of the direct fit, of length 1, from monomials and weights of the points. */
function leastSquares(design, weights = null) {
  const scatter = Array.from({ length: 6 }, () => new Array(6).fill(0));
  design.forEach((row, k) => {
    const weight = weights ? weights[k] : 1;
    for (let r = 0; r < 6; r++) for (let c = r; c < 6; c++) scatter[r][c] += row[r] * row[c] * weight;
  });
  for (let r = 0; r < 6; r++) for (let c = 0; c < r; c++) scatter[r][c] = scatter[c][r];
  const linear = scatter.slice(3).map((row) => row.slice(3));
  const columns = [0, 1, 2].map((k) => solve(linear, scatter[k].slice(3)));
  if (columns.some((column) => column === null)) return null;
  const toLinear = [0, 1, 2].map((r) => columns.map((column) => -column[r]));
  const reduced = [0, 1, 2].map((r) => [0, 1, 2].map((c) => scatter[r][c] + sum([0, 1, 2], (k) => scatter[r][3 + k] * toLinear[k][c])));
  const constrained = [reduced[2].map((one) => one / 2), reduced[1].map((one) => -one), reduced[0].map((one) => one / 2)];
  if (!constrained.flat().every(Number.isFinite)) return null;
  for (const [, chosen] of eigen3(constrained)) {
    if (!(4 * chosen[0] * chosen[2] - chosen[1] ** 2 > 0)) continue;
    const conic = [...chosen, ...toLinear.map((row) => dot(row, chosen))];
    const length = Math.sign(chosen[0]) * Math.hypot(...conic);
    return conic.map((one) => one / length);
  }
  return null;
}

/** The ellipse of a conic with A > 0 in a frame; null if it is imaginary or not finite. */
function fromConic([a, b, c, d, e, f], { center, scale }) {
  const determinant = 4 * a * c - b * b;
  if (!(determinant > 0)) return null;
  const x = (b * e - 2 * c * d) / determinant, y = (b * d - 2 * a * e) / determinant;
  const level = -(f + (d * x + e * y) / 2);
  const mean = (a + c) / 2, half = Math.hypot((a - c) / 2, b / 2);
  if (!(level > 0 && mean - half > 0)) return null;
  const downwards = (Math.atan2(-b, c - a) * 180) / Math.PI / 2;
  const angle = downwards === 90 ? 90 : -downwards + 0;
  const found = new Ellipse(
    center[0] + scale * y,
    center[1] + scale * x,
    scale * Math.sqrt(level / (mean - half)),
    scale * Math.sqrt(level / (mean + half)),
    angle,
  );
  return Number.isFinite(found.perimeter) && Number.isFinite(x + y) ? found : null;
}

function sum(items, of) {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

const dot = (one, other) => sum(one.keys(), (k) => one[k] * other[k]);

function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)], high = sorted[Math.ceil(middle)];
  return high - (high - low) * 0.5;
}
