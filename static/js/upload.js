// The upload area of a batch: choosing and dropping, one bar with speed and time left, what failed and why.
// Without this module the plain form beside it does the work.

import { fromDrop, fromInput } from "./upload-files.js";
import { Queue } from "./upload-queue.js";
import { Tus } from "./upload-tus.js";

const SHOWN_FAILURES = 100;
const WINDOW = 15000; // the speed is that of the last 15 seconds

function start(area) {
  const { endpoint, known, login, chunk, maxUpload, maxInstance } = area.dataset;
  const find = (name) => area.querySelector(`[data-${name}]`);
  const tus = new Tus({ endpoint, known, login });
  const queue = new Queue(tus, { chunk: Number(chunk), maxUpload: Number(maxUpload), maxInstance: Number(maxInstance) });
  const speed = new Speed();
  let told = 0;
  let finished = 0;
  let drawing = false;

  const take = (found) => {
    if (!found.length) return say("There was no file to send.");
    speed.reset();
    queue.add(found);
  };
  for (const kind of ["folder", "files"]) {
    const input = area.querySelector(`[data-input="${kind}"]`);
    area.querySelector(`[data-pick="${kind}"]`).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      take(fromInput(input.files));
      input.value = ""; // so that choosing the same folder again is a change
    });
  }

  const drop = find("drop");
  let depth = 0;
  area.addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    drop.classList.add("over");
  });
  area.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) drop.classList.remove("over");
  });
  area.addEventListener("dragover", (event) => event.preventDefault());
  area.addEventListener("drop", async (event) => {
    event.preventDefault();
    depth = 0;
    drop.classList.remove("over");
    take(await fromDrop(event.dataTransfer));
  });

  const acts = {
    pause: () => queue.pause(),
    resume: () => {
      speed.reset();
      queue.resume();
    },
    stop: () => {
      queue.stop();
      tell();
    },
    retry: () => {
      speed.reset();
      queue.retry();
    },
  };
  for (const [name, act] of Object.entries(acts)) area.querySelector(`[data-act="${name}"]`).addEventListener("click", act);

  queue.addEventListener("change", () => {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      draw();
    });
  });
  queue.addEventListener("idle", () => {
    draw();
    const { done, here, failed } = queue.counts;
    if (done + here + failed) say(summary(queue.counts));
    tell();
  });
  addEventListener("beforeunload", (event) => {
    if (queue.busy) event.preventDefault();
  });

  // Last: should anything above fail, the plain form stays.
  area.hidden = false;
  area.parentElement.querySelector("[data-upload-form]").hidden = true;

  function say(text) {
    find("status").textContent = text;
  }

  // The live part of the page asks the server again; it goes on by itself while files are being processed.
  function tell() {
    told = Date.now();
    document.body.dispatchEvent(new CustomEvent("batch-files-changed"));
  }

  function draw() {
    const counts = queue.counts;
    const run = find("run");
    run.hidden = counts.total === counts.failed;
    const bar = find("bar");
    bar.max = Math.max(1, counts.bytes);
    bar.value = counts.sent;
    bar.setAttribute("aria-valuetext", `${size(counts.sent)} of ${size(counts.bytes)}`);
    const settled = counts.done + counts.here;
    find("counts").textContent = `${number(settled)} of ${number(counts.total - counts.failed)} files, ${size(counts.sent)} of ${size(counts.bytes)}`;
    const checking = queue.items.some((item) => item.state === "checking");
    const sending = queue.items.some((item) => item.state === "sending" || item.state === "waiting");
    find("headline").textContent = queue.paused ? "Paused" : sending ? "Uploading" : checking ? "Comparing with what is here" : "Uploaded";
    if (!queue.paused) speed.note(counts.sent);
    find("detail").textContent = queue.busy ? (queue.paused ? "What was sent is kept." : left(speed, counts)) : summary(counts);
    area.querySelector('[data-act="pause"]').hidden = !queue.busy || queue.paused;
    area.querySelector('[data-act="resume"]').hidden = !queue.paused;
    area.querySelector('[data-act="stop"]').hidden = !queue.busy;
    drawFailures();
    if (counts.done > finished && Date.now() - told > 2000) tell();
    finished = counts.done;
  }

  function drawFailures() {
    const failures = queue.failures;
    const box = find("failures");
    if (box.dataset.drawn === String(failures.length) && !box.hidden === failures.length > 0) return;
    box.hidden = !failures.length;
    box.dataset.drawn = String(failures.length);
    const rows = failures.slice(0, SHOWN_FAILURES).map((item) => {
      const row = find("failure-row").content.firstElementChild.cloneNode(true);
      row.querySelector(".name").textContent = item.path;
      row.querySelector(".size").textContent = size(item.file.size);
      const [cause, remedy] = row.querySelectorAll("dd");
      cause.textContent = item.error.cause || "The file could not be sent.";
      remedy.textContent = item.error.remedy || "Try again.";
      return row;
    });
    find("failure-list").replaceChildren(...rows);
    const more = find("failures-more");
    more.hidden = failures.length <= SHOWN_FAILURES;
    more.textContent = `and ${number(failures.length - SHOWN_FAILURES)} more`;
  }
}

class Speed {
  marks = [];

  reset() {
    this.marks = [];
  }

  note(bytes) {
    const now = performance.now();
    if (this.marks.length && now - this.marks.at(-1).now < 250) return;
    this.marks.push({ now, bytes });
    while (this.marks[0].now < now - WINDOW) this.marks.shift();
  }

  // Bytes a second, or 0 while too little is known.
  get now() {
    const [first, last] = [this.marks[0], this.marks.at(-1)];
    const time = last ? last.now - first.now : 0;
    return time > 800 ? Math.max(0, ((last.bytes - first.bytes) / time) * 1000) : 0;
  }
}

function left(speed, counts) {
  const rate = speed.now;
  if (!rate) return "";
  const seconds = (counts.bytes - counts.sent) / rate;
  return `${size(rate)} a second, ${time(seconds)} left`;
}

function summary({ done, here, failed }) {
  const parts = [];
  if (done) parts.push(`${number(done)} ${done === 1 ? "file" : "files"} sent and handed to processing.`);
  if (here) parts.push(`${number(here)} ${here === 1 ? "was" : "were"} already here.`);
  if (failed) parts.push(`${number(failed)} could not be sent: see below.`);
  return parts.join(" ");
}

function time(seconds) {
  if (seconds < 10) return "a few seconds";
  if (seconds < 90) return `${Math.round(seconds / 10) * 10} seconds`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return `${(seconds / 3600).toFixed(1)} hours`;
}

function number(value) {
  return value.toLocaleString("en-GB");
}

function size(bytes) {
  for (const unit of ["bytes", "kB", "MB", "GB"]) {
    if (bytes < 1000 || unit === "GB") return `${unit === "bytes" || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${unit}`;
    bytes /= 1000;
  }
  return "";
}

for (const area of document.querySelectorAll("[data-upload]")) start(area);
