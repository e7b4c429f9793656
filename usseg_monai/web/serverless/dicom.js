// Uncompressed DICOM: grey of 8 or 16 bits, little-endian, one frame or several. Only elements of the pixels, the place and the modality are read.

import { Refused } from "./refused.js";

const WITH_PROGRAM = "“usseg app” on your own machine reads more";
const IMPLICIT = "1.2.840.10008.1.2", EXPLICIT = "1.2.840.10008.1.2.1";
const LONG = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);
const PIXELS = 0x7fe00010, REGIONS = 0x00186011, SHARED = 0x52009229, PER_FRAME = 0x52009230;
const UNDEFINED = 0xffffffff;
const MOST_ELEMENTS = 100000, DEEPEST = 16, MOST_FRAMES = 3000;

const cut = () => new Refused("the DICOM file ends early or is damaged; copy or export it again");

/** Elements {tag: [begin, end]} of a data set up to its pixels. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.count = 0;
  }

  header(at, implicit) {
    if (at + 8 > this.bytes.length || ++this.count > MOST_ELEMENTS) throw cut();
    const tag = this.view.getUint16(at, true) * 0x10000 + this.view.getUint16(at + 2, true);
    if (implicit || tag >= 0xfffee000 && tag <= 0xfffee0ff) return { tag, begin: at + 8, length: this.view.getUint32(at + 4, true) };
    const vr = String.fromCharCode(this.bytes[at + 4], this.bytes[at + 5]);
    if (!LONG.has(vr)) return { tag, begin: at + 8, length: this.view.getUint16(at + 6, true) };
    if (at + 12 > this.bytes.length) throw cut();
    return { tag, begin: at + 12, length: this.view.getUint32(at + 8, true) };
  }

  /** End of an element whose length is undefined: behind its delimiter. */
  skip(at, implicit, depth = 0) {
    if (depth > DEEPEST) throw cut();
    for (;;) {
      const { tag, begin, length } = this.header(at, implicit);
      if (tag === 0xfffee0dd || tag === 0xfffee00d) return begin;
      at = length === UNDEFINED ? this.skip(begin, implicit, depth + 1) : begin + length;
    }
  }

  elements(at, implicit, until) {
    const found = new Map();
    while (at < this.bytes.length) {
      const { tag, begin, length } = this.header(at, implicit);
      if (tag > until) break;
      const end = length === UNDEFINED ? this.skip(begin, implicit) : begin + length;
      if (end > this.bytes.length) throw cut();
      found.set(tag, [begin, end]);
      at = end;
    }
    return found;
  }

  text(range) {
    return range ? new TextDecoder("latin1").decode(this.bytes.subarray(...range)).replace(/[\0 ]+$/, "").trim() : "";
  }

  whole(range) {
    return range && range[1] - range[0] >= 2 ? this.view.getUint16(range[0], true) : null;
  }
}

/** {frames: [{rows, cols, pixels, ...}], remark} of a file. */
export function dicomFrames(bytes, check) {
  const reader = new Reader(bytes);
  const meta = reader.elements(132, false, 0x0002ffff);
  const syntax = reader.text(meta.get(0x00020010));
  if (syntax !== IMPLICIT && syntax !== EXPLICIT) throw new Refused(`a compressed or unusual DICOM file is not read here (transfer syntax ${syntax.replace(/[^0-9.]/g, "").slice(0, 40)}); ${WITH_PROGRAM}`);
  const start = Math.max(...[...meta.values()].map(([, end]) => end));
  const found = reader.elements(start, syntax === IMPLICIT, PIXELS);
  const whole = (tag) => reader.whole(found.get(tag)), text = (tag) => reader.text(found.get(tag));
  if (!found.has(PIXELS)) throw new Refused("a DICOM object without a picture");
  const rows = whole(0x00280010), cols = whole(0x00280011);
  check(rows, cols);
  const kind = text(0x00280004), allocated = whole(0x00280100), stored = whole(0x00280101), high = whole(0x00280102);
  const plain = (whole(0x00280002) ?? 1) === 1 && ["MONOCHROME1", "MONOCHROME2"].includes(kind);
  if (!plain || ![8, 16].includes(allocated) || !(stored >= 1 && stored <= allocated) || high !== stored - 1) {
    throw new Refused(`this kind of DICOM pixels is not read here, only grey of 8 or 16 bits; ${WITH_PROGRAM}`);
  }
  const count = Number.parseInt(text(0x00280008) || "1", 10);
  const [begin, end] = found.get(PIXELS), size = rows * cols * (allocated / 8);
  if (!(count >= 1 && count <= MOST_FRAMES) || begin + size * count > end) throw cut();
  const signed = whole(0x00280103) === 1;
  const steps = text(0x00280030).split("\\").map(Number);
  const spacing = steps.length === 2 && steps.every((step) => step >= 1e-5 && step <= 1e3) ? steps : null;
  const elsewhere = found.has(REGIONS) || ((found.has(SHARED) || found.has(PER_FRAME)) && !spacing);
  const modality = text(0x00080060).replace(/[^A-Z]/gi, "").slice(0, 16);
  const grouped = found.has(SHARED) || found.has(PER_FRAME);
  const place = { modality, ...(grouped ? {} : placeOf(numbers(text(0x00200032), 3), numbers(text(0x00200037), 6))) };
  const frames = Array.from({ length: count }, (_, index) => ({
    rows,
    cols,
    index,
    count,
    place,
    spacing: elsewhere ? null : spacing,
    pixels: grey(reader, begin + index * size, rows * cols, { allocated, stored, signed, inverted: kind === "MONOCHROME1" }),
  }));
  return { frames, remark: elsewhere ? `its pixel size stands in regions or frame groups, which are not read here: type it; ${WITH_PROGRAM}` : "" };
}

/** So many finite numbers of a text, else null. */
function numbers(text, count) {
  const found = text.split("\\").map((part) => (part.trim() ? Number(part) : NaN));
  return found.length === count && found.every(Number.isFinite) ? found : null;
}

/** Where the first pixel lies, and the directions along rows and columns: only perpendicular unit vectors are a place. */
function placeOf(position, orientation) {
  if (!position || !orientation) return {};
  const [a, b, c, d, e, f] = orientation;
  const lengths = [Math.hypot(a, b, c), Math.hypot(d, e, f)];
  const upright = Math.abs(a * d + b * e + c * f) < 1e-3 && lengths.every((length) => Math.abs(length - 1) < 1e-3);
  return upright ? { position_mm: position, orientation } : {};
}

/** Stored values, larger ones brighter; bits that the header declares unused are dropped. */
function grey({ bytes, view }, at, length, { allocated, stored, signed, inverted }) {
  const pixels = signed ? new Float32Array(length) : allocated === 8 ? new Uint8Array(length) : new Uint16Array(length);
  const unused = 32 - stored;
  for (let k = 0; k < length; k++) {
    const raw = (allocated === 8 ? bytes[at + k] : view.getUint16(at + 2 * k, true)) << unused;
    const value = signed ? raw >> unused : raw >>> unused;
    pixels[k] = inverted ? (signed ? -1 : 2 ** stored - 1) - value : value;
  }
  return pixels;
}
