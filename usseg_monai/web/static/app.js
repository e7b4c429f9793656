// The page: what is open, what is shown, and what happens in which order.

import * as api from "./api.js";
import { curve } from "./curve.js";
import { Display, usualWindow } from "./display.js";
import { byId, el } from "./dom.js";
import { cut, Frame, Series } from "./model.js";
import { panel } from "./panel.js";
import { addReason, forgetReasons } from "./reasons.js";
import { line, shade, Stage, write } from "./stage.js";
import { strip } from "./strip.js";
import { take } from "./take.js";
import { Axes } from "./tools/axes.js";
import { Brush } from "./tools/brush.js";
import { Calipers } from "./tools/calipers.js";

const STILL_MS = 400; // from the last change of a number typed to the next call
const PLAY_MS = 90;
const PAUSE_MS = 60; // between two calls while something is drawn: the pictures of the screen come first
const MOST_MEASURED_MEANWHILE = 4e6; // pixels of a mask that is measured while it is drawn

const state = { facts: null, all: [], at: -1, tool: "move", pending: 0, playing: 0, shown: 0 };
const page = document.documentElement;
const series = () => state.all[state.at];
const frame = () => series()?.frame;
const taskOf = (name) => state.facts.tasks.find((task) => task.name === name);

// Tools -----------------------------------------------------------------------------------------------------------------------------

const idle = { start() {}, stop() {}, down: () => false, hover() {}, move() {}, up() {}, key: () => false };
const stage = new Stage(byId("stage"), {
  down: (point) => tools[state.tool].down(point),
  hover: (point) => tools[state.tool].hover(point),
  move: (point) => tools[state.tool].move(point),
  up: (point) => tools[state.tool].up(point),
  key: (name, far) => tools[state.tool].key(name, far),
});
const strokes = {
  changed(box) {
    frame().display.drawMask(box);
    stage.draw();
    frame().stroked = true;
    if (frame().mask.length <= MOST_MEASURED_MEANWHILE) measureSoon(frame(), { corrected: true });
  },
  finished(box, before) {
    const shown = frame();
    shown.edit(box, cut(before, shown.cols, box));
    shown.stroked = false;
    measureSoon(shown, {});
    buttons();
  },
};
const calipers = new Calipers(stage, () => showPanel());
const tools = {
  move: idle,
  axes: new Axes(stage, {
    moved: (axes) => measureSoon(frame(), { axes }),
    finished: (axes) => measureSoon(frame(), { axes, done: true }),
  }),
  brush: new Brush(stage, 1, strokes),
  eraser: new Brush(stage, 0, strokes),
  calipers,
};
const NAMES = { move: "Move", axes: "Ellipse", brush: "Brush", eraser: "Eraser", calipers: "Calipers" };
const ADVICE = {
  move: "Drag to move, turn the wheel or pinch to zoom, double-click to fit. With keys: arrows, +, −, 0.",
  axes: "Drag the ends of the axes or the centre. With keys: Tab to a handle, then arrows (with Shift: further). The numbers follow.",
  brush: "Drag to add to the outline. With keys: arrows move the tip (with Shift: further), space paints.",
  eraser: "Drag to take away from the outline. With keys: arrows move the tip (with Shift: further), space takes away.",
  calipers: "Drag over the picture to measure a distance; drag the ends to change it.",
};

function chooseTool(name) {
  tools[state.tool].stop();
  state.tool = name;
  tools[name].start();
  buttons();
}

