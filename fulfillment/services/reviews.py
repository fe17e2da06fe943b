"""Reviewing a batch: claim, give back, accept, return with notes, reject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import Batch, BatchStatus, Review, ReviewNote, SourceFile, SourceFileStatus
from fulfillment.services.independence import parties_of, require_independent, require_not_uploader
from getdata.accounts.models import CAPABILITIES, Organization, User
from getdata.common.problems import CannotDo
from getdata.common.states import transition
from getdata.notifications.services import notify

RETURNED = "RETURNED_BY_REVIEWER"


def claim_batch(*, batch: Batch, actor: User) -> Batch:
    """Take a sealed batch into review."""
    require_independent(actor, *parties_of(batch))
    require_not_uploader(actor, batch)
    return transition(
        Batch, batch.pk, BatchStatus.SEALED, BatchStatus.IN_REVIEW, actor=actor, changes={"reviewer": actor}
    )


def give_back_batch(*, batch: Batch, actor: User) -> Batch:
    """Put a claimed batch back into the queue."""
    require_independent(actor, *parties_of(batch))
    return transition(
        Batch,
        batch.pk,
        BatchStatus.IN_REVIEW,
        BatchStatus.SEALED,
        actor=actor,
        where={"reviewer": actor},
        changes={"reviewer": None},
    )


def accept_batch(*, batch: Batch, actor: User, summary: str) -> Review:
    """Accept everything in the batch that passed and was not returned."""
    return _decide(batch=batch, actor=actor, decision=BatchStatus.ACCEPTED, summary=summary, notes={})


def return_batch(*, batch: Batch, actor: User, summary: str, notes: Mapping[SourceFile, str]) -> Review:
    """Give the batch back to the hospital with notes; only the files with a note are set aside, the rest stands."""
    if not notes:
        raise CannotDo(
            "A batch is returned with at least one note on a file.",
            remedy="Write what is wrong beside the file, or reject the batch as a whole.",
            code="no_notes",
        )
    return _decide(batch=batch, actor=actor, decision=BatchStatus.RETURNED, summary=summary, notes=notes)


def reject_batch(*, batch: Batch, actor: User, summary: str) -> Review:
    """Refuse the batch as a whole, for good."""
    return _decide(batch=batch, actor=actor, decision=BatchStatus.REJECTED, summary=summary, notes={})


def _decide(
    *, batch: Batch, actor: User, decision: BatchStatus, summary: str, notes: Mapping[SourceFile, str]
) -> Review:
    require_independent(actor, *parties_of(batch))
    require_not_uploader(actor, batch)
    if not summary.strip():
        raise CannotDo(
            "A decision needs a summary.",
            remedy="Say in a sentence or two what you checked and why you decide so.",
            code="no_summary",
        )
    with transaction.atomic():
        transition(
            Batch,
            batch.pk,
            BatchStatus.IN_REVIEW,
            decision,
            actor=actor,
            where={"reviewer": actor},
            changes={"decided_at": timezone.now()},
            data={"notes": len(notes)},
        )
        review = Review.objects.create(batch=batch, reviewer=actor, decision=decision, summary=summary.strip())
        for file, text in notes.items():
            if file.batch_id != batch.pk:
                raise ValueError("a note on a file of another batch")
            ReviewNote.objects.create(review=review, file=file, text=text.strip())
            if file.status == SourceFileStatus.PASSED:
                transition(
                    SourceFile,
                    file.pk,
                    SourceFileStatus.PASSED,
                    SourceFileStatus.QUARANTINED,
                    actor=actor,
                    changes={"reason": RETURNED, "findings": [*file.findings, _note_finding(text)]},
                )
        _tell_hospital(batch, decision)
    return review


def _note_finding(text: str) -> dict[str, Any]:
    return {
        "code": RETURNED,
        "severity": "must",
        "check_id": "review",
        "tag": "",
        "message": text.strip(),
        "remedy": "Withdraw this file, and send a corrected one if you have it.",
    }


def _tell_hospital(batch: Batch, decision: BatchStatus) -> None:
    words = {
        BatchStatus.ACCEPTED: "was accepted",
        BatchStatus.RETURNED: "was returned with notes: only the named files need you",
        BatchStatus.REJECTED: "was rejected; the reviewer's summary says why",
    }
    notify(
        event="batch.decided",
        users=members_with(batch.fulfillment.hospital, "upload"),
        text=f"Batch {batch.number} “{batch.name}” {words[decision]}.",
        url=reverse("batch_detail", args=[batch.pk]),
    )


def members_with(organization: Organization, capability: str) -> list[User]:
    """The organization's people who hold the capability."""
    return list(
        User.objects.filter(memberships__organization=organization, memberships__role__in=CAPABILITIES[capability])
    )
