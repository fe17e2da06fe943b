"""The ledger: one worker a file, leases that run out, attempts that end, progress that adds up."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from fulfillment import ledger, pipeline
from fulfillment.models import SourceFile, SourceFileStatus, SourceKind
from getdata.audit.models import AuditEvent
from getdata.common import queue, storage
from getdata.common.states import StaleState
from tests import factories

pytestmark = pytest.mark.django_db


def waiting_file(**fields: Any) -> SourceFile:
    batch = fields.pop("batch", None) or factories.batch()
    number = batch.files.count() + 1
    return SourceFile.objects.create(
        **{
            "batch": batch,
            "number": number,
            "sealed_name": b"GD1",
            "name_digest": uuid.uuid4().hex,
            "content_digest": uuid.uuid4().hex,
            "size": 1,
            **fields,
        }
    )


def bells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A broker that keeps bells: the list of those that wait in it."""
    hanging: list[str] = []
    monkeypatch.setattr(queue, "ring", lambda name: hanging.append(name) is None)
    monkeypatch.setattr(queue, "depth", lambda _: len(hanging))
    return hanging


def expire(file: SourceFile) -> None:
    SourceFile.objects.filter(pk=file.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_file_is_claimed_once() -> None:
    file = waiting_file()
    first, second = ledger.claim(file.pk), ledger.claim(file.pk)
    assert first is not None and first.file.attempts == 1
    assert second is None


def test_a_file_that_does_not_exist_is_not_claimed() -> None:
    assert ledger.claim(uuid.uuid4()) is None


def test_settling_needs_the_token_of_the_claim() -> None:
    held = ledger.claim(waiting_file().pk)
    assert held is not None
    with pytest.raises(StaleState):
        ledger.settle(ledger.Claim(held.file, uuid.uuid4()), SourceFileStatus.PASSED)
    assert ledger.settle(held, SourceFileStatus.PASSED).status == SourceFileStatus.PASSED


def test_a_worker_whose_lease_was_handed_on_cannot_settle() -> None:
    file = waiting_file()
    slow = ledger.claim(file.pk)
    assert slow is not None
    expire(file)
    ledger.stumble(ledger.Claim(slow.file, slow.token), reason="WORKER_LOST")  # what the sweeper does
    quick = ledger.claim(file.pk)
    assert quick is not None and quick.file.attempts == 2
    with pytest.raises(StaleState):
        ledger.settle(slow, SourceFileStatus.PASSED)
    ledger.settle(quick, SourceFileStatus.REJECTED, reason="X")
    assert AuditEvent.objects.filter(verb="sourcefile.rejected", target_id=str(file.pk)).count() == 1


def test_the_sweeper_hands_out_what_a_dead_worker_held(monkeypatch: pytest.MonkeyPatch) -> None:
    file = waiting_file()
    assert ledger.claim(file.pk)
    expire(file)
    ledger.sweep()
    file.refresh_from_db()
    assert file.status == SourceFileStatus.RECEIVED
    assert file.reason == "WORKER_LOST", "it says why it waits"
    hanging = bells(monkeypatch)
    assert ledger.sweep() == 0, "the pause before the next attempt is not over"
    expire(file)
    assert ledger.sweep() == 1
    assert hanging == [ledger.RING]
    assert ledger.sweep() == 0, "while a bell waits in the broker it is not rung again"
    hanging.clear()  # the broker lost it
    assert ledger.sweep() == 1


def test_a_broker_that_is_down_is_rung_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting_file()
    monkeypatch.setattr(queue, "depth", lambda _: None)
    monkeypatch.setattr(queue, "ring", lambda _: pytest.fail("nobody would hear it"))
    assert ledger.sweep() == 0
    hanging = bells(monkeypatch)
    assert ledger.sweep() == 1 and len(hanging) == 1


@pytest.mark.parametrize("hours", [1, -1])
def test_a_worker_whose_clock_is_wrong_neither_loses_nor_takes_a_lease(
    monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Leases are written and judged by the database's clock: a wrong one on one machine changes nothing."""
    bells(monkeypatch)
    mine, other = waiting_file(), waiting_file()
    assert ledger.claim(mine.pk)
    true = timezone.now
    with monkeypatch.context() as wrong:
        wrong.setattr(timezone, "now", lambda: true() + timedelta(hours=hours))
        ledger.sweep()
        assert ledger.claim(other.pk)
    ledger.sweep()
    for file in (mine, other):
        file.refresh_from_db()
        assert (file.status, file.attempts) == (SourceFileStatus.PROCESSING, 1)
        assert file.lease_until is not None
        assert timedelta(0) < file.lease_until - true() < timedelta(seconds=settings.LEASE_SECONDS + 5)


def test_a_lease_outlives_the_hard_limit_of_the_task() -> None:
    from fulfillment.tasks import process_task

    assert settings.LEASE_SECONDS > process_task.time_limit > process_task.soft_time_limit


def test_an_outage_costs_no_attempt_and_the_file_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any) -> None:
        raise storage.Unreachable

    monkeypatch.setattr(pipeline, "_instance", refuses)
    file = waiting_file()
    for outage in range(1, 6):
        pipeline.process(file.pk)
        file.refresh_from_db()
        assert (file.status, file.attempts, file.outages) == (SourceFileStatus.RECEIVED, 0, outage)
    assert ledger.progress(file.batch).trying_again == {"STORE_UNREACHABLE": 1}
    SourceFile.objects.filter(pk=file.pk).update(outages=settings.MAX_OUTAGES - 1)
    pipeline.process(file.pk)
    file.refresh_from_db()
    assert (file.status, file.reason) == (SourceFileStatus.FAILED, "STORE_UNREACHABLE"), (
        "after hours it gives up, aloud"
    )


def test_a_file_that_kills_its_worker_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The poison file is claimed, its worker dies, its lease runs out, three times; the others pass meanwhile."""
    batch = factories.batch()
    poison, good = waiting_file(batch=batch), [waiting_file(batch=batch) for _ in range(3)]

    def carry(held: ledger.Claim) -> None:
        if held.file.pk == poison.pk:
            expire(poison)  # SIGKILL: nobody settles
        else:
            ledger.settle(held, SourceFileStatus.PASSED)

    monkeypatch.setattr(pipeline, "_carry", carry)
    monkeypatch.setattr(queue, "ring", lambda _: True)
    for _ in range(3):
        for _ in range(4):
            pipeline.work()
        ledger.sweep()
        SourceFile.objects.filter(pk=poison.pk, status="received").update(lease_until=None)
    poison.refresh_from_db()
    assert (poison.status, poison.reason, poison.attempts) == (SourceFileStatus.FAILED, "WORKER_LOST", 3)
    assert "not touched" in poison.findings[0]["message"]
    for file in good:
        file.refresh_from_db()
        assert (file.status, file.attempts) == (SourceFileStatus.PASSED, 1)


def test_a_live_lease_is_left_alone() -> None:
    file = waiting_file()
    assert ledger.claim(file.pk)
    ledger.sweep()
    file.refresh_from_db()
    assert file.status == SourceFileStatus.PROCESSING


def test_after_three_lost_workers_the_file_is_failed_with_a_reason_and_not_lost() -> None:
    file = waiting_file()
    for _ in range(3):
        assert ledger.claim(file.pk)
        expire(file)
        ledger.sweep()
    file.refresh_from_db()
    assert (file.status, file.reason) == (SourceFileStatus.FAILED, "WORKER_LOST")
    assert file.findings[0]["message"] and file.findings[0]["remedy"]


def test_a_bug_in_a_stage_costs_one_attempt_and_then_fails_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*args: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(pipeline, "_instance", breaks)
    file = waiting_file()
    for attempt in (1, 2, 3):
        pipeline.process(file.pk)
        file.refresh_from_db()
        assert file.attempts == attempt
    assert (file.status, file.reason) == (SourceFileStatus.FAILED, "INTERNAL_ERROR")


def test_processing_a_settled_file_again_does_nothing() -> None:
    file = waiting_file(status="rejected", reason="X")
    pipeline.process(file.pk)
    file.refresh_from_db()
    assert (file.status, file.attempts) == ("rejected", 0)


def test_bytes_that_are_gone_end_as_a_reason() -> None:
    file = waiting_file(staged=str(uuid.uuid4()))
    for _ in range(3):
        pipeline.process(file.pk)
    file.refresh_from_db()
    assert (file.status, file.reason) == (SourceFileStatus.FAILED, "STAGING_MISSING")


def test_progress_counts_files_but_neither_opened_archives_nor_withdrawn_ones() -> None:
    batch = factories.batch()
    for status, reason in (("passed", ""), ("rejected", "A"), ("rejected", "A"), ("received", ""), ("withdrawn", "")):
        waiting_file(batch=batch, status=status, reason=reason)
    waiting_file(batch=batch, status="passed", kind=SourceKind.ARCHIVE)
    waiting_file(batch=batch, status="passed", kind=SourceKind.LABELS)
    progress = ledger.progress(batch)
    assert (progress.total, progress.settled, progress.passed, progress.tables, progress.withheld) == (5, 4, 1, 1, 2)
    assert (progress.in_progress, progress.percent, progress.is_settled) == (1, 80, False)
    assert progress.by_reason == {"A": 2}


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_hear_the_bell_one_gets_the_file() -> None:
    file = waiting_file()
    got: list[ledger.Claim | None] = []

    def work() -> None:
        try:
            got.append(ledger.claim(file.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(claim is not None for claim in got) == 1
    file.refresh_from_db()
    assert file.attempts == 1
