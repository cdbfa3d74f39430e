// The network in a thread of its own, so that the page answers while it loads and computes.
// It takes {model: address} once, then {pixels, rows, columns}, and posts {loaded, total},
// {ready: class names}, {probabilities, milliseconds} or {error: three sentences}.

import { metadata } from "./metadata.js";

const RUNTIME = "./node_modules/onnxruntime-web/dist/";
const EXPORT = "keras-alexnet export MODEL --format onnx --preprocessing --output model.onnx";

let ort;
let session;

async function runtime() {
  try {
    ort = await import(`${RUNTIME}ort.wasm.min.mjs`);
  } catch {
    throw new Error(
      "Received no ONNX Runtime Web from the folder node_modules. It must lie beside this page. " +
        "Run npm install in the folder of this page, and reload it.",
    );
  }
  ort.env.wasm.numThreads = 1; // more need headers of the server that a plain one does not send
  ort.env.wasm.wasmPaths = new URL(RUNTIME, import.meta.url).href;
  ort.env.logLevel = "error";
}

// Return the bytes of a file, and post how many have come.
async function fetched(address) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) {
    throw new Error(
      `Received no file ${address} (${response?.status ?? "no connection"}). ` +
        `The exported network must lie there. Make it with: ${EXPORT}`,
    );
  }
  const total = Number(response.headers.get("Content-Length"));
  const chunks = [];
  let loaded = 0;
  let told = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    if (loaded - told > 1e6) postMessage({ loaded: (told = loaded), total });
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

// Return whether the input has its channels last; refuse one that takes no photos.
function channelsLast(input) {
  const [, first, , last] = input.shape ?? [];
  if (input.type !== "uint8" || (first !== 3 && last !== 3)) {
    throw new Error(
      `Received a network that takes ${input.type} of the shape (${input.shape}). ` +
        "It must take uint8 images of any size, with the preprocessing inside. " +
        `Make it with: ${EXPORT}`,
    );
  }
  return last === 3;
}

async function load(address) {
  await runtime();
  const bytes = await fetched(address);
  postMessage({ loaded: bytes.length, total: bytes.length });
  let texts;
  try {
    texts = metadata(bytes);
    session = await ort.InferenceSession.create(bytes);
  } catch (error) {
    throw new Error(
      `Received a file ${address} that ONNX Runtime cannot open (${error.message}). ` +
        `A whole ONNX file is expected. Make it with: ${EXPORT}`,
    );
  }
  channelsLast(session.inputMetadata[0]);
  postMessage({ ready: JSON.parse(texts.class_names ?? "null") });
}

// Return red, green and blue as the network takes them.
function tensor(pixels, rows, columns) {
  const last = channelsLast(session.inputMetadata[0]);
  const plane = rows * columns;
  const values = new Uint8Array(3 * plane);
  const [step, distance] = last ? [3, 1] : [1, plane];
  for (let place = 0; place < plane; place++) {
    for (let color = 0; color < 3; color++) {
      values[place * step + color * distance] = pixels[4 * place + color];
    }
  }
  return new ort.Tensor("uint8", values, last ? [1, rows, columns, 3] : [1, 3, rows, columns]);
}

async function classify({ pixels, rows, columns }) {
  const began = performance.now();
  const outputs = await session.run({ [session.inputNames[0]]: tensor(pixels, rows, columns) });
  const probabilities = Array.from(outputs[session.outputNames[0]].data);
  for (const output of Object.values(outputs)) output.dispose();
  postMessage({ probabilities, milliseconds: performance.now() - began });
}

onmessage = async ({ data }) => {
  try {
    await (data.model ? load(data.model) : classify(data));
  } catch (error) {
    postMessage({ error: error.message });
  }
};
