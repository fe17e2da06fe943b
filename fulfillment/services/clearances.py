"""Clearing a withheld image: one person of the hospital asks with a reason, another one looks too, a reviewer decides.

Only a doubt about text can be cleared, and it is never released by that: the image is masked as far as can be and goes to the
reviewer with the mark "cleared-by-hospital". Wrong patients, broken files and identifiers that a second look found cannot be cleared.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import Batch, Clearance, SourceFile, SourceFileStatus
from fulfillment.services.batches import retry_file
from fulfillment.uploads.rights import require_may_add_files
from getdata.accounts.models import User
from getdata.accounts.permissions import require
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.notifications.services import notify

#: Causes that people of the hospital may clear.
CLEARABLE = frozenset({"text-left"})
_SHORTEST = 10


def is_cleared(file: SourceFile) -> bool:
    """Whether two people of the hospital cleared these very bytes."""
    return Clearance.objects.filter(file=file, content_digest=file.content_digest).exclude(confirmed_by=None).exists()


def ask_clearance(*, batch: Batch, files: Sequence[SourceFile], reason: str, actor: User) -> int:
    """Say that what looks like text in these images names nobody; returns how many wait for a second look. Raises ``CannotDo``."""
    hospital = batch.fulfillment.hospital
    require(actor, "see_quarantine", hospital)
    require_may_add_files(actor, batch)
    reason = reason.strip()
    if not _SHORTEST <= len(reason) <= 1000:
        raise CannotDo(
            f"A clearance needs a reason of {_SHORTEST} to 1,000 characters.",
            remedy="Say what you saw, for example: a lead marker with the letters of the technique, no name.",
            code="no_reason",
        )
    chosen = [file for file in files if file.status == SourceFileStatus.QUARANTINED and file.reason in CLEARABLE]
    if not chosen:
        raise CannotDo(
            "None of these files can be cleared: only a doubt about text in the image can.",
            remedy="Mask or correct them at the source and send them again, or withdraw them.",
            code="not_clearable",
        )
    with transaction.atomic():
        for file in chosen:
            made, _ = Clearance.objects.update_or_create(
                file=file,
                defaults={
                    "content_digest": file.content_digest,
                    "reason": reason,
                    "asked_by": actor,
                    "confirmed_by": None,
                    "confirmed_at": None,
                },
            )
            record(verb="clearance.asked", target=made, actor=actor, organization_id=hospital.pk, data=_about(file))
        notify(
            event="clearance.asked",
            parties={"hospital": hospital},
            but=actor,
            text=f"{len(chosen):,} withheld images of batch {batch.number} wait for a second look.",
            url=reverse("batch_withheld", args=[batch.pk]),
        )
    return len(chosen)


def confirm_clearances(*, batch: Batch, files: Sequence[SourceFile], actor: User) -> int:
    """The second look: the images are processed again and go to a reviewer, marked. Returns how many. Raises ``CannotDo``."""
    hospital = batch.fulfillment.hospital
    require(actor, "approve_privacy", hospital)
    waiting = list(_waiting(files))
    others = [one for one in waiting if one.asked_by_id != actor.pk]
    if not others:
        raise CannotDo(
            "The second look must be another person's." if waiting else "None of these files waits for a second look.",
            remedy="Ask a colleague who is owner or privacy officer to look." if waiting else "Reload the page.",
            code="second_person" if waiting else "nothing_waits",
        )
    with transaction.atomic():
        for one in others:
            Clearance.objects.filter(pk=one.pk).update(confirmed_by=actor, confirmed_at=timezone.now())
            record(
                verb="clearance.confirmed",
                target=one,
                actor=actor,
                organization_id=hospital.pk,
                data=_about(one.file),
            )
            retry_file(file=one.file, actor=one.asked_by)
    return len(others)


def decline_clearances(*, batch: Batch, files: Sequence[SourceFile], actor: User) -> int:
    """The second look says no: the files stay withheld. Whoever asked may take it back. Returns how many. Raises ``CannotDo``."""
    hospital = batch.fulfillment.hospital
    require(actor, "see_quarantine", hospital)
    declined = 0
    with transaction.atomic():
        for one in _waiting(files):
            record(
                verb="clearance.declined", target=one, actor=actor, organization_id=hospital.pk, data=_about(one.file)
            )
            one.delete()
            declined += 1
    return declined


def _waiting(files: Sequence[SourceFile]) -> QuerySet[Clearance]:
    return (
        Clearance.objects.filter(
            file__in=files, confirmed_by=None, file__status=SourceFileStatus.QUARANTINED, file__reason__in=CLEARABLE
        )
        .select_related("file__batch__fulfillment__hospital", "asked_by")
        .order_by("file__number")
    )


def _about(file: SourceFile) -> dict[str, object]:
    return {"file": str(file.pk), "number": file.number, "reason": file.reason}
