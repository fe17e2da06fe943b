"""Whose turn it is: hospitals share the workers, a hospital's repairs and small batches go before its bulk."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from fulfillment import ledger
from fulfillment.models import Batch, SourceFile, SourceFileStatus
from fulfillment.services import batch_work
from fulfillment.turns import SMALL
from getdata.common.problems import CannotDo
from tests import factories

pytestmark = pytest.mark.django_db


def fill(batch: Batch, count: int) -> Batch:
    """Files that wait, without the bytes."""
    SourceFile.objects.bulk_create(
        SourceFile(
            batch=batch,
            number=number,
            sealed_name=b"GD1",
            name_digest=uuid.uuid4().hex,
            content_digest=uuid.uuid4().hex,
            size=1,
        )
        for number in range(1, count + 1)
    )
    return batch


def take() -> Batch:
    """One worker takes one file and is done with it."""
    held = ledger.claim_next()
    assert held is not None
    ledger.settle(held, SourceFileStatus.REJECTED, reason="X")
    return held.file.batch


def test_ten_thousand_files_of_one_hospital_do_not_starve_ten_of_another() -> None:
    bulk = fill(factories.batch(), 10_000)
    for _ in range(5):
        assert take() == bulk
    few = fill(factories.batch(), 10)
    served = [take() for _ in range(21)]
    assert served.count(few) == 10
    assert few not in served[20:], "the ten were done within twenty turns"
    assert bulk in served[:3], "and the other went on meanwhile"


def test_a_hospital_that_returns_does_not_make_up_for_the_time_it_was_away() -> None:
    _, late = fill(factories.batch(), 40), factories.batch()
    for _ in range(20):
        take()
    fill(late, 20)
    served = [take() for _ in range(12)]
    assert served.count(late) == 6


def test_long_files_count_for_as_long_as_they_take() -> None:
    """Two workers: the one hospital's file is still in work, so the next free worker serves the other one, twice."""
    slow, quick = fill(factories.batch(), 5), fill(factories.batch(), 5)
    first = ledger.claim_next()
    assert first is not None
    other = {slow.pk: quick, quick.pk: slow}[first.file.batch_id]
    assert [take() for _ in range(4)] == [other] * 4


def test_within_a_hospital_repairs_come_first_then_small_batches_then_bulk() -> None:
    bulk = fill(factories.batch(), SMALL + 20)
    under = bulk.fulfillment
    small = fill(factories.batch(under), 2)
    returned = fill(factories.batch(under, status="returned"), 2)
    assert [take() for _ in range(5)] == [returned, returned, small, small, bulk]


def test_files_of_a_batch_are_taken_by_number() -> None:
    fill(factories.batch(), 4)
    held = [ledger.claim_next() for _ in range(5)]
    assert [claim.file.number if claim else None for claim in held] == [1, 2, 3, 4, None]


def test_what_a_reviewer_marks_urgent_goes_before_everything() -> None:
    first, urgent = fill(factories.batch(), 3), fill(factories.batch(), 3)
    stranger, reviewer = factories.UserFactory.create(), factories.ReviewerFactory.create()
    with pytest.raises(CannotDo):
        batch_work.set_urgent(batch=urgent, urgent=True, actor=stranger)
    batch_work.set_urgent(batch=urgent, urgent=True, actor=reviewer)
    assert [take() for _ in range(4)] == [urgent, urgent, urgent, first]


def test_a_file_whose_pause_is_not_over_waits() -> None:
    batch = fill(factories.batch(), 2)
    batch.files.filter(number=1).update(lease_until=timezone.now() + timedelta(minutes=1))
    held = ledger.claim_next()
    assert held is not None and held.file.number == 2
    assert ledger.claim_next() is None
