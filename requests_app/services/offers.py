"""A hospital's offer: made, withdrawn, declined, expired. Accepting is the signatures' doing (``agreements``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import require, require_verified
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState, transition
from getdata.notifications.services import notify
from requests_app.models import DatasetRequest, Offer, OfferStatus, RequestStatus, SpecVersion
from requests_app.services.guarding import refuse_record_numbers
from requests_app.services.people import people
from requests_app.spec import CountUnit, DatasetSpec, Demand, QuotaCounting, demands

#: An offer waits this long for an answer.
OFFER_DAYS = 30
#: Above this a count is a typing mistake, not an archive.
MAX_IMAGES = 10_000_000


def offerable(spec: DatasetSpec) -> list[Demand]:
    """The lines of a specification that an offer counts: all demands but the totals, which it states itself."""
    return [demand for demand in demands(spec) if demand.kind != "total" and demand.min > 0]


def submit_offer(
    *,
    request: DatasetRequest,
    hospital: Organization,
    images: int,
    patients: int = 0,
    cells: Mapping[str, int] | None = None,
    message: str = "",
    deliver_by: dt.date | None = None,
    actor: User,
) -> Offer:
    """Offer ``images`` of ``patients`` to an open request; ``cells`` says how many of them meet each quota line."""
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
    today = timezone.localdate()
    if request.deadline is not None and request.deadline < today:
        raise CannotDo(
            "The deadline of this request has passed.",
            remedy="Ask the researcher to extend it; a question on the request's page reaches them.",
            code="deadline_passed",
        )
    if deliver_by is not None and deliver_by <= today:
        raise CannotDo("The delivery date has passed.", remedy="Choose a later date.", code="delivery_in_the_past")
    counted = _sensible(
        spec=DatasetSpec.model_validate(version.document), images=images, patients=patients, cells=dict(cells or {})
    )
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
                message=message.strip()[:4000],
                deliver_by=deliver_by,
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
            users=people(moved.request.organization, "write"),
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
        users=people(offer.hospital, "write"),
        text=f"Your offer on “{offer.request.title}” {what}.",
        url=offer.get_absolute_url(),
    )


def _recorded(offer: Offer, *, actor: User, version: SpecVersion) -> None:
    record(
        verb="offer.submitted",
        target=offer,
        actor=actor,
        organization_id=offer.hospital_id,
        data={"images": offer.images, "patients": offer.patients, "version": version.number},
    )
    notify(
        event="offer.submitted",
        users=people(offer.request.organization, "write"),
        text=f"{offer.hospital.name} offers {offer.images:,} images for “{offer.request.title}”.",
        url=offer.get_absolute_url(),
    )


def _sensible(*, spec: DatasetSpec, images: int, patients: int, cells: dict[str, int]) -> dict[str, int]:
    """The counts of an offer, or ``CannotDo`` for those that cannot be meant. Zero cells are left out."""
    ceiling = min(MAX_IMAGES, spec.cohort.images.max or MAX_IMAGES)
    if not 1 <= images <= ceiling:
        raise CannotDo(
            f"The number of images must be between 1 and {ceiling:,}.",
            remedy="Offer what you can deliver; the request takes no more than its maximum.",
            code="images_out_of_range",
        )
    if not 0 <= patients <= images:
        raise CannotDo(
            f"{patients:,} patients cannot have {images:,} images between them.",
            remedy="Enter at most as many patients as images.",
            code="patients_out_of_range",
        )
    lines = {demand.check_id: demand for demand in offerable(spec)}
    counted: dict[str, int] = {}
    for check_id, count in cells.items():
        if check_id not in lines:
            raise CannotDo(
                "The offer counts a line that this request does not have.",
                remedy="Use the check ids of the request's specification.",
                code="unknown_line",
            )
        line = lines[check_id]
        most = (patients or images) if line.unit is not CountUnit.IMAGES else images
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= most:
            raise CannotDo(
                f"“{line.text}” must be between 0 and {most:,}: it counts part of what you offer.",
                remedy="Correct the line, or offer more images in all.",
                code="cell_out_of_range",
            )
        if count:
            counted[check_id] = count
    _count_once(spec, lines, counted, images=images, patients=patients or images)
    return counted


def _count_once(
    spec: DatasetSpec, lines: Mapping[str, Demand], counted: Mapping[str, int], *, images: int, patients: int
) -> None:
    """Where an image counts in one quota only, an offer cannot promise it to two."""
    if spec.quota_counting is not QuotaCounting.ONCE:
        return
    for unit, whole in ((CountUnit.IMAGES, images), (CountUnit.PATIENTS, patients), (CountUnit.STUDIES, images)):
        promised = sum(n for key, n in counted.items() if lines[key].kind == "cell" and lines[key].unit is unit)
        if promised > whole:
            raise CannotDo(
                f"The quotas of this offer add up to {promised:,} {unit.value}, more than the {whole:,} offered: "
                "in this request each counts in one quota only.",
                remedy="Count each one in a single quota, or offer more in all.",
                code="counted_twice",
            )
