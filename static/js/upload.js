// The upload area of a batch: choosing and dropping, one bar with speed and time left, progress by study, what failed and why.
// Without this module the plain form beside it does the work.

import { fromDrop, fromInput } from "./upload-files.js";
import { Queue } from "./upload-queue.js";
import { Reading } from "./upload-reading.js";
import { Tus } from "./upload-tus.js";
import { counted, groupName, number, size, Speed, summary, time } from "./upload-words.js";

const SHOWN_FAILURES = 100;
const SHOWN_GROUPS = 4;
const SAID_EVERY = 20_000; // milliseconds between two announcements to a screen reader

function start(area) {
  const { endpoint, known, login, reader, chunk, maxUpload, maxInstance } = area.dataset;
  const find = (name) => area.querySelector(`[data-${name}]`);
  const tus = new Tus({ endpoint, known, login });
  const limits = { chunk: Number(chunk), maxUpload: Number(maxUpload), maxInstance: Number(maxInstance) };
  const queue = new Queue(tus, new Reading(reader), limits);
  const speed = new Speed();
  let told = 0;
  let said = 0;
  let finished = 0;
  let drawing = false;

  const take = (found, unreadable = 0) => {
    if (unreadable) say(`${counted(unreadable, "file or folder", "files or folders")} could not be read and ${unreadable === 1 ? "was" : "were"} left out.`);
    if (!found.length) return unreadable ? undefined : say("There was no file to send.");
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
    const looking = (count) => {
      if (count >= 1000) find("looking").textContent = `Looking through the folder: ${counted(count, "file")} so far`;
    };
    const { found, unreadable } = await fromDrop(event.dataTransfer, looking);
    find("looking").textContent = "";
    take(found, unreadable);
  });

  const acts = {
    pause: () => {
      queue.pause();
      say("Paused. What was sent is kept.");
      focusOn("resume");
    },
    resume: () => {
      speed.reset();
      queue.resume();
      say("Going on.");
      focusOn("pause");
    },
    stop: () => {
      queue.stop();
      tell();
    },
    retry: () => {
      speed.reset();
      queue.retry();
    },
    now: () => queue.pace.now(),
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
  queue.pace.addEventListener("change", () => {
    if (queue.pace.waits) speed.reset();
    if (queue.pace.waits && queue.pace.failures === 1) say(queue.pace.why);
  });
  // A wait that ends in so many seconds is counted down; nothing else of the page moves by the clock.
  setInterval(() => queue.pace.waits && draw(), 1000);
  addEventListener("beforeunload", (event) => {
    if (queue.busy) event.preventDefault();
  });

  // Last: should anything above fail, the plain form stays.
  area.hidden = false;
  area.parentElement.querySelector("[data-upload-form]").hidden = true;

  function say(text) {
    said = Date.now();
    find("status").textContent = text;
  }

  // The button that was pressed goes away: whoever uses the keyboard finds the one that took its place.
  function focusOn(name) {
    requestAnimationFrame(() => {
      draw();
      area.querySelector(`[data-act="${name}"]`).focus();
    });
  }

  // The live part of the page asks the server again; it goes on by itself while files are being processed.
  function tell() {
    told = Date.now();
    document.body.dispatchEvent(new CustomEvent("batch-files-changed"));
  }

  function draw() {
    const { counts, pace, paused, busy } = queue;
    find("run").hidden = counts.total === counts.failed;
    const bar = find("bar");
    bar.max = Math.max(1, counts.bytes);
    bar.value = counts.sent;
    bar.setAttribute("aria-valuetext", `${size(counts.sent)} of ${size(counts.bytes)}`);
    const settled = counts.done + counts.here;
    find("counts").textContent = `${number(settled)} of ${number(counts.total - counts.failed)} files, ${size(counts.sent)} of ${size(counts.bytes)}`;
    const sending = counts.sending + counts.waiting > 0;
    find("headline").textContent = paused ? "Paused" : pace.waits ? "Waiting" : sending ? "Uploading" : counts.checking ? "Comparing with what is here" : "Uploaded";
    if (!paused && !pace.waits) speed.note(counts.sent);
    find("detail").textContent = busy ? (paused ? "What was sent is kept." : left(speed, counts)) : summary(counts);
    drawMissing(counts);
    drawWait(pace, paused || !busy);
    drawGroups();
    const shown = { pause: busy && !paused, resume: paused, stop: busy };
    for (const [name, is] of Object.entries(shown)) area.querySelector(`[data-act="${name}"]`).hidden = !is;
    drawFailures();
    if (counts.done > finished && Date.now() - told > 2000) tell();
    finished = counts.done;
    if (busy && !paused && !pace.waits && sending && Date.now() - said > SAID_EVERY) say(spoken(counts));
  }

  // A whole folder chosen again: how much of it is really to be sent.
  function drawMissing(counts) {
    const missing = counts.total - counts.here - counts.checking;
    const known = counts.here > 0 && !counts.checking && queue.busy;
    find("missing").textContent = known ? `${number(missing)} of ${number(counts.total)} to send again: the others are here.` : "";
  }

  function drawWait(pace, off) {
    find("wait").hidden = off || !pace.waits;
    if (!pace.waits) return;
    const seconds = Math.max(1, Math.round((pace.until - Date.now()) / 1000));
    const reason = navigator.onLine ? pace.why : "This computer is offline.";
    find("wait-words").textContent = `${reason} It goes on by itself in ${counted(seconds, "second")}; what was sent is kept.`;
  }

  // The groups being sent, at most a few: a list of all of them would be thousands of rows.
  function drawGroups() {
    const { groups } = queue;
    const rows = groups.underWay(SHOWN_GROUPS).map((group) => {
      const row = find("group-row").content.firstElementChild.cloneNode(true);
      row.querySelector("[data-group-name]").textContent = `${groupName(group)} of ${number(groups.size)}`;
      row.querySelector("[data-group-count]").textContent = `${number(group.settled)} of ${counted(group.total, "file")}`;
      const bar = row.querySelector("progress");
      bar.max = group.total;
      bar.value = group.settled;
      bar.setAttribute("aria-label", groupName(group));
      return row;
    });
    find("groups").hidden = !rows.length;
    find("group-list").replaceChildren(...rows);
    find("groups-done").textContent = groups.size > 1 ? `${number(groups.complete)} of ${number(groups.size)} studies or folders complete` : "";
  }

  function spoken(counts) {
    const { groups } = queue;
    const share = Math.floor((100 * counts.sent) / Math.max(1, counts.bytes));
    const studies = groups.size > 1 ? `, ${number(groups.complete)} of ${number(groups.size)} studies or folders complete` : "";
    return `${share} percent: ${number(counts.done + counts.here)} of ${number(counts.total)} files${studies}.`;
  }

  function drawFailures() {
    const count = queue.counts.failed;
    const box = find("failures");
    if (box.dataset.drawn === String(count) && !box.hidden === count > 0) return;
    box.hidden = !count;
    box.dataset.drawn = String(count);
    const rows = queue.failures.slice(0, SHOWN_FAILURES).map((item) => {
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
    more.hidden = count <= SHOWN_FAILURES;
    more.textContent = `and ${number(count - SHOWN_FAILURES)} more`;
  }
}

function left(speed, counts) {
  const rate = speed.now;
  if (!rate) return "";
  return `${size(rate)} a second, ${time((counts.bytes - counts.sent) / rate)} left`;
}

for (const area of document.querySelectorAll("[data-upload]")) start(area);
