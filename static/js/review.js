// The contact sheet by keyboard: the picture of the chosen tile stands large beside the sheet; once it has stood there for the
// time that the page names, it was looked at, and the server is told. Notes are kept as they are written.
import { meant } from "./keys.js";

const sheet = document.querySelector("[data-sheet]");
const grid = sheet.querySelector("[data-grid]");
const tiles = [...grid.querySelectorAll(".sheet-tile")];
const film = sheet.querySelector("[data-film]");
const words = sheet.querySelector("[data-words]");
const form = sheet.querySelector("[data-loupe]");
const note = form?.querySelector("textarea");
const said = sheet.querySelector("[data-said]");
const mine = "mine" in sheet.dataset;
const SHOWN_AFTER = Number(sheet.dataset.shownAfter);
const FLUSH_AFTER = 600;
const FIRST_WORDS = "Text that may name somebody can be read in the picture. Mask it at the source and send the file again.";

let current = Math.max(0, tiles.findIndex((tile) => tile.ariaCurrent === "true"));
let before = 0; // how many times another picture was chosen: what finishes later for an older one is dropped
let timer = 0;
let flushing = 0;
const told = new Set();
const waiting = new Map(); // image -> [when it was first shown, when it was left or null]

const prefer = (tile) => tile && tile.dataset.picture && Object.assign(new Image(), { src: tile.dataset.picture });

// --- the picture before the reviewer ------------------------------------------------------------------------------------

async function choose(index, { focus = true } = {}) {
  const tile = tiles[index];
  if (!tile) return;
  const turn = ++before;
  leave();
  current = index;
  for (const each of tiles) {
    each.tabIndex = each === tile ? 0 : -1;
    if (each === tile) each.setAttribute("aria-current", "true");
    else each.removeAttribute("aria-current");
  }
  if (focus) tile.focus({ preventScroll: true });
  tile.scrollIntoView({ block: "nearest" });
  words.replaceChildren(tile.nextElementSibling.content.cloneNode(true));
  if (form) aim(tile);
  if (!tile.dataset.picture) {
    film.replaceChildren(Object.assign(document.createElement("span"), { textContent: "No image was stored" }));
    return;
  }
  const picture = new Image();
  picture.alt = `De-identified image of file ${tile.dataset.number}`;
  picture.src = tile.dataset.picture;
  try {
    await picture.decode();
  } catch {
    if (turn === before) say(`The picture of file ${tile.dataset.number} did not arrive. Choose it again.`, true);
    return;
  }
  if (turn !== before) return;
  film.replaceChildren(picture, ...[tile.querySelector("svg.sheet-boxes")].filter(Boolean).map((box) => box.cloneNode(true)));
  prefer(tiles[index + 1]);
  prefer(tiles[index + 2]);
  if (mine) timer = setTimeout(() => seen(tile, performance.now() - SHOWN_AFTER), SHOWN_AFTER);
}

function leave() {
  clearTimeout(timer);
  const image = tiles[current]?.dataset.image;
  const shown = waiting.get(image);
  if (shown && shown[1] === null) shown[1] = performance.now();
}

function seen(tile, since) {
  const { image } = tile.dataset;
  if (told.has(image) || waiting.has(image)) return;
  waiting.set(image, [since, null]);
  if ("wanted" in tile.dataset) tile.classList.add("is-looked");
  name(tile);
  clearTimeout(flushing);
  if (waiting.size >= 12) flush();
  else flushing = setTimeout(flush, FLUSH_AFTER);
}

// What a tile is called follows what became of it.
function name(tile) {
  let label = tile.ariaLabel.replace(", not looked at yet", "").replace(", looked at", "").replace(", flagged", "");
  if (tile.dataset.note) label += ", flagged";
  if ("wanted" in tile.dataset) label += tile.classList.contains("is-looked") ? ", looked at" : ", not looked at yet";
  tile.ariaLabel = label;
}

// --- telling the server -------------------------------------------------------------------------------------------------

async function post(address, fields, headers) {
  const body = new URLSearchParams(fields);
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(address, {
    method: "POST",
    body,
    headers: { "X-CSRFToken": token, ...headers },
    keepalive: true,
    redirect: "manual",
  });
  // A refusal answers with another page; its message is shown there.
  if (answer.type === "opaqueredirect" || answer.headers.has("HX-Redirect")) {
    location.reload();
    throw new Error("refused");
  }
  if (!answer.ok) throw new Error(String(answer.status));
  return answer;
}

async function flush() {
  clearTimeout(flushing);
  const now = performance.now();
  const part = [...waiting.entries()];
  if (!part.length) return;
  for (const [image] of part) {
    waiting.delete(image);
    told.add(image);
  }
  const looks = part.map(([image, [since, until]]) => ["look", `${image}:${Math.round((until ?? now) - since)}`]);
  try {
    const answer = await post(sheet.dataset.looks, looks, { Accept: "application/json" });
    progress(await answer.json());
  } catch (problem) {
    if (problem.message === "refused") return;
    for (const [image, shown] of part) {
      told.delete(image);
      waiting.set(image, shown);
    }
    say("What you looked at could not be kept. It is tried again.", true);
    flushing = setTimeout(flush, 5000);
  }
}

