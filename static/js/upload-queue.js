// Many files on their way: four at a time, in parts, paused and continued, tried again; each one's failure with cause and remedy.
// Every number a page shows is kept as it changes: nothing here walks the list, which may hold ten thousand files.

import { Pace } from "./upload-pace.js";
import { Groups } from "./upload-groups.js";
import { UploadError } from "./upload-tus.js";

const PARALLEL = 4;
const ATTEMPTS = 7; // of one file against refusals that are about the moment
const ASK_AT_ONCE = 200;
const HASH_AT_ONCE = 2;
const HASH_UP_TO = 256 * 1024 * 1024; // larger files are not read twice: the server compares them after the transfer
const BUSY = ["checking", "waiting", "sending"];
const REFUSED = new Set(["rejected", "quarantined"]);

const ARCHIVE = /\.(zip|tar|tgz|tbz2|txz|gz|bz2|xz)$/i;

// Fires "change" whenever a number changed and "idle" when nothing is left to do.
export class Queue extends EventTarget {
  constructor(tus, reading, { chunk, maxUpload, maxInstance }) {
    super();
    Object.assign(this, { tus, reading, chunk, maxUpload, maxInstance });
    this.pace = new Pace();
    this.pace.addEventListener("change", () => this.#changed());
    this.groups = new Groups();
    this.#empty();
    this.waiting = [];
    this.working = 0;
    this.paused = false;
    this.stopped = new AbortController();
  }

  get busy() {
    return BUSY.some((state) => this.counts[state] > 0);
  }

  get failures() {
    return [...this.failed];
  }

  async add(found) {
    const items = [];
    for (const { file, path } of found) {
      const before = this.items.get(path);
      // A corrected file comes under the old name: only the very same version is left out.
      if (before && before.state !== "failed" && same(before.file, file)) continue;
      if (before) this.#forget(before);
      const item = { file, path, state: "", sent: 0, url: "", error: null, group: null, verdict: "" };
      this.items.set(path, item);
      this.#move(item, "checking");
      items.push(item);
    }
    this.#changed();
    this.#sort(items);
    for (let start = 0; start < items.length; start += ASK_AT_ONCE) await this.#check(items.slice(start, start + ASK_AT_ONCE));
  }

  pause() {
    this.paused = true;
    this.stopped.abort();
    this.stopped = new AbortController();
    if (this.pace.waits) this.pace.now(); // who waited finds out that it is to stop
    this.#changed();
  }

  resume() {
    this.paused = false;
    if (this.pace.waits) this.pace.now();
    this.#changed();
    this.#fill();
  }

  async retry() {
    const items = this.failures;
    for (const item of items) this.#move(item, "checking", { error: null });
    this.paused = false;
    this.#changed();
    for (let start = 0; start < items.length; start += ASK_AT_ONCE) await this.#check(items.slice(start, start + ASK_AT_ONCE));
  }

  // Give up what is not sent yet. Transfers that began stay on the server for a while and can be finished later.
  stop() {
    this.waiting = [];
    for (const item of [...this.items.values()]) if (item.state !== "done" && item.state !== "here") this.#forget(item);
    this.stopped.abort();
    this.stopped = new AbortController();
    this.paused = false;
    if (this.pace.waits) this.pace.now();
    this.#changed();
  }

  // Which study each file belongs to: found out beside the sending, which does not wait for it.
  async #sort(items) {
    for (const [index, item] of items.entries()) {
      const number = await this.reading.study(item.file);
      if (this.items.get(item.path) === item) this.groups.put(item, number);
      if (index % 100 === 0) this.#changed();
    }
    this.#changed();
  }

  // Sort out what need not be sent, what can be gone on with, and what cannot be taken.
  async #check(items) {
    const askable = items.filter((item) => this.items.get(item.path) === item && this.#fits(item));
    if (!askable.length) return this.#settle();
    try {
      const answers = await this.#asking(askable);
      const compare = [];
      askable.forEach((item, index) => {
        if (answers[index].state === "compare" && item.file.size <= HASH_UP_TO) compare.push(item);
        else this.#place(item, answers[index]);
      });
      const lanes = Array.from({ length: HASH_AT_ONCE }, async () => {
        for (let item = compare.shift(); item; item = compare.shift()) {
          const sum = hex(await this.reading.sha256(item.file));
          this.#place(item, sum ? (await this.#asking([item], sum))[0] : { state: "new" });
        }
      });
      await Promise.all(lanes);
    } catch (error) {
      for (const item of askable) if (item.state === "checking") this.#fail(item, error);
    }
    this.#settle();
  }

