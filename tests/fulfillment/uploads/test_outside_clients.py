"""Clients that others wrote, over a real connection: upload, broken off, gone on with, ended; compared by their hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, sync_playwright
from tusclient.client import TusClient

from fulfillment.models import SourceFile, Upload
from fulfillment.uploads import staging
from fulfillment.uploads.names import unseal_name
from getdata.accounts.tokens import make_token
from tests.e2e.browser import CHROMIUM
from tests.fulfillment.uploads.conftest import Scene
from tests.support.peers import TUS_JS, peer

pytestmark = pytest.mark.django_db(transaction=True)
PART = 200_000
DATA = os.urandom(5 * PART + 123)


@pytest.fixture(autouse=True)
def _no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getdata.common.queue.ring", lambda *args: True)  # this is about the way in alone


@pytest.fixture
def token(scene: Scene) -> str:
    return make_token(user=scene.manager, name="outside", scopes=("deliveries:write",))[1]


def digest_here(name: str) -> str:
    """SHA-256 of what lies here under the name that was sent."""
    file = next(file for file in SourceFile.objects.all() if unseal_name(file) == name)
    return hashlib.sha256(staging.path(file.staged).read_bytes()).hexdigest()


def test_tuspy_sends_breaks_off_goes_on_and_what_lies_here_is_what_was_sent(
    scene: Scene, token: str, live_server: Any, tmp_path: Path
) -> None:
    path = tmp_path / "IM0001.dcm"
    path.write_bytes(DATA)
    endpoint = f"{live_server.url}/api/v1/batches/{scene.batch.pk}/uploads/"
    bearer = {"Authorization": f"Bearer {token}"}
    client = TusClient(endpoint, headers=bearer)
    named = {"filename": "IM0001.dcm", "relativePath": "P1/IM0001.dcm"}
    options: dict[str, Any] = {"chunk_size": PART, "metadata": named, "upload_checksum": True}
    begun = client.uploader(str(path), **options)
    begun.upload(stop_at=2 * PART)
    assert not SourceFile.objects.exists()
    gone_on = client.uploader(str(path), url=begun.url, **options)
    assert gone_on.offset == 2 * PART, "it asks where it stands"
    gone_on.upload()
    assert digest_here("P1/IM0001.dcm") == hashlib.sha256(DATA).hexdigest()
    given_up = client.uploader(str(path), **options)
    given_up.upload(stop_at=PART)
    assert requests.delete(given_up.url, headers={**bearer, "Tus-Resumable": "1.0.0"}, timeout=10).status_code == 204
    assert Upload.objects.filter(status="active").count() == 0
    assert SourceFile.objects.count() == 1


@pytest.fixture
def page(live_server: Any) -> Iterator[Page]:
    """A page of the portal with tus-js-client loaded into it, beside whatever the page itself does."""
    source = peer(TUS_JS).read_text()
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        opened = chromium.new_page()

        def load() -> None:
            opened.goto(f"{live_server.url}/health/")
            opened.evaluate(source)

        load()
        opened.load_again = load  # type: ignore[attr-defined]
        yield opened
        chromium.close()


SEND = """([endpoint, token, part, size, seed, stopAt, terminate]) => new Promise((resolve, reject) => {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) bytes[at] = (at * seed + (at >> 8)) & 255;
  const file = new File([bytes], "IM" + seed + ".dcm", { lastModified: 1000 });
  const upload = new tus.Upload(file, {
    endpoint, chunkSize: part, retryDelays: [0, 100], uploadDataDuringCreation: true, removeFingerprintOnSuccess: true,
    headers: { Authorization: "Bearer " + token }, metadata: { filename: file.name, relativePath: "js/" + file.name },
    onError: reject,
    onSuccess: () => resolve({ done: true, resumed: upload.resumed }),
    onChunkComplete: async (_, accepted) => {
      if (!stopAt || accepted < stopAt) return;
      await upload.abort(terminate);
      resolve({ done: false });
    },
  });
  upload.findPreviousUploads().then((found) => {
    upload.resumed = found.length > 0;
    if (found.length) upload.resumeFromPreviousUpload(found[0]);
    upload.start();
  });
})"""


@pytest.mark.once
@pytest.mark.browser
def test_tus_js_client_goes_on_after_a_reload_and_ends_a_transfer_it_gives_up(
    scene: Scene, token: str, live_server: Any, page: Any
) -> None:
    endpoint = f"{live_server.url}/api/v1/batches/{scene.batch.pk}/uploads/"
    size = 4 * PART + 17
    sent = [endpoint, token, PART, size]
    assert page.evaluate(SEND, [*sent, 7, 2 * PART, False]) == {"done": False}
    begun = Upload.objects.get()
    assert (begun.status, begun.offset) == ("active", 2 * PART)
    page.load_again()
    assert page.evaluate(SEND, [*sent, 7, 0, False]) == {"done": True, "resumed": True}
    assert Upload.objects.get().pk == begun.pk, "no second transfer"
    expected = bytes((at * 7 + (at >> 8)) & 255 for at in range(size))
    assert digest_here("js/IM7.dcm") == hashlib.sha256(expected).hexdigest()
    assert page.evaluate(SEND, [*sent, 9, PART, True]) == {"done": False}
    assert Upload.objects.exclude(pk=begun.pk).get().status == "terminated"
    assert SourceFile.objects.count() == 1
