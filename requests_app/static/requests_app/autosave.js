// Saves a step of the wizard while one types, and says when. Without it the buttons save.
const form = document.querySelector("form[data-autosave]");
const state = document.querySelector("#save-state");
const words = state?.querySelector("[data-words]");
const when = state?.querySelector("[data-when]");
const PAUSE = 1200; // after the last keystroke
const RETRY = 5000; // after a save that did not reach the server

let timer = 0;
let dirty = false;
let busy = false;
let again = false; // typed into while a save was on its way
let held = false; // in conflict: only the person saves
let savedAt = form?.dataset.saved ? Date.parse(form.dataset.saved) : 0;

function say(text) {
  if (words.textContent !== text) words.textContent = text;
}

function ago() {
  const seconds = Math.max(0, Math.round((Date.now() - savedAt) / 1000));
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ago` : new Date(savedAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function tick() {
  if (savedAt && !dirty && savedHere) when.textContent = `Saved ${ago()}`;
}
let savedHere = false;

function schedule(pause = PAUSE) {
  clearTimeout(timer);
  timer = setTimeout(save, pause);
}

function touched() {
  dirty = true;
  again = busy;
  if (held) return;
  if (!navigator.onLine) return offline();
  when.textContent = "Not saved yet";
  schedule();
}

function offline() {
  say("Offline: your changes stay on this page and are saved when the connection is back.");
  when.textContent = "";
}

async function save() {
  if (!dirty || busy || held) return;
  busy = true;
  dirty = false;
  again = false;
  say("");
  when.textContent = "Saving …";
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { "X-Autosave": "1", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      redirect: "manual",
    });
    if (answer.type === "opaqueredirect" || answer.status === 403) {
      dirty = held = true;
      say("Not saved: you are signed out. Keep this page, sign in in another tab, and copy your last change over.");
      when.textContent = "";
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
  } catch {
    dirty = true;
    if (!navigator.onLine) offline();
    else {
      say("Not saved: the server cannot be reached. Trying again.");
      when.textContent = "";
      schedule(RETRY);
    }
  } finally {
    busy = false;
    if (again && navigator.onLine && !held) schedule();
  }
}

// A link that is followed right after typing waits for the save.
async function leave(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || !dirty || held || !navigator.onLine || event.defaultPrevented) return;
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || link.target || link.origin !== location.origin) return;
  if (link.pathname === location.pathname && link.hash) return;
  event.preventDefault();
  clearTimeout(timer);
  while (busy) await new Promise((done) => setTimeout(done, 50));
  await save();
  location.assign(link.href); // what could not be saved asks before it is left
}

// A button pressed while a save is on its way waits for it: it would carry the revision from before that save, and the
// server would take it for somebody else's.
let pressed = false;
async function submitted(event) {
  if (!busy || event.defaultPrevented) {
    dirty = false;
    return;
  }
  event.preventDefault();
  if (pressed) return;
  pressed = true;
  clearTimeout(timer);
  while (busy) await new Promise((done) => setTimeout(done, 20));
  pressed = false;
  form.requestSubmit(event.submitter);
}

function show(answer) {
  if (answer.state !== "saved") {
    held = answer.state === "conflict" || answer.state === "over";
    say(answer.text);
    when.textContent = "";
    dirty = true;
    return;
  }
  savedAt = Date.now();
  savedHere = true;
  say("");
  form.elements.revision.value = answer.revision;
  form.elements.part.value = answer.part;
  for (const [name, value] of Object.entries(answer.kept)) {
    const field = form.elements.namedItem(name);
    if (field && "value" in field) field.value = value;
  }
  for (const [id, html] of Object.entries(answer.parts)) {
    const place = document.getElementById(id);
    if (!place) continue;
    const open = [...place.querySelectorAll("details")].map((box) => box.open);
    const focused = place.contains(document.activeElement);
    if (focused) continue; // somebody is reading there
    place.innerHTML = html;
    place.querySelectorAll("details").forEach((box, index) => (box.open = open[index] ?? box.open));
  }
  if (!dirty) tick();
}

if (form && state) {
  form.addEventListener("input", touched);
  form.addEventListener("change", touched);
  document.addEventListener("click", leave);
  form.addEventListener("submit", submitted);
  // Rows that came or went by htmx are a change too.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (form.contains(event.target)) touched();
  });
  window.addEventListener("offline", offline);
  window.addEventListener("online", () => {
    say("");
    if (dirty) schedule(0);
    else tick();
  });
  window.addEventListener("beforeunload", (event) => {
    if (dirty) event.preventDefault();
  });
  setInterval(tick, 1000);
}
