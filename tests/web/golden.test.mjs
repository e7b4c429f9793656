// Holds the measurements in JavaScript to lines of benchmarks/golden_masks.py: node --test, with TASK and VECTORS in the environment.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const { TASK, VECTORS, MEASURE } = process.env;
const { measure, maskOfAxes } = await import(`${MEASURE}/${TASK}.js`);
const RELATIVE = 1e-9;

const lines = readFileSync(VECTORS, "utf8").trimEnd().split("\n");

function maskOf({ rows, cols, runs }) {
  const mask = new Uint8Array(rows * cols);
  for (let k = 0; k < runs.length; k += 2) mask.fill(1, runs[k], runs[k] + runs[k + 1]);
  return mask;
}

/** Largest relative difference; `size` is what a number near 0 is measured by. */
function difference(one, other, size = 0) {
  if (one === other) return 0;
  if (typeof one !== "number" || typeof other !== "number") return Infinity;
  return Math.abs(one - other) / Math.max(Math.abs(one), Math.abs(other), size);
}

const rounding = { all: 0, alike: 0 }; // masks whose digits in Python are those of rounding
const worst = { value: 0, of: "" };
function near(one, other, what, size = 0) {
  const found = difference(one, other, size);
  if (found > worst.value) Object.assign(worst, { value: found, of: what });
  assert.ok(found <= RELATIVE, `${what}: ${one}, and in Python ${other}`);
}

function lineNear(one, other, what, size) {
  assert.equal(one.length, other.length, what);
  one.forEach((point, k) => point.forEach((end, axis) => near(end, other[k][axis], `${what} ${k}`, size)));
}

lines.forEach((line, number) => {
  const known = JSON.parse(line);
  test(`${TASK} ${number}`, () => {
    const size = Math.max(known.rows, known.cols);
    const found = measure({ mask: maskOf(known), rows: known.rows, cols: known.cols }, known.spacing_mm);
    if (!known.determined) {
      rounding.all++;
      rounding.alike += found.message === known.message;
      return;
    }
    assert.equal(found.status, known.status);
    assert.equal(found.message, known.message);
    assert.deepEqual(Object.keys(found.values).sort(), Object.keys(known.values).sort());
    // an angle and a place have no size of their own: 0 is as good as any other
    for (const [name, value] of Object.entries(known.values)) {
      near(found.values[name], value, name, name === "angle_deg" ? 90 : name.startsWith("center") ? size : 0);
    }
    const thin = (drawn) => drawn.map((points) => (points.length === 2 ? points : points.filter((_, k) => k % 45 === 0)));
    for (const kind of ["outlines", "axes"]) {
      assert.equal(found[kind].length, known[kind].length);
      thin(found[kind]).forEach((points, k) => lineNear(points, known[kind][k], kind, size));
    }
    if (known.filled) {
      const filled = maskOfAxes(known.axes, known, known.spacing_mm), wanted = maskOf({ ...known, runs: known.filled });
      assert.equal(filled.reduce((all, pixel, k) => all + (pixel !== wanted[k]), 0), 0, "filled mask");
    }
  });
});

test("all of them", () => {
  assert.ok(lines.length > 0);
  assert.ok(rounding.all < lines.length / 4);
  console.log(`${rounding.all} masks whose digits are those of rounding, of which ${rounding.alike} have the same message`);
  console.log(`${lines.length - rounding.all} others, worst relative difference ${worst.value.toExponential(1)} (${worst.of})`);
});
