"""A batch from its first day to the reviewer's desk: made, filled, repaired, sealed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from fulfillment.conformance import check_batch
from fulfillment.desk.counts import count_at_sealing
from fulfillment.intake.sealing import pseudonym_scope
from fulfillment.meter import facts_of
from fulfillment.models import (
    Batch,
    BatchStatus,
    Fulfillment,
    Image,
    PseudonymKey,
    SourceFile,
    SourceFileStatus,
    SourceKind,
    Upload,
    UploadStatus,
)
from fulfillment.services.certificates import CERTIFY_TASK
from fulfillment.services.reviews import RETURNED
from fulfillment.services.settling import begin_again
from fulfillment.uploads import staging
from fulfillment.uploads.rights import require_may_add_files, require_may_deliver, require_writable
from fulfillment.zones import flag_hints_in_zones
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common import crypto
from getdata.common.problems import CannotDo
from getdata.common.queue import enqueue
from getdata.common.states import StaleState, transition, transition_many
from getdata.notifications.services import notify
from requests_app.models import RequestStatus
from requests_app.services.people import staff
from requests_app.spec import DatasetSpec

REVIEW_WORKING_DAYS = 5
RETRIABLE = (SourceFileStatus.FAILED, SourceFileStatus.QUARANTINED, SourceFileStatus.REJECTED)
WITHDRAWABLE = (SourceFileStatus.RECEIVED, SourceFileStatus.PASSED, *RETRIABLE)
RING = "fulfillment.process_task"
#: Bells rung at once for many files; the sweeper rings for the rest.
_BELLS = 200
#: What a file that is processed again begins with.
AFRESH: dict[str, Any] = {
    "attempts": 0,
    "outages": 0,
    "reason": "",
    "findings": [],
    "lease_until": None,
    "lease_token": None,
    "settled_at": None,
}


def create_batch(*, fulfillment: Fulfillment, name: str, actor: User) -> Batch:
    """Begin a batch, numbered within its fulfillment and pinned to the request's current specification.

    The first batch for a hospital and a request also makes the key its pseudonyms are drawn from. Raises ``CannotDo``.
    """
    require_may_deliver(actor, fulfillment)
    name = name.strip()
    if not name or len(name) > 120:
        raise CannotDo(
            "A batch needs a name of 1 to 120 characters.", remedy="Name it for your colleagues.", code="bad_name"
        )
    with transaction.atomic():
        fulfillment = (
            Fulfillment.objects.select_for_update(of=("self",))
            .select_related("request", "hospital", "offer")
            .get(pk=fulfillment.pk)
        )
        version = fulfillment.request.current_version
        if version is None or fulfillment.request.status == RequestStatus.CANCELLED:
            raise CannotDo(
                "The request was cancelled.",
                remedy="Ask the researcher; nothing more can be delivered to it.",
                code="request_cancelled",
            )
        _ensure_pseudonym_key(fulfillment, actor)
        highest = fulfillment.batches.aggregate(highest=Max("number"))["highest"] or 0
        batch = Batch.objects.create(
            fulfillment=fulfillment, spec_version=version, number=highest + 1, name=name, created_by=actor
        )
        record(
            verb="batch.created",
            target=batch,
            actor=actor,
            organization_id=fulfillment.hospital_id,
            data={"number": batch.number, "spec_version": version.number},
        )
    return batch


def _ensure_pseudonym_key(fulfillment: Fulfillment, actor: User) -> None:
    key, made = PseudonymKey.objects.get_or_create(
        hospital_id=fulfillment.hospital_id,
        request_id=fulfillment.request_id,
        defaults={
            "sealed_secret": crypto.seal(secrets.token_bytes(32), scope=pseudonym_scope(fulfillment.hospital_id))
        },
    )
    if made:
        record(verb="pseudonymkey.created", target=key, actor=actor, organization_id=fulfillment.hospital_id)
    elif key.destroyed_at is not None:
        raise CannotDo(
            "The key that links new images to the released ones was destroyed.",
            remedy="Nothing more can be delivered to this request; make an offer to another one.",
            code="pseudonym_key_destroyed",
        )


def what_hinders_sealing(batch: Batch) -> CannotDo | None:
    """Why the batch cannot be sealed as it stands, or None."""
    working = batch.files.in_progress().count()
    if working:
        return CannotDo(
            f"{_files(working)} still in progress.",
            remedy="Let the batch go on, or withdraw the files that wait."
            if batch.paused_at is not None
            else "Wait until every file is settled.",
            code="files_in_progress",
        )
    unfinished = batch.uploads.filter(status=UploadStatus.ACTIVE).count()
    if unfinished:
        noun = "1 upload is" if unfinished == 1 else f"{unfinished:,} uploads are"
        return CannotDo(
            f"{noun} not finished.",
            remedy="Choose the same files again to finish them, or discard the unfinished uploads.",
            code="uploads_unfinished",
        )
    if not Image.objects.live().filter(source__batch=batch).exists():
        return CannotDo(
            "No image of this batch has passed.",
            remedy="Add files, or repair those that were refused: their causes and remedies are listed.",
            code="nothing_passed",
        )
    return None


def batch_findings(batch: Batch) -> list[dict[str, Any]]:
    """The verdict on the batch's live images as a whole against the specification it is pinned to."""
    spec = DatasetSpec.model_validate(batch.spec_version.document)
    images = Image.objects.live().filter(source__batch=batch).select_related("source__batch__fulfillment")
    return [finding.as_dict() for finding in check_batch(facts_of(images), spec)]


