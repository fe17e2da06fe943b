"""The agreement: drawn up by the organization that asked, signed by both, and what the second signature brings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import require, require_verified
from getdata.accounts.services.proving import prove_identity
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.states import transition
from getdata.notifications.services import notify
from requests_app.agreements import FORM, agreement_text, law
from requests_app.models import Agreement, DatasetRequest, Offer, OfferStatus, RequestStatus, Signature
from requests_app.services.offer_counts import offerable, sensible_part
from requests_app.signals import offer_accepted
from requests_app.spec import DatasetSpec

#: Once there is a text to sign, the offer waits at least this much longer.
SIGNING_DAYS = 14


def draw_agreement(
    *,
    offer: Offer,
    actor: User,
    images: int | None = None,
    patients: int | None = None,
    cells: Mapping[str, int] | None = None,
    legal_class: str = "",
    gdpr_role: str = "",
) -> Agreement:
    """Assemble the text for a waiting offer and ask both parties to sign it. The text never changes afterwards.

    ``images``, ``patients`` and ``cells`` accept a part of the offer; what is left out is accepted as offered. What is
    accepted of all offers together stays within the request's maximums. ``legal_class`` and ``gdpr_role`` are keys of
    ``agreements.law.CLASSES`` and ``ROLES``; left out, the ones that fit. A class that does not fit what the policy keeps
    is refused with the cure.
    """
    require(actor, "write", offer.request.organization)
    require_verified(offer.request.organization)
    require_verified(offer.hospital)
    _require_lawful(offer, legal_class, gdpr_role)
    try:
        with transaction.atomic():
            current = _waiting(offer)
            DatasetRequest.objects.select_for_update().get(pk=current.request_id)  # of two parts, one sees the other
            current.agreed = _part(current, images, patients, cells)
            drawn = agreement_text(current, basis=legal_class, gdpr_role=gdpr_role)
            agreement = Agreement.objects.create(
                offer=current,
                text=drawn.text,
                text_sha256=drawn.sha256,
                legal_class=drawn.legal_class,
                form=FORM,
                basis=drawn.basis,
                gdpr_role=drawn.gdpr_role,
                drawn_by=actor,
            )
            until = max(current.expires_at, timezone.now() + timedelta(days=SIGNING_DAYS))
            Offer.objects.filter(pk=current.pk).update(expires_at=until, agreed=current.agreed)
            record(
                verb="agreement.drawn",
                target=agreement,
                actor=actor,
                organization_id=current.hospital_id,
                data={
                    "form": FORM,
                    "sha256": drawn.sha256,
                    "legal_class": drawn.legal_class,
                    "basis": drawn.basis,
                    "images": current.counted_images,
                },
            )
            for party in agreement.parties:
                _ask_to_sign(agreement, party)
    except IntegrityError:
        raise CannotDo(
            "The agreement on this offer is drawn up already.", remedy="Open it and sign.", code="agreement_exists"
        ) from None
    return agreement


def signature_meaning(organization: Organization, *, attests: bool = False) -> str:
    """What a signature says (21 CFR 11.50): shown above the button and kept with it. The recipient's attests, too."""
    name = organization.name if len(organization.name) <= 90 else organization.name[:89] + "…"
    more = ", and attests the purpose and country stated in it" if attests else ""
    return f"Agrees to this text for {name}, with authority to bind it{more}."


def sign_agreement(
    *,
    agreement: Agreement,
    organization: Organization,
    printed_name: str,
    password: str = "",
    code: str = "",
    actor: User,
) -> Signature:
    """Sign for one party after proving once more who one is. The second signature accepts the offer.

    ``password`` is the person's password, ``code`` a one-time code of their authenticator; one of them is needed, and
    where both are given the code counts. Refuses a role that may not sign, a party that signed already, one person
    signing for both, a wrong password or code (counted: five in a quarter of an hour), a text that no longer matches its
    hash, an offer or request that is over.
    """
    if organization.pk not in {party.pk for party in agreement.parties}:
        raise CannotDo(
            f"{organization.name} is not a party to this agreement.",
            remedy="Sign for one of the parties named in it.",
            code="not_a_party",
        )
    require(actor, "sign", organization)
    for party in agreement.parties:
        require_verified(party)
    if not printed_name.strip():
        raise CannotDo("The printed name is missing.", remedy="Write your full name.", code="name_missing")
    method = prove_identity(
        actor=actor, password=password, code=code, about=agreement, refused="agreement.signature_refused"
    )
    if hashlib.sha256(agreement.text.encode()).hexdigest() != agreement.text_sha256:
        raise CannotDo(
            "The text of this agreement no longer matches its hash.",
            remedy="Do not sign. Tell GetDATA staff at once.",
            code="text_altered",
        )
    try:
        with transaction.atomic():
            offer = _waiting(agreement.offer)  # locks the offer: of two last signatures, one sees the other
            if agreement.signatures.filter(signed_by=actor).exclude(organization=organization).exists():
                raise CannotDo(
                    "You signed for the other party.",
                    remedy="A different person must sign for this one.",
                    code="same_person",
                )
            signature = Signature.objects.create(
                agreement=agreement,
                organization=organization,
                signed_by=actor,
                printed_name=printed_name.strip()[:200],
                meaning=signature_meaning(organization, attests=organization.pk == agreement.parties[0].pk),
                method=method,
                text_sha256=agreement.text_sha256,
            )
            record(
                verb="agreement.signed",
                target=agreement,
                actor=actor,
                organization_id=organization.pk,
                data={"signature": str(signature.pk), "sha256": agreement.text_sha256, "method": method},
            )
            if agreement.is_complete:
                _accept(offer, agreement, actor)
            else:
                other = next(party for party in agreement.parties if party.pk != organization.pk)
                _ask_to_sign(agreement, other, after=organization)
    except IntegrityError:
        raise CannotDo(
            f"{organization.name} has signed already.",
            remedy="Nothing more is needed from this party.",
            code="already_signed",
        ) from None
    return signature


