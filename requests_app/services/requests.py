"""A request's life: written, submitted, checked, opened, amended, closed."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import require, require_staff, require_verified
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.states import transition
from getdata.notifications.services import notify
from requests_app.documents import Checked, check_document
from requests_app.models import Category, DatasetRequest, Offer, OfferStatus, RequestStatus, SpecVersion
from requests_app.services.frozen import add_version, derived_columns, listed_columns
from requests_app.services.guarding import refuse_record_numbers
from requests_app.services.offers import decline_all
from requests_app.services.people import people, refuse_insiders, staff
from requests_app.spec import Change, DatasetSpec, diff

RESERVED_SLUGS = {"new"}
#: What a hospital's privacy officer and our staff agreed to; an amendment must not slip it past them.
_CHECKED_PARTS = ("category", "purpose", "deidentification", "terms")


def document_fingerprint(document: object) -> str:
    """Short hash of a draft, to notice that somebody else saved in between."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


def create_request(
    *, organization: Organization, title: str, category: str, document: dict[str, Any] | None = None, actor: User
) -> DatasetRequest:
    """Start a draft; ``title`` and ``category`` go into the document. No verified organization is needed yet."""
    require(actor, "write", organization)
    if category not in Category.values:
        raise CannotDo("There is no such category.", remedy="Choose one of those listed.", code="unknown_category")
    checked = _readable({**(document or {}), "title": title.strip(), "category": category})
    assert checked.spec is not None
    with transaction.atomic():
        request = DatasetRequest.objects.create(
            organization=organization,
            created_by=actor,
            slug=_free_slug(title),
            draft=checked.document,
            **listed_columns(checked.spec),
        )
        record(verb="datasetrequest.created", target=request, actor=actor, organization_id=organization.pk)
    return request


def save_draft(*, request: DatasetRequest, document: dict[str, Any], actor: User, base: str = "") -> DatasetRequest:
    """Replace the draft. ``base`` is the fingerprint of the draft that was edited; a newer one is not overwritten."""
    require(actor, "write", request.organization)
    checked = _readable(document)
    assert checked.spec is not None
    with transaction.atomic():
        current = DatasetRequest.objects.select_for_update().get(pk=request.pk)
        if current.status != RequestStatus.DRAFT:
            raise CannotDo(
                f"This request is {current.get_status_display().lower()}; only a draft is edited freely.",
                remedy="Amend an open request, or ask staff to return a submitted one.",
                code="not_a_draft",
            )
        if base and base != document_fingerprint(current.draft):
            raise CannotDo(
                "Somebody else saved this draft while you were editing it.",
                remedy="Open the draft in another tab, compare, and save your changes again.",
                code="draft_changed",
            )
        DatasetRequest.objects.filter(pk=request.pk).update(draft=checked.document, **listed_columns(checked.spec))
        record(verb="datasetrequest.edited", target=request, actor=actor, organization_id=request.organization_id)
    return DatasetRequest.objects.get(pk=request.pk)


def submit_request(*, request: DatasetRequest, actor: User) -> DatasetRequest:
    """Hand the draft to staff. The organization must be verified and nothing in the document may block posting."""
    require(actor, "write", request.organization)
    require_verified(request.organization)
    fresh = DatasetRequest.objects.get(pk=request.pk)
    _postable(fresh.draft)
    with transaction.atomic():
        moved = transition(
            DatasetRequest,
            request.pk,
            RequestStatus.DRAFT,
            RequestStatus.SUBMITTED,
            actor=actor,
            changes={"submitted_at": timezone.now(), "status_note": ""},
        )
        notify(
            event="request.submitted",
            users=staff(),
            text=f"“{moved.title}” of {moved.organization.name} waits for a check.",
            url=moved.get_absolute_url(),
        )
    return moved


def return_request(*, request: DatasetRequest, note: str, actor: User) -> DatasetRequest:
    """Staff give a submitted request back with a note that says what to change."""
    require_staff(actor)
    refuse_insiders(actor, [request.organization], what="request")
    if not note.strip():
        raise CannotDo("A returned request needs a note.", remedy="Say what to change.", code="note_missing")
    refuse_record_numbers(note)
    with transaction.atomic():
        moved = transition(
            DatasetRequest,
            request.pk,
            RequestStatus.SUBMITTED,
            RequestStatus.DRAFT,
            actor=actor,
            changes={"status_note": note.strip(), "submitted_at": None},
        )
        notify(
            event="request.returned",
            users=people(moved.organization, "write"),
            text=f"“{moved.title}” was returned with a note.",
            url=moved.get_absolute_url(),
        )
    return moved


def open_request(*, request: DatasetRequest, actor: User) -> DatasetRequest:
    """Staff, not of the organization that asks, open a submitted request: its specification freezes as version 1."""
    require_staff(actor)
    refuse_insiders(actor, [request.organization], what="request")
    require_verified(request.organization)
    fresh = DatasetRequest.objects.select_related("organization").get(pk=request.pk)
    spec = _postable(fresh.draft)
    with transaction.atomic():
        moved = transition(
            DatasetRequest,
            request.pk,
            RequestStatus.SUBMITTED,
            RequestStatus.OPEN,
            actor=actor,
            changes={"opened_at": timezone.now(), "status_note": "", **derived_columns(fresh, spec)},
        )
        version = add_version(request=moved, spec=spec, number=1, actor=actor)
        record(
            verb="specversion.frozen",
            target=version,
            actor=actor,
            organization_id=moved.organization_id,
            data={"number": 1, "sha256": version.sha256},
        )
        notify(
            event="request.opened",
            users=people(moved.organization, "write"),
            text=f"“{moved.title}” is open: hospitals can see it and make offers.",
            url=moved.get_absolute_url(),
        )
    return moved


