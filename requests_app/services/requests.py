"""A request's life: written, submitted, checked, opened, amended, closed."""

from __future__ import annotations

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
from requests_app.models import LIVE_AMENDMENT, Category, DatasetRequest, OfferStatus, RequestStatus
from requests_app.services.amendments import amend_request as amend_request
from requests_app.services.amendments import discard_amendment
from requests_app.services.drafts import save_draft as save_draft
from requests_app.services.frozen import add_version, derived_columns, listed_columns
from requests_app.services.guarding import refuse_record_numbers
from requests_app.services.listing import end_listing, list_request
from requests_app.services.offers import decline_all
from requests_app.services.people import refuse_insiders, staff
from requests_app.services.reading import postable, readable

#: Words of our own addresses under /requests/.
RESERVED_SLUGS = {"new", "templates"}


def create_request(
    *, organization: Organization, title: str, category: str, document: dict[str, Any] | None = None, actor: User
) -> DatasetRequest:
    """Start a draft; ``title`` and ``category`` go into the document. No verified organization is needed yet."""
    require(actor, "write", organization)
    if category not in Category.values:
        raise CannotDo("There is no such category.", remedy="Choose one of those listed.", code="unknown_category")
    checked = readable({**(document or {}), "title": title.strip(), "category": category})
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


def submit_request(*, request: DatasetRequest, actor: User) -> DatasetRequest:
    """Hand the draft to staff. The organization must be verified and nothing in the document may block posting."""
    require(actor, "write", request.organization)
    require_verified(request.organization)
    fresh = DatasetRequest.objects.get(pk=request.pk)
    postable(fresh.draft)
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


def what_bars_deciding(actor: User, request: DatasetRequest) -> CannotDo | None:
    """Why this member of staff may not decide about a submitted request, or None: for a page to say it beforehand."""
    if request.status != RequestStatus.SUBMITTED:
        return None
    try:
        require_staff(actor)
        refuse_insiders(actor, [request.organization], what="request")
    except CannotDo as refusal:
        return refusal
    return None


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
            parties={"asker": moved.organization},
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
    spec = postable(fresh.draft)
    with transaction.atomic():
        moved = transition(
            DatasetRequest,
            request.pk,
            RequestStatus.SUBMITTED,
            RequestStatus.OPEN,
            actor=actor,
            changes={"opened_at": timezone.now(), "status_note": "", **derived_columns(spec)},
        )
        version = add_version(request=moved, spec=spec, number=1, actor=actor)
        list_request(request=moved, spec=spec, version=1)
        record(
            verb="specversion.frozen",
            target=version,
            actor=actor,
            organization_id=moved.organization_id,
            data={"number": 1, "sha256": version.sha256},
        )
        notify(
            event="request.opened",
            parties={"asker": moved.organization},
            text=f"“{moved.title}” is open: hospitals can see it and make offers.",
            url=moved.get_absolute_url(),
        )
    return moved


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
        end_listing(request=moved)
        decline_all(request=moved, note="The request was closed.", actor=actor)
        for offer in moved.offers.filter(status=OfferStatus.ACCEPTED).select_related("hospital"):
            notify(
                event="request.ended",
                parties={"hospital": offer.hospital},
                text=f"“{moved.title}” takes no more offers. Your delivery runs on.",
                url=offer.get_absolute_url(),
            )
        _discard_amendments(moved, actor)
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
        end_listing(request=moved)
        decline_all(request=moved, note="The request was cancelled.", actor=actor)
        _discard_amendments(moved, actor)
    return moved


def _discard_amendments(request: DatasetRequest, actor: User) -> None:
    for amendment in request.amendments.filter(status__in=LIVE_AMENDMENT):
        discard_amendment(amendment=amendment, actor=actor)


def _free_slug(title: str) -> str:
    stem = slugify(title)[:100].strip("-") or "request"
    slug = stem
    while slug in RESERVED_SLUGS or DatasetRequest.objects.filter(slug=slug).exists():
        slug = f"{stem}-{secrets.token_hex(3)}"
    return slug
