"""What a person's organizations wait for: who has it, since when, by when. Silence is what people complain of most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from fulfillment.models import Batch, BatchStatus
from getdata.accounts.models import Organization, User
from getdata.accounts.selectors import REVIEW_TIME
from requests_app.models import DatasetRequest, Offer, OfferStatus, RequestStatus
from requests_app.reminders import CHECK_TIME

SHOWN = 8
STAFF = "GetDATA’s reviewers"


@dataclass(frozen=True)
class Waiting:
    """One thing that is somebody else's turn. ``due`` is None where nobody promised a time."""

    title: str
    url: str
    who: str
    since: datetime | None
    due: datetime | None = None


def for_user(user: User) -> list[Waiting]:
    """What the person's organizations have handed over and not yet had back, oldest first."""
    mine = Organization.objects.filter(memberships__user=user).distinct()
    found = [
        Waiting(
            f"Verification of {organization.name}",
            reverse("organization_detail", args=[organization.slug]),
            STAFF,
            organization.submitted_at,
            organization.submitted_at + REVIEW_TIME if organization.submitted_at else None,
        )
        for organization in mine.filter(status=Organization.Status.PENDING)
    ]
    found += [
        Waiting(
            f"Check of the request “{request.title}”",
            request.get_absolute_url(),
            STAFF,
            request.submitted_at,
            request.submitted_at + CHECK_TIME if request.submitted_at else None,
        )
        for request in DatasetRequest.objects.filter(organization__in=mine, status=RequestStatus.SUBMITTED)
    ]
    found += [
        Waiting(
            f"Answer to your offer for “{offer.request.title}”",
            offer.get_absolute_url(),
            offer.request.organization.name,
            offer.created_at,
            offer.expires_at,
        )
        for offer in Offer.objects.filter(
            hospital__in=mine, status=OfferStatus.SUBMITTED, agreement=None
        ).select_related("request__organization")
    ]
    found += [
        Waiting(
            f"Review of batch {batch.number}: {batch.name}",
            reverse("batch_detail", args=[batch.pk]),
            STAFF,
            batch.sealed_at,
            batch.review_due_at,
        )
        for batch in Batch.objects.filter(
            fulfillment__hospital__in=mine, status__in=[BatchStatus.SEALED, BatchStatus.IN_REVIEW]
        )
    ]
    return sorted(found, key=lambda item: item.since.timestamp() if item.since else 0.0)[:SHOWN]
