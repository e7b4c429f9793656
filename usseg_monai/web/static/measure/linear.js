// Small systems of linear equations, and eigenvectors of 3 x 3 matrices.

/** x of a x = b for a square matrix (rows of numbers). Pivots of 0 become `least`; without it the answer for a singular matrix is null. */
export function solve(matrix, right, least = 0) {
  const a = matrix.map((row, k) => [...row, right[k]]);
  const n = a.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let r = k + 1; r < n; r++) if (Math.abs(a[r][k]) > Math.abs(a[pivot][k])) pivot = r;
    [a[k], a[pivot]] = [a[pivot], a[k]];
    if (a[k][k] === 0) a[k][k] = least;
    if (!(Math.abs(a[k][k]) > 0)) return null;
    for (let r = k + 1; r < n; r++) {
      const factor = a[r][k] / a[k][k];
      for (let c = k + 1; c <= n; c++) a[r][c] -= factor * a[k][c];
    }
  }
  const x = new Array(n);
  for (let k = n - 1; k >= 0; k--) {
    let sum = a[k][n];
    for (let c = k + 1; c < n; c++) sum -= a[k][c] * x[c];
    x[k] = sum / a[k][k];
  }
  return x;
}

/** Real eigenvalues of a 3 x 3 matrix with their vectors of length 1, the smallest absolute value first. */
export function* eigen3(m) {
  const size = Math.max(...m.flat().map(Math.abs));
  for (const value of roots(m).sort((one, other) => Math.abs(one) - Math.abs(other))) {
    let vector = [1, 0.5, 0.25];
    for (let turn = 0; turn < 4; turn++) {
      // inverse iteration: the shifted matrix is nearly singular, which turns any vector into the wanted one
      const shifted = m.map((row, r) => row.map((cell, c) => (r === c ? cell - value : cell)));
      const next = solve(shifted, vector, size * 2 ** -52);
      const length = next && Math.hypot(...next);
      if (!(length > 0) || !Number.isFinite(length)) break;
      vector = next.map((cell) => cell / length);
    }
    yield [value, vector];
  }
}

/** Real roots of the characteristic polynomial. */
function roots([[a, b, c], [d, e, f], [g, h, i]]) {
  const trace = a + e + i;
  const minors = a * e - b * d + (a * i - c * g) + (e * i - f * h);
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const polished = (x) => {
    for (let turn = 0; turn < 3; turn++) {
      const slope = (3 * x - 2 * trace) * x + minors;
      if (slope === 0) break;
      x -= (((x - trace) * x + minors) * x - determinant) / slope;
    }
    return x;
  };
  const mean = trace / 3;
  const p = mean * mean - minors / 3;
  const q = mean * mean * mean - (mean * minors) / 2 + determinant / 2;
  if (q * q < p * p * p) {
    const turn = Math.acos(Math.min(Math.max(q / Math.sqrt(p * p * p), -1), 1)) / 3;
    return [0, 1, 2].map((k) => polished(mean + 2 * Math.sqrt(p) * Math.cos(turn - (2 * Math.PI * k) / 3)));
  }
  const sum = Math.cbrt(q + Math.sign(q || 1) * Math.sqrt(Math.max(q * q - p * p * p, 0)));
  const single = polished(mean + sum + (sum === 0 ? 0 : p / sum));
  // what is left when the single root is divided out: two equal roots, or two that are not real
  const half = (trace - single) / 2;
  return [single, half];
}
