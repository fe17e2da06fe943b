"""Taking back a patient, a study or a whole release: at once everywhere, with each holder's word that its copies are gone.

What happens in one transaction: the files leave the delivery, so no later release has them; releases that hold them give out neither
the archive nor anything made from them; everyone who may hold copies gets a duty with a day; all parties are told.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from deid.proof import render
from fulfillment.evidence import ATTESTATION, build_document
from fulfillment.models import (
    NOT_OUT,
    AccessGrant,
    DestructionAttestation,
    DestructionDuty,
    DutyStatus,
    Fulfillment,
    Image,
    Patient,
    Release,
    ReleaseItem,
    SourceFile,
    SourceFileStatus,
    Study,
    Withdrawal,
    WithdrawalStatus,
    WithdrawnImage,
)
from fulfillment.models.withdrawals import TIME_TO_DESTROY
from fulfillment.services.certificates import signing_key
from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can, require
from getdata.accounts.services.proving import prove_identity
from getdata.audit.chain import record
from getdata.common import storage
from getdata.common.problems import CannotDo
from getdata.common.queue import enqueue
from getdata.common.states import transition, transition_many
from getdata.notifications.services import notify
from requests_app.models import DatasetRequest
from requests_app.services.people import staff

ERASE_TASK = "fulfillment.erase_withdrawn_task"
#: What a holder attests, line by line.
STATEMENT = (
    "Every copy that {organization} held of what is listed was destroyed: on disks, in caches, in backups as far as they can be "
    "changed, and with everybody to whom it was passed on.",
    "What cannot be taken out of a backup before it is overwritten is not restored and not used.",
    "The data are not used again. Models already trained and results already published stand, as the agreement says.",
)
_NOT_CLAIMED = (
    "That the portal saw the copies go: this is the word of the holder, by name and after proving who they are.",
    "Legal advice.",
)


def withdraw(
    *,
    hospital: Organization,
    request: DatasetRequest,
    actor: User,
    reason: str,
    pseudonym: str = "",
    study_uid: str = "",
    note: str = "",
    password: str = "",
    code: str = "",
) -> Withdrawal:
    """Take back a patient by pseudonym, or a study by its replaced StudyInstanceUID; one of the two is given.

    For a privacy officer or owner of the hospital, after proving who they are. Raises ``CannotDo``.
    """
    require(actor, "approve_privacy", hospital)
    if reason not in Withdrawal.Reason.values or reason == Withdrawal.Reason.RECALL:
        raise CannotDo("There is no such reason.", remedy="Choose one of the reasons listed.", code="unknown_reason")
    patient, study = _found(hospital, request, pseudonym.strip(), study_uid.strip())
    prove_identity(actor=actor, password=password, code=code, about=hospital, refused="withdrawal.refused")
    kind = Withdrawal.Kind.PATIENT if study is None else Withdrawal.Kind.STUDY
    try:
        with transaction.atomic():
            # The pipeline takes the same lock to store an image: none of this patient slips in while we take back.
            list(Fulfillment.objects.select_for_update().filter(hospital=hospital, request=request))
            made = Withdrawal.objects.create(
                kind=kind,
                hospital=hospital,
                request=request,
                patient=patient if study is None else None,
                study=study,
                reason=reason,
                note=note.strip()[:1000],
                asked_by=actor,
                due_at=timezone.now() + TIME_TO_DESTROY,
            )
            images = list(_images(made).filter(taken_back=None))
            WithdrawnImage.objects.bulk_create(WithdrawnImage(withdrawal=made, image=image) for image in images)
            files = SourceFile.objects.filter(pk__in=[image.source_id for image in images])
            moved = transition_many(
                files,
                [SourceFileStatus.PASSED, SourceFileStatus.QUARANTINED],
                SourceFileStatus.WITHDRAWN,
                actor=actor,
                about=made,
                verb="withdrawal.files_left",
                changes={"settled_at": timezone.now()},
            )
            record(
                verb="withdrawal.made",
                target=made,
                actor=actor,
                organization_id=hospital.pk,
                data={"kind": str(kind), "images": len(images), "files": moved, "reason": reason},
            )
            _bind_holders(made, releases_of(made), actor)
            enqueue(ERASE_TASK, str(made.pk))
    except IntegrityError:
        raise CannotDo(
            "This was withdrawn already.", remedy="Open it in the list of withdrawals.", code="already_withdrawn"
        ) from None
    return made


def recall(*, release: Release, actor: User, reason: str) -> Withdrawal:
    """Every holder of a release that was withdrawn destroys its copies and attests it. Called where a release is withdrawn."""
    made = Withdrawal.objects.create(
        kind=Withdrawal.Kind.RELEASE,
        request=release.request,
        release=release,
        reason=Withdrawal.Reason.RECALL,
        note=reason[:1000],
        asked_by=actor,
        due_at=timezone.now() + TIME_TO_DESTROY,
    )
    record(verb="withdrawal.made", target=made, actor=actor, organization_id=release.request.organization_id)
    _bind_holders(made, Release.objects.filter(pk=release.pk), actor)
    return made


def is_withdrawn(*, fulfillment: Fulfillment, pseudonym: str, study_uid: str) -> bool:
    """Whether the hospital took this patient or study back for this request: nothing more of it is stored."""
    mine = Withdrawal.objects.filter(hospital=fulfillment.hospital_id, request=fulfillment.request_id)
    return (
        mine.filter(patient__pseudonym=pseudonym).exists() or mine.filter(study__study_instance_uid=study_uid).exists()
    )


def releases_of(withdrawal: Withdrawal) -> QuerySet[Release]:
    """The releases, not drafts, that hold what was taken back, newest first."""
    if withdrawal.release_id is not None:
        return Release.objects.filter(pk=withdrawal.release_id)
    inside = ReleaseItem.objects.filter(image__taken_back__withdrawal=withdrawal).values("release")
    return Release.objects.filter(pk__in=inside).exclude(status__in=NOT_OUT).order_by("-number")


def items_of(withdrawal: Withdrawal) -> QuerySet[ReleaseItem]:
    """What a holder must look for, file by file: of a recalled release all, else the images taken back."""
    if withdrawal.release_id is not None:
        rows = ReleaseItem.objects.filter(release=withdrawal.release_id)
    else:
        rows = ReleaseItem.objects.filter(image__taken_back__withdrawal=withdrawal)
    seen = rows.exclude(release__status__in=NOT_OUT).select_related("release", "image")
    return seen.order_by("release__number", "number", "path")


def may_attest(user: User, duty: DestructionDuty) -> bool:
    """An owner or data manager of the holder speaks for its copies."""
    return duty.status == DutyStatus.OPEN and can(user, "upload", duty.organization)


def attest_destruction(
    *, duty: DestructionDuty, actor: User, printed_name: str, password: str = "", code: str = ""
) -> DestructionAttestation:
    """Say for the holder that its copies are gone, by name and after proving who one is. Raises ``CannotDo``."""
    require(actor, "upload", duty.organization)
    printed_name = " ".join(printed_name.split())[:200]
    if not printed_name:
        raise CannotDo("A name is needed.", remedy="Write your full name.", code="words_missing")
    method = prove_identity(
        actor=actor, password=password, code=code, about=duty, refused="withdrawal.attestation_refused"
    )
    now = timezone.now()
    lines = [line.format(organization=duty.organization.name) for line in STATEMENT]
    statement = "\n".join([f"I, {printed_name}, for {duty.organization.name}, attest:", *lines])
    with transaction.atomic():
        transition(
            DestructionDuty,
            duty.pk,
            DutyStatus.OPEN,
            DutyStatus.ATTESTED,
            actor=actor,
            changes={"attested_at": now},
            data={"withdrawal": str(duty.withdrawal_id)},
        )
        digest = hashlib.sha256(statement.encode()).hexdigest()
        made = DestructionAttestation.objects.create(
            duty=duty,
            attested_by=actor,
            printed_name=printed_name,
            statement=statement,
            statement_sha256=digest,
            method=method,
            text=render(_document(duty, printed_name, lines, method, now)).decode(),
        )
        withdrawal = duty.withdrawal
        notify(
            event="withdrawal.attested",
            parties={"hospital": withdrawal.hospital} if withdrawal.hospital else {},
            users=staff(),
            text=f"{duty.organization.name} attested the destruction of what was withdrawn from “{withdrawal.request.title}”.",
            url=withdrawal.get_absolute_url(),
        )
        _complete(withdrawal, actor)
    return made


def _found(
    hospital: Organization, request: DatasetRequest, pseudonym: str, study_uid: str
) -> tuple[Patient | None, Study | None]:
    if bool(pseudonym) == bool(study_uid):
        raise CannotDo(
            "Name a patient or a study.",
            remedy="Give the pseudonym, or the replaced StudyInstanceUID, not both.",
            code="one_thing",
        )
    patients = Patient.objects.filter(fulfillment__hospital=hospital, fulfillment__request=request)
    patient = patients.filter(pseudonym=pseudonym).order_by("created_at").first() if pseudonym else None
    studies = Study.objects.filter(patient__in=patients, study_instance_uid=study_uid)
    study = studies.order_by("created_at").first() if study_uid else None
    if patient is None and study is None:
        raise CannotDo(
            "Nothing of that name was delivered to this request.",
            remedy="Look it up in your map of pseudonyms, and mind which request it was delivered to.",
            code="nothing_of_that_name",
        )
    return patient, study


def _images(withdrawal: Withdrawal) -> QuerySet[Image]:
    """Images of the patient or study over every delivery of the hospital to the request."""
    rows = Image.objects.filter(
        source__batch__fulfillment__hospital=withdrawal.hospital_id,
        source__batch__fulfillment__request=withdrawal.request_id,
    )
    if withdrawal.patient is not None:
        return rows.filter(series__study__patient__pseudonym=withdrawal.patient.pseudonym)
    assert withdrawal.study is not None
    return rows.filter(series__study__study_instance_uid=withdrawal.study.study_instance_uid)


def _bind_holders(withdrawal: Withdrawal, releases: QuerySet[Release], actor: User) -> None:
    """A duty for every organization whose people took anything of these releases, and word to all concerned."""
    concerned = AccessGrant.objects.filter(release__in=releases)
    took = set(concerned.filter(downloads__isnull=False).values_list("organization", flat=True))
    holders = list(Organization.objects.filter(pk__in=took))
    for holder in holders:
        duty = DestructionDuty.objects.create(withdrawal=withdrawal, organization=holder, due_at=withdrawal.due_at)
        record(verb="withdrawal.duty", target=duty, actor=actor, organization_id=holder.pk)
    if withdrawal.kind != Withdrawal.Kind.RELEASE:  # of a release, the withdrawal of the release tells
        day, title = f"{withdrawal.due_at:%-d %B %Y}", withdrawal.request.title
        what = f"A {withdrawal.get_kind_display().lower()} was"
        text = f"{what} taken back from “{title}”. Destroy your copies and attest it by {day}."
        for holder in Organization.objects.filter(pk__in=concerned.values("organization")):
            notify(event="withdrawal.made", parties={"asker": holder}, text=text, url=withdrawal.get_absolute_url())
        more = " A next version without it must be prepared." if concerned.exists() else ""
        notify(
            event="withdrawal.made",
            users=staff(),
            parties={"hospital": withdrawal.hospital},
            but=actor,
            text=f"{what} taken back from “{title}” by its hospital.{more}",
            url=withdrawal.get_absolute_url(),
        )
    _complete(withdrawal, actor)


def _complete(withdrawal: Withdrawal, actor: User) -> None:
    """The last holder has attested, or there was none."""
    if withdrawal.duties.filter(status=DutyStatus.OPEN).exists():
        return
    transition(
        Withdrawal,
        withdrawal.pk,
        WithdrawalStatus.OPEN,
        WithdrawalStatus.COMPLETE,
        actor=actor,
        changes={"completed_at": timezone.now()},
        data={"holders": withdrawal.duties.count()},
    )
    notify(
        event="withdrawal.completed",
        parties={"hospital": withdrawal.hospital} if withdrawal.hospital else {},
        users=staff(),
        but=actor,
        text=f"No holder has copies any more of what was withdrawn from “{withdrawal.request.title}”.",
        url=withdrawal.get_absolute_url(),
    )


def _document(duty: DestructionDuty, printed_name: str, lines: list[str], method: str, now: datetime) -> dict[str, Any]:
    withdrawal = duty.withdrawal
    rows = [
        (f"release {item.release.number}: {item.path}", item.sha256, item.image.sop_instance_uid)
        for item in items_of(withdrawal).iterator(chunk_size=1000)
    ]
    sections = {
        "issue": {
            "issued_at": _instant(now),
            "issuer": "GetDATA portal",
            "subject": {"withdrawal": str(withdrawal.pk), "request": withdrawal.request.slug},
        },
        "withdrawal": {
            "what": withdrawal.what,
            "kind": withdrawal.kind,
            "made_at": _instant(withdrawal.created_at),
            "due_at": _instant(duty.due_at),
        },
        "attestation": {
            "organization": duty.organization.name,
            "printed_name": printed_name,
            "identity_proved_by": method,
            "lines": lines,
            "in_time": now <= duty.due_at,
        },
        "not_claimed": list(_NOT_CLAIMED),
    }
    return build_document(ATTESTATION, sections, rows, signing_key())


def erase_withdrawn(pk: Any = None) -> int:
    """Erase the portal's own copies of images that were taken back: instance, picture, masks. Idempotent; swept daily.

    Packages of earlier releases still hold them, and give them out no more. Returns how many withdrawals were seen to.
    """
    waiting = Withdrawal.objects.filter(erased_at=None, release=None)
    done = 0
    for withdrawal in waiting.filter(pk=pk) if pk is not None else waiting:
        images = Image.objects.filter(taken_back__withdrawal=withdrawal)
        for stored, preview in images.values_list("stored", "preview"):
            for store, key in ((storage.released(), stored), (storage.previews(), preview)):
                if key:
                    storage.persist(partial(store.delete, key))
        with transaction.atomic():
            if Withdrawal.objects.filter(pk=withdrawal.pk, erased_at=None).update(erased_at=timezone.now()):
                record(
                    verb="withdrawal.erased",
                    target=withdrawal,
                    organization_id=withdrawal.hospital_id or "",
                    data={"images": images.count()},
                )
                done += 1
    return done


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
