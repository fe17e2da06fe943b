// Many files on their way: four at a time, in parts, paused and continued, tried again; each one's failure with cause and remedy.

import { sha256, UploadError } from "./upload-tus.js";

const PARALLEL = 4;
const ATTEMPTS = 7;
const ASK_AT_ONCE = 200;
const HASH_UP_TO = 256 * 1024 * 1024; // larger files are not read twice: the server compares them after the transfer

// Fires "change" whenever a number changed and "idle" when nothing is left to do.
export class Queue extends EventTarget {
  constructor(tus, { chunk, maxUpload, maxInstance }) {
    super();
    Object.assign(this, { tus, chunk, maxUpload, maxInstance });
    this.items = [];
    this.waiting = [];
    this.working = 0;
    this.paused = false;
    this.stopped = new AbortController();
  }

  get counts() {
    const counts = { total: this.items.length, done: 0, here: 0, failed: 0, bytes: 0, sent: 0 };
    for (const item of this.items) {
      if (item.state in counts) counts[item.state] += 1;
      if (item.state === "failed") continue; // what will not come does not hold up the bar
      counts.bytes += item.file.size;
      counts.sent += item.sent;
    }
    return counts;
  }

  get failures() {
    return this.items.filter((item) => item.state === "failed");
  }

  get busy() {
    return this.items.some((item) => ["checking", "waiting", "sending"].includes(item.state));
  }

  async add(found) {
    // A corrected file comes under the old name: only the very same version is left out.
    const there = new Set(this.items.filter((item) => item.state !== "failed").map(version));
    const items = found.filter((one) => !there.has(version(one))).map((one) => ({ ...one, state: "checking", sent: 0, url: "", error: null }));
    const again = new Set(items.map((item) => item.path));
    this.items = this.items.filter((item) => !again.has(item.path)).concat(items);
    this.#changed();
    for (let start = 0; start < items.length; start += ASK_AT_ONCE) await this.#check(items.slice(start, start + ASK_AT_ONCE));
  }

  pause() {
    this.paused = true;
    this.stopped.abort();
    this.stopped = new AbortController();
    this.#changed();
  }

  resume() {
    this.paused = false;
    this.#changed();
    this.#fill();
  }

  retry() {
    const items = this.failures;
    for (const item of items) Object.assign(item, { state: "checking", error: null });
    this.paused = false;
    this.#changed();
    return this.#check(items);
  }

  // Give up what is not sent yet. Transfers that began stay on the server for a while and can be finished later.
  stop() {
    this.waiting = [];
    this.items = this.items.filter((item) => item.state === "done" || item.state === "here");
    this.stopped.abort();
    this.stopped = new AbortController();
    this.paused = false;
    this.#changed();
  }

  // Sort out what need not be sent, what can be gone on with, and what cannot be taken.
  async #check(items) {
    const askable = items.filter((item) => this.#fits(item));
    if (!askable.length) return this.#settle();
    try {
      const answers = await this.#asking(askable);
      const compare = askable.filter((item, index) => answers[index].state === "compare" && item.file.size <= HASH_UP_TO);
      askable.forEach((item, index) => this.#place(item, answers[index], compare.includes(item)));
      for (const item of compare) {
        item.sha256 = hex(await sha256(item.file));
        const [answer] = item.sha256 ? await this.#asking([item]) : [{ state: "new" }];
        this.#place(item, answer, false);
      }
    } catch (error) {
      for (const item of askable) if (item.state === "checking") this.#fail(item, error);
    }
    this.#settle();
  }

  #asking(items) {
    const files = items.map(({ file, path, sha256: sum = "" }) => ({ relative_path: path, size: file.size, modified: String(file.lastModified), sha256: sum }));
    return attempt(() => this.tus.ask(files), () => false);
  }

  #fits(item) {
    const { size } = item.file;
    const limit = item.path.toLowerCase().endsWith(".zip") ? this.maxUpload : this.maxInstance;
    if (size === 0) this.#fail(item, new UploadError(0, { detail: "The file is empty.", remedy: "Export it again, or leave it out." }));
    else if (size > limit) {
      const words = `The file has ${(size / 1e6).toFixed(0)} MB; the limit is ${(limit / 1e6).toFixed(0)} MB.`;
      this.#fail(item, new UploadError(413, { detail: words, remedy: "Send many files as one .zip archive, or split the archive." }));
    } else return true;
    return false;
  }

  #place(item, answer, later) {
    if (!this.items.includes(item)) return; // stopped meanwhile
    if (answer.state === "here") Object.assign(item, { state: "here", sent: item.file.size, number: answer.number });
    else if (!later) {
      Object.assign(item, { state: "waiting", url: answer.upload ?? "", sent: answer.state === "resume" ? answer.offset : 0 });
      this.waiting.push(item);
      this.#fill();
    }
    this.#changed();
  }

  #fill() {
    while (!this.paused && this.working < PARALLEL && this.waiting.length) {
      const item = this.waiting.shift();
      if (!this.items.includes(item)) continue;
      this.working += 1;
      this.#send(item).finally(() => {
        this.working -= 1;
        this.#fill();
        this.#settle();
      });
    }
  }

  async #send(item) {
    item.state = "sending";
    const { signal } = this.stopped;
    try {
      const result = await attempt(() => this.#parts(item, signal), () => signal.aborted);
      Object.assign(item, { state: result.outcome === "already_here" ? "here" : "done", sent: item.file.size, number: result.number });
    } catch (error) {
      if (error.name === "AbortError") {
        if (!this.items.includes(item)) return;
        item.state = "waiting"; // paused: it goes on where it stopped
        this.waiting.unshift(item);
      } else this.#fail(item, error);
    }
    this.#changed();
  }

  // From wherever the server stands to the end of the file.
  async #parts(item, signal) {
    let at = { offset: 0, outcome: null, number: null };
    if (item.url) {
      const there = await this.tus.offset(item.url, signal);
      if (there === null) item.url = "";
      else at = there;
    }
    item.sent = at.offset;
    while (!item.url || at.offset < item.file.size) {
      const part = item.file.slice(at.offset, at.offset + this.chunk);
      const progress = (loaded) => {
        item.sent = at.offset + Math.min(loaded, part.size);
        this.#changed();
      };
      if (item.url) at = await this.tus.append(item.url, at.offset, part, progress, signal);
      else {
        at = await this.tus.create(item, part, progress, signal);
        item.url = at.url;
      }
      item.sent = at.offset;
      this.#changed();
    }
    return at;
  }

  #fail(item, error) {
    Object.assign(item, { state: "failed", sent: 0, error });
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #settle() {
    if (!this.busy) this.dispatchEvent(new Event("idle"));
  }
}

// Try again after a growing pause while that may help. A browser that knows it is offline waits for the network.
async function attempt(act, given) {
  for (let turn = 1; ; turn += 1) {
    try {
      return await act();
    } catch (error) {
      if (!error.again || turn === ATTEMPTS || given()) throw error;
      if (!navigator.onLine) await new Promise((resolve) => addEventListener("online", resolve, { once: true }));
      await new Promise((resolve) => setTimeout(resolve, Math.min(15000, 500 * 2 ** turn)));
    }
  }
}

function version({ path, file }) {
  return `${path}|${file.size}|${file.lastModified}`;
}

function hex(bytes) {
  return bytes ? [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("") : "";
}
