// Runs the deployed graphs with ONNX Runtime Web.

import { env, InferenceSession, Tensor } from "../onnxruntime/ort.wasm.bundle.min.mjs";

env.wasm.numThreads = 1;
env.logLevel = "error";

const sessions = new Map();

async function run({ runtime, graph, weights, grey, rows, cols }) {
  if (!sessions.has(graph)) {
    env.wasm.wasmBinary ??= runtime;
    sessions.set(graph, await InferenceSession.create(weights, { executionProviders: ["wasm"], enableCpuMemArena: false }));
  }
  const found = await sessions.get(graph).run({ pixels: new Tensor("float32", grey, [rows, cols]) });
  const mask = Uint8Array.from(found.mask.data);
  const numbers = Object.entries(found).filter(([name]) => !["mask", "probability"].includes(name));
  const said = Object.fromEntries(numbers.map(([name, { data }]) => [name, Number(data[0])]).filter(([, value]) => Number.isFinite(value)));
  return { mask, said };
}

let last = Promise.resolve();

addEventListener("message", ({ data }) => {
  // one picture at a time: the runtime takes no other call while one is running
  last = last.then(async () => {
    try {
      const answer = await run(data);
      postMessage({ id: data.id, ...answer }, [answer.mask.buffer]);
    } catch (error) {
      postMessage({ id: data.id, error: error.message || String(error) });
    }
  });
});