function buttons() {
  const shown = frame();
  const withAxes = shown?.task && taskOf(shown.task).axes;
  if (!withAxes && state.tool === "axes") return chooseTool("move");
  for (const button of byId("tools").children) {
    button.setAttribute("aria-pressed", String(button.dataset.tool === state.tool));
    button.disabled = button.dataset.tool !== "move" && !shown?.mask;
    button.hidden = button.dataset.tool === "axes" && !withAxes;
  }
  byId("undo").disabled = !shown?.done.length;
  byId("redo").disabled = !shown?.undone.length;
  byId("reset").disabled = !shown?.corrected;
  byId("tip").parentElement.hidden = !["brush", "eraser"].includes(state.tool);
  const brushed = withAxes && ["brush", "eraser"].includes(state.tool);
  byId("advice").textContent = ADVICE[state.tool] + (brushed ? " Here the ellipse is the better tool: its fit ignores dents and bumps of less than half the edge." : "");
}

// What was measured, above the picture
stage.drawings.push((context) => {
  const numbers = frame()?.numbers;
  if (!numbers || state.tool === "axes") return;
  for (const outline of numbers.outlines) line(context, stage, outline, shade("--measured"), { width: 2.2 });
  if (state.tool !== "calipers") for (const { points } of numbers.axes) line(context, stage, points, shade("--measured"), { width: 1.6, dashes: [2, 4] });
  numbers.numbered.forEach((center, index) => write(context, String(index + 1), stage.toStage(center)));
});

// Showing ---------------------------------------------------------------------------------------------------------------------------

function say(text) {
  byId("busy").textContent = text;
}

function pending(change) {
  state.pending += change;
  page.dataset.settled = String(state.pending === 0);
}

/** What is on the page, in a word: of the picture that is shown, whatever happens to others meanwhile. */
function nameOfShown() {
  const shown = frame();
  if (!shown) return "start";
  if (shown.error) return "error";
  if (!shown.numbers) return "looking";
  return shown.corrected ? "corrected" : "result";
}

/** Say to programs that look at the page that something changed. */
function mark(name = nameOfShown()) {
  page.dataset.state = name;
  page.dataset.shown = String(++state.shown);
}

function show() {
  const opened = state.all.length > 0;
  page.dataset.state = nameOfShown();
  byId("start").hidden = opened;
  byId("work").hidden = !opened;
  byId("home").hidden = !opened;
  if (!opened) return showVersion();
  const shown = frame();
  series().usual ??= usualWindow(shown.pixels); // one for all frames: a cine must not flicker
  series().window ??= series().usual;
  shown.display ??= new Display(shown, hex(shade("--found")), series().window);
  shown.display.setWindow(series().window);
  forgetDisplays(shown);
  stage.show(shown.display);
  stage.canvas.setAttribute("aria-label", `${shown.file}${shown.frames > 1 ? `, frame ${shown.frame}` : ""}, with its outline`);
  tools[state.tool].shown?.();
  showStrip();
  showPanel();
  showCine();
  showWindow();
  buttons();
}

const MOST_DISPLAYS = 12;
const recent = [];

/** Keep the canvases of the frames shown last only. */
function forgetDisplays(shown) {
  const known = recent.indexOf(shown);
  if (known >= 0) recent.splice(known, 1);
  recent.push(shown);
  while (recent.length > MOST_DISPLAYS) recent.shift().display = null;
}

function showStrip() {
  strip(byId("strip"), state.all, state.at, (number) => {
    state.at = number;
    show();
  });
}

function showVersion() {
  const { version } = state.facts;
  const task = frame()?.task;
  byId("version").textContent = `usseg-monai ${version}${task ? `, weights of ${task} ${taskOf(task).weights}` : ""}`;
}

function showPanel() {
  if (!series()) return;
  showVersion();
  const open = byId("all")?.open;
  series().titles = Object.fromEntries(state.facts.tasks.map(({ name, title }) => [name, title]));
  panel(byId("panel"), series(), calipers, {
    typed: typedSoon,
    take: (kind) => work(async () => take(kind, frame(), series(), state.all)),
    removeCaliper: (number) => calipers.remove(number),
    addCaliper: () => calipers.add(),
    useForAll: () => useForAll(frame().typed),
  });
  if (open && byId("all")) byId("all").open = true;
}

