"""A reviewer decides whether two images are one picture."""

from __future__ import annotations

from django.db import transaction

from fulfillment.duplicate_pairs import is_within_one_delivery
from fulfillment.models import Batch, BatchStatus, DuplicateDecision, DuplicateHit, PendingNote
from fulfillment.services.independence import require_may_review
from fulfillment.services.reviews import keep_notes
from getdata.accounts.models import User
from getdata.audit import chain
from getdata.common.problems import CannotDo


def decide_pair(*, hit: DuplicateHit, batch: Batch, decision: str, actor: User) -> DuplicateDecision:
    """Record what a pair is. The newest decision counts; the earlier ones stay.

    Where both files are of one delivery and the reviewer holds ``batch``, the file that repeats gets a note that goes out with
    the batch's decision, unless it has one. What crosses deliveries is told to no hospital. Raises ``CannotDo``.
    """
    require_may_review(actor, batch)
    if decision not in DuplicateDecision.Decision.values:
        raise CannotDo("That is no decision.", remedy="Choose one of the three.", code="unknown_decision")
    if batch.pk not in (hit.image.source.batch_id, hit.other.source.batch_id):
        raise CannotDo("The pair is not of this batch.", remedy="Open the batch's own pairs.", code="other_batch")
    with transaction.atomic():
        made = DuplicateDecision.objects.create(hit=hit, reviewer=actor, decision=decision)
        chain.record(
            verb="duplicate.decided",
            target=hit,
            actor=actor,
            data={"decision": decision, "batch": str(batch.pk)},
        )
        _note(hit, batch, decision, actor)
    return made


def _note(hit: DuplicateHit, batch: Batch, decision: str, actor: User) -> None:
    file, first = hit.image.source, hit.other.source
    held = batch.status == BatchStatus.IN_REVIEW and batch.reviewer_id == actor.pk
    if decision == DuplicateDecision.Decision.DIFFERENT or not held or file.batch_id != batch.pk:
        return
    if not is_within_one_delivery(hit) or PendingNote.objects.filter(file=file).exists():
        return
    where = f"file {first.number}" + ("" if first.batch_id == batch.pk else f" of batch {first.batch.number}")
    if decision == DuplicateDecision.Decision.KEEP_FIRST:
        text = f"The same picture as {where}, which is kept. Withdraw this one."
    else:
        text = f"This looks like the same picture as {where}. Is it? Withdraw one, or say why both are needed."
    keep_notes(batch=batch, actor=actor, notes={file: text})
