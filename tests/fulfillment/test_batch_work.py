"""What a hospital does to thousands of files at once: stop them, let them go on, withdraw them, try them again; and being told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fulfillment import ledger
from fulfillment.models import Batch, SourceFile, SourceFileStatus
from fulfillment.services import batch_work, batches, settling
from fulfillment.uploads import staging
from getdata.accounts.models import Role, User
from getdata.audit.models import AuditEvent
from getdata.common import queue
from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification
from tests import factories
from tests.fulfillment.test_turns import fill

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("fulfillment.services.batches", "fulfillment.services.batch_work"):
        monkeypatch.setattr(f"{place}.enqueue", lambda *_: None)
    monkeypatch.setattr(queue, "ring", lambda *_: True)


@pytest.fixture
def batch() -> Batch:
    return factories.batch()


@pytest.fixture
def manager(batch: Batch) -> User:
    return factories.member(batch.fulfillment.hospital, Role.DATA_MANAGER)


def now_are(batch: Batch, status: str, reason: str = "", **changes: object) -> None:
    batch.files.update(**{"status": status, "reason": reason, "stored": "there", **changes})


def test_ten_thousand_failed_files_are_retried_in_a_few_statements_and_recorded_once(
    batch: Batch, manager: User
) -> None:
    fill(batch, 10_000)
    now_are(batch, "failed", "INTERNAL_ERROR", attempts=3, outages=2, settled_at=batch.created_at)
    with CaptureQueriesContext(connection) as asked:
        assert batches.retry_all(batch=batch, reason="INTERNAL_ERROR", actor=manager) == 10_000
    assert len(asked) < 25
    assert AuditEvent.objects.get(verb="batch.files_retried").data == {
        "count": 10_000,
        "to": "received",
        "reason": "INTERNAL_ERROR",
    }
    afresh = batch.files.filter(status="received", attempts=0, outages=0, reason="", settled_at=None)
    assert afresh.count() == 10_000


def test_all_failed_files_are_retried_and_no_others(batch: Batch, manager: User) -> None:
    fill(batch, 5)
    now_are(batch, "failed", "INTERNAL_ERROR")
    batch.files.filter(number=2).update(reason="MEMORY_LIMIT")
    batch.files.filter(number=3).update(status="rejected")
    batch.files.filter(number=4).update(stored="")  # its bytes are gone
    assert batches.retry_failed(batch=batch, actor=manager) == 3
    assert set(batch.files.filter(status="received").values_list("number", flat=True)) == {1, 2, 5}


def test_what_a_reviewer_returned_is_not_retried_with_the_rest(batch: Batch, manager: User) -> None:
    fill(batch, 2)
    now_are(batch, "quarantined", "RETURNED_BY_REVIEWER")
    assert batches.retry_all(batch=batch, reason="RETURNED_BY_REVIEWER", actor=manager) == 0


def test_workers_take_nothing_of_a_stopped_batch_and_the_running_file_ends(batch: Batch, manager: User) -> None:
    fill(batch, 3)
    running = ledger.claim_next()
    assert running is not None
    batch_work.pause_batch(batch=batch, actor=manager)
    batch_work.pause_batch(batch=batch, actor=manager)
    assert ledger.claim_next() is None and ledger.sweep() == 0
    assert ledger.settle(running, SourceFileStatus.PASSED).status == "passed"
    batch.refresh_from_db()
    hindrance = batches.what_hinders_sealing(batch)
    assert hindrance is not None and "withdraw" in hindrance.remedy
    batch_work.resume_batch(batch=batch, actor=manager)
    assert ledger.claim_next() is not None
    verbs = AuditEvent.objects.filter(verb__in=["batch.paused", "batch.resumed"]).values_list("verb", flat=True)
    assert list(verbs.order_by("id")) == ["batch.paused", "batch.resumed"]


def test_waiting_files_are_withdrawn_at_once_with_their_bytes_and_the_running_one_keeps_its_own(
    batch: Batch, manager: User
) -> None:
    fill(batch, 3)
    kept = {}
    for file in batch.files.all():
        kept[file.number] = staging.create()
        SourceFile.objects.filter(pk=file.pk).update(staged=kept[file.number])
    running = ledger.claim_next()
    assert running is not None
    assert batches.withdraw_waiting(batch=batch, actor=manager) == 2
    assert batch.files.filter(status="withdrawn", staged="").count() == 2
    here = {number for number, name in kept.items() if staging.path(name).exists()}
    assert here == {running.file.number}
    staging.discard(running.file.staged)
    assert ledger.claim_next() is None
    assert AuditEvent.objects.get(verb="batch.files_withdrawn").data["count"] == 2


@pytest.mark.parametrize(
    "act", [batch_work.pause_batch, batch_work.resume_batch, batches.withdraw_waiting, batches.retry_failed]
)
def test_only_those_who_may_deliver_do_it(batch: Batch, act: object) -> None:
    viewer = factories.member(batch.fulfillment.hospital, Role.VIEWER)
    for person in (viewer, factories.UserFactory.create(), factories.ReviewerFactory.create()):
        with pytest.raises(CannotDo):
            act(batch=batch, actor=person)  # type: ignore[operator]


def test_a_batch_is_settled_once_and_its_hospital_told_once(batch: Batch, manager: User) -> None:
    at_once = timedelta(0)
    fill(batch, 2)
    assert settling.tell_settled(quiet=at_once) == 0, "files wait"
    now_are(batch, "passed")
    assert settling.tell_settled() == 0, "more may still be coming"
    assert settling.tell_settled(quiet=at_once) == 1
    assert settling.tell_settled(quiet=at_once) == 0
    assert AuditEvent.objects.filter(verb="batch.settled").count() == 1
    told = Notification.objects.get(user=manager, event="batch.settled")
    assert "2 of 2 files passed" in told.text


def test_a_batch_whose_files_are_tried_again_is_settled_anew(batch: Batch, manager: User) -> None:
    fill(batch, 1)
    now_are(batch, "failed", "INTERNAL_ERROR")
    assert settling.tell_settled(quiet=timedelta(0)) == 1
    batches.retry_failed(batch=batch, actor=manager)
    assert settling.tell_settled(quiet=timedelta(0)) == 0
    now_are(batch, "passed")
    assert settling.tell_settled(quiet=timedelta(0)) == 1
