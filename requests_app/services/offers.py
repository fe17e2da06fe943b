"""A hospital's offer: made, withdrawn, declined, expired. Accepting is the signatures' doing (``agreements``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import require, require_verified
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState, transition
from getdata.notifications.services import notify
from requests_app.models import DatasetRequest, Feasibility, Offer, OfferStatus, RequestStatus, SpecVersion
from requests_app.services.guarding import refuse_record_numbers
from requests_app.services.offer_counts import offerable as offerable
from requests_app.services.offer_counts import sensible_counts, sensible_deviations
from requests_app.spec import DatasetSpec

#: An offer waits this long for an answer.
OFFER_DAYS = 30


def submit_offer(
    *,
    request: DatasetRequest,
    hospital: Organization,
    images: int,
    patients: int = 0,
    cells: Mapping[str, int] | None = None,
    deviations: Mapping[str, Mapping[str, Any]] | None = None,
    message: str = "",
    terms: str = "",
    deliver_from: dt.date | None = None,
    deliver_by: dt.date | None = None,
    feasibility: Feasibility | None = None,
    actor: User,
) -> Offer:
    """Offer ``images`` of ``patients`` to an open request; ``cells`` says how many of them meet each quota line.

    ``deviations`` says where the data will not be as asked, ``terms`` what the hospital asks in return, ``feasibility``
    the counts that the offer rests on.
    """
    require(actor, "write", hospital)
    if not hospital.is_hospital:
        raise CannotDo(
            f"{hospital.name} is not a hospital.", remedy="Only hospitals deliver data.", code="not_a_hospital"
        )
    require_verified(hospital)
    if hospital.pk == request.organization_id:
        raise CannotDo("This is your own request.", remedy="Another hospital must offer.", code="own_request")
    request = DatasetRequest.objects.select_related("organization").get(pk=request.pk)
    version = request.current_version
    if request.status != RequestStatus.OPEN or version is None:
        raise CannotDo("This request takes no offers now.", remedy="Look for an open request.", code="not_open")
    refuse_record_numbers(message, field="message")
    refuse_record_numbers(terms, field="terms")
    for deviation in (deviations or {}).values():
        refuse_record_numbers(str(deviation.get("text") or ""))
    today = timezone.localdate()
    if request.deadline is not None and request.deadline < today:
        raise CannotDo(
            "The deadline of this request has passed.",
            remedy="Ask the researcher to extend it; a question on the request's page reaches them.",
            code="deadline_passed",
        )
    if deliver_by is not None and deliver_by <= today:
        raise CannotDo("The delivery date has passed.", remedy="Choose a later date.", code="delivery_in_the_past")
    if deliver_from is not None and deliver_by is not None and deliver_from > deliver_by:
        raise CannotDo(
            "The delivery would begin after it ends.", remedy="Swap the two dates.", code="delivery_dates_swapped"
        )
    if feasibility is not None and (feasibility.hospital_id, feasibility.spec_version_id) != (hospital.pk, version.pk):
        raise CannotDo(
            "These counts belong to another hospital or another version of the request.",
            remedy="Count again for the newest version.",
            code="other_counts",
        )
    spec = DatasetSpec.model_validate(version.document)
    counted = sensible_counts(spec=spec, images=images, patients=patients, cells=dict(cells or {}))
    differs = sensible_deviations(spec, deviations or {})
    try:
        with transaction.atomic():
            offer = Offer.objects.create(
                request=request,
                spec_version=version,
                hospital=hospital,
                created_by=actor,
                images=images,
                patients=patients,
                cells=counted,
                deviations=differs,
                message=message.strip()[:4000],
                terms=terms.strip()[:4000],
                deliver_from=deliver_from,
                deliver_by=deliver_by,
                feasibility=feasibility,
                expires_at=timezone.now() + timedelta(days=OFFER_DAYS),
            )
            _recorded(offer, actor=actor, version=version)
    except IntegrityError:
        raise CannotDo(
            f"{hospital.name} already has an offer on this request.",
            remedy="Withdraw it first if it should say something else.",
            code="offer_exists",
        ) from None
    return offer


def withdraw_offer(*, offer: Offer, actor: User, note: str = "") -> Offer:
    """The hospital takes back an offer that both parties have not signed yet."""
    require(actor, "write", offer.hospital)
    refuse_record_numbers(note)
    with transaction.atomic():
        moved = _decided(offer, OfferStatus.WITHDRAWN, note=note, actor=actor)
        notify(
            event="offer.withdrawn",
            parties={"asker": moved.request.organization},
            text=f"{moved.hospital.name} withdrew its offer on “{moved.request.title}”.",
            url=moved.get_absolute_url(),
        )
    return moved


def decline_offer(*, offer: Offer, note: str, actor: User) -> Offer:
    """The organization that asked says no, and why."""
    require(actor, "write", offer.request.organization)
    if not note.strip():
        raise CannotDo("A declined offer needs a reason.", remedy="Say why in a sentence.", code="note_missing")
    refuse_record_numbers(note)
    with transaction.atomic():
        moved = _decided(offer, OfferStatus.DECLINED, note=note, actor=actor)
        _tell_hospital(moved, "was declined")
    return moved


def decline_all(*, request: DatasetRequest, note: str, actor: User) -> int:
    """Decline every offer still waiting, because the request itself ended. Returns how many."""
    count = 0
    for offer in request.offers.filter(status=OfferStatus.SUBMITTED):
        try:
            moved = _decided(offer, OfferStatus.DECLINED, note=note, actor=actor)
        except StaleState:
            continue  # withdrawn or expired this very moment
        _tell_hospital(moved, "was declined")
        count += 1
    return count


def expire_offers() -> int:
    """End offers that waited too long. Run by the clock; returns how many ended."""
    count = 0
    for offer in Offer.objects.filter(status=OfferStatus.SUBMITTED, expires_at__lt=timezone.now()):
        try:
            with transaction.atomic():
                note = f"No agreement was signed by {offer.expires_at.date().isoformat()}."
                moved = _decided(offer, OfferStatus.EXPIRED, note=note, actor=None)
                _tell_hospital(moved, "expired")
        except StaleState:
            continue  # decided this very moment
        count += 1
    return count


def _decided(offer: Offer, status: str, *, note: str, actor: User | None) -> Offer:
    return transition(
        Offer, offer.pk, OfferStatus.SUBMITTED, status, actor=actor, changes={"status_note": note.strip()[:2000]}
    )


def _tell_hospital(offer: Offer, what: str) -> None:
    notify(
        event="offer.decided",
        parties={"hospital": offer.hospital},
        text=f"Your offer on “{offer.request.title}” {what}.",
        url=offer.get_absolute_url(),
    )


def _recorded(offer: Offer, *, actor: User, version: SpecVersion) -> None:
    record(
        verb="offer.submitted",
        target=offer,
        actor=actor,
        organization_id=offer.hospital_id,
        data={
            "images": offer.images,
            "patients": offer.patients,
            "version": version.number,
            **({"deviations": len(offer.deviations)} if offer.deviations else {}),
        },
    )
    notify(
        event="offer.submitted",
        parties={"asker": offer.request.organization},
        text=f"{offer.hospital.name} offers {offer.images:,} images for “{offer.request.title}”.",
        url=offer.get_absolute_url(),
    )
