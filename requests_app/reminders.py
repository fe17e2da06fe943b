"""What waits here, for whom, and by when: checks by staff, questions, offers, agreements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count

from getdata.notifications.reminders import Waits, register
from requests_app.models import (
    Agreement,
    Amendment,
    AmendmentStatus,
    DatasetRequest,
    Offer,
    OfferStatus,
    Question,
    RequestStatus,
)
from requests_app.services.people import staff

#: Staff check a submitted request, and an organization answers a question, in this time.
CHECK_TIME = timedelta(days=3)
ANSWER_TIME = timedelta(days=5)


def checks() -> Iterator[Waits]:
    """Submitted requests and amendments. Staff of the organization that asks are not asked to check it."""
    for request in DatasetRequest.objects.filter(status=RequestStatus.SUBMITTED, submitted_at__isnull=False):
        assert request.submitted_at is not None
        yield Waits(
            key=str(request.pk),
            since=request.submitted_at,
            due=request.submitted_at + CHECK_TIME,
            text=f"“{request.title}” waits for a check.",
            url=request.get_absolute_url(),
            users=staff().exclude(memberships__organization=request.organization_id),
        )
    for amendment in Amendment.objects.filter(status=AmendmentStatus.SUBMITTED).select_related("request"):
        assert amendment.submitted_at is not None
        yield Waits(
            key=str(amendment.pk),
            since=amendment.submitted_at,
            due=amendment.submitted_at + CHECK_TIME,
            text=f"the amendment of “{amendment.request.title}” waits for a check.",
            url=f"{amendment.request.get_absolute_url()}#amendment",
            users=staff().exclude(memberships__organization=amendment.request.organization_id),
        )


def questions() -> Iterator[Waits]:
    """Questions without an answer on open requests."""
    found = Question.objects.filter(answered_at=None, hidden_at=None, request__status=RequestStatus.OPEN)
    for question in found.select_related("request__organization"):
        yield Waits(
            key=str(question.pk),
            since=question.created_at,
            due=question.created_at + ANSWER_TIME,
            text=f"a question on “{question.request.title}” waits for your answer.",
            url=f"{question.request.get_absolute_url()}#question-{question.pk}",
            parties={"asker": question.request.organization},
        )


def offers() -> Iterator[Waits]:
    """Offers that nobody drew an agreement for or declined."""
    found = Offer.objects.filter(status=OfferStatus.SUBMITTED, agreement=None)
    for offer in found.select_related("request__organization", "hospital"):
        yield Waits(
            key=str(offer.pk),
            since=offer.created_at,
            due=offer.expires_at,
            text=f"the offer of {offer.hospital.name} on “{offer.request.title}” waits for your answer.",
            url=offer.get_absolute_url(),
            parties={"asker": offer.request.organization},
        )


def agreements() -> Iterator[Waits]:
    """Agreements that lack a signature: once for each party whose signature it is."""
    found = Agreement.objects.annotate(signed=Count("signatures")).filter(
        signed__lt=2, offer__status=OfferStatus.SUBMITTED
    )
    for agreement in found.select_related("offer__request__organization", "offer__hospital"):
        signed = set(agreement.signatures.values_list("organization_id", flat=True))
        for party in agreement.parties:
            if party.pk not in signed:
                yield Waits(
                    key=f"{agreement.pk}:{party.pk}",
                    since=agreement.created_at,
                    due=agreement.offer.expires_at,
                    text=f"the agreement on “{agreement.offer.request.title}” waits for your signature.",
                    url=agreement.get_absolute_url(),
                    parties={"signer": party},
                )


def register_all() -> None:
    """Called when the app is ready."""
    register("reminder.request_check", checks)
    register("reminder.question", questions)
    register("reminder.offer", offers)
    register("reminder.agreement", agreements)
