"""Reviewing a batch: claim, give back, note what is wrong, accept, return with notes, reject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import (
    Batch,
    BatchStatus,
    Fulfillment,
    FulfillmentStatus,
    PendingNote,
    Review,
    ReviewNote,
    SourceFile,
    SourceFileStatus,
)
from fulfillment.selectors import RETURNED
from fulfillment.services.freezes import what_stops_batch
from fulfillment.services.independence import require_may_review
from fulfillment.services.inspections import draw_inspection, require_complete
from getdata.accounts.models import CAPABILITIES, Organization, User
from getdata.accounts.permissions import require_staff
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState, transition
from getdata.notifications.services import notify
from requests_app.services.people import staff

NOTE_LENGTH = 2000
SUMMARY_LENGTH = 4000


def claim_batch(*, batch: Batch, actor: User) -> Batch:
    """Take a sealed batch into review and draw the sample that must be looked at. Raises ``CannotDo`` or ``StaleState``."""
    require_may_review(actor, batch)
    with transaction.atomic():
        claimed = transition(
            Batch, batch.pk, BatchStatus.SEALED, BatchStatus.IN_REVIEW, actor=actor, changes={"reviewer": actor}
        )
        notify(
            event="batch.in_review",
            parties={"hospital": batch.fulfillment.hospital},
            text=f"A reviewer has batch {batch.number} of “{batch.fulfillment.request.title}”.",
            url=reverse("batch_detail", args=[batch.pk]),
        )
        draw_inspection(batch=claimed, actor=actor)
    return claimed


def give_back_batch(*, batch: Batch, actor: User) -> Batch:
    """Put a claimed batch back into the queue; its notes stay for the next reviewer.

    Whoever claimed it may; an administrator may for anybody, so that no batch waits for a person who is away.
    """
    require_staff(actor)
    with transaction.atomic():
        back = transition(
            Batch,
            batch.pk,
            BatchStatus.IN_REVIEW,
            BatchStatus.SEALED,
            actor=actor,
            where={} if actor.is_administrator else {"reviewer": actor},
            changes={"reviewer": None},
        )
        notify(
            event="batch.back",
            users=staff(),
            but=actor,
            text=f"Batch {batch.number} of “{batch.fulfillment.request.title}” is back in the queue.",
            url=reverse("batch_detail", args=[batch.pk]),
        )
    return back


# --- notes ------------------------------------------------------------------------------------------------------------


def keep_notes(*, batch: Batch, actor: User, notes: Mapping[SourceFile, str]) -> int:
    """Remember notes while the batch is being looked at; an empty text takes a note away. Returns how many there are.

    Only the reviewer who holds the batch may write them, and only on files that passed: the rest is withheld already.
    """
    require_may_review(actor, batch)
    for file, text in notes.items():
        _require_noteworthy(batch, file, text)
    with transaction.atomic():
        held = Batch.objects.select_for_update(of=("self",)).filter(pk=batch.pk, status=BatchStatus.IN_REVIEW)
        if not held.filter(reviewer=actor).exists():
            raise StaleState(Batch, BatchStatus.IN_REVIEW, BatchStatus.RETURNED)
        for file, text in notes.items():
            if text.strip():
                PendingNote.objects.update_or_create(file=file, defaults={"text": text.strip(), "written_by": actor})
            else:
                PendingNote.objects.filter(file=file).delete()
    return pending_notes(batch).count()


def pending_notes(batch: Batch) -> Any:
    """The notes that go out with the decision, by the number of their files."""
    return PendingNote.objects.filter(file__batch=batch, file__status=SourceFileStatus.PASSED).select_related("file")


def _require_noteworthy(batch: Batch, file: SourceFile, text: str) -> None:
    if file.batch_id != batch.pk:
        raise CannotDo(
            "A note names a file of another batch.", remedy="Use the ids of this batch's files.", code="unknown_file"
        )
    if len(text.strip()) > NOTE_LENGTH:
        raise CannotDo(
            f"The note on file {file.number} is longer than {NOTE_LENGTH:,} characters.",
            remedy="Say it shorter.",
            code="note_too_long",
        )
    if text.strip() and file.status != SourceFileStatus.PASSED:
        raise CannotDo(
            f"File {file.number} did not pass, so it is withheld already.",
            remedy="Write notes on files that passed.",
            code="file_is_withheld",
        )


# --- decisions --------------------------------------------------------------------------------------------------------


def accept_batch(*, batch: Batch, actor: User, summary: str) -> Review:
    """Accept everything in the batch that passed.

    Refused while notes are written, which would be lost, and until the whole sample was looked at by whoever accepts.
    """
    waiting = pending_notes(batch).count()
    if waiting:
        raise CannotDo(
            f"{waiting} {'note is' if waiting == 1 else 'notes are'} written on files of this batch.",
            remedy="Return the batch with its notes, or clear them first.",
            code="notes_waiting",
        )
    return _decide(batch=batch, actor=actor, decision=BatchStatus.ACCEPTED, summary=summary, notes={})


def return_batch(*, batch: Batch, actor: User, summary: str, notes: Mapping[SourceFile, str] | None = None) -> Review:
    """Give the batch back to the hospital with notes; only the files with a note are set aside, the rest stands.

    ``notes`` adds to the kept ones, and replaces a kept one on the same file.
    """
    every = _all_notes(batch, notes)
    if not every:
        raise CannotDo(
            "A batch is returned with at least one note on a file.",
            remedy="Write what is wrong beside the file, or reject the batch as a whole.",
            code="no_notes",
        )
    return _decide(batch=batch, actor=actor, decision=BatchStatus.RETURNED, summary=summary, notes=every)


def reject_batch(*, batch: Batch, actor: User, summary: str, notes: Mapping[SourceFile, str] | None = None) -> Review:
    """Refuse the batch as a whole, for good. Notes go to the hospital as further reasons."""
    every = _all_notes(batch, notes)
    return _decide(batch=batch, actor=actor, decision=BatchStatus.REJECTED, summary=summary, notes=every)


def _all_notes(batch: Batch, given: Mapping[SourceFile, str] | None) -> dict[SourceFile, str]:
    kept = {note.file: note.text for note in pending_notes(batch)}
    for file, text in (given or {}).items():
        _require_noteworthy(batch, file, text)
    merged = {**kept, **{file: text.strip() for file, text in (given or {}).items()}}
    return {file: text for file, text in merged.items() if text}


def _decide(
    *, batch: Batch, actor: User, decision: BatchStatus, summary: str, notes: Mapping[SourceFile, str]
) -> Review:
    require_may_review(actor, batch)
    summary = summary.strip()
    if not summary:
        raise CannotDo(
            "A decision needs a summary.",
            remedy="Say in a sentence or two what you checked and why you decide so.",
            code="no_summary",
        )
    if len(summary) > SUMMARY_LENGTH:
        raise CannotDo(
            f"The summary has more than {SUMMARY_LENGTH:,} characters.",
            remedy="Say it shorter.",
            code="summary_too_long",
        )
    with transaction.atomic():
        if decision != BatchStatus.REJECTED:
            _require_active(batch)
        stopped = what_stops_batch(batch) if decision == BatchStatus.ACCEPTED else None
        if stopped is not None:
            raise stopped
        decided = transition(
            Batch,
            batch.pk,
            BatchStatus.IN_REVIEW,
            decision,
            actor=actor,
            where={"reviewer": actor},
            changes={"decided_at": timezone.now()},
            data={"notes": len(notes)},
        )
        if (
            decision == BatchStatus.ACCEPTED
        ):  # after the move, so that whoever does not hold the batch is told that first
            require_complete(decided, actor)
        review = Review.objects.create(batch=decided, reviewer=actor, decision=decision, summary=summary)
        ReviewNote.objects.bulk_create(ReviewNote(review=review, file=file, text=text) for file, text in notes.items())
        if decision == BatchStatus.RETURNED:
            for file, text in notes.items():
                _set_aside(file, text, actor)
        PendingNote.objects.filter(file__batch=batch).delete()
        _tell(batch, decision)
    return review


def _require_active(batch: Batch) -> None:
    """A delivery that a party ended gains nothing more; its row is held, so that it does not end meanwhile."""
    delivery = Fulfillment.objects.select_for_update().get(pk=batch.fulfillment_id)
    if delivery.status != FulfillmentStatus.ACTIVE:
        raise CannotDo(
            f"This delivery is {delivery.get_status_display().lower()}: nothing more of it is accepted or repaired.",
            remedy="Reject the batch.",
            code="fulfillment_not_active",
        )


def _set_aside(file: SourceFile, text: str, actor: User) -> None:
    transition(
        SourceFile,
        file.pk,
        SourceFileStatus.PASSED,
        SourceFileStatus.QUARANTINED,
        actor=actor,
        changes={"reason": RETURNED, "findings": [*file.findings, _note_finding(text)]},
    )


def _note_finding(text: str) -> dict[str, Any]:
    return {
        "code": RETURNED,
        "severity": "must",
        "check_id": "review",
        "tag": "",
        "message": text,
        "remedy": "Withdraw this file, or send a corrected one under the same name.",
    }


def _tell(batch: Batch, decision: BatchStatus) -> None:
    words = {
        BatchStatus.ACCEPTED: "was accepted.",
        BatchStatus.RETURNED: "was returned with notes: only the named files need you.",
        BatchStatus.REJECTED: "was rejected; the reviewer's summary says why.",
    }
    notify(
        event="batch.decided",
        parties={"hospital": batch.fulfillment.hospital},
        text=f"Batch {batch.number} “{batch.name}” {words[decision]}",
        url=reverse("batch_detail", args=[batch.pk]),
    )
    if decision == BatchStatus.ACCEPTED:
        request = batch.fulfillment.request
        images = batch.files.filter(status=SourceFileStatus.PASSED, image__isnull=False).count()
        notify(
            event="batch.accepted",
            parties={"asker": request.organization},
            text=f"{images:,} images for “{request.title}” were accepted. A release follows when two reviewers agree.",
            url=reverse("batch_detail", args=[batch.pk]),
        )


def members_with(organization: Organization, capability: str) -> list[User]:
    """The organization's active people who hold the capability."""
    return list(
        User.objects.filter(
            is_active=True,
            memberships__organization=organization,
            memberships__role__in=CAPABILITIES[capability],
        ).distinct()
    )
