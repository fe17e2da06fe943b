"""The next version of an open request: begun, written like a request, compared, checked where it must be, opened."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from getdata.accounts.models import User
from getdata.accounts.permissions import require, require_staff, require_verified
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.states import transition
from getdata.notifications.services import notify
from requests_app.models import (
    Amendment,
    AmendmentStatus,
    DatasetRequest,
    Offer,
    RequestStatus,
    SpecVersion,
)
from requests_app.services.drafts import live_amendment, require_writer
from requests_app.services.frozen import add_version, derived_columns
from requests_app.services.guarding import refuse_record_numbers
from requests_app.services.listing import list_request
from requests_app.services.people import refuse_insiders, staff
from requests_app.services.reading import postable
from requests_app.spec import Change, DatasetSpec, diff

#: What a hospital's privacy officer and our staff agreed to; an amendment must not slip it past them.
CHECKED_PARTS = ("category", "purpose", "deidentification", "terms")


def has_live_offers(request: DatasetRequest) -> bool:
    """Whether a hospital has offered, or signed, on what the request says now."""
    return Offer.objects.live().filter(request=request).exists()


def checked_parts_changed(before: DatasetSpec, after: DatasetSpec) -> list[str]:
    """The parts, in words, that staff checked and that differ."""
    return [
        DatasetSpec.model_fields[part].title or part
        for part in CHECKED_PARTS
        if getattr(before, part) != getattr(after, part)
    ]


def start_amendment(*, request: DatasetRequest, actor: User) -> Amendment:
    """Begin the next version from the current one; one that is begun already is returned."""
    require_writer(actor, request)
    with transaction.atomic():
        current = DatasetRequest.objects.select_for_update().get(pk=request.pk)
        last = _open_version(current)
        begun = live_amendment(current)
        if begun is not None:
            return begun
        made = Amendment.objects.create(
            request=current, created_by=actor, base_number=last.number, document=last.document
        )
        record(
            verb="amendment.started",
            target=made,
            actor=actor,
            organization_id=current.organization_id,
            data={"base": last.number},
        )
    return made


def amendment_changes(amendment: Amendment) -> list[Change]:
    """What it changes against the version it was made from."""
    base = amendment.request.versions.get(number=amendment.base_number)
    return diff(DatasetSpec.model_validate(base.document), DatasetSpec.model_validate(amendment.document))


def post_amendment(*, amendment: Amendment, actor: User) -> Amendment:
    """Open the amendment as the next version, or hand it to staff where it changes what they have checked."""
    request = amendment.request
    require(actor, "write", request.organization)
    require_verified(request.organization)
    with transaction.atomic():
        current, before, spec, _changes = _ready(amendment)
        if checked_parts_changed(before, spec):
            _refuse_where_offered(current, before, spec)
            moved = transition(
                Amendment,
                amendment.pk,
                AmendmentStatus.DRAFT,
                AmendmentStatus.SUBMITTED,
                actor=actor,
                changes={"submitted_at": timezone.now(), "status_note": ""},
            )
            notify(
                event="amendment.submitted",
                users=staff(),
                text=f"An amendment of “{current.title}” of {current.organization.name} waits for a check.",
                url=current.get_absolute_url(),
            )
            return moved
        moved = transition(Amendment, amendment.pk, AmendmentStatus.DRAFT, AmendmentStatus.OPEN, actor=actor)
        _open(current, spec, actor)
    return moved


def open_amendment(*, amendment: Amendment, actor: User) -> Amendment:
    """Staff, not of the organization that asks, open an amendment that waited for their check."""
    require_staff(actor)
    refuse_insiders(actor, [amendment.request.organization], what="request")
    require_verified(amendment.request.organization)
    with transaction.atomic():
        current, before, spec, _changes = _ready(amendment)
        _refuse_where_offered(current, before, spec)
        moved = transition(Amendment, amendment.pk, AmendmentStatus.SUBMITTED, AmendmentStatus.OPEN, actor=actor)
        version = _open(current, spec, actor)
        notify(
            event="request.opened",
            parties={"asker": current.organization},
            text=f"Version {version.number} of “{spec.title}” is open.",
            url=current.get_absolute_url(),
        )
    return moved


def return_amendment(*, amendment: Amendment, note: str, actor: User) -> Amendment:
    """Staff give an amendment back with a note that says what to change."""
    require_staff(actor)
    refuse_insiders(actor, [amendment.request.organization], what="request")
    if not note.strip():
        raise CannotDo("A returned amendment needs a note.", remedy="Say what to change.", code="note_missing")
    refuse_record_numbers(note)
    with transaction.atomic():
        moved = transition(
            Amendment,
            amendment.pk,
            AmendmentStatus.SUBMITTED,
            AmendmentStatus.DRAFT,
            actor=actor,
            changes={"status_note": note.strip()[:2000], "submitted_at": None},
        )
        notify(
            event="request.returned",
            parties={"asker": amendment.request.organization},
            text=f"The amendment of “{amendment.request.title}” was returned with a note.",
            url=amendment.request.get_absolute_url(),
        )
    return moved


def discard_amendment(*, amendment: Amendment, actor: User) -> Amendment:
    """Give up an amendment that is not open; the request stays as it is."""
    require(actor, "write", amendment.request.organization)
    fresh = Amendment.objects.get(pk=amendment.pk)
    if fresh.status not in (AmendmentStatus.DRAFT, AmendmentStatus.SUBMITTED):
        raise CannotDo(
            f"This amendment is already {fresh.get_status_display().lower()}.",
            remedy="Nothing needs to be done.",
            code="amendment_over",
        )
    return transition(Amendment, fresh.pk, fresh.status, AmendmentStatus.DISCARDED, actor=actor)


def amend_request(
    *, request: DatasetRequest, document: dict[str, Any], actor: User
) -> tuple[SpecVersion, list[Change]]:
    """Open the next version of an open request at once and return it with what changed.

    Offers and agreements stay with the version they were made for. What staff have checked does not change this way:
    such an amendment is drafted and submitted.
    """
    require(actor, "write", request.organization)
    require_verified(request.organization)
    spec = postable(document)
    with transaction.atomic():
        current = DatasetRequest.objects.select_for_update().select_related("organization").get(pk=request.pk)
        last = _open_version(current)
        before = DatasetSpec.model_validate(last.document)
        changes = diff(before, spec)
        if not changes:
            raise CannotDo("Nothing was changed.", remedy="Change a line, then save again.", code="nothing_changed")
        _refuse_where_offered(current, before, spec)
        parts = checked_parts_changed(before, spec)
        if parts:
            raise CannotDo(
                f"{parts[0]} was checked by GetDATA staff; a change of it waits for another check.",
                remedy="Begin an amendment on the request's page and submit it.",
                code="amendment_needs_check",
            )
        if live_amendment(current) is not None:
            raise CannotDo(
                "An amendment of this request is being written.",
                remedy="Finish or discard it on the request's page first.",
                code="amendment_begun",
            )
        version = _open(current, spec, actor)
    return version, changes


def _open_version(request: DatasetRequest) -> SpecVersion:
    if request.status != RequestStatus.OPEN:
        raise CannotDo("Only an open request is amended.", remedy="Edit the draft instead.", code="not_open")
    last = request.current_version
    if last is None:
        raise CannotDo("This request has no frozen version.", remedy="Tell GetDATA staff.", code="no_version")
    return last


def _ready(amendment: Amendment) -> tuple[DatasetRequest, DatasetSpec, DatasetSpec, list[Change]]:
    """The locked request, the two specifications and their differences. Raises ``CannotDo`` when it cannot open."""
    request = DatasetRequest.objects.select_for_update().select_related("organization").get(pk=amendment.request_id)
    fresh = Amendment.objects.get(pk=amendment.pk)
    last = _open_version(request)
    if last.number != fresh.base_number:
        raise CannotDo(
            f"Version {last.number} was opened since this amendment was begun.",
            remedy="Discard it and begin again from the current version.",
            code="amendment_outdated",
        )
    before, spec = DatasetSpec.model_validate(last.document), postable(fresh.document)
    changes = diff(before, spec)
    if not changes:
        raise CannotDo("Nothing was changed.", remedy="Change a line, then post it.", code="nothing_changed")
    return request, before, spec, changes


def _refuse_where_offered(request: DatasetRequest, before: DatasetSpec, spec: DatasetSpec) -> None:
    parts = checked_parts_changed(before, spec)
    if parts and has_live_offers(request):
        raise CannotDo(
            f"{parts[0]} cannot change once a hospital has offered: its privacy officer read what stands there.",
            remedy="Undo that change, or close this request and post a new one.",
            code="amendment_needs_new_request",
        )


def _open(request: DatasetRequest, spec: DatasetSpec, actor: User) -> SpecVersion:
    """Freeze the next version and tell hospitals that offered. Call it inside a transaction, with the request locked."""
    last = _open_version(request)
    changes = diff(DatasetSpec.model_validate(last.document), spec)
    version = add_version(request=request, spec=spec, number=last.number + 1, actor=actor)
    list_request(request=request, spec=spec, version=version.number)
    DatasetRequest.objects.filter(pk=request.pk).update(**derived_columns(spec))
    record(
        verb="datasetrequest.amended",
        target=request,
        actor=actor,
        organization_id=request.organization_id,
        data={"number": version.number, "sha256": version.sha256, "changes": len(changes)},
    )
    for offer in Offer.objects.live().filter(request=request).select_related("hospital", "spec_version"):
        notify(
            event="request.amended",
            parties={"hospital": offer.hospital},
            text=f"“{spec.title}” was amended to version {version.number}; your offer stays with its own version.",
            url=f"{request.get_absolute_url()}versions/?from={offer.spec_version.number}&to={version.number}",
        )
    return version
