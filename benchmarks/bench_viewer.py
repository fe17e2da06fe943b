"""How quickly the viewer shows a radiograph and how fluently its window moves, in headless Chromium against a real portal.

    python benchmarks/bench_viewer.py [PIXELS_A_SIDE]

A portal of its own (granian, SQLite, local files) holds invented radiographs of 12 bits in the transfer syntaxes that hospitals send.
For each, a fresh browser window opens the viewer: the time is from the beginning of the navigation until the image's own pixels, not
a preview, can be read back from the canvas. Then the next image by keyboard once it was fetched ahead; then the window dragged for
some seconds, each frame finished before the next begins. Headless, the viewer draws on the canvas: WebGL would be SwiftShader, a
processor that plays a graphics card; it is measured beside it. Figures go to `results/viewer.md` when the full size was run. On a
machine that others use too all of it waits: the load when it began is written beside the figures.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
RESULTS = ROOT / "benchmarks" / "results" / "viewer.md"
CHROMIUM = os.environ.get("GETDATA_CHROMIUM", "/usr/bin/chromium")
SIDE = 2500
SYNTAXES = ("explicit", "jpeg-lossless", "jpeg-2000", "rle", "jpeg-ls")
OPENINGS, NEXTS, SECONDS = 5, 6, 4
FIRST_MS, NEXT_MS, FRAMES = 1000, 150, 30
MODULE = "/static/js/viewer/main.js"

FIRST = """async (module) => {
  const { viewer, ready } = await import(module);
  await ready;
  viewer.pane.read();
  return { ms: performance.now(), painter: viewer.pane.painter.kind, columns: viewer.pane.picture.columns };
}"""
NEXT = """async ([module, key]) => {
  const { viewer } = await import(module);
  const { next, previous } = viewer.pane.description.places;
  await viewer.source.open((key === "j" ? next : previous).replace("/view/", "/view.json"));
  const marks = () => performance.getEntriesByName("viewer-image").length;
  const before = marks();
  const begun = performance.now();
  viewer.pane.view.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  while (marks() === before) await new Promise((resolve) => setTimeout(resolve));
  viewer.pane.read();
  return performance.now() - begun;
}"""
FLUENT = """async ([module, seconds]) => {
  const { viewer } = await import(module);
  const { pane } = viewer;
  const at = (kind, x, y) => pane.view.dispatchEvent(
    new PointerEvent(kind, { pointerId: 7, pointerType: "mouse", isPrimary: true, bubbles: true, clientX: x, clientY: y }));
  pane.view.setPointerCapture = () => {};
  const finish = pane.painter.gl
    ? () => pane.painter.gl.readPixels(0, 0, 1, 1, pane.painter.gl.RGBA, pane.painter.gl.UNSIGNED_BYTE, new Uint8Array(4))
    : () => pane.painter.context.getImageData(0, 0, 1, 1);
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  at("pointerdown", 500, 400);
  await frame();
  const first = pane.painted;
  const begun = performance.now();
  let longest = 0;
  for (let n = 0, last = begun; last - begun < seconds * 1000; n += 1) {
    at("pointermove", 500 + 150 * Math.sin(n / 9), 400 + 100 * Math.cos(n / 7));
    await frame();
    finish();
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  const took = performance.now() - begun;
  at("pointerup", 500, 400);
  const { width, height } = pane.canvas;
  return { painter: pane.painter.kind, frames: ((pane.painted - first) / took) * 1000, longest, width, height };
}"""


def main() -> int:
    """Make the portal, measure, write the results, say whether the limits were kept."""
    if os.environ.get("GETDATA_BENCH_VIEWER"):
        print(json.dumps(make(int(sys.argv[1]))))
        return 0
    side = int(sys.argv[1]) if len(sys.argv) > 1 else SIDE
    with tempfile.TemporaryDirectory(prefix="getdata-bench-") as folder:
        environ = _environ(folder)
        made = _made(environ, side)
        with _portal(environ) as address:
            measured = _measure(address, made)
    lines, kept = _document(side, made, measured)
    print("\n".join(lines))
    if side == SIDE:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text("\n".join(lines) + "\n")
    print("Every limit was kept." if kept else "Limits missed.")
    return int(not kept)


def _environ(folder: str) -> dict[str, str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("S3_", "DATABASE_", "REDIS_"))}
    return environ | {
        "GETDATA_VAR": folder,
        "GETDATA_ENV": "embedded",
        "DJANGO_SETTINGS_MODULE": "getdata.settings",
        "LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
    }


def _made(environ: dict[str, str], side: int) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).resolve()), str(side)]
    done = subprocess.run(command, env=environ | {"GETDATA_BENCH_VIEWER": "1"}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def make(side: int) -> dict[str, Any]:
    """A portal with a batch of radiographs, somebody of its hospital who is signed in, and what the server's own part costs."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    from fulfillment.viewer.values import stored_values
    from getdata.accounts.models import Role
    from getdata.common import storage
    from getdata.demo.dicomize import encode
    from getdata.demo.phantom import make_phantom
    from tests.factories import member
    from tests.support.images import image, sealed_batch
    from tests.support.sign_in import force_login

    batch = sealed_batch(images=0)
    phantom = make_phantom(1, size=(side, side))
    images, costs = {}, {}
    for syntax in SYNTAXES:
        data = encode(
            phantom.pixels,
            {"WindowCenter": 2048, "WindowWidth": 4096},
            syntax=syntax,
            bits_stored=phantom.bits_stored,
            photometric=phantom.photometric,
        )
        images[syntax] = image(batch)
        storage.put(storage.released(), images[syntax].stored, data)
        costs[syntax] = {"stored": len(data)}
        for form in ("plain", "packed"):
            took = []
            for _ in range(3):
                begun = time.perf_counter()
                sent = stored_values(images[syntax].stored, frame=1, form=form)
                took.append(time.perf_counter() - begun)
            costs[syntax][form] = {"bytes": len(sent.data), "seconds": min(took)}
    person = member(batch.fulfillment.hospital, Role.DATA_MANAGER)
    client = Client()
    force_login(client, person)
    return {
        "images": {syntax: str(row.pk) for syntax, row in images.items()},
        "costs": costs,
        "cookie": [settings.SESSION_COOKIE_NAME, client.session.session_key],
    }


@contextmanager
def _portal(environ: dict[str, str]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--blocking-threads", "8", "--log-level", "error", "getdata.wsgi:application",
    ]  # fmt: skip
    server = subprocess.Popen(command, env=environ | {"GETDATA_PUBLIC_URL": f"http://127.0.0.1:{port}"}, cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/accounts/login/", timeout=2).read()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _measure(address: str, made: dict[str, Any]) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    found: dict[str, Any] = {"first": {}, "load": os.getloadavg()[0]}
    with sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        found["browser"] = browser.version

        def window(syntax: str, query: str = "") -> Any:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            name, value = made["cookie"]
            context.add_cookies([{"name": name, "value": value, "url": address}])
            page = context.new_page()
            page.goto(f"{address}/images/{made['images'][syntax]}/view/{query}", wait_until="commit")
            page.wait_for_selector("[data-viewer]", state="attached")
            return page

        window(SYNTAXES[0]).context.close()  # the server's first request imports what it needs
        for syntax in SYNTAXES:
            times = []
            for _ in range(OPENINGS):
                page = window(syntax)
                seen = page.evaluate(FIRST, MODULE)
                times.append(seen["ms"])
                page.context.close()
            found["first"][syntax] = times
        page = window(SYNTAXES[0])
        page.evaluate(FIRST, MODULE)
        keys = ["j"] * (len(SYNTAXES) - 1) + ["k"] * NEXTS
        found["next"] = [page.evaluate(NEXT, [MODULE, key]) for key in keys[:NEXTS]]
        found["chosen"] = page.evaluate(FLUENT, [MODULE, SECONDS])
        page.context.close()
        page = window(SYNTAXES[0], "?painter=webgl2")
        page.evaluate(FIRST, MODULE)
        found["webgl2"] = page.evaluate(FLUENT, [MODULE, SECONDS])
        browser.close()
    return found


def _document(side: int, made: dict[str, Any], found: dict[str, Any]) -> tuple[list[str], bool]:
    shown = found["chosen"]
    wished = found["webgl2"]
    firsts = {syntax: statistics.median(times) for syntax, times in found["first"].items()}
    following = statistics.median(found["next"])
    lines = [
        "# The viewer",
        "",
        f"`make bench ONLY=viewer`: radiographs of {side:,} x {side:,} pixels, 12 bits; headless Chromium {found['browser']}, "
        f"window 1,440 x 900 px, picture {shown['width']:,} x {shown['height']:,} px; granian, one process; "
        f"{platform.machine()}, {os.cpu_count()} cores, load {found['load']:.1f} from others when it began.",
        "",
        "| what | median | least | most | limit |",
        "|---|---|---|---|---|",
    ]
    for syntax, times in found["first"].items():
        lines.append(
            f"| first image, {syntax} | {firsts[syntax]:.0f} ms | {min(times):.0f} ms | {max(times):.0f} ms | {FIRST_MS:,} ms |"
        )
    nexts = found["next"]
    lines += [
        f"| next image, fetched ahead | {following:.0f} ms | {min(nexts):.0f} ms | {max(nexts):.0f} ms | {NEXT_MS} ms |",
        "",
        "| window and level by drag | frames a second | longest frame | limit |",
        "|---|---|---|---|",
        f"| as the viewer chose: {shown['painter']} | {shown['frames']:.0f} | {shown['longest']:.0f} ms | {FRAMES} |",
        f"| WebGL2 by SwiftShader, wished for | {wished['frames']:.0f} | {wished['longest']:.0f} ms | – |",
        "",
        "Values on their way, in the server: read, decoded, and packed where the line is slow (best of three).",
        "",
        "| stored as | file | plain | | packed | | packed pays below |",
        "|---|---|---|---|---|---|---|",
    ]
    for syntax, cost in made["costs"].items():
        plain, packed = cost["plain"], cost["packed"]
        spared, longer = plain["bytes"] - packed["bytes"], packed["seconds"] - plain["seconds"]
        pays = f"{spared / longer / 1e6:.0f} MB/s" if longer > 0 else "any"
        lines.append(
            f"| {syntax} | {cost['stored'] / 1e6:.1f} MB | {plain['bytes'] / 1e6:.1f} MB | {plain['seconds'] * 1000:.0f} ms "
            f"| {packed['bytes'] / 1e6:.1f} MB | {packed['seconds'] * 1000:.0f} ms | {pays} |"
        )
    return lines, max(firsts.values()) < FIRST_MS and following < NEXT_MS and shown["frames"] >= FRAMES


if __name__ == "__main__":
    raise SystemExit(main())
