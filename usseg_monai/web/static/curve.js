// The curve of a study, with its notable phases and numbers; each phase is a way to its frame.

import { el, svg } from "./dom.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 230, 52, 14, 26, 34];

/** @param {function} go called with a phase */
export function curve(root, studies, phase, go) {
  root.hidden = !studies?.length;
  root.replaceChildren(...(studies ?? []).flatMap((study) => one(study, phase, go)));
}

function one(study, phase, go) {
  return [
    el("h3", {}, study.column ? `${study.column[0]} by phase` : study.name),
    study.message && el("p", { class: "quiet" }, study.message[0].toUpperCase() + study.message.slice(1)),
    el("dl", { class: "numbers" }, study.numbers.map(({ label, text }) => el("div", {}, el("dt", {}, label), el("dd", {}, text)))),
    study.curve.length > 1 && drawing(study, phase, go),
    study.curve.length > 1 &&
      el(
        "div",
        { class: "phases", role: "group", "aria-label": "Phases" },
        study.curve.map((point) => {
          const mark = study.marks.find((known) => known.phase === point.phase);
          return el("button", { type: "button", "aria-pressed": String(point.phase === phase), click: () => go(point.phase) }, mark ? `${point.phase}: ${mark.text}` : `${point.phase}`);
        }),
      ),
  ].filter(Boolean);
}

function drawing(study, phase, go) {
  const name = Object.keys(study.curve[0]).find((column) => column !== "phase" && column !== "time_ms");
  const timed = study.curve.every((point, index) => point.time_ms != null && (index === 0 || point.time_ms > study.curve[index - 1].time_ms));
  const along = study.curve.map((point) => (timed ? point.time_ms : point.phase));
  const values = study.curve.map((point) => point[name]);
  const most = Math.max(...values) * 1.15 || 1;
  const x = (value) => LEFT + ((value - along[0]) / (along[along.length - 1] - along[0] || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM);
  const points = study.curve.map((_, index) => [x(along[index]), y(values[index])]);
  const unit = study.column?.[1] ?? "";
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curve", role: "img", "aria-label": `Curve: ${study.marks.map((mark) => mark.text).join(", ") || "no notable phases"}` },
    svg("line", { class: "axis", x1: LEFT, y1: y(0), x2: WIDTH - RIGHT, y2: y(0) }),
    svg("line", { class: "axis", x1: LEFT, y1: TOP, x2: LEFT, y2: y(0) }),
    text(8, TOP - 8, unit),
    text(8, y(most / 1.15) + 4, (most / 1.15).toFixed(0)),
    text(8, y(0) + 4, "0"),
    text(WIDTH - RIGHT - 60, HEIGHT - 8, timed ? "time, ms" : "phase"),
    text(LEFT, HEIGHT - 8, along[0].toFixed(0)),
    svg("polyline", { class: "line", points: points.map((point) => point.join(",")).join(" ") }),
    ...points.map(([cx, cy], index) => svg("circle", { cx, cy, r: index === phase ? 6 : 3, class: index === phase ? "here" : "" })),
    ...study.marks.map(({ phase: at, text: words, above }) => {
      return text(Math.min(points[at][0], WIDTH - 150), points[at][1] + (above ? -9 : 18), words);
    }),
    ...points.map(([cx, cy], index) => svg("circle", { cx, cy, r: 14, class: "hit", click: () => go(index) })),
  );
}

function text(x, y, words) {
  const node = svg("text", { x, y });
  node.textContent = words;
  return node;
}
