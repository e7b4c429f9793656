// The calls of the page without a server: this browser decodes, runs the networks and measures. Nothing is sent anywhere.

import { csv, png } from "./serverless/files.js";
import { nifti } from "./serverless/nifti.js";
import { runNetwork } from "./serverless/network.js";
import { shown } from "./serverless/numbers.js";
import { decoded } from "./serverless/pictures.js";
import { place } from "./serverless/place.js";
import { judged, withRemark } from "./serverless/trust.js";
import { Refused } from "./serverless/refused.js";

export { Refused };

/** Kinds of files that can be taken away. */
export const TAKES = new Set(["png", "nifti", "csv", "json", "print"]);

let known = null;
const measures = {};

export async function facts() {
  known = await (await fetch(place("facts.json"))).json();
  for (const { name } of known.tasks) measures[name] = await import(place(`static/measure/${name}.js`));
  if (!globalThis.PARTS) navigator.serviceWorker?.register("offline.js");
  return known;
}

const taskOf = (name) => known.tasks.find((task) => task.name === name);

export const decode = (file) => decoded(file, known);

export async function sample(task, group, number) {
  const { files } = known.samples.find((one) => one.task === task && one.group === group);
  const { name, at, spacing_mm } = files[number];
  const answer = await decoded(new File([await (await fetch(place(at))).blob()], name), known);
  for (const frame of answer.frames) frame.given_mm = spacing_mm;
  return { ...answer, more: number + 1 < files.length };
}

/** Mask and numbers that a task's network finds. */
export async function predict(frame, wanted) {
  const modality = frame.place?.modality ?? "";
  const chosen = async () => [taskOf(wanted), await runNetwork(taskOf(wanted), frame), null];
  const [task, { mask, said }, proposal] = await (wanted === "auto" ? proposed(frame, modality) : chosen());
  const spacing = frame.spacing_mm ?? frame.given_mm;
  const measurement = judged(measured(task, { ...frame, mask }, spacing), task.low_confidence, said);
  const remark = accepts(task, modality) ? "" : `the header says ${modality}, and the task is for ${task.modality}`;
  const numbers = shown(known, task, frame, spacing, withRemark(measurement, remark), false);
  return { task: task.name, proposal, said, ...numbers, mask };
}

/** Numbers of a frame's mask, or of the mask that has the given axes, which then comes along. */
export async function measure(frame, axes = null) {
  const task = taskOf(frame.task);
  const corrected = frame.corrected || axes !== null;
  const spacing = frame.spacing();
  const mask = axes ? measures[task.name].maskOfAxes(axes, frame, spacing) : frame.mask;
  const { file, frame: index, rows, cols, said } = frame;
  const found = measured(task, { mask, rows, cols }, spacing);
  const measurement = corrected ? found : judged(found, task.low_confidence, said);
  return { ...shown(known, task, { file, frame: index }, spacing, measurement, corrected), mask: axes ? mask : null };
}

export const table = async (task, rows) => csv([...known.common_columns, ...taskOf(task).columns.map(({ name }) => name), "corrected"], rows);

export const maskPng = (frame) => png(frame);

/** Masks of frames of one size; stacks of several slices are not known here. */
export const maskNifti = (frames) => nifti(frames);

function measured(task, picture, spacing) {
  try {
    return measures[task.name].measure(picture, spacing);
  } catch (error) {
    throw error instanceof RangeError ? new Refused(error.message) : error;
  }
}

const accepts = (task, modality) => [task.modality, ...known.unspecific].includes(modality.toUpperCase());

/** The task whose training images the picture resembles most, its answer, and the unlikeness to those of each task. */
async function proposed(frame, modality) {
  const proposal = {};
  let best = null;
  for (const task of known.tasks.filter((one) => accepts(one, modality))) {
    const answer = await runNetwork(task, frame);
    proposal[task.name] = answer.said.unlikeness ?? Infinity;
    if (!best || proposal[task.name] < proposal[best[0].name]) best = [task, answer];
  }
  if (!best) throw new Refused(`no task here is for pictures of the modality ${modality || "unknown"}: choose one to go on`);
  if (proposal[best[0].name] > 1) {
    const told = ([name, unlikeness]) => `${name.replaceAll("_", " ")} ${unlikeness.toFixed(1)}`;
    const all = Object.entries(proposal).map(told).join(", ");
    throw new Refused(`the picture is unlike the training images of all tasks (${all}; 1 is the limit): choose the task to go on`);
  }
  return [...best, proposal];
}
