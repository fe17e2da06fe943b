"""Web and workers on different machines: what a worker needs is in the bucket, nothing in a folder of the web's."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fulfillment import pipeline
from fulfillment.models import Batch, SourceFile
from fulfillment.uploads import staging, sweep
from getdata.common import storage
from tests.fulfillment.uploads.conftest import Tus
from tests.support.staging import ensure_key, small_radiograph

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_machines(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)
    settings.HAND_OVER = True


def on_another_machine(settings: Any, tmp_path: Path) -> None:
    """From here on this process is a worker elsewhere, whose staging folder is its own and empty."""
    settings.STAGING = tmp_path / "elsewhere"


def in_staging() -> list[str]:
    return [entry.name for entry in staging.folder().iterdir()]


def archive(count: int) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as bundle:
        for seed in range(count):
            bundle.writestr(f"{seed}.dcm", small_radiograph(seed, side=64))
    return held.getvalue()


def test_an_image_taken_in_here_is_worked_on_elsewhere(
    tus: Tus, settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    ensure_key(tus.batch)
    with django_capture_on_commit_callbacks(execute=True):
        assert tus.send("SMITH/a.dcm", small_radiograph(1, side=64)).status_code == 201
    file = SourceFile.objects.get()
    assert file.stored and not file.staged and in_staging() == []
    with storage.quarantine().open(file.stored, "rb") as handle:
        assert b"SMITH" not in handle.read()
    on_another_machine(settings, tmp_path)
    pipeline.process(file.pk)
    file.refresh_from_db()
    assert file.settled_at is not None and file.attempts == 1
    assert file.reason not in ("STAGING_MISSING", "INTERNAL_ERROR")
    assert in_staging() == []


def test_an_archive_taken_in_here_is_opened_elsewhere_and_its_members_on_a_third_machine(
    tus: Tus, settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    ensure_key(tus.batch)
    with django_capture_on_commit_callbacks(execute=True):
        assert tus.send("all.zip", archive(3)).status_code == 201
    held = SourceFile.objects.get()
    on_another_machine(settings, tmp_path)
    with django_capture_on_commit_callbacks(execute=True):
        pipeline.process(held.pk)
    stored, held = held.stored, SourceFile.objects.get(pk=held.pk)
    assert (held.status, held.stored) == ("passed", "")
    assert not storage.quarantine().exists(stored), "its members are originals of their own"
    members = SourceFile.objects.filter(archive=held)
    assert members.count() == 3 and not members.filter(stored="").exists() and in_staging() == []


def test_the_same_file_again_leaves_nothing_in_the_bucket(
    tus: Tus, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    data = small_radiograph(1, side=64)
    with django_capture_on_commit_callbacks(execute=True):
        tus.send("a.dcm", data)
        monkeypatch.setattr("fulfillment.intake.sealing.put", lambda *_: pytest.fail("sealed in vain"))
        assert tus.send("a.dcm", data)["GetDATA-Outcome"] == "already_here"
    assert in_staging() == []


def test_a_batch_that_was_sealed_meanwhile_leaves_nothing_in_the_bucket(
    tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fulfillment.uploads import handover, ledger_entry

    put: list[str] = []

    def slowly(batch: Batch, staged: str) -> str:
        put.append(handover.hand_over(batch, staged))
        Batch.objects.filter(pk=batch.pk).update(status="sealed")
        return put[0]

    monkeypatch.setattr(ledger_entry, "hand_over", slowly)
    assert tus.send("a.dcm", small_radiograph(1, side=64)).status_code == 403
    assert put and not storage.quarantine().exists(put[0]) and in_staging() == []


def test_a_store_out_of_reach_is_no_refusal_and_the_transfer_is_finished_later(
    tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small_radiograph(1, side=64)
    address = tus.create("a.dcm", len(data))["Location"]

    def down(*_: Any) -> None:
        raise storage.Unreachable

    with monkeypatch.context() as broken:
        broken.setattr("fulfillment.intake.sealing.put", down)
        answer = tus.patch(address, 0, data)
        assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "server_busy", "10")
    assert not SourceFile.objects.exists()
    assert sweep().finished == 1 and SourceFile.objects.get().stored