function showCine() {
  const { frames, at } = series();
  byId("cine").hidden = frames.length < 2;
  byId("slider").max = frames.length - 1;
  byId("slider").value = at;
  byId("number").textContent = `${at + 1} of ${frames.length}`;
  curve(byId("study"), series().studies, phaseOf(frame()), goToPhase);
}

const rowOf = (shown) => series().studies?.flatMap((study) => study.slices).find((row) => row.file === shown.file && row.frame === shown.frame);
const phaseOf = (shown) => rowOf(shown)?.phase;

/** Show the frame of a phase in the slice that is shown. */
function goToPhase(phase) {
  const slice = rowOf(frame())?.slice ?? 0;
  const row = series().studies.flatMap((study) => study.slices).find((other) => other.slice === slice && other.phase === phase);
  const number = series().frames.findIndex((other) => row && other.file === row.file && other.frame === row.frame);
  if (number >= 0) goTo(number);
}

function goTo(number) {
  series().at = number;
  show();
}

const hex = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

function showWindow() {
  const { window: [low, high], usual } = series();
  const span = 2 * (usual[1] - usual[0]);
  byId("level").value = 1000 * (((low + high) / 2 - usual[0] + span / 4) / span);
  byId("window").value = (1000 * (high - low)) / span;
}

function setWindow(window) {
  series().window = window;
  frame().display.setWindow(window);
  stage.draw();
}

function slidWindow() {
  const { usual } = series();
  const span = 2 * (usual[1] - usual[0]);
  const level = (byId("level").value / 1000) * span + usual[0] - span / 4;
  const half = (Math.max(byId("window").value / 1000, 0.001) * span) / 2;
  setWindow([level - half, level + half]);
}

// Opening ---------------------------------------------------------------------------------------------------------------------------

/** Do something that may be refused; the reason is shown. */
async function work(doing, name = "") {
  pending(1);
  try {
    return await doing();
  } catch (error) {
    if (!(error instanceof api.Refused)) console.error(error);
    const reason = error instanceof api.Refused ? error.message : `a fault of this page: ${error.message}`;
    say("");
    addReason(name ? `${name}: ${reason}` : reason);
    mark("error");
    return null;
  } finally {
    pending(-1);
  }
}

async function openFiles(files) {
  const { all } = state;
  forgetReasons();
  for (const file of [...files]) {
    say(`Reading ${file.name}…`);
    const answer = await work(async () => {
      if (file.size > state.facts.max_bytes) throw new api.Refused(`more than ${state.facts.max_bytes >> 20} MB; split it`);
      return api.decode(file);
    }, file.name);
    if (state.all !== all) return; // the start page was asked for meanwhile
    if (answer) await add(file.name, answer, byId("task").value);
  }
}

async function openSample(task, group) {
  const { all } = state;
  forgetReasons();
  for (let number = 0, more = true; more; number++) {
    say("Fetching a sample…");
    const answer = await work(() => api.sample(task, group, number));
    if (!answer || state.all !== all) return;
    more = answer.more;
    await add(answer.frames[0].file, answer, task, number === 0);
  }
}

/** Take up decoded frames as a series, and find what is in them. */
async function add(name, { frames, left_out = [] }, wanted, showIt = true) {
  say("");
  const opened = new Series(name, frames.map((described) => new Frame(described)), wanted);
  state.all.push(opened);
  if (showIt) {
    state.at = state.all.length - 1;
    show();
  } else showStrip();
  await find(opened);
  if (left_out.length && state.all.includes(opened)) addReason(`${name}: left out: ${left_out.map(({ file, reason }) => `${file} (${reason})`).slice(0, 3).join("; ")}${left_out.length > 3 ? ` and ${left_out.length - 3} more` : ""}`);
}

