"""The viewer in a real browser: every kind of image is drawn as pydicom computes it, by WebGL and by the canvas."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray

from fulfillment.models import Image
from getdata.accounts.models import Role
from getdata.common import storage
from tests.e2e.browser import Person, chromium
from tests.factories import member
from tests.fulfillment.viewer.kinds import COLUMNS, ROWS, expected, kinds
from tests.support import images

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
        for painter, query in (("webgl2", ""), ("canvas", "?painter=canvas")):
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
