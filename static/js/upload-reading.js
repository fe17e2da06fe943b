// The page's side of the reading worker: asks it, one promise a question. Without a worker nothing is known, and nothing breaks.

export class Reading {
  constructor(address) {
    this.waiting = new Map();
    this.count = 0;
    try {
      this.worker = new Worker(address, { type: "module" });
      this.worker.addEventListener("message", ({ data }) => this.#answer(data.id, data.failed ? null : data.value));
      this.worker.addEventListener("error", () => this.#giveUp());
    } catch {
      this.worker = null;
    }
  }

  // The number of the study a file belongs to, 0 where it does not say.
  async study(file) {
    return (await this.#ask("study", file)) ?? 0;
  }

  // SHA-256 as bytes; null where it cannot be had: no secure context, or a file that cannot be read any more.
  sha256(file) {
    return globalThis.crypto?.subtle ? this.#ask("sha256", file) : Promise.resolve(null);
  }

  #ask(act, file) {
    if (!this.worker) return Promise.resolve(null);
    this.count += 1;
    const id = this.count;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.worker.postMessage({ id, act, file });
    });
  }

  #answer(id, value) {
    this.waiting.get(id)?.(value);
    this.waiting.delete(id);
  }

  #giveUp() {
    this.worker = null;
    for (const id of [...this.waiting.keys()]) this.#answer(id, null);
  }
}
