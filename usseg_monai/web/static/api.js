// The calls to the server. Each depends on nothing but what is sent with it.

const key = location.hash.slice(1) || "page";
const TYPES = { u1: Uint8Array, u2: Uint16Array, f4: Float32Array };

/** Kinds of files that can be taken away. */
export const TAKES = new Set(["png", "nifti", "csv", "json", "pdf"]);

/** An answer that is a reason instead of a result. */
export class Refused extends Error {}

/** One message: length of the text, the text padded to a multiple of four bytes, and the bytes of the arrays. */
function packed(text, arrays = []) {
  const json = new TextEncoder().encode(JSON.stringify(text));
  const padded = new Uint8Array(4 + json.length + (-json.length & 3)).fill(32);
  new DataView(padded.buffer).setUint32(0, padded.length - 4, true);
  padded.set(json, 4);
  return new Blob([padded, ...arrays]);
}

/** Text and bytes of a message; the bytes begin at a multiple of four. */
function split(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  return [JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))), buffer.slice(4 + length)];
}

async function call(name, body, method = "POST") {
  let answer;
  try {
    answer = await fetch(`call/${name}`, { method, body, headers: { "x-usseg": key } });
  } catch {
    throw new Refused("the program that this page belongs to does not answer: start it again with “usseg app”");
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let reason = text;
  try {
    reason = JSON.parse(text).reason;
  } catch {
    // a plain sentence
  }
  throw new Refused(reason);
}

const message = async (name, body) => split(await (await call(name, body)).arrayBuffer());

export const facts = async () => (await call("facts", undefined, "GET")).json();

/** Frames of a decode answer, each with its own pixels. */
function framesOf([text, bytes]) {
  let at = 0;
  for (const frame of text.frames) {
    frame.pixels = new TYPES[frame.type](bytes.slice(at, at + frame.bytes));
    at += frame.bytes;
  }
  return text;
}

export const decode = async (file) => framesOf(await message(`decode?name=${encodeURIComponent(file.name)}`, file));

export const sample = async (task, group, number) =>
  framesOf(await message(`sample?${new URLSearchParams({ task, group, number })}`, ""));

const size = ({ file, frame, rows, cols }) => ({ file, frame, rows, cols });

/** Mask and numbers that a task's network finds. */
export async function predict(frame, task) {
  const { type, spacing_mm, given_mm, regions, place } = frame;
  const [text, bytes] = await message("predict", packed({ ...size(frame), type, spacing_mm, given_mm, regions, place, task }, [frame.pixels]));
  return { ...text, mask: new Uint8Array(bytes) };
}

function describe(frame) {
  const { task, said, corrected, regions } = frame;
  return { ...size(frame), task, said, corrected, regions, spacing_mm: frame.spacing() };
}

/** Numbers of a frame's mask, or of the mask that has the given axes, which then comes along. */
export async function measure(frame, axes = null) {
  const text = { ...describe(frame), axes, corrected: frame.corrected || axes !== null };
  const [numbers, bytes] = await message("measure", packed(text, axes ? [] : [frame.mask]));
  return { ...numbers, mask: axes ? new Uint8Array(bytes) : null };
}

export const study = async (task, frames) =>
  (await message("study", packed({ task, frames: frames.map(({ numbers, place, rows, cols }) => ({ row: numbers.row, place, rows, cols })) })))[0]
    .studies;

export const table = async (task, rows, parts) => (await call("table", packed({ task, rows, parts }))).blob();

export const maskPng = async (frame) => (await call("mask.png", packed(size(frame), [frame.mask]))).blob();

/** Masks of frames of one size; slices of the first phase come first. */
export async function maskNifti(frames, slices) {
  const text = { ...size(frames[0]), spacing_mm: frames[0].spacing(), places: frames.map((frame) => frame.place), slices };
  return (await call("mask.nii.gz", packed(text, frames.map((frame) => frame.mask)))).blob();
}

export const sheet = async (frame) =>
  (await call("sheet", packed({ ...describe(frame), type: frame.type }, [frame.mask, frame.pixels]))).blob();
