"""What waits for GetDATA's reviewers here: organizations that asked to be verified."""

from __future__ import annotations

from collections.abc import Iterator

from getdata.accounts.models import Organization
from getdata.accounts.selectors import REVIEW_TIME
from getdata.accounts.services.common import page_of, reviewers
from getdata.notifications.reminders import Waits, register


def verifications() -> Iterator[Waits]:
    """Organizations that are pending."""
    for organization in Organization.objects.filter(status=Organization.Status.PENDING, submitted_at__isnull=False):
        assert organization.submitted_at is not None
        yield Waits(
            key=str(organization.pk),
            since=organization.submitted_at,
            due=organization.submitted_at + REVIEW_TIME,
            text=f"{organization.name} waits for verification.",
            url=page_of(organization),
            users=reviewers(organization),
        )


def register_all() -> None:
    """Called when the app is ready."""
    register("reminder.verification", verifications)
