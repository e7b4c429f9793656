// The networks, each run in one worker beside the page; a graph goes there only if its SHA-256 is the released one.

import { place } from "./place.js";
import { Refused } from "./refused.js";

const RUNTIME = "static/onnxruntime/ort-wasm-simd-threaded.wasm";

const waiting = new Map();
const opened = new Set(); // graphs that the worker has
let worker = null;
let number = 0;

function started() {
  if (worker) return worker;
  worker = new Worker(place("static/serverless/worker.js"), { type: globalThis.PARTS ? "classic" : "module" });
  worker.addEventListener("message", ({ data: { id, error, ...answer } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Refused(error));
    else resolve(answer);
  });
  worker.addEventListener("error", () => {
    for (const { reject } of waiting.values()) reject(new Refused("the part of this page that runs the networks did not start; load the page again"));
    waiting.clear();
    opened.clear();
    worker = null;
  });
  return worker;
}

async function bytesOf(path) {
  try {
    const answer = await fetch(place(path));
    if (answer.ok) return await answer.arrayBuffer();
  } catch {
    // as if it were not there
  }
  throw new Refused("a part of this page did not come: load the page again where there is a network");
}

async function weightsOf({ graph, graph_sha256: sha256 }) {
  if (!globalThis.crypto?.subtle) throw new Refused("the weights cannot be checked: open this page by https, or from your own machine");
  const weights = await bytesOf(graph);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", weights));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found === sha256) return weights;
  throw new Refused(`the weights are damaged or not the released ones: their SHA-256 is ${found.slice(0, 12)}..., the release's is ${sha256.slice(0, 12)}...`);
}

/** {mask, said} for {pixels, rows, cols}; said holds the network's other numbers that are finite. */
export async function runNetwork(task, { pixels, rows, cols }) {
  const { graph } = task;
  const first = opened.has(graph) ? {} : { runtime: await bytesOf(RUNTIME), weights: await weightsOf(task) };
  const answer = await new Promise((resolve, reject) => {
    const id = number++;
    waiting.set(id, { resolve, reject });
    const grey = Float32Array.from(pixels);
    started().postMessage({ id, graph, ...first, grey, rows, cols }, [grey.buffer]);
  });
  opened.add(graph);
  return answer;
}
