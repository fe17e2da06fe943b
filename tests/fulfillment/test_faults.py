"""Small versions of the fault program (``python -m tests.faults``): twenty files, and every one accounted for."""

from __future__ import annotations

import errno
import random
from typing import Any

import pytest

from fulfillment import ledger, pipeline
from fulfillment.models import Image, SourceFile
from fulfillment.store import storage as stores
from getdata.audit.models import AuditEvent
from getdata.common import queue, storage
from tests.faults.world import account, small_files
from tests.support.staging import stage

pytestmark = pytest.mark.django_db
FILES = 12


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Small files, staged and in the ledger; the bells are the test's own."""
    from fulfillment.models import Batch
    from tests.faults.world import make_batch

    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)
    monkeypatch.setattr("fulfillment.store.enqueue", lambda *_: None)
    monkeypatch.setattr(queue, "ring", lambda *_: True)
    monkeypatch.setattr(storage, "_PAUSES", (0, 0, 0, None))
    batch = Batch.objects.get(pk=make_batch()[0])
    for name, data in small_files(FILES):
        stage(batch, data, name)
    return batch


def work_it_off(batch: Any) -> None:
    """As workers and sweeper do, without the waiting."""
    for _ in range(20 * FILES):
        waiting = batch.files.filter(status="received")
        if not waiting.exists():
            return
        waiting.update(lease_until=None)
        pipeline.work()


def assert_accounted_for(batch: Any, *, passed: int = FILES) -> None:
    told = account(str(batch.pk), FILES)
    assert {name: told[name] for name in ("lost", "two_outputs", "settled_twice", "without_reason")} == {
        "lost": 0,
        "two_outputs": 0,
        "settled_twice": 0,
        "without_reason": 0,
    }
    assert told["outcomes"].get("passed", 0) == passed


def test_a_store_that_fails_one_call_in_three_loses_nothing(batch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(3)
    for kind in {type(stores.released()), type(stores.quarantine()), type(stores.previews())}:
        for name in ("_save", "_open"):
            monkeypatch.setattr(kind, name, _sometimes(getattr(kind, name), dice))
    work_it_off(batch)
    monkeypatch.undo()
    assert_accounted_for(batch)


def _sometimes(original: Any, dice: random.Random) -> Any:
    def call(*arguments: Any, **options: Any) -> Any:
        if dice.randrange(3) == 0:
            raise OSError(errno.EIO, "injected")
        return original(*arguments, **options)

    return call


def test_a_full_disk_of_the_stores_stops_the_work_and_loses_nothing(
    batch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, room = type(stores.released()), [4]
    original = kind._save

    def full(*arguments: Any, **options: Any) -> Any:
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= 1
        return original(*arguments, **options)

    monkeypatch.setattr(kind, "_save", full)
    for _ in range(2 * FILES):
        pipeline.work()
    waiting = batch.files.filter(status="received", reason="STORE_UNREACHABLE", attempts=0)
    assert waiting.count() == FILES - batch.files.filter(status="passed").count() >= FILES - 2
    room[0] = 10**6  # somebody makes room
    work_it_off(batch)
    assert_accounted_for(batch)


def test_each_file_delivered_twice_is_worked_on_once(batch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delivered again while it is in work, and once more by a worker that slept through its lease."""
    carry = pipeline._carry

    def twice(held: ledger.Claim) -> None:
        pipeline.process(held.file.pk)
        carry(held)
        carry(held)

    monkeypatch.setattr(pipeline, "_carry", twice)
    for _ in range(2 * FILES):
        pipeline.work()
    assert_accounted_for(batch)
    assert Image.objects.filter(source__batch=batch).count() == FILES
    assert AuditEvent.objects.filter(verb="sourcefile.passed").count() == FILES
    assert set(SourceFile.objects.filter(batch=batch).values_list("attempts", flat=True)) == {1}
