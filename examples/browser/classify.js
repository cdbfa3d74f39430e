// The page: a picture in, its five most probable classes out.
// ?model=ADDRESS names the network (model.onnx), ?image=ADDRESS a first picture.

const TOP = 5;
const part = (id) => document.getElementById(id);
const settings = new URLSearchParams(location.search);
const model = settings.get("model") ?? "model.onnx";
const network = new Worker("network.js", { type: "module" });

let names; // of the classes, null if the file has none
let ready = false;
let waiting; // the picture that was chosen while the network loaded
let asked = 0; // pictures that the network has not answered yet
let shown = ""; // the name of the picture in the page

function say(text, error = false) {
  part("status").textContent = text;
  part("status").classList.toggle("error", error);
  document.body.dataset.state = error ? "error" : ready && !asked ? "idle" : "busy";
}

function fail(text) {
  part("progress").hidden = true;
  say(text, true);
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);

function showLoading(loaded, total) {
  const bar = part("progress");
  bar.hidden = false;
  if (total) [bar.max, bar.value] = [total, loaded];
  if (document.body.dataset.state === "error") return; // of a picture: it stays to be read
  if (loaded === total) say(`Preparing the network of ${megabytes(total)} MB`);
  else say(`Loading the network: ${megabytes(loaded)}${total ? ` of ${megabytes(total)}` : ""} MB`);
}

// Names as people write them: "n02123045_tabby" is "tabby".
const nameOf = (index) =>
  names?.[index]?.replace(/^n\d{8}[_ ]/, "").replaceAll("_", " ") ?? `class ${index}`;

function row({ index, probability }) {
  const item = document.createElement("li");
  const parts = { b: nameOf(index), span: `${(100 * probability).toFixed(1)} %`, i: "" };
  for (const [tag, text] of Object.entries(parts)) {
    const element = document.createElement(tag);
    element.textContent = text;
    item.append(element);
  }
  item.lastChild.style.width = `${100 * probability}%`;
  Object.assign(item.dataset, { index, probability });
  return item;
}

function showClasses(probabilities, milliseconds) {
  asked -= 1;
  if (asked) return; // of a picture that another one has replaced
  const classes = probabilities.map((probability, index) => ({ index, probability }));
  classes.sort((one, other) => other.probability - one.probability);
  part("classes").replaceChildren(...classes.slice(0, TOP).map(row));
  say(`${shown}: classified in ${(milliseconds / 1000).toFixed(2)} s`);
}

// Return the pixels of a picture: upright, on white, without its colour profile, as in Keras.
async function pixelsOf(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const { width: columns, height: rows } = bitmap;
  const context = new OffscreenCanvas(columns, rows).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, columns, rows);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { pixels: context.getImageData(0, 0, columns, rows).data, rows, columns };
}

async function choose(blob, name) {
  const pixels = await pixelsOf(blob).catch(() => null);
  if (!pixels) {
    const formats = "The browser reads JPEG, PNG, WebP and GIF.";
    fail(`Received ${name}, which is no picture. ${formats} Choose another file.`);
    return;
  }
  shown = name;
  const picture = part("picture");
  URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(blob);
  picture.hidden = false;
  part("invitation").textContent = "Choose, drop or paste another picture";
  part("classes").replaceChildren();
  waiting = pixels;
  if (ready) classify();
}

function classify() {
  asked += 1;
  say(`Classifying ${shown}`);
  network.postMessage(waiting, [waiting.pixels.buffer]);
  waiting = null;
}

async function chooseAddress(address) {
  const response = await fetch(address).catch(() => null);
  if (response?.ok) await choose(await response.blob(), address);
  else fail(`Received no picture ${address}. It must lie beside this page. Choose another one.`);
}

network.onmessage = ({ data }) => {
  if (data.error) fail(data.error);
  else if (data.probabilities) showClasses(data.probabilities, data.milliseconds);
  else if ("ready" in data) {
    [names, ready] = [data.ready, true];
    part("progress").hidden = true;
    if (waiting) classify();
    else if (document.body.dataset.state !== "error") say("Ready: choose a picture");
  } else showLoading(data.loaded, data.total);
};
network.onerror = () =>
  fail("The network's thread has ended. A browser of 2023 or later is expected. Reload the page.");

part("file").onchange = ({ target }) => target.files[0] && choose(target.files[0], target.files[0].name);
document.onpaste = ({ clipboardData: { files } }) => files[0] && choose(files[0], files[0].name);
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    part("drop").classList.toggle("over", kind === "dragover");
    const file = kind === "drop" && event.dataTransfer.files[0];
    if (file) choose(file, file.name);
  });
}

say("Starting");
if (new URL(model, location.href).origin === location.origin) network.postMessage({ model });
else fail(`Received model=${model}. The network must lie on the server of this page. Copy it there.`);
if (settings.has("image")) chooseAddress(settings.get("image"));