def seal_batch(*, batch: Batch, actor: User) -> Batch:
    """Close the batch and hand it to the reviewers. Raises ``CannotDo`` or ``StaleState``."""
    require_may_deliver(actor, batch.fulfillment)
    with transaction.atomic():
        # Entries to the ledger take the same lock: no file can slip in while we count.
        batch = (
            Batch.objects.select_for_update(of=("self",))
            .select_related("fulfillment__hospital", "fulfillment__request", "spec_version")
            .get(pk=batch.pk)
        )
        if not batch.is_writable:
            raise StaleState(Batch, BatchStatus.OPEN, BatchStatus.SEALED)
        hindrance = what_hinders_sealing(batch)
        if hindrance is not None:
            raise hindrance
        flag_hints_in_zones(batch)
        findings = batch_findings(batch)
        now = timezone.now()
        images = Image.objects.live().filter(source__batch=batch).count()
        sealed = transition(
            Batch,
            batch.pk,
            batch.status,
            BatchStatus.SEALED,
            actor=actor,
            changes={
                "sealed_at": now,
                "sealed_by": actor,
                "review_due_at": working_days_after(now, REVIEW_WORKING_DAYS),
                "reviewer": None,
                "decided_at": None,
                "findings": findings,
                "at_sealing": count_at_sealing(batch),
            },
            data={"images": images, "findings": len(findings)},
        )
        notify(
            event="batch.sealed",
            users=staff(),
            text=f"{batch.fulfillment.hospital.name} sealed batch {batch.number} for "
            f"“{batch.fulfillment.request.title}”: {images:,} images to review.",
            url=reverse("batch_detail", args=[batch.pk]),
        )
        enqueue(CERTIFY_TASK, str(batch.pk))
    return sealed


def withdraw_file(*, file: SourceFile, actor: User) -> SourceFile:
    """Take a file out of its batch; an archive goes with everything that was in it. Raises ``CannotDo``."""
    batch = file.batch
    require_may_add_files(actor, batch)
    with transaction.atomic():
        _lock(batch)
        members = _inside(file)
        for one in [file, *members]:
            if one.status == SourceFileStatus.PROCESSING:
                raise CannotDo(
                    f"File {one.number} is being processed just now.",
                    remedy="Wait a moment, then withdraw it.",
                    code="file_in_progress",
                )
        for one in members:
            _withdraw(one, actor)
        moved = _withdraw(file, actor)
    for one in [file, *members]:
        staging.discard(one.staged)
    return moved


def _inside(archive: SourceFile) -> list[SourceFile]:
    """What was in an archive, and in the archives in it, as far as it is not withdrawn."""
    found = list(archive.members.exclude(status=SourceFileStatus.WITHDRAWN))
    return found + [each for member in found if member.kind == SourceKind.ARCHIVE for each in _inside(member)]


def _withdraw(file: SourceFile, actor: User) -> SourceFile:
    if file.status not in WITHDRAWABLE:
        raise StaleState(SourceFile, SourceFileStatus.RECEIVED, SourceFileStatus.WITHDRAWN)
    return transition(
        SourceFile,
        file.pk,
        file.status,
        SourceFileStatus.WITHDRAWN,
        actor=actor,
        changes={"staged": "", "settled_at": timezone.now()},
        data={"number": file.number},
    )


def retry_file(*, file: SourceFile, actor: User) -> SourceFile:
    """Have a refused or failed file processed again, its attempts counted from zero. Raises ``CannotDo``."""
    require_may_add_files(actor, file.batch)
    _require_retriable(file)
    with transaction.atomic():
        _lock(file.batch)
        moved = transition(
            SourceFile,
            file.pk,
            file.status,
            SourceFileStatus.RECEIVED,
            actor=actor,
            changes=AFRESH,
            data={"number": file.number},
        )
        begin_again(file.batch)
        enqueue(RING)
    return moved


