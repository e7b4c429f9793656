// Measurements of a filled structure that tasks share, as usseg_monai/measuring/region.py.

import { pixelDoubts, sizeDoubts } from "./plausible.js";
import { findRuns, largestPiece, SECOND_PIECE_SHARE } from "./runs.js";
import { fixed } from "./text.js";

export const UNKNOWN_SPACING = "pixel size unknown: give it to get millimetres";
const SQUARE = 1e-3;

const diameterOf = (area) => 2 * Math.sqrt(area / Math.PI);

/** The largest piece of a mask, measured; null for an empty one. */
export function measureRegion(picture, spacing) {
  const runs = findRuns(picture);
  if (runs.count === 0) return null;
  const [piece, secondShare] = largestPiece(runs);
  const area = piece.pixels;
  let [row, col] = [0, 0];
  for (let k = 0; k < piece.count; k++) {
    const length = piece.stop[k] - piece.start[k];
    row += piece.row[k] * length;
    col += ((piece.start[k] + piece.stop[k] - 1) / 2) * length;
  }
  const center = [row / area, col / area];
  const square = !spacing || Math.abs(spacing[0] / spacing[1] - 1) <= SQUARE;
  const areaMm2 = spacing ? area * spacing[0] * spacing[1] : null;
  const values = {
    area_mm2: areaMm2,
    equivalent_diameter_mm: spacing ? diameterOf(areaMm2) : null,
    area_px: area,
    equivalent_diameter_px: square ? diameterOf(area) : null,
    center_row_px: center[0],
    center_col_px: center[1],
  };
  const remarks = square ? [] : ["pixels are not square: no diameter in pixels"];
  if (!spacing) remarks.push(UNKNOWN_SPACING);
  const stretch = spacing ? Math.sqrt(spacing[1] / spacing[0]) : 1;
  const radius = diameterOf(area) / 2;
  const disc = Array.from({ length: 181 }, (_, k) => {
    const turn = (2 * Math.PI * k) / 180;
    return [center[0] - Math.sin(turn) * radius * stretch, center[1] + (Math.cos(turn) * radius) / stretch];
  });
  return { piece, secondShare, values, remarks, disc, spacing };
}

/** Doubts about pixel size and equivalent diameter, where known. */
export function regionSizeDoubts({ values, spacing }, bounds) {
  if (!spacing) return [];
  return [...pixelDoubts(spacing), ...sizeDoubts("equivalent diameter", values.equivalent_diameter_mm, bounds, spacing)];
}

/** What a second piece and the picture's border add to doubts: status, and reasons in one line. */
export function concluded(piece, secondShare, doubts, cut, remarks) {
  const statuses = doubts.length ? ["low_confidence"] : [];
  const reasons = [...doubts];
  if (secondShare >= SECOND_PIECE_SHARE) {
    statuses.push("multiple_structures");
    reasons.push(`a second piece has ${fixed(100 * secondShare, 0)} % of the largest one's area; the largest was measured`);
  }
  if (piece.touchesBorder()) {
    statuses.push("touches_border");
    reasons.push(cut);
  }
  return { status: statuses[0] ?? "ok", message: [...reasons, ...remarks].join("; ") };
}