/** Let the network look at all frames of a series, the one that is shown first. */
async function find(opened) {
  const turn = (opened.turn = (opened.turn ?? 0) + 1);
  const isPast = () => opened.turn !== turn || !state.all.includes(opened);
  const { frames } = opened;
  for (const one of frames) Object.assign(one, { task: null, numbers: null, mask: null, found: null, error: "", calipers: undefined });
  opened.studies = null;
  let task = opened.wanted;
  const waiting = [opened.at, ...frames.keys()].filter((number, at, all) => all.indexOf(number) === at);
  for (const [done, number] of waiting.entries()) {
    const one = frames[number];
    await work(async () => {
      try {
        const answer = await api.predict(one, task);
        if (isPast()) return;
        one.predicted(answer);
        if (task === "auto") task = opened.wanted = answer.task;
      } catch (error) {
        if (!(error instanceof api.Refused)) throw error;
        one.error = error.message;
      }
      if (one.typed) await measureNow(one, {});
    });
    if (isPast()) return;
    one.display?.drawMask();
    changed(one);
    if (frames.length > 1) say(done + 1 < frames.length ? `Looked at ${done + 1} of ${frames.length} frames` : "");
    if (one.error && task === "auto") return; // no task: the others would not know it either
  }
  await sumUp(opened);
}

/** A frame has new numbers; its mask is drawn already. */
function changed(one) {
  if (one === frame()) {
    if (!one.dragged) tools[state.tool].shown?.();
    showPanel();
    buttons();
    stage.draw();
  }
  if (!one.dragged && !one.stroked) showStrip();
  mark();
}

async function sumUp(opened) {
  const { frames, task } = opened;
  if (!task || !taskOf(task)?.study || frames.length < 2) return;
  if (frames.some((one) => !one.numbers) || frames.every((one) => !one.place)) return;
  const turn = (opened.summing = (opened.summing ?? 0) + 1);
  const studies = await work(() => api.study(task, frames));
  if (opened.summing !== turn) return;
  opened.studies = studies;
  if (opened === series()) showCine();
  mark();
}

// Measuring -------------------------------------------------------------------------------------------------------------------------

