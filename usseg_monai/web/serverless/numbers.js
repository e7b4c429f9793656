// A measurement in the words of the page, as usseg_monai/web/numbers.py; words, units and columns come from facts.json.

import { fixed, general } from "../measure/text.js";

export const cellText = (value) => {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  return Math.abs(value) >= 1e6 ? fixed(value, 0) : Number.isInteger(value) ? String(value) : general(value);
};

export function shown(known, task, { file, frame }, spacing, measurement, corrected) {
  const { values, status, message, confidence = null, unlikeness = null, source_distance: distance = null } = measurement;
  const common = [file, frame, status, message, confidence, unlikeness, distance, ...(spacing ?? [null, null])];
  return {
    status,
    ...known.statuses[status], // severity and heading
    message,
    corrected,
    confidence: confidence === null ? null : fixed(confidence, 2),
    spacing_mm: spacing,
    bars: [],
    highlights: status === "empty" ? [] : highlights(task, values),
    all: task.columns.map(({ name, description }) => ({ name, text: cellText(values[name]), description })),
    parts: null,
    outlines: measurement.outlines.map((line) => line.map((point) => point.map((end) => Math.round(end * 100) / 100))),
    axes: measurement.axes.map((points) => ({ points, text: lengthOf(points, spacing) })),
    numbered: [],
    row: {
      ...Object.fromEntries(known.common_columns.map((name, k) => [name, common[k]])),
      ...Object.fromEntries(task.columns.map(({ name }) => [name, values[name]])),
    },
    parts_rows: [],
  };
}

/** The columns that a task shows first, each in the first unit that is known. */
function highlights({ columns }, values) {
  const chosen = new Map();
  for (const column of columns.filter((one) => one.highlight)) {
    const other = chosen.get(column.label);
    if (!other || (values[other.name] === null && values[column.name] !== null)) chosen.set(column.label, column);
  }
  return [...chosen.values()]
    .filter(({ name }) => values[name] !== null)
    .map((column) => {
      const at = column.name.lastIndexOf("_");
      const error = values[`${column.name.slice(0, at)}_error${column.name.slice(at)}`] ?? null;
      const text = number(values[column.name], column) + (error === null ? "" : ` ± ${number(error, column)}`);
      return { label: column.label, text: `${text}${["", "°"].includes(column.unit) ? "" : " "}${column.unit}`, description: column.description };
    });
}

const number = (value, { whole, unit }) => (whole ? String(value) : fixed(value, unit ? 1 : 2));

/** The length of a straight axis; empty for the outline of a disc. */
function lengthOf(points, spacing) {
  if (points.length !== 2) return "";
  const [down, across] = [0, 1].map((axis) => (points[1][axis] - points[0][axis]) * (spacing?.[axis] ?? 1));
  return `${fixed(Math.hypot(down, across), 1)} ${spacing ? "mm" : "px"}`;
}
