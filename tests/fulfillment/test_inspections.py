"""The sample of a batch: drawn once for each sealing, looked at by the person who accepts, and never skipped."""

from __future__ import annotations

import pytest
from django.utils import timezone

from fulfillment.models import Batch, BatchStatus, ImageLook, Inspection, PendingNote, SourceFile
from fulfillment.services import batches, inspections, reviews
from getdata.accounts.models import User
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState
from tests.factories import ReviewerFactory
from tests.support.images import image, looked_at, sealed_batch

pytestmark = pytest.mark.django_db
MASK = {"frame": 0, "x": 1, "y": 2, "width": 5, "height": 4, "detector": 0.9, "read": 0.6}


def claimed(batch: Batch, reviewer: User) -> Inspection:
    reviews.claim_batch(batch=batch, actor=reviewer)
    batch.refresh_from_db()
    found = inspections.current_inspection(batch)
    assert found is not None
    return found


def refused(batch: Batch, reviewer: User) -> str:
    with pytest.raises(CannotDo) as refusal:
        reviews.accept_batch(batch=batch, actor=reviewer, summary="Looked.")
    assert refusal.value.remedy
    return refusal.value.code


def test_the_worst_come_first_then_what_the_lot_drew_and_nothing_is_accepted_before_all_is_seen() -> None:
    batch, reviewer, other = sealed_batch(images=3), ReviewerFactory.create(), ReviewerFactory.create()
    masked = image(batch, masks=[MASK], store=False)
    doubtful = image(batch, review_reasons=["text-possible"], store=False)
    found = claimed(batch, reviewer)
    items = list(found.items.all())
    assert [(item.image_id, item.why) for item in items[:2]] == [(doubtful.pk, "doubt"), (masked.pk, "masked")]
    assert {item.why for item in items[2:]} == {"lot"} and len(items) == 5
    assert (found.population, found.certain, found.drawn) == (5, 2, 3) and "5 images passed." in found.arithmetic
    drawn = AuditEvent.objects.get(verb="inspection.drawn")
    assert drawn.data == {"images": 5, "certain": 2, "drawn": 3, "seed": found.seed}

    assert refused(batch, reviewer) == "sample_incomplete"
    keys = [item.image_id for item in items]
    with pytest.raises(StaleState):
        inspections.record_looks(batch=batch, shown={keys[0]: 900}, actor=other)
    progress = inspections.record_looks(batch=batch, shown=dict.fromkeys(keys[:4], 900), actor=reviewer)
    assert (progress.wanted, progress.looked, progress.left) == (5, 4, 1)
    assert refused(batch, reviewer) == "sample_incomplete"
    again = inspections.record_looks(batch=batch, shown={keys[0]: 1, keys[4]: None}, actor=reviewer)
    assert again.is_complete
    assert ImageLook.objects.get(image=keys[0]).milliseconds == 900, "the first look counts"
    told = AuditEvent.objects.filter(verb="batch.looked_at").order_by("pk")
    assert [len(event.data["files"]) for event in told] == [4, 1]
    reviews.accept_batch(batch=batch, actor=reviewer, summary="Looked.")
    assert Batch.objects.get(pk=batch.pk).status == BatchStatus.ACCEPTED


def test_a_colleague_who_takes_the_batch_over_gets_the_same_sample_and_looks_for_themselves() -> None:
    batch, first, second = sealed_batch(images=2), ReviewerFactory.create(), ReviewerFactory.create()
    drawn = claimed(batch, first)
    looked_at(batch, first)
    reviews.give_back_batch(batch=batch, actor=first)
    batch.refresh_from_db()
    assert claimed(batch, second) == drawn
    assert inspections.progress_of(batch, first).is_complete
    assert refused(batch, second) == "sample_incomplete"


def test_after_a_return_another_sample_holds_every_picture_that_came_since() -> None:
    batch, reviewer = sealed_batch(images=3), ReviewerFactory.create()
    first = claimed(batch, reviewer)
    looked_at(batch, reviewer)
    file = batch.files.order_by("number")[0]
    reviews.return_batch(batch=batch, actor=reviewer, summary="See the note.", notes={file: "A name is legible."})
    returned = SourceFile.objects.get(pk=file.pk)
    batches.withdraw_file(file=returned, actor=batch.sealed_by)
    fresh = image(Batch.objects.get(pk=batch.pk), store=False)
    batches.seal_batch(batch=batch, actor=batch.sealed_by)
    batch.refresh_from_db()
    second = claimed(batch, reviewer)
    assert second != first and second.seed != first.seed
    assert list(second.items.filter(why="new").values_list("image", flat=True)) == [fresh.pk]
    progress = inspections.progress_of(batch, reviewer)
    assert (progress.wanted, progress.looked) == (3, 2), "what did not change was looked at before"
    looked_at(batch, reviewer)
    reviews.accept_batch(batch=batch, actor=reviewer, summary="The new one is fine.")


def test_looks_at_other_batches_or_at_too_much_are_refused_and_a_batch_without_a_sample_is_not_accepted() -> None:
    batch, reviewer = sealed_batch(images=1), ReviewerFactory.create()
    foreign = image(sealed_batch(images=0), store=False)
    with pytest.raises(CannotDo, match="sealed batch"):
        inspections.draw_inspection(batch=sealed_batch(images=0, status=BatchStatus.OPEN), actor=reviewer)
    claimed(batch, reviewer)
    with pytest.raises(CannotDo, match="not in this batch") as refusal:
        inspections.record_looks(batch=batch, shown={foreign.pk: 900}, actor=reviewer)
    assert refusal.value.code == "unknown_image" and not ImageLook.objects.exists()
    Inspection.objects.all().delete()
    assert refused(batch, reviewer) == "no_sample"
    made = inspections.draw_inspection(batch=batch, actor=reviewer)
    assert inspections.draw_inspection(batch=batch, actor=ReviewerFactory.create()) == made
    assert not PendingNote.objects.exists() and made.sealed_at <= timezone.now()
