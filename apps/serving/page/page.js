const find = (id) => document.getElementById(id);

let about = null; // models and limits
let picture = null; // the file that was dropped or chosen
let running = null; // of the request under way, to give it up

function say(text) {
  find("status").textContent = text;
  find("error").hidden = true;
}

function fail(text) {
  find("status").textContent = "";
  find("error").textContent = text;
  find("error").hidden = false;
}

async function answered(request) {
  let response;
  try {
    response = await request;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("There is no answer. Does the command still run?");
  }
  if (!response.ok) throw new Error((await response.text()) || response.statusText);
  return response.json();
}

function modelChosen() {
  return about.models[find("model").selectedIndex];
}

async function start() {
  about = await answered(fetch("about"));
  for (const { name } of about.models) find("model").add(new Option(name));
  find("limits").textContent =
    `at most ${about.max_bytes / 1e6} MB and ${about.max_megapixels} megapixels; ` +
    "it stays on this machine";
  if (about.noise_level !== null) find("level").value = about.noise_level;
  find("told").hidden = !modelChosen().conditional;
}

function take(files) {
  if (!files.length || !about) return;
  picture = files[0];
  restore();
}

async function restore() {
  find("told").hidden = !modelChosen().conditional;
  if (!picture) return;
  running?.abort();
  running = null;
  find("result").hidden = true;
  if (picture.size > about.max_bytes) {
    return fail(`This file has more than ${about.max_bytes / 1e6} MB, which are the most.`);
  }
  if (modelChosen().conditional && !find("level").checkValidity()) {
    return fail("This model is told the noise level: give t.");
  }
  await sent(picture, modelChosen());
}

async function sent(file, model) {
  const mine = (running = new AbortController());
  const query = new URLSearchParams({ model: model.name });
  if (model.conditional) query.set("noise_level", find("level").value);
  const begun = Date.now();
  const tell = () =>
    say(`Restoring ${file.name} ... ${Math.round((Date.now() - begun) / 1000)} s`);
  tell();
  const ticking = setInterval(tell, 1000);
  const options = { method: "POST", body: file, signal: mine.signal };
  try {
    const told = await answered(fetch(`restore?${query}`, options));
    const images = await Promise.all([loaded(told, "before"), loaded(told, "after")]);
    if (running === mine) show(told, file.name, images);
  } catch (error) {
    if (running === mine) fail(error.message);
  } finally {
    clearInterval(ticking);
  }
}

const at = (told, part) => `results/${told.result}/${part}`;

async function loaded(told, part) {
  const image = new Image();
  image.id = part;
  image.alt = find(part).alt;
  image.src = at(told, `${part}.png`);
  await image.decode();
  return image;
}

function show(told, name, images) {
  for (const image of images) find(image.id).replaceWith(image);
  find("download").href = at(told, "restored");
  find("download").download = nameOfResult(name);
  find("facts").textContent = facts(told);
  find("remarks").replaceChildren(...told.remarks.map(entry));
  split(50);
  find("result").hidden = false;
  say(`${name} took ${told.seconds} s.`);
}

function entry(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

function facts({ before, after }) {
  const size = ({ width, height }) => `${width} × ${height} px`;
  const sizes = size(before) === size(after) ? size(after) : `${size(before)} → ${size(after)}`;
  if (after.block === 1) return sizes;
  return `${sizes}, shown at 1/${after.block} of its size; the download has all pixels`;
}

function nameOfResult(name) {
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  return `${stem}-restored${ending}`;
}

function split(percent) {
  find("split").value = percent;
  find("compare").style.setProperty("--split", `${percent}%`);
}

function zoom() {
  const actual = find("compare").classList.toggle("actual");
  find("zoom").setAttribute("aria-pressed", actual);
}

find("split").addEventListener("input", (event) => split(event.target.value));
find("zoom").addEventListener("click", zoom);
find("file").addEventListener("change", (event) => take(event.target.files));
find("model").addEventListener("change", restore);
find("level").addEventListener("change", restore);
find("form").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  find("drop").classList.add("over");
});
document.addEventListener("dragleave", () => find("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  find("drop").classList.remove("over");
  take(event.dataTransfer.files);
});
start().catch((error) => fail(error.message));
