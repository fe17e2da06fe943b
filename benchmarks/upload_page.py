"""Ten thousand files in the browser's upload area: does the page stay alive? ``python -m benchmarks.upload_page [COUNT]``.

The page's own modules run in Chromium against a server that takes everything at once, so that what is measured is the page: the
longest time for which its main thread was held, the time until all is sent, and the rows it drew.
"""

from __future__ import annotations

import json
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = "/usr/bin/chromium"
RUN = """async (count) => {
  const [{ Queue }, { Reading }, { Tus }] = await Promise.all(
    ["queue", "reading", "tus"].map((name) => import(`/static/js/upload-${name}.js`)));
  const bytes = new Uint8Array(2000);
  const found = Array.from({ length: count }, (_, n) =>
    ({ path: `P${n % 500}/IM${n}.dcm`, file: new File([bytes], `IM${n}.dcm`, { lastModified: n }) }));
  const queue = new Queue(new Tus({ endpoint: "/up/", known: "/known/", login: "/" }),
    new Reading("/static/js/upload-reader.js"), { chunk: 1e6, maxUpload: 1e9, maxInstance: 1e9 });
  let last = performance.now(), longest = 0, ended = false;
  const beat = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!ended) setTimeout(beat, 0);
  };
  beat();
  const begun = performance.now();
  const idle = new Promise((resolve) => queue.addEventListener("idle", () => queue.counts.done === count && resolve()));
  queue.add(found);
  const added = performance.now() - begun;
  await idle;
  ended = true;
  return { files: count, handed_over_ms: Math.round(added), longest_hold_ms: Math.round(longest),
           all_sent_s: +((performance.now() - begun) / 1000).toFixed(1), groups: queue.groups.size, counts: queue.counts };
}"""


class Everything(SimpleHTTPRequestHandler):
    """Static files, and a tus endpoint that has room for all and keeps nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(200, b"<!doctype html><title>x</title>", "text/html")
        else:
            super().do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/known/":
            new = {"state": "new", "upload": "", "offset": 0, "number": None, "status": ""}
            answer = json.dumps({"files": [new] * len(json.loads(body)["files"])}).encode()
            self._answer(200, answer, "application/json")
            return
        self.send_response(201)
        self.send_header("Location", "/up/1")
        self.send_header("Upload-Offset", str(len(body)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def main() -> None:
    """Run it once and print what was measured."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Everything, directory=str(ROOT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        print(json.dumps(page.evaluate(RUN, count), indent=1))
        chromium.close()
    server.shutdown()


if __name__ == "__main__":
    main()