def retry_all(*, batch: Batch, reason: str, actor: User) -> int:
    """Retry every refused or failed file of a batch with this reason; returns how many. Raises ``CannotDo``."""
    return _retry_many(batch, batch.files.filter(reason=_named(reason)), actor, reason)


def retry_failed(*, batch: Batch, actor: User) -> int:
    """Retry every failed file of a batch, whatever its reason; returns how many. Raises ``CannotDo``."""
    return _retry_many(batch, batch.files.filter(status=SourceFileStatus.FAILED), actor, "")


def _retry_many(batch: Batch, chosen: QuerySet[SourceFile], actor: User, reason: str) -> int:
    """A few statements and one audit event, however many files there are."""
    require_may_add_files(actor, batch)
    here = chosen.exclude(reason=RETURNED).exclude(staged="", stored="").order_by()
    with transaction.atomic():
        _lock(batch)
        moved = transition_many(
            here,
            RETRIABLE,
            SourceFileStatus.RECEIVED,
            actor=actor,
            about=batch,
            verb="batch.files_retried",
            changes=AFRESH,
            data={"reason": reason},
        )
        if moved:
            begin_again(batch)
        for _ in range(min(moved, _BELLS)):
            enqueue(RING)
    return moved


def withdraw_all(*, batch: Batch, reason: str, actor: User) -> int:
    """Withdraw every refused or failed file of a batch with this reason; returns how many. Raises ``CannotDo``."""
    return _withdraw_many(batch, batch.files.filter(reason=_named(reason)), RETRIABLE, actor, reason)


def withdraw_waiting(*, batch: Batch, actor: User) -> int:
    """Withdraw every file that no worker has taken yet; those in work end by themselves. Returns how many."""
    return _withdraw_many(batch, batch.files.all(), (SourceFileStatus.RECEIVED,), actor, "")


def _withdraw_many(batch: Batch, chosen: QuerySet[SourceFile], sources: Sequence[str], actor: User, reason: str) -> int:
    """As :func:`_retry_many`. An archive takes what was in it along, except what a worker holds just now."""
    require_may_add_files(actor, batch)
    with transaction.atomic():
        _lock(batch)
        archives = list(chosen.filter(status__in=sources, kind=SourceKind.ARCHIVE).values_list("pk", flat=True))
        moved = 0
        for rows, states in ((batch.files.filter(archive__in=archives), WITHDRAWABLE), (chosen, sources)):
            moved += transition_many(
                rows.order_by(),
                states,
                SourceFileStatus.WITHDRAWN,
                actor=actor,
                about=batch,
                verb="batch.files_withdrawn",
                changes={"settled_at": Now()},
                data={"reason": reason},
            )
    gone = batch.files.filter(status=SourceFileStatus.WITHDRAWN).exclude(staged="").order_by()
    for staged in list(gone.values_list("staged", flat=True)):
        staging.discard(staged)
    gone.update(staged="")
    return moved


def _named(reason: str) -> str:
    if not reason:
        raise CannotDo("No cause was named.", remedy="Choose one of the listed causes.", code="no_reason")
    return reason


def _require_retriable(file: SourceFile) -> None:
    if file.status not in RETRIABLE:
        raise StaleState(SourceFile, SourceFileStatus.FAILED, SourceFileStatus.RECEIVED)
    if file.reason == RETURNED:
        raise CannotDo(
            f"A reviewer set file {file.number} aside: processing it again would change nothing.",
            remedy="Withdraw it, or send a corrected file under the same name.",
            code="returned_by_reviewer",
        )
    if not file.staged and not file.stored:
        raise CannotDo(
            f"The bytes of file {file.number} are no longer here.", remedy="Send the file again.", code="original_gone"
        )
    if file.kind == SourceKind.ARCHIVE and not (file.stored or staging.head(file.staged)):
        raise CannotDo(
            f"Archive {file.number} is no longer here.", remedy="Send the archive again.", code="original_gone"
        )


def _lock(batch: Batch) -> None:
    """Hold the batch against sealing until the transaction ends; raise ``CannotDo`` if it was sealed already."""
    require_writable(Batch.objects.select_for_update(of=("self",)).get(pk=batch.pk))


def working_days_after(start: datetime, days: int) -> datetime:
    """The same time of day, ``days`` working days later; Saturdays and Sundays do not count."""
    moment = start
    while days:
        moment += timedelta(days=1)
        days -= moment.weekday() < 5
    return moment


def unfinished_uploads(batch: Batch) -> int:
    """Transfers that hold up sealing."""
    return Upload.objects.filter(batch=batch, status=UploadStatus.ACTIVE).count()


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count:,} files are"