def _accept(offer: Offer, agreement: Agreement, actor: User) -> None:
    accepted = transition(
        Offer,
        offer.pk,
        OfferStatus.SUBMITTED,
        OfferStatus.ACCEPTED,
        actor=actor,
        data={"agreement": str(agreement.pk)},
    )
    offer_accepted.send(sender=Offer, offer=accepted, actor=actor)
    asker, hospital = agreement.parties
    notify(
        event="fulfillment.started",
        parties={"asker": asker, "hospital": hospital},
        text=f"The agreement on “{accepted.request.title}” is signed by both parties; delivery can begin.",
        url=accepted.get_absolute_url(),
    )


def _part(offer: Offer, images: int | None, patients: int | None, cells: Mapping[str, int] | None) -> dict[str, Any]:
    """What is accepted of the offer, or ``CannotDo`` when it is more than offered or than the request takes."""
    spec = DatasetSpec.model_validate(offer.spec_version.document)
    taken_images = offer.images if images is None else images
    part = sensible_part(
        spec,
        offered=(offer.images, offer.patients, offer.cells),
        part=(
            taken_images,
            min(offer.patients, taken_images) if patients is None else patients,
            {key: min(count, taken_images) for key, count in offer.cells.items()} if cells is None else cells,
        ),
    )
    others = list(offer.request.offers.live().exclude(agreed={}).exclude(pk=offer.pk))
    limits = [("all images", spec.cohort.images.max, part["images"], sum(o.counted_images for o in others))]
    for line in offerable(spec):
        taken = sum(o.counted_cells.get(line.check_id, 0) for o in others)
        limits.append((f"“{line.text}”", line.max, part["cells"].get(line.check_id, 0), taken))
    for words, most, wanted, taken in limits:
        if most is not None and wanted and taken + wanted > most:
            raise CannotDo(
                f"The request takes at most {most:,} for {words}; {taken:,} are agreed with other hospitals.",
                remedy=f"Accept at most {max(0, most - taken):,} of this offer there, or amend the request.",
                code="more_than_needed",
            )
    return part


def _waiting(offer: Offer) -> Offer:
    """The offer, locked, if an agreement on it can still come about."""
    current = Offer.objects.select_for_update().get(pk=offer.pk)
    if current.status != OfferStatus.SUBMITTED:
        raise CannotDo(
            f"This offer is {current.get_status_display().lower()}.",
            remedy="Nothing more can be agreed on it.",
            code="offer_over",
        )
    if current.expires_at <= timezone.now():
        raise CannotDo("This offer has expired.", remedy="Ask the hospital to make it again.", code="offer_expired")
    if current.request.status != RequestStatus.OPEN:
        raise CannotDo(
            f"The request is {current.request.get_status_display().lower()}.",
            remedy="Offers are accepted while a request is open.",
            code="request_not_open",
        )
    return current


def _require_lawful(offer: Offer, legal_class: str, gdpr_role: str) -> None:
    """The class and role fit what the policy keeps and where the parties are, or ``CannotDo`` with the cure."""
    spec = DatasetSpec.model_validate(offer.spec_version.document)
    hospital, recipient = offer.hospital.country, offer.request.organization.country
    mismatch = (
        (law.class_mismatch(spec, legal_class) if legal_class else None)
        or law.role_mismatch(gdpr_role, hospital, recipient)
        or law.concern_mismatch(spec, hospital, recipient)
    )
    if mismatch is not None:
        raise CannotDo(mismatch.message, remedy=mismatch.remedy, code=mismatch.code)


def _ask_to_sign(agreement: Agreement, party: Organization, after: Organization | None = None) -> None:
    start = f"{after.name} signed. " if after else ""
    notify(
        event="agreement.to_sign",
        parties={"signer": party},
        text=f"{start}The agreement on “{agreement.offer.request.title}” waits for your signature.",
        url=agreement.get_absolute_url(),
    )
