// Getting images: what a page's address leads to, its description and its stored values, kept for a while so that the next one is there
// before it is asked for. Nothing is kept beyond the page: the answers may not be stored.

import { Display } from "./display.js";
import { Picture } from "./picture.js";

// Above so many bytes a second the plain form is quicker than packing and unpacking it (docs/viewer.md).
const QUICK = 25e6;
const HERE = new Set(["localhost", "127.0.0.1", "[::1]"]);

export class Refused extends Error {
  constructor(detail, remedy, code = "") {
    super(detail);
    this.remedy = remedy;
    this.code = code;
  }
}

async function answered(response) {
  const kind = response.headers.get("Content-Type") ?? "";
  if (response.redirected && kind.startsWith("text/html")) {
    throw new Refused("You are signed out.", "Sign in, and open the image again.", "signed_out");
  }
  if (response.ok) return response;
  const said = kind.includes("json") ? await response.json().catch(() => ({})) : {};
  if (said.detail) throw new Refused(said.detail, said.remedy ?? "", said.code);
  throw response.status === 404
    ? new Refused("This image is not there, or not for you to see.", "It may have been withdrawn, or your access has ended.", "gone")
    : new Refused(`The portal answered ${response.status}.`, "Try again in a minute.");
}

export async function ask(url, wish) {
  try {
    return await answered(await fetch(url, wish));
  } catch (error) {
    if (error instanceof Refused || error.name === "AbortError") throw error;
    throw new Refused("The portal cannot be reached.", "Look at your connection, then try again.", "offline");
  }
}

export class Source {
  // memory: bytes of values that are kept.
  // sent: called when values were asked for and there is time until they come.
  constructor(sent = () => {}, memory = 192e6) {
    Object.assign(this, { sent, memory });
    this.kept = new Map();
    this.speed = HERE.has(location.hostname) ? Infinity : 0;
  }

  // The image at the address of a description: {description, picture, display}. Asked twice, it is fetched once.
  open(url) {
    const known = this.kept.get(url);
    if (known) {
      this.kept.delete(url);
      this.kept.set(url, known);
      return known.opened;
    }
    const entry = { bytes: 0 };
    entry.opened = this.#fetch(url).then(
      (opened) => {
        entry.bytes = opened.picture.bytes;
        this.#forget(url);
        return opened;
      },
      (error) => {
        this.kept.delete(url);
        throw error;
      },
    );
    this.kept.set(url, entry);
    return entry.opened;
  }

  // Fetch what is likely to be next. A failure is told when the image is really wanted.
  async prefetch(url) {
    if (!url) return;
    try {
      const { picture } = await this.open(url);
      // What drawing it in a window needs, made while nobody waits.
      for (let level = 1; level <= picture.levelFor(0.3); level += 1) picture.level(level);
    } catch {
      return;
    }
  }

  #forget(but) {
    let held = 0;
    for (const { bytes } of this.kept.values()) held += bytes;
    for (const [url, { bytes }] of this.kept) {
      if (held <= this.memory) break;
      if (url === but || !bytes) continue;
      held -= bytes;
      this.kept.delete(url);
    }
  }

  async #fetch(url) {
    const description = await (await ask(url)).json();
    const { display, values } = description;
    const packed = this.speed < QUICK;
    const coming = ask(packed ? `${values.url}&form=packed` : values.url);
    setTimeout(this.sent);
    const response = await coming;
    const begun = performance.now();
    const bytes = await response.arrayBuffer();
    const sent = Number(response.headers.get("Content-Length")) || bytes.byteLength;
    // Short answers say little about a line; what came before the headers is the server's time, not the line's.
    if (sent > 200_000) this.speed = sent / Math.max((performance.now() - begun) / 1000, 1e-3);
    return { description, picture: pictureOf(display, bytes, packed), display: new Display(display) };
  }
}

function pictureOf(display, bytes, packed) {
  const { columns, rows, samples, signed, bits_allocated: bits } = display;
  const count = columns * rows * samples;
  if (bytes.byteLength !== count * (bits > 8 ? 2 : 1)) {
    throw new Refused("The image arrived incomplete.", "Open it again.", "incomplete");
  }
  const values = bits > 8 ? (packed ? unpacked(new Uint8Array(bytes), columns, rows) : new Uint16Array(bytes)) : new Uint8Array(bytes);
  return new Picture({ columns, rows, samples, signed, values });
}

// The other half of fulfillment/viewer/values.py: low bytes, then high bytes, of steps along each row.
export function unpacked(bytes, columns, rows) {
  const count = columns * rows;
  const values = new Uint16Array(count);
  for (let row = 0, place = 0; row < rows; row += 1) {
    let value = 0;
    for (let end = place + columns; place < end; place += 1) {
      const step = bytes[place] | (bytes[place + count] << 8);
      value += (step >>> 1) ^ -(step & 1);
      values[place] = value;
    }
  }
  return values;
}
