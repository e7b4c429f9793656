// What can be taken away, as files.

import * as api from "./api.js";
import { save } from "./dom.js";

const stem = (frame) => `${frame.file.replace(/^.*\//, "").replace(/\.(nii\.gz|[^.]+)$/, "")}${frame.frames > 1 ? `_${frame.frame}` : ""}`;

/** Save one kind of file of the frame, or of all frames of its task. */
export async function take(kind, frame, series, all) {
  const measured = all.flatMap(({ frames }) => frames).filter((other) => other.numbers && other.task === frame.task);
  if (kind === "png") save(await api.maskPng(frame), `${stem(frame)}_mask.png`);
  else if (kind === "nifti") save(await nifti(frame, series), `${stem({ ...frame, frames: 1 })}_mask.nii.gz`);
  else if (kind === "csv") save(await api.table(frame.task, measured.map(row), false), "results.csv");
  else if (kind === "parts") {
    const rows = measured.flatMap((other) => partRows(other, frame.numbers.parts.name));
    save(await api.table(frame.task, rows, true), `${frame.numbers.parts.name}s.csv`);
  } else if (kind === "json") {
    save(new Blob([JSON.stringify(measured.map(record), null, 2), "\n"], { type: "application/json" }), "results.json");
  } else if (kind === "print") print();
  else if (kind === "pdf") save(await api.sheet(frame), `${stem(frame)}.pdf`);
}

const row = (frame) => ({ ...frame.numbers.row, corrected: frame.corrected ? "yes" : "no" });

const partRows = (frame, name) => {
  const { file, frame: index } = frame.numbers.row;
  return frame.numbers.parts_rows.map((part, number) => ({ file, frame: index, [name]: number + 1, ...part }));
};

/** The masks of a whole stack where all frames of the file have one; else that of the frame. */
function nifti(frame, series) {
  const whole = series.frames.filter((other) => other.file === frame.file).sort((one, other) => one.frame - other.frame);
  const alike = whole.every((other) => other.mask && other.rows === frame.rows && other.cols === frame.cols);
  if (whole.length !== frame.frames || !alike) return api.maskNifti([frame], 1);
  const slices = whole.filter((other) => other.place?.number === 0).length;
  const known = slices > 0 && whole.length % slices === 0 && whole.every((other) => other.place?.position_mm && other.place?.orientation);
  return api.maskNifti(whole, known ? slices : 1);
}

/** As `Prediction.to_dict` in Python. */
function record(frame) {
  const { file, frame: index, status, message, confidence, unlikeness, source_distance, spacing_mm_row, spacing_mm_col, ...measurements } = frame.numbers.row;
  return {
    task: frame.task,
    file,
    frame: index,
    shape: [frame.rows, frame.cols],
    spacing_mm: frame.numbers.spacing_mm,
    status,
    message,
    confidence,
    unlikeness,
    source_distance,
    corrected: frame.corrected,
    measurements,
    parts: frame.numbers.parts_rows,
  };
}