/** Measure a frame's mask, or the mask of axes; while a call is on its way only the last wish waits. */
async function measureSoon(one, wish) {
  one.wish = wish.done || !one.wish?.done ? wish : { ...wish, done: true };
  if (wish.axes && !one.dragged) one.dragged = one.mask;
  if (one.measuring) return;
  one.measuring = true;
  while (one.wish) {
    const next = one.wish;
    one.wish = null;
    await work(() => measureNow(one, next));
    if (one.stroked) await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
  one.measuring = false;
  const owner = state.all.find(({ frames }) => frames.includes(one));
  if (owner && !one.dragged) await sumUp(owner);
}

async function measureNow(one, { axes, done, corrected }) {
  const asked = corrected ? Object.assign(Object.create(one), { corrected }) : one;
  const { mask, ...numbers } = await api.measure(asked, axes);
  one.numbers = numbers;
  if (mask && done) {
    const since = one.dragged ?? one.mask;
    one.dragged = null;
    one.replace(mask, since);
  } else if (mask) one.mask = mask;
  if (mask) one.display?.drawMask();
  changed(one);
}

let still = 0;

function typedSoon(size) {
  const opened = series();
  for (const one of opened.frames) one.typed = size;
  byId("spacing-source").textContent = "Typed by hand";
  clearTimeout(still);
  still = setTimeout(async () => {
    stage.fit();
    await measureAll(opened);
  }, STILL_MS);
}

async function measureAll(opened) {
  for (const one of [opened.frame, ...opened.frames.filter((other) => other !== opened.frame)]) {
    if (one.numbers) await work(() => measureNow(one, {}));
  }
  await sumUp(opened);
}

/** Give a pixel size to everything that states none. */
async function useForAll(size) {
  for (const opened of state.all) {
    const without = opened.frames.filter((one) => !one.typed && !one.spacing_mm && !one.regions.length);
    for (const one of without) one.typed = size;
    if (without.length) await measureAll(opened);
  }
}

function step(name) {
  const shown = frame();
  if (!shown || shown.dragged) return;
  const box = shown[name]();
  if (!box) return;
  shown.display.drawMask(box);
  measureSoon(shown, {});
  buttons();
  stage.draw();
}

function reset() {
  const shown = frame();
  if (!shown?.found) return;
  shown.replace(shown.found.slice());
  shown.corrected = false;
  shown.display.drawMask();
  measureSoon(shown, {});
  buttons();
}

// The page's own controls -----------------------------------------------------------------------------------------------------------

function play() {
  clearInterval(state.playing);
  state.playing = state.playing ? 0 : setInterval(() => series() && goTo((series().at + 1) % series().frames.length), PLAY_MS);
  byId("play").textContent = state.playing ? "Stop" : "Play";
}

function wire() {
  byId("open").addEventListener("click", () => byId("files").click());
  byId("files").addEventListener("change", async ({ target }) => {
    const files = [...target.files];
    target.value = "";
    await openFiles(files);
  });
  byId("home").addEventListener("click", () => {
    if (state.playing) play();
    chooseTool("move");
    Object.assign(state, { all: [], at: -1 });
    say("");
    forgetReasons();
    show();
    mark();
  });
  byId("task").addEventListener("change", ({ target }) => {
    if (!series()) return;
    series().wanted = target.value;
    find(series());
  });
  for (const [name, text] of Object.entries(NAMES)) {
    byId("tools").append(el("button", { type: "button", "data-tool": name, "aria-pressed": "false", click: () => chooseTool(name) }, text));
  }
  byId("tip").addEventListener("input", ({ target }) => {
    tools.brush.radius = tools.eraser.radius = Number(target.value);
    stage.draw();
  });
  byId("undo").addEventListener("click", () => step("undo"));
  byId("redo").addEventListener("click", () => step("redo"));
  byId("reset").addEventListener("click", reset);
  byId("smaller").addEventListener("click", () => stage.zoomAt(0.8));
  byId("larger").addEventListener("click", () => stage.zoomAt(1.25));
  byId("fit").addEventListener("click", () => stage.fit());
  byId("slider").addEventListener("input", ({ target }) => goTo(Number(target.value)));
  byId("play").addEventListener("click", play);
  byId("level").addEventListener("input", slidWindow);
  byId("window").addEventListener("input", slidWindow);
  byId("usual").addEventListener("click", () => {
    setWindow(series().usual);
    showWindow();
  });
  byId("opacity").addEventListener("input", ({ target }) => {
    stage.opacity = target.value / 100;
    stage.draw();
  });
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input")) return;
    const key = event.key.toLowerCase();
    if (key === "z" || key === "y") {
      event.preventDefault();
      step(key === "y" || event.shiftKey ? "redo" : "undo");
    }
  });
  addEventListener("paste", ({ clipboardData }) => clipboardData?.files.length && openFiles(clipboardData.files));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    openFiles(event.dataTransfer.files);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => stage.draw());
}

function showStart({ tasks, samples, absent }) {
  for (const { name, title } of tasks) byId("task").append(el("option", { value: name }, title));
  byId("samples").append(
    ...tasks.map((task) =>
      el(
        "article",
        {},
        el("h4", {}, task.title),
        el("p", {}, `Finds ${task.finds}.`),
        samples
          .filter((group) => group.task === task.name)
          .map((group) => el("button", { type: "button", title: group.text, "data-sample": `${group.task}/${group.group}`, click: () => openSample(group.task, group.group) }, group.title)),
      ),
    ),
  );
  if (absent) byId("samples").after(el("p", { class: "quiet" }, absent));
  showVersion();
}

wire();
pending(0);
state.facts = await work(api.facts);
if (state.facts) {
  showStart(state.facts);
  mark();
}
page.dataset.ready = String(Math.round(performance.now()));

export { stage, state }; // for measuring