function progress({ wanted, looked, left }) {
  const box = document.querySelector("[data-progress]");
  if (!box) return;
  const bar = box.querySelector("progress");
  if (looked < bar.value) return; // an answer that was overtaken
  bar.max = wanted;
  bar.value = looked;
  box.querySelector("[data-looked]").textContent = looked.toLocaleString("en-GB");
  const complete = box.querySelector("[data-complete]");
  if (left === 0 && complete.hidden) say("The sample is complete.");
  complete.hidden = left > 0;
  const words = left === 1 ? "1 image" : `${left.toLocaleString("en-GB")} images`;
  document.querySelector("[data-still]").textContent = left
    ? `${words} of the sample still to be looked at.`
    : "You looked at the whole sample.";
  const count = document.querySelector('nav.tabs[aria-label="Batch review"] [aria-current] .count');
  if (count) count.textContent = left ? left.toLocaleString("en-GB") : "";
}

function say(text, trouble = false) {
  said.textContent = text;
  if (trouble) document.dispatchEvent(new CustomEvent("toast", { detail: { level: "error", text } }));
}

// --- notes --------------------------------------------------------------------------------------------------------------

// The form speaks of the chosen file. A note that is being written goes with the file it was written for.
function aim(tile) {
  const look = form.querySelector("[name=look]");
  look.value = tile.dataset.image ?? "";
  look.disabled = !tile.dataset.image;
  note.name = `note-${tile.dataset.file}`;
  note.value = tile.dataset.note;
  note.disabled = !tile.dataset.image;
}

async function keep() {
  const tile = tiles.find((each) => `note-${each.dataset.file}` === note.name);
  const text = note.value.trim();
  if (!tile || text === tile.dataset.note) return;
  const old = tile.dataset.note;
  mark(tile, text);
  try {
    const answer = await post(sheet.dataset.notes, [[`note-${tile.dataset.file}`, text]], { "HX-Request": "true" });
    const list = document.createElement("template");
    list.innerHTML = await answer.text();
    document.querySelector("#pending-notes")?.replaceWith(list.content);
    say(text ? `File ${tile.dataset.number} is flagged.` : `File ${tile.dataset.number} is not flagged any more.`);
  } catch (problem) {
    if (problem.message === "refused") return;
    mark(tile, old);
    say(`The note on file ${tile.dataset.number} could not be kept. Write it again.`, true);
  }
}

function mark(tile, text) {
  tile.dataset.note = text;
  tile.classList.toggle("is-flagged", text !== "");
  name(tile);
}

function flag() {
  if (!note || note.disabled) return;
  if (!note.value) note.value = FIRST_WORDS;
  note.focus();
  note.select();
}

// --- keys ---------------------------------------------------------------------------------------------------------------

const columns = () => tiles.filter((tile) => tile.parentElement.offsetTop === tiles[0].parentElement.offsetTop).length;

async function step(by) {
  const next = current + by;
  if (tiles[next]) return choose(next);
  const turned = sheet.querySelector(`.pagination a[rel=${by > 0 ? "next" : "prev"}]`);
  if (!turned) return undefined;
  leave();
  await flush();
  turned.click();
  return undefined;
}

function onward() {
  const left = (tile) => "wanted" in tile.dataset && !tile.classList.contains("is-looked");
  const next = tiles.findIndex((tile, index) => index > current && left(tile));
  const index = next >= 0 ? next : tiles.findIndex(left);
  if (index >= 0) choose(index);
  else step(tiles.length - current);
}

document.addEventListener("keydown", (event) => {
  if (!meant(event)) return;
  const onSheet = grid.contains(event.target);
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "j") step(1);
  else if (key === "k") step(-1);
  else if (key === "l") onward();
  else if (key === "x" && mine) flag();
  else if (onSheet && key === "ArrowRight") step(1);
  else if (onSheet && key === "ArrowLeft") step(-1);
  else if (onSheet && key === "ArrowDown") choose(Math.min(tiles.length - 1, current + columns()));
  else if (onSheet && key === "ArrowUp") choose(Math.max(0, current - columns()));
  else if (onSheet && key === "Enter") words.querySelector("[data-open]")?.click();
  else return;
  event.preventDefault();
});

grid.addEventListener("click", (event) => {
  const tile = event.target.closest(".sheet-tile");
  if (!tile || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(tiles.indexOf(tile));
});

if (note) {
  note.addEventListener("keydown", async (event) => {
    if (event.key === "Escape") note.value = tiles[current].dataset.note;
    else if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    keep();
    tiles[current].focus();
  });
  note.addEventListener("change", keep);
  // With a script the two buttons do what the keys do.
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await keep();
    if (event.submitter?.hasAttribute("formaction")) return;
    const { image } = tiles[current].dataset;
    if (image) seen(tiles[current], performance.now());
    onward();
  });
}

addEventListener("pagehide", () => {
  leave();
  flush();
});
choose(current, { focus: location.hash === "#loupe" || document.activeElement === document.body });
