"""Not now: a full disk, a full backlog, a busy database. Each says so, says when to come back, and loses nothing."""

from __future__ import annotations

import errno
import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError

from fulfillment.models import SourceFile, Upload
from fulfillment.uploads import pressure, staging
from tests import factories
from tests.fulfillment.uploads.conftest import Scene, Tus

pytestmark = pytest.mark.django_db
DATA = b"\0" * 128 + b"DICM" + b"x" * 600_000


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)


def one_shot(tus: Tus) -> Any:
    return tus.client.generic(
        "POST",
        f"/api/v1/batches/{tus.batch.pk}/files/",
        DATA,
        content_type="application/octet-stream",
        HTTP_CONTENT_DISPOSITION='attachment; filename="a.dcm"',
    )


def says_later(answer: Any, status: int, code: str) -> bool:
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert int(answer["Retry-After"]) == told["retry_after"] > 0
    assert told["detail"] and "Nothing" in told["remedy"]
    return True


def test_a_disk_near_its_end_takes_no_new_uploads(tus: Tus, settings: Any, scene: Scene) -> None:
    settings.STAGING_RESERVE_BYTES = 10**18
    assert says_later(tus.create("a.dcm", len(DATA)), 507, "staging_full")
    assert says_later(one_shot(tus), 507, "staging_full")
    assert not Upload.objects.exists() and not SourceFile.objects.exists()


def test_a_hospital_with_a_full_backlog_is_asked_to_wait_and_another_one_is_not(
    tus: Tus, settings: Any, scene: Scene
) -> None:
    settings.MAX_WAITING_FILES = 1
    assert tus.send("a.dcm", DATA).status_code == 201
    settings.MAX_WAITING_FILES = 2
    cache.clear()
    assert tus.send("b.dcm", DATA + b"b").status_code == 201
    cache.clear()
    assert says_later(tus.create("c.dcm", len(DATA)), 503, "backlog_full")
    pressure.require_room(factories.batch(), 1)  # another hospital's


def test_a_disk_that_fills_up_in_mid_transfer_keeps_what_came_and_goes_on_when_there_is_room(
    tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tus.create("a.dcm", len(DATA))["Location"]
    write, room = staging.write_all, [2 * staging.BLOCK]

    def full(handle: Any, block: bytes) -> None:
        if len(block) > room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= len(block)
        write(handle, block)

    monkeypatch.setattr(staging, "write_all", full)
    assert says_later(tus.patch(address, 0, DATA), 507, "staging_full")
    room[0] = len(DATA)
    here = int(tus.head(address)["Upload-Offset"])
    assert here == 2 * staging.BLOCK
    assert tus.patch(address, here, DATA[here:]).status_code == 204
    file = SourceFile.objects.get()
    assert staging.path(file.staged).read_bytes() == DATA


def test_a_one_shot_file_that_does_not_fit_leaves_nothing_behind(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    before = set(staging.folder().iterdir())
    monkeypatch.setattr(staging, "write_all", full)
    assert says_later(one_shot(tus), 507, "staging_full")
    assert set(staging.folder().iterdir()) == before


def test_a_database_that_does_not_answer_is_no_refusal(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(**_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("fulfillment.uploads.transfers.create_upload", busy)
    assert says_later(tus.create(f"{uuid.uuid4()}.dcm", 5), 503, "server_busy")
