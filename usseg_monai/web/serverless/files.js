// Files to take away, made in the browser: a mask as PNG, a table as CSV.

import { cellText } from "./numbers.js";

const FORMULA = /^[=+\-@\t\r']/; // what a spreadsheet could take for a formula gets an apostrophe, and an apostrophe gets one, too

/** As a run's results.csv. */
export function csv(columns, rows) {
  const cell = (value) => {
    const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : cellText(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name]))];
  return new Blob(lines.map((line) => `${line.map(cell).join(",")}\n`), { type: "text/csv" });
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc(bytes) {
  let found = 0xffffffff;
  for (const byte of bytes) found = TABLE[(found ^ byte) & 255] ^ (found >>> 8);
  return ~found >>> 0;
}

function chunk(name, data) {
  const bytes = new Uint8Array(12 + data.length), view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** A mask as grey PNG, 0 and 255. */
export async function png({ mask, rows, cols }) {
  const lines = new Uint8Array(rows * (cols + 1));
  for (let row = 0; row < rows; row++) for (let col = 0; col < cols; col++) if (mask[row * cols + col]) lines[row * (cols + 1) + 1 + col] = 255;
  const packed = new Response(new Blob([lines]).stream().pipeThrough(new CompressionStream("deflate")));
  const head = new Uint8Array(13), view = new DataView(head.buffer);
  view.setUint32(0, cols);
  view.setUint32(4, rows);
  head[8] = 8; // bits of a grey value
  const parts = [chunk("IHDR", head), chunk("IDAT", new Uint8Array(await packed.arrayBuffer())), chunk("IEND", new Uint8Array())];
  return new Blob([Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10), ...parts], { type: "image/png" });
}
