// Biometry of a fetal head, as usseg_monai/tasks/fetal_head/measure.py, where convention and sources stand.

import { Ellipse, fitEllipseRobust } from "./ellipse.js";
import { hadlock, HADLOCK_HC_MM, intergrowth, INTERGROWTH_WEEKS } from "./growth.js";
import { pixelDoubts, sizeDoubts } from "./plausible.js";
import { concluded, UNKNOWN_SPACING } from "./region.js";
import { edgePoints, findRuns, largestPiece } from "./runs.js";
import { fixed, general } from "./text.js";

const CEPHALIC_INDEX_PERCENT = [60, 100];
const HEAD_CIRCUMFERENCE_MM = [40, 400];
const SHORT_AXIS_PX = 16;
const OVERLAP = 0.85;
const SQUARE = 1e-3;

const LENGTHS = ["head_circumference", "biparietal_diameter", "occipitofrontal_diameter"];
const UNKNOWN = [
  ...LENGTHS.flatMap((name) => [`${name}_mm`, `${name}_px`]),
  ...["cephalic_index_percent", "center_row_px", "center_col_px", "angle_deg"],
  ...["hadlock", "intergrowth"].flatMap((name) => [`gestational_age_${name}_weeks`, `gestational_age_${name}_error_weeks`]),
];

/** Measure {mask, rows, cols}; spacing is [row, col] in mm or null. */
export function measure(picture, spacing) {
  const values = Object.fromEntries(UNKNOWN.map((name) => [name, null]));
  const runs = findRuns(picture);
  if (runs.count === 0) return { values, status: "empty", message: "no head found", outlines: [], axes: [] };
  const [head, secondShare] = largestPiece(runs);

  // pixels of side 1 and of their own shape, so that the fit's tolerances are in pixels whatever the unit
  const side = spacing ? Math.sqrt(spacing[0]) * Math.sqrt(spacing[1]) : 1;
  const shape = spacing ? [spacing[0] / side, spacing[1] / side] : [1, 1];
  const inPixels = (line) => line.map(([row, col]) => [row / shape[0], col / shape[1]]);
  const points = edgePoints(head).map(([row, col]) => [row * shape[0], col * shape[1]]);
  const region = fitEllipseRobust(points);
  const ellipse = region && fitEllipseRobust(withoutPen(points, region, shape), region);

  const doubts = [], remarks = [];
  let outlines = [], axes = [];
  if (!ellipse) {
    doubts.push(`no ellipse fits the ${head.pixels} pixels found`);
  } else {
    const lengths = [ellipse.perimeter, 2 * ellipse.semiMinor, 2 * ellipse.semiMajor];
    Object.assign(values, {
      cephalic_index_percent: (100 * ellipse.semiMinor) / ellipse.semiMajor,
      center_row_px: ellipse.centerRow / shape[0],
      center_col_px: ellipse.centerCol / shape[1],
      angle_deg: ellipse.angleDeg,
    });
    if (!spacing) remarks.push(UNKNOWN_SPACING);
    else {
      LENGTHS.forEach((name, k) => (values[`${name}_mm`] = lengths[k] * side));
      for (const [name, age] of [["hadlock", hadlock], ["intergrowth", intergrowth]]) {
        const found = age(values.head_circumference_mm);
        if (found) [values[`gestational_age_${name}_weeks`], values[`gestational_age_${name}_error_weeks`]] = found;
      }
      remarks.push(...outOfRange(values));
    }
    if (Math.abs(shape[0] - shape[1]) > SQUARE) remarks.push("pixels are not square: no lengths in pixels");
    else LENGTHS.forEach((name, k) => (values[`${name}_px`] = lengths[k]));
    doubts.push(...pixelDoubts(spacing), ...headDoubts(values, ellipse, overlapOf(head, region, shape), spacing));
    outlines = [inPixels(ellipse.points())];
    axes = ellipse.axes().map(inPixels);
  }
  const cut = "the head leaves the picture: the hidden part is extrapolated";
  return { values, ...concluded(head, secondShare, doubts, cut, remarks), outlines, axes };
}

/** Fill the mask that is measured as an ellipse with these axes, each given by both ends [row, col] in pixels. */
export function maskOfAxes(axes, { rows, cols }, spacing) {
  const step = spacing ?? [1, 1];
  const ellipse = Ellipse.ofAxes(...axes.map((ends) => ends.map(([row, col]) => [row * step[0], col * step[1]])));
  const mask = new Uint8Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    const [left, right] = ellipse.span(row * step[0]);
    if (!(right > left)) continue;
    let first = Math.max(Math.floor(left / step[1]) - 1, 0), last = Math.min(Math.ceil(right / step[1]) + 1, cols - 1);
    while (first <= last && !(first * step[1] >= left)) first++;
    while (last >= first && !(last * step[1] <= right)) last--;
    if (last < first) continue;
    for (let r = Math.max(row - 1, 0); r <= Math.min(row + 1, rows - 1); r++) {
      mask.fill(1, r * cols + Math.max(first - 1, 0), r * cols + Math.min(last + 2, cols));
    }
  }
  return mask;
}

/** Edge points of a mask drawn with a pen of 2 x 2 pixels, moved back onto the curve that was drawn. */
function withoutPen(points, region, shape) {
  return points.map((point) => {
    const [, down, right] = region.implicit(point);
    return [point[0] - Math.sign(down) * shape[0], point[1] - Math.sign(right) * shape[1]];
  });
}

function outOfRange(values) {
  const remarks = [];
  if (values.gestational_age_hadlock_weeks === null) {
    remarks.push(`no age by Hadlock: HC ${fixed(values.head_circumference_mm, 1)} mm is not in ${span(HADLOCK_HC_MM)} mm`);
  }
  if (values.gestational_age_intergrowth_weeks === null) {
    remarks.push(`no age by INTERGROWTH-21st: not in ${span(INTERGROWTH_WEEKS)} weeks`);
  }
  return remarks;
}

function headDoubts(values, ellipse, overlap, spacing) {
  const doubts = [];
  const short = 2 * ellipse.semiMinor, index = (100 * ellipse.semiMinor) / ellipse.semiMajor;
  if (short < SHORT_AXIS_PX) doubts.push(`short axis of ${fixed(short, 1)} pixels: below ${general(SHORT_AXIS_PX)} it is measured too coarsely`);
  if (index < CEPHALIC_INDEX_PERCENT[0]) doubts.push(`cephalic index ${fixed(index, 0)} % is not in ${span(CEPHALIC_INDEX_PERCENT)} %`);
  if (spacing) doubts.push(...sizeDoubts("head circumference", values.head_circumference_mm, HEAD_CIRCUMFERENCE_MM, spacing));
  if (overlap < OVERLAP) doubts.push(`mask and ellipse overlap by ${fixed(100 * overlap, 0)} %, less than ${fixed(100 * OVERLAP, 0)} %`);
  return doubts;
}

/** Intersection over union of the mask and an ellipse within the picture. */
function overlapOf(head, region, shape) {
  const ends = Array.from({ length: head.rows }, (_, row) =>
    region.span(row * shape[0]).map((end) => Math.min(Math.max(end / shape[1], -0.5), head.cols - 0.5) + 0.5),
  );
  let common = 0;
  for (let k = 0; k < head.count; k++) {
    const [left, right] = ends[head.row[k]];
    common += Math.max(Math.min(head.stop[k], right) - Math.max(head.start[k], left), 0);
  }
  return common / (head.pixels + ends.reduce((all, [left, right]) => all + right - left, 0) - common);
}

const span = (ends) => `${general(ends[0])} to ${general(ends[1])}`;
