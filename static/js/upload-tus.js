// The tus 1.0 protocol from the browser's side: one class, one method a request. XMLHttpRequest, because it tells progress.

// Refusals that are about the moment: asking for the offset and going on helps.
const AGAIN = new Set(["offset_mismatch", "upload_busy", "checksum_mismatch", "interrupted"]);
const BODY = "application/offset+octet-stream";

const SILENCE = 120_000; // a request that moves nothing for so long is dead: the computer slept, or the network went away

// What went wrong, in words for people. `again`: the same request may succeed later. `everybody`: it is not about this file, all
// transfers should wait. `wait`: for how long, in milliseconds, where the server says so.
export class UploadError extends Error {
  constructor(status, { detail = "", remedy = "", code = "" } = {}, { again = false, everybody = false, wait = 0 } = {}) {
    super(detail);
    Object.assign(this, { status, cause: detail, remedy, code, again, everybody, wait });
  }
}

export class Tus {
  constructor({ endpoint, known, login }) {
    Object.assign(this, { endpoint, known, login });
  }

  // Ask which of the files the server has. `files`: [{relative_path, size, modified, sha256?}].
  async ask(files, signal) {
    const answer = await send("POST", this.known, { body: JSON.stringify({ files }), type: "application/json", signal, login: this.login });
    return JSON.parse(answer.responseText).files;
  }

  // Begin a transfer with its first part. Returns {url, offset, outcome, number}.
  async create(item, part, onProgress, signal) {
    const headers = {
      "Upload-Length": String(item.file.size),
      "Upload-Metadata": `relativePath ${base64(item.path)},filename ${base64(item.file.name)},lastModified ${base64(String(item.file.lastModified))}`,
    };
    const answer = await this.#part("POST", this.endpoint, part, headers, onProgress, signal);
    return { ...read(answer), url: answer.getResponseHeader("Location") };
  }

  async append(url, offset, part, onProgress, signal) {
    return read(await this.#part("PATCH", url, part, { "Upload-Offset": String(offset) }, onProgress, signal));
  }

  // How much the server has; null when the transfer is gone.
  async offset(url, signal) {
    try {
      return read(await send("HEAD", url, { headers: { "Tus-Resumable": "1.0.0" }, signal, login: this.login }));
    } catch (error) {
      if (error.status === 404 || error.status === 410) return null;
      throw error;
    }
  }

  async end(url) {
    await send("DELETE", url, { headers: { "Tus-Resumable": "1.0.0" }, login: this.login });
  }

  async #part(method, url, part, headers, onProgress, signal) {
    const sum = await sha256(part);
    const all = { "Tus-Resumable": "1.0.0", ...headers, ...(sum ? { "Upload-Checksum": `sha256 ${btoa(String.fromCharCode(...sum))}` } : {}) };
    return send(method, url, { headers: all, body: part, type: BODY, onProgress, signal, login: this.login });
  }
}

// SHA-256 of a Blob as bytes, or null where the page has no secure context: the server then goes without.
export async function sha256(blob) {
  if (!globalThis.crypto?.subtle) return null;
  let bytes;
  try {
    bytes = await blob.arrayBuffer();
  } catch {
    throw new UploadError(0, { detail: "The file cannot be read any more.", remedy: "It was moved, changed or its drive was removed: choose it again." });
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function read(answer) {
  const number = answer.getResponseHeader("GetDATA-File");
  return {
    offset: Number(answer.getResponseHeader("Upload-Offset")),
    outcome: answer.getResponseHeader("GetDATA-Outcome"),
    number: number ? Number(number) : null,
  };
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function csrf() {
  return document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

function send(method, url, { headers = {}, body = null, type = "", onProgress, signal, login = "" } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    let alive = Date.now();
    let silent = false;
    const watch = setInterval(() => {
      if (Date.now() - alive < SILENCE) return;
      silent = true;
      request.abort();
    }, 5000);
    const done = (settle, value) => {
      clearInterval(watch);
      signal?.removeEventListener("abort", abort);
      settle(value);
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (type) request.setRequestHeader("Content-Type", type);
    request.setRequestHeader("X-CSRFToken", csrf());
    request.upload.addEventListener("progress", (event) => {
      alive = Date.now();
      onProgress?.(event.loaded);
    });
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) done(resolve, request);
      else done(reject, problem(request, login));
    });
    request.addEventListener("error", () => done(reject, lost()));
    request.addEventListener("abort", () => done(reject, silent ? lost() : new DOMException("stopped", "AbortError")));
    if (signal?.aborted) return done(reject, new DOMException("stopped", "AbortError"));
    signal?.addEventListener("abort", abort);
    request.send(body);
  });
}

const SIGNED_OUT = new Set(["not_authenticated", "permission_denied"]);
const LOST = { detail: "The connection to the server was lost.", remedy: "Check the network, then try again: what was sent is kept." };

function lost() {
  return new UploadError(0, LOST, { again: true, everybody: true });
}

// Retry-After in milliseconds: seconds, or a date (RFC 9110, 10.2.3).
function pauseOf(request) {
  const said = request.getResponseHeader("Retry-After")?.trim() ?? "";
  const time = /^[0-9]+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return Number.isFinite(time) ? Math.min(Math.max(0, time), 3_600_000) : 0;
}

function problem(request, login) {
  let told = {};
  try {
    told = JSON.parse(request.responseText);
  } catch {
    // A proxy's page or an empty answer to HEAD: the status has to say it.
  }
  const { status } = request;
  if (status === 401 || (status === 403 && (!told.code || SIGNED_OUT.has(told.code)))) {
    return new UploadError(status, { detail: "You are signed out.", remedy: `Sign in again (${login}), reload this page and choose the same files: what was sent is kept.` });
  }
  const words = told.detail ? { ...told, detail: String(told.detail) } : null;
  if (status === 429 || status >= 500) {
    const plain =
      status === 429
        ? { detail: "The server asks for a pause.", remedy: "Try again in a minute." }
        : { detail: "The server could not take the file just now.", remedy: "Try again; what was sent is kept." };
    return new UploadError(status, words ?? plain, { again: true, everybody: true, wait: pauseOf(request) });
  }
  const fallback = { detail: "The server refused the file.", remedy: "Reload the page and try again." };
  return new UploadError(status, words ?? fallback, { again: status === 408 || AGAIN.has(told.code) });
}
