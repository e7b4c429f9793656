// Files to grey frames: PNG, JPEG and BMP by the browser, PNG of 16 bits and uncompressed DICOM by small readers.

import { dicomFrames } from "./dicom.js";
import { deepPng } from "./deep_png.js";
import { Refused } from "./refused.js";

const WITH_PROGRAM = "“usseg app” on your own machine reads it";
const BEGINNINGS = [
  ["png", [0x89, 0x50, 0x4e, 0x47]],
  ["jpeg", [0xff, 0xd8, 0xff]],
  ["bmp", [0x42, 0x4d]],
  ["TIFF", [0x49, 0x49, 0x2a, 0]],
  ["TIFF", [0x4d, 0x4d, 0, 0x2a]],
  ["zip", [0x50, 0x4b]],
  ["gzip (such as NIfTI)", [0x1f, 0x8b]],
  ["NRRD", [0x4e, 0x52, 0x52, 0x44]],
  ["GIF", [0x47, 0x49, 0x46]],
  ["WebP", [0x52, 0x49, 0x46, 0x46]],
];

function kindOf(bytes) {
  if (bytes.length > 132 && String.fromCharCode(...bytes.subarray(128, 132)) === "DICM") return "dicom";
  const found = BEGINNINGS.find(([, beginning]) => beginning.every((byte, k) => bytes[k] === byte));
  return found ? found[0] : "";
}

/** {frames, left_out} of a file. */
export async function decoded(file, { max_pixels: most }) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const kind = kindOf(bytes);
  const check = (rows, cols) => {
    if (!(rows > 0 && cols > 0) || rows * cols > most) throw new Refused(`${rows} rows x ${cols} columns: 1 to ${most} pixels a frame are read`);
  };
  if (kind === "dicom") {
    const { frames, remark } = dicomFrames(bytes, check);
    return { frames: frames.map((frame) => described(file, "dicom", frame)), left_out: remark ? [{ file: file.name, reason: remark }] : [] };
  }
  if (!["png", "jpeg", "bmp"].includes(kind)) {
    throw new Refused(`${kind ? `a ${kind} file` : "a file of this kind"} is not read here, only PNG, JPEG, BMP and uncompressed DICOM; ${WITH_PROGRAM}`);
  }
  const frame = (kind === "png" && (await deepPng(bytes, check))) || (await flat(file, check));
  return { frames: [described(file, kind, { ...frame, index: 0, count: 1 })], left_out: [] };
}

function described({ name }, format, { rows, cols, pixels, index, count, spacing = null, place = null }) {
  const type = { Uint8Array: "u1", Uint16Array: "u2", Float32Array: "f4" }[pixels.constructor.name];
  return { file: name, frame: index, frames: count, format, rows, cols, type, pixels, spacing_mm: spacing, given_mm: null, regions: [], place };
}

/** What the browser decodes, as 8-bit grey values by the weights of Pillow. */
async function flat(file, check) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Refused("the picture is damaged, or of a kind that this browser does not decode; save it again as PNG");
  }
  const { width: cols, height: rows } = bitmap;
  check(rows, cols);
  const canvas = new OffscreenCanvas(cols, Math.min(rows, Math.max(1, Math.floor(4e6 / cols)))); // strips: a canvas has a largest size
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const pixels = new Uint8Array(rows * cols);
  for (let top = 0; top < rows; top += canvas.height) {
    const height = Math.min(canvas.height, rows - top);
    context.clearRect(0, 0, cols, canvas.height);
    context.drawImage(bitmap, 0, -top);
    const { data } = context.getImageData(0, 0, cols, height);
    for (let k = 0, at = top * cols; k < data.length; k += 4, at++) {
      pixels[at] = (data[k] * 19595 + data[k + 1] * 38470 + data[k + 2] * 7471 + 0x8000) >> 16;
    }
  }
  bitmap.close();
  return { rows, cols, pixels };
}
