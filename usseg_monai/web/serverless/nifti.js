// Masks as compressed NIfTI with pixel size and place, as usseg_monai/imaging/formats/nifti_mask.py writes them.

import { Refused } from "./refused.js";

const HEADER_BYTES = 352; // of them 348 of the header, and four that say that no extension follows
const LONGEST_SIDE = 32767;
const MM = 2, MSEC = 16, BYTES_TYPE = 2, SCANNER = 1;
const NEARLY_1 = Math.fround(1 + 2 ** -23); // readers take exactly 1 x 1 for an unknown size

/** The masks of frames of one size, as phases of one slice. */
export async function nifti(frames) {
  const { rows, cols, place } = frames[0];
  if (Math.max(rows, cols, frames.length) > LONGEST_SIDE) throw new Refused(`NIfTI takes at most ${LONGEST_SIDE} rows, columns and frames; take the masks as PNG`);
  const head = header([cols, rows, 1, ...(frames.length > 1 ? [frames.length] : [])], affine(frames[0].spacing(), place), frames[0].spacing());
  const packed = new Blob([head, ...frames.map(({ mask }) => mask.map((value) => (value ? 1 : 0)))]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Response(packed, { headers: { "content-type": "application/gzip" } }).blob();
}

/** Rows of the matrix from (col, row, slice) to right, anterior, superior in mm; DICOM's axes are left, posterior, superior. */
function affine(spacing, place) {
  let [down, right] = spacing ?? [1, 1];
  if (spacing && down === 1 && right === 1) down = right = NEARLY_1;
  const known = place?.position_mm && place.orientation;
  const [ax, ay, az, bx, by, bz] = known ? place.orientation : [1, 0, 0, 0, 1, 0];
  const across = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
  const from = known ? place.position_mm : [0, 0, 0];
  return [0, 1, 2].map((axis) => {
    const sign = axis < 2 ? -1 : 1;
    return [[ax, ay, az][axis] * right, [bx, by, bz][axis] * down, across[axis], from[axis]].map((value) => sign * value);
  });
}

function header(size, rows, spacing) {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  const int16 = (at, value) => view.setInt16(at, value, true), float = (at, value) => view.setFloat32(at, value, true);
  const zooms = [0, 1, 2].map((axis) => Math.hypot(...rows.map((row) => row[axis])));
  const turned = rows.map((row) => zooms.map((zoom, axis) => row[axis] / zoom)); // right-handed, as `across` is the product of the others
  view.setInt32(0, HEADER_BYTES - 4, true);
  [size.length, ...size, 1, 1, 1, 1].slice(0, 8).forEach((value, k) => int16(40 + 2 * k, value));
  int16(70, BYTES_TYPE);
  int16(72, 8); // bits of a voxel
  [1, ...zooms].forEach((value, k) => float(76 + 4 * k, value));
  float(108, HEADER_BYTES);
  view.setUint8(123, (spacing ? MM : 0) | (size.length > 3 ? MSEC : 0));
  int16(252, SCANNER);
  int16(254, SCANNER);
  [...quaternion(turned), ...rows.map((row) => row[3])].forEach((value, k) => float(256 + 4 * k, value));
  rows.flat().forEach((value, k) => float(280 + 4 * k, value));
  [..."n+1"].forEach((letter, k) => view.setUint8(344 + k, letter.charCodeAt(0)));
  return view.buffer;
}

/** The last three of a rotation's unit quaternion, the first of which is not negative. */
function quaternion([[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]]) {
  const rows = [
    [1 + xx + yy + zz, zy - yz, xz - zx, yx - xy],
    [zy - yz, 1 + xx - yy - zz, xy + yx, xz + zx],
    [xz - zx, xy + yx, 1 - xx + yy - zz, yz + zy],
    [yx - xy, xz + zx, yz + zy, 1 - xx - yy + zz],
  ]; // each is the quaternion, times four times one of its numbers: the row of the largest is the most exact
  const best = rows.reduce((one, other) => (Math.hypot(...other) > Math.hypot(...one) ? other : one));
  const length = Math.hypot(...best) * (best[0] < 0 ? -1 : 1);
  return best.slice(1).map((value) => value / length);
}
