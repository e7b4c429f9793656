// The cavity of the left ventricle in one slice, as usseg_monai/tasks/left_ventricle/measure.py.

import { elongation, shapeDoubts, shareDoubts } from "./plausible.js";
import { concluded, measureRegion, regionSizeDoubts } from "./region.js";
import { general } from "./text.js";

const EQUIVALENT_DIAMETER_MM = [2, 100];
const PICTURE_PERCENT = [0, 50];
const SMALLEST_PX = 8;
const SOLIDITY = 0.85;
const ELONGATION = 3;

const UNKNOWN = ["area_mm2", "equivalent_diameter_mm", "area_px", "equivalent_diameter_px", "center_row_px", "center_col_px"];

/** Measure {mask, rows, cols}; spacing is [row, col] in mm or null. */
export function measure(picture, spacing) {
  const cavity = measureRegion(picture, spacing);
  if (!cavity) {
    return { values: Object.fromEntries(UNKNOWN.map((name) => [name, null])), status: "empty", message: "no cavity found", outlines: [], axes: [] };
  }
  const { piece } = cavity;
  const doubts = piece.pixels >= SMALLEST_PX ? [] : [`a cavity of ${piece.pixels} pixels: below ${SMALLEST_PX} it is a speck`];
  doubts.push(...regionSizeDoubts(cavity, EQUIVALENT_DIAMETER_MM));
  doubts.push(...shareDoubts("cavity", piece, PICTURE_PERCENT));
  doubts.push(...shapeDoubts("cavity", piece, SOLIDITY));
  const long = elongation(piece, spacing);
  if (long > ELONGATION) {
    doubts.push(`the cavity is ${general(long, 3)} times as long as wide, more than ${general(ELONGATION)} times: short-axis slices show it round`);
  }
  const cut = "the cavity leaves the picture: its hidden part is not measured";
  return { values: cavity.values, ...concluded(piece, cavity.secondShare, doubts, cut, cavity.remarks), outlines: [], axes: [cavity.disc] };
}
