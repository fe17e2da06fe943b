// How fast to ask again when the server or the network cannot: one clock for all transfers of a page.
//
// The wait doubles from one second to a minute, with some chance in it so that many pages do not come back at the same moment. A
// server that says Retry-After is taken at its word. A browser that is told it is online again, or a person who presses a button,
// ends the wait.

const LONGEST = 60_000;
const GIVE_UP_AFTER = 60; // waits in a row: about an hour

export class Pace extends EventTarget {
  failures = 0;
  until = 0; // when the wait ends (milliseconds since 1970), 0 while there is none
  why = "";
  #wake = null;
  #ended = Promise.resolve();

  get waits() {
    return this.until > 0;
  }

  get exhausted() {
    return this.failures >= GIVE_UP_AFTER;
  }

  // Something went through.
  good() {
    this.failures = 0;
  }

  // Something did not go through: everybody waits. `error.wait` is what the server asked for, in milliseconds.
  bad(error) {
    if (this.waits) return;
    this.failures += 1;
    const own = Math.min(LONGEST, 1000 * 2 ** (this.failures - 1)) * (0.75 + Math.random() / 2);
    const pause = error.wait ? Math.max(error.wait, own / 4) : own;
    this.until = Date.now() + pause;
    this.why = error.cause ?? "";
    this.#ended = new Promise((resolve) => {
      const timer = setInterval(() => Date.now() >= this.until && this.now(), 250); // a sleeping computer's timers stand still
      this.#wake = () => {
        clearInterval(timer);
        resolve();
      };
    });
    addEventListener("online", this.now);
    this.dispatchEvent(new Event("change"));
  }

  now = () => {
    removeEventListener("online", this.now);
    this.until = 0;
    this.#wake?.();
    this.#wake = null;
    this.dispatchEvent(new Event("change"));
  };

  // Resolves when nobody need wait.
  async ready() {
    while (this.waits) await this.#ended;
  }
}