  #asking(items, sum = "") {
    const files = items.map(({ file, path }) => ({ relative_path: path, size: file.size, modified: String(file.lastModified), sha256: sum }));
    return this.#attempt(() => this.tus.ask(files), null);
  }

  #fits(item) {
    const { size } = item.file;
    const limit = ARCHIVE.test(item.path) ? this.maxUpload : this.maxInstance;
    if (size === 0) this.#fail(item, new UploadError(0, { detail: "The file is empty.", remedy: "Export it again, or leave it out." }));
    else if (size > limit) {
      const words = `The file has ${(size / 1e6).toFixed(0)} MB; the limit is ${(limit / 1e6).toFixed(0)} MB.`;
      this.#fail(item, new UploadError(413, { detail: words, remedy: "Send many files as one .zip archive, or split the archive." }));
    } else return true;
    return false;
  }

  #place(item, answer) {
    if (this.items.get(item.path) !== item || item.state !== "checking") return; // stopped or replaced meanwhile
    if (answer.state === "here") {
      this.#move(item, "here", { verdict: answer.status ?? "" });
      if (REFUSED.has(item.verdict)) this.counts.unchanged += 1;
    } else {
      this.#move(item, "waiting", { url: answer.upload ?? "" });
      this.#sent(item, answer.state === "resume" ? answer.offset : 0);
      this.waiting.push(item);
      this.#fill();
    }
    this.#changed();
  }

  #fill() {
    while (!this.paused && this.working < PARALLEL && this.waiting.length) {
      const item = this.waiting.shift();
      if (this.items.get(item.path) !== item) continue;
      this.working += 1;
      this.#send(item).finally(() => {
        this.working -= 1;
        this.#fill();
        this.#settle();
      });
    }
  }

  async #send(item) {
    this.#move(item, "sending");
    const { signal } = this.stopped;
    try {
      const result = await this.#attempt(() => this.#parts(item, signal), signal);
      if (this.items.get(item.path) === item) this.#move(item, result.outcome === "already_here" ? "here" : "done");
    } catch (error) {
      if (this.items.get(item.path) !== item) return;
      if (error.name === "AbortError") {
        this.#move(item, "waiting"); // paused: it goes on where it stopped
        this.waiting.unshift(item);
        this.#fill();
      } else this.#fail(item, error);
    }
    this.#changed();
  }

  // From wherever the server stands to the end of the file.
  async #parts(item, signal) {
    let at = { offset: 0, outcome: null };
    if (item.url) {
      const there = await this.tus.offset(item.url, signal);
      if (there === null) item.url = "";
      else at = there;
    }
    this.#sent(item, at.offset);
    while (!item.url || at.offset < item.file.size) {
      await this.pace.ready();
      const part = item.file.slice(at.offset, at.offset + this.chunk);
      const progress = (loaded) => {
        this.#sent(item, at.offset + Math.min(loaded, part.size));
        this.#changed();
      };
      if (item.url) at = await this.tus.append(item.url, at.offset, part, progress, signal);
      else {
        at = await this.tus.create(item, part, progress, signal);
        item.url = at.url;
      }
      this.pace.good();
      this.#sent(item, at.offset);
      this.#changed();
    }
    return at;
  }

  // Try again while that may help. What ails the server or the network makes everybody wait; what ails one file, that file.
  async #attempt(act, signal) {
    for (let turn = 1; ; ) {
      await this.pace.ready();
      if (signal?.aborted) throw new DOMException("stopped", "AbortError");
      try {
        const result = await act();
        this.pace.good();
        return result;
      } catch (error) {
        if (!error.again) throw error;
        if (error.everybody) {
          this.pace.bad(error);
          if (this.pace.exhausted) throw error;
        } else {
          if (turn === ATTEMPTS) throw error;
          await new Promise((resolve) => setTimeout(resolve, Math.min(15000, 500 * 2 ** turn)));
          turn += 1;
        }
      }
    }
  }

  #fail(item, error) {
    this.#move(item, "failed", { error });
    this.#changed();
  }

  // --- the numbers ---------------------------------------------------------------------------------------------------

  #empty() {
    this.items = new Map();
    this.failed = new Set();
    this.counts = { total: 0, checking: 0, waiting: 0, sending: 0, done: 0, here: 0, failed: 0, unchanged: 0, bytes: 0, sent: 0 };
  }

  #move(item, state, changes = {}) {
    const { counts } = this;
    const before = item.state;
    if (before) counts[before] -= 1;
    else counts.total += 1;
    // What will not come does not hold up the bar.
    if (state === "failed") {
      this.failed.add(item);
      if (before) counts.bytes -= item.file.size;
      counts.sent -= item.sent;
      item.sent = 0;
    } else if (!before || before === "failed") {
      this.failed.delete(item);
      counts.bytes += item.file.size;
    }
    counts[state] += 1;
    Object.assign(item, changes, { state });
    if (state === "done" || state === "here") this.#sent(item, item.file.size);
    this.groups.moved(item, before, state);
  }

  #sent(item, bytes) {
    if (item.state === "failed" || this.items.get(item.path) !== item) return;
    this.counts.sent += bytes - item.sent;
    item.sent = bytes;
  }

  #forget(item) {
    const { counts } = this;
    counts.total -= 1;
    counts[item.state] -= 1;
    if (item.state !== "failed") {
      counts.bytes -= item.file.size;
      counts.sent -= item.sent;
    }
    if (item.state === "here" && REFUSED.has(item.verdict)) counts.unchanged -= 1;
    this.failed.delete(item);
    this.groups.forget(item);
    this.items.delete(item.path);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #settle() {
    if (!this.busy) this.dispatchEvent(new Event("idle"));
  }
}

function same(one, other) {
  return one.size === other.size && one.lastModified === other.lastModified;
}

function hex(bytes) {
  return bytes ? [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("") : "";
}
