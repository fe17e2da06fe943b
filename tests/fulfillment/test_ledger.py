"""The ledger: one worker a file, leases that run out, attempts that end, progress that adds up."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from fulfillment import ledger, pipeline
from fulfillment.models import SourceFile, SourceFileStatus, SourceKind
from getdata.audit.models import AuditEvent
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
    rung: list[str] = []
    monkeypatch.setattr(ledger, "enqueue", lambda name, pk: rung.append(pk))
    expire(file)  # the pause before the next attempt is over
    assert ledger.sweep() == 1
    assert rung == [str(file.pk)]
    assert ledger.sweep() == 0, "a bell that was just rung is not rung again"


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