def amend_request(
    *, request: DatasetRequest, document: dict[str, Any], actor: User
) -> tuple[SpecVersion, list[Change]]:
    """Open the next version of an open request and return it with what changed.

    Offers and agreements stay with the version they were made for. Purpose, de-identification and terms were checked by
    staff and read by privacy officers: they do not change in an amendment.
    """
    require(actor, "write", request.organization)
    require_verified(request.organization)
    spec = _postable(document)
    with transaction.atomic():
        current = DatasetRequest.objects.select_for_update().select_related("organization").get(pk=request.pk)
        if current.status != RequestStatus.OPEN:
            raise CannotDo("Only an open request is amended.", remedy="Edit the draft instead.", code="not_open")
        last = current.current_version
        if last is None:
            raise CannotDo("This request has no frozen version.", remedy="Tell GetDATA staff.", code="no_version")
        before = DatasetSpec.model_validate(last.document)
        changes = diff(before, spec)
        if not changes:
            raise CannotDo("Nothing was changed.", remedy="Change a line, then save again.", code="nothing_changed")
        for part in _CHECKED_PARTS:
            if getattr(before, part) != getattr(spec, part):
                label = DatasetSpec.model_fields[part].title or part
                raise CannotDo(
                    f"{label} cannot change once a request is open: hospitals have read and staff have checked it.",
                    remedy="Undo that change, or close this request and post a new one.",
                    code="amendment_needs_new_request",
                )
        version = add_version(request=current, spec=spec, number=last.number + 1, actor=actor)
        DatasetRequest.objects.filter(pk=current.pk).update(**derived_columns(current, spec))
        record(
            verb="datasetrequest.amended",
            target=current,
            actor=actor,
            organization_id=current.organization_id,
            data={"number": version.number, "sha256": version.sha256, "changes": len(changes)},
        )
        for offer in Offer.objects.filter(
            request=current, status__in=[OfferStatus.SUBMITTED, OfferStatus.ACCEPTED]
        ).select_related("hospital"):
            notify(
                event="request.amended",
                users=people(offer.hospital, "write"),
                text=f"“{spec.title}” was amended to version {version.number}; your offer stays with its own version.",
                url=current.get_absolute_url(),
            )
    return version, changes


def close_request(*, request: DatasetRequest, actor: User) -> DatasetRequest:
    """Take no more offers. Agreements already signed run on; offers still waiting are declined."""
    require(actor, "write", request.organization)
    with transaction.atomic():
        moved = transition(
            DatasetRequest,
            request.pk,
            RequestStatus.OPEN,
            RequestStatus.CLOSED,
            actor=actor,
            changes={"closed_at": timezone.now()},
        )
        decline_all(request=moved, note="The request was closed.", actor=actor)
        for offer in moved.offers.filter(status=OfferStatus.ACCEPTED).select_related("hospital"):
            notify(
                event="request.ended",
                parties={"hospital": offer.hospital},
                text=f"“{moved.title}” takes no more offers. Your delivery runs on.",
                url=offer.get_absolute_url(),
            )
    return moved


def cancel_request(*, request: DatasetRequest, actor: User, note: str = "") -> DatasetRequest:
    """Withdraw a draft, a submitted or an open request. With a signed agreement it can only be closed."""
    require(actor, "write", request.organization)
    refuse_record_numbers(note)
    with transaction.atomic():
        current = DatasetRequest.objects.select_for_update().get(pk=request.pk)
        if current.status not in (RequestStatus.DRAFT, RequestStatus.SUBMITTED, RequestStatus.OPEN):
            raise CannotDo(
                f"This request is already {current.get_status_display().lower()}.",
                remedy="Nothing needs to be done.",
                code="request_over",
            )
        if current.offers.filter(status=OfferStatus.ACCEPTED).exists():
            raise CannotDo(
                "A hospital holds a signed agreement on this request.",
                remedy="Close the request instead: it takes no more offers and deliveries run on.",
                code="has_agreement",
            )
        moved = transition(
            DatasetRequest,
            request.pk,
            current.status,
            RequestStatus.CANCELLED,
            actor=actor,
            changes={"closed_at": timezone.now(), "status_note": note.strip()},
        )
        decline_all(request=moved, note="The request was cancelled.", actor=actor)
    return moved


def _readable(document: object) -> Checked:
    checked = check_document(document)
    if checked.spec is None:
        first = checked.notes[0]
        more = f" ({len(checked.notes) - 1} more)" if len(checked.notes) > 1 else ""
        raise CannotDo(f"{first.message}{more}", remedy=first.remedy, code="spec_invalid")
    return checked


def _postable(document: object) -> DatasetSpec:
    checked = _readable(document)
    assert checked.spec is not None
    blocking = checked.blocking
    if blocking:
        things = "1 thing blocks" if len(blocking) == 1 else f"{len(blocking)} things block"
        raise CannotDo(f"{things} posting. {blocking[0].message}", remedy=blocking[0].remedy, code="spec_blocked")
    return checked.spec


def _free_slug(title: str) -> str:
    stem = slugify(title)[:100].strip("-") or "request"
    slug = stem
    while slug in RESERVED_SLUGS or DatasetRequest.objects.filter(slug=slug).exists():
        slug = f"{stem}-{secrets.token_hex(3)}"
    return slug
