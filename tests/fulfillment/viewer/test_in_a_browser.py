"""The viewer in a real browser: every kind of image is drawn as pydicom computes it, by WebGL and by the canvas."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray
from playwright.sync_api import expect

from fulfillment.intake import sealing
from fulfillment.models import Annotation, Image
from getdata.accounts.models import Role
from getdata.common import storage
from tests.e2e.browser import Person, chromium
from tests.factories import member
from tests.fulfillment.viewer.kinds import COLUMNS, ROWS, expected, kinds
from tests.support import axe, images

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.once]

#: Open an image, put one pixel of it on one of the screen, and give back what was painted where the image lies.
LOOK = """async ([url, acts, packed]) => {
  const { viewer, ready } = await import("/static/js/viewer/main.js");
  await ready;
  if (packed) viewer.source.speed = 0;
  await viewer.open(url, 0);
  const { pane } = viewer;
  if (pane.empty || !pane.notice.hidden) return { said: pane.notice.textContent };
  for (const act of ["reset", "actual", ...acts]) viewer.do(act);
  const { width, pixels } = pane.read();
  const { columns, rows } = pane.placing;
  const corners = [[0, 0], [columns, rows]].map(([x, y]) => pane.placing.toScreen(x, y));
  const [left, right] = corners.map(([x]) => Math.round(x)).sort((a, b) => a - b);
  const [top, bottom] = corners.map(([, y]) => Math.round(y)).sort((a, b) => a - b);
  let text = "";
  for (let y = top; y < bottom; y += 1) for (let x = left; x < right; x += 1) {
    text += String.fromCharCode(pixels[4 * (y * width + x)]);
  }
  return { grey: btoa(text), columns: right - left, rows: bottom - top, painter: pane.painter.kind };
}"""


def stored(batch: Any, data: bytes) -> Image:
    made = images.image(batch)
    storage.put(storage.released(), made.stored, data)
    return made


def original(of: Image, data: bytes) -> str:
    """Seal what the hospital sent, as intake does; returns its key."""
    key = f"originals/{of.source.pk}"
    sealing.put(of.source.batch.fulfillment.hospital_id, key, data)
    type(of.source).objects.filter(pk=of.source.pk).update(stored=key)
    return key


def signed_in(person: Person, user: Any, live_server: Any, settings: Any) -> Person:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    person.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    return person


def grey(found: dict[str, Any]) -> NDArray[np.int16]:
    assert "grey" in found, found
    plane = np.frombuffer(base64.b64decode(found["grey"]), dtype=np.uint8)
    return plane.reshape(found["rows"], found["columns"]).astype(np.int16)


def test_every_kind_of_image_is_drawn_as_pydicom_computes_it(live_server: Any, settings: Any) -> None:
    batch = images.sealed_batch(images=0)
    made = {name: stored(batch, data) for name, data in kinds().items()}
    manager = member(batch.fulfillment.hospital, Role.DATA_MANAGER)
    turns = {(): lambda plane: plane, ("turnRight",): lambda plane: np.rot90(plane, -1), ("mirror",): np.fliplr}
    turns[("turnRight", "mirrorUpright")] = lambda plane: np.flipud(np.rot90(plane, -1))
    worst: dict[tuple[str, str], float] = {}
    with chromium() as browser:
        person = signed_in(Person(browser, live_server.url), manager, live_server, settings)
        for painter, query in (("webgl2", "?painter=webgl2"), ("canvas", "?painter=canvas")):
            person.open(f"/images/{made['12 bits'].pk}/view/{query}")
            for name, image in made.items():
                reference = expected(kinds()[name])
                for acts, turned in turns.items() if name == "12 bits" else [((), turns[()])]:
                    asked = [f"/images/{image.pk}/view.json", list(acts), painter == "canvas"]
                    found = person.page.evaluate(LOOK, asked)
                    assert found.get("painter") == painter, found
                    assert (found["columns"], found["rows"]) in ((COLUMNS, ROWS), (ROWS, COLUMNS))
                    off = float(np.abs(grey(found) - turned(reference)).max())
                    worst[f"{name} {' '.join(acts)}".strip(), painter] = off
        if shots := os.environ.get("GETDATA_SHOTS"):
            person.page.screenshot(path=Path(shots) / "viewer-kinds.png")
        assert person.complaints == []
    assert {key: off for key, off in worst.items() if off > 1} == {}


def test_everything_is_done_by_keyboard_and_nothing_that_axe_finds_is_wrong(live_server: Any, settings: Any) -> None:
    batch = images.sealed_batch(images=0)
    made = [stored(batch, kinds()[name]) for name in ("12 bits", "MONOCHROME1", "VOI LUT")]
    Image.objects.filter(pk=made[0].pk).update(
        masks=[{"frame": 0, "x": 4, "y": 5, "width": 40, "height": 12, "detector": 0.9, "read": 0.9}]
    )
    marked = images.label(made[0], "Pneumothorax")
    Annotation.objects.create(label=marked, kind="box", box=[30, 40, 50, 60], row=1)
    manager = member(batch.fulfillment.hospital, Role.DATA_MANAGER)
    with chromium() as browser:
        person = signed_in(Person(browser, live_server.url), manager, live_server, settings)
        page, press = person.page, person.page.keyboard.press
        person.open(f"/images/{made[0].pk}/view/")
        heading, said = page.locator("h1"), page.locator("[data-viewport]").first
        width, value = page.get_by_label("Width"), page.locator("[data-value]").first
        expect(said).to_be_focused()
        expect(width).to_have_value("2300")
        expect(page.locator("[data-over] path.shape")).to_have_count(2)

        press("w")
        press("ArrowRight")
        expect(width).not_to_have_value("2300")
        press("x")
        expect(width).to_have_value("2300")
        press("]")
        expect(page.get_by_label("Preset").locator("option:checked")).to_have_text("Automatic")
        press("i")
        expect(page.get_by_role("button", name="Invert")).to_have_attribute("aria-pressed", "true")
        for key in ("r", "Shift+R", "h", "Shift+H", "+", "-", "f", "1"):
            press(key)
        expect(page.locator("[data-scale]").first).to_contain_text("100 %")
        press("x")
        press("o")
        expect(page.locator("[data-over] path.shape").first).to_be_hidden()
        press("o")

        press("v")
        press("ArrowRight")
        expect(value).to_have_text(re.compile(r"^x \d+  y \d+  stored \d+$"))
        press("l")
        for key in ("Enter", "Enter", *["Shift+ArrowRight"] * 4, "Enter"):
            press(key)
        expect(page.locator("[data-side-rulers] li")).to_contain_text(re.compile(r"Line 1: \d+\.\d mm"))
        expect(page.locator("[data-side-spacing]")).to_contain_text("ImagerPixelSpacing")
        press("Backspace")
        expect(page.locator("[data-side-rulers] li")).to_have_count(0)
        if shots := os.environ.get("GETDATA_SHOTS"):
            page.screenshot(path=Path(shots) / "viewer-keys.png")

        press("j")
        expect(heading).to_contain_text("File 2 of")
        press("Shift+J")
        expect(heading).to_contain_text("File 3 of")
        expect(page.get_by_label("Preset").locator("option:checked")).to_have_text("Table 1 of the image")
        assert page.url.endswith(f"/images/{made[2].pk}/view/")
        press("j")
        expect(page.locator("[data-status]")).to_contain_text("no further image")
        press("k")
        press("k")
        expect(heading).to_contain_text("File 1 of")

        press("s")
        expect(page.locator("[data-viewport]")).to_have_count(2)
        expect(page.locator("[data-title]").nth(1)).to_contain_text("File 2 of")
        assert page.evaluate("location.search").startswith("?beside=")
        page.reload()
        expect(page.locator("[data-title]").nth(1)).to_contain_text("File 2 of")
        assert axe.faults(page, impacts=None) == []
        press("s")
        expect(page.locator("[data-viewport]")).to_have_count(1)
        expect(page.get_by_role("button", name="Before")).to_be_hidden()  # no original is here
        original(made[0], kinds()["12 bits"])
        page.reload()
        expect(page.get_by_role("button", name="Before")).to_be_visible()
        press("b")
        expect(page.locator("[data-title]").nth(1)).to_contain_text("Original of File 1 of")
        press("b")
        expect(page.locator("[data-viewport]")).to_have_count(1)
        press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        assert axe.faults(page, impacts=None) == []
        press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(said).to_be_focused()
        page.set_viewport_size({"width": 390, "height": 844})
        assert axe.faults(page, impacts=None) == []
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        assert person.complaints == []
