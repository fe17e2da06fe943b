"""What waits for GetDATA's reviewers here: batches in review, releases that need a second person, incidents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.urls import reverse

from fulfillment.models import (
    Batch,
    BatchStatus,
    DestructionDuty,
    DutyStatus,
    Incident,
    IncidentStatus,
    Release,
    ReleaseStatus,
)
from fulfillment.models.incidents import CONTAIN_TIME
from getdata.accounts.models import User
from getdata.notifications.reminders import Waits, register
from requests_app.services.people import staff

#: A built release gets its second person in this time.
RELEASE_TIME = timedelta(days=3)


def batches() -> Iterator[Waits]:
    """Sealed batches and those in review. A batch that a reviewer holds is that reviewer's; the others are everybody's."""
    found = Batch.objects.filter(
        status__in=[BatchStatus.SEALED, BatchStatus.IN_REVIEW], sealed_at__isnull=False, review_due_at__isnull=False
    )
    for batch in found.select_related("reviewer", "fulfillment__request", "fulfillment__hospital"):
        assert batch.sealed_at is not None and batch.review_due_at is not None
        yield Waits(
            key=str(batch.pk),
            since=batch.sealed_at,
            due=batch.review_due_at,
            text=f"batch {batch.number} of “{batch.fulfillment.request.title}” waits for review.",
            url=reverse("batch_detail", args=[batch.pk]),
            users=_reviewers(batch),
        )


def releases() -> Iterator[Waits]:
    """Drafts whose archive is built."""
    for release in Release.objects.filter(status=ReleaseStatus.DRAFT).exclude(archive="").select_related("request"):
        yield Waits(
            key=str(release.pk),
            since=release.created_at,
            due=release.created_at + RELEASE_TIME,
            text=f"release {release.number} of “{release.request.title}” waits for a second person.",
            url=reverse("release_detail", args=[release.pk]),
            users=staff().exclude(pk=release.prepared_by_id),
        )


def destructions() -> Iterator[Waits]:
    """Holders who have not attested yet that their copies of what was withdrawn are gone."""
    for duty in DestructionDuty.objects.filter(status=DutyStatus.OPEN).select_related(
        "organization", "withdrawal__request"
    ):
        yield Waits(
            key=str(duty.pk),
            since=duty.created_at,
            due=duty.due_at,
            text=f"copies of what was withdrawn from “{duty.withdrawal.request.title}” are to be destroyed, and it attested.",
            url=duty.withdrawal.get_absolute_url(),
            parties={"asker": duty.organization},
        )


def incidents() -> Iterator[Waits]:
    """Incidents that are not contained."""
    for incident in Incident.objects.filter(status=IncidentStatus.OPEN):
        yield Waits(
            key=str(incident.pk),
            since=incident.created_at,
            due=incident.created_at + CONTAIN_TIME,
            text=f"incident {incident.number} is not contained.",
            url=incident.get_absolute_url(),
            users=staff(),
        )


def _reviewers(batch: Batch) -> list[User]:
    if batch.reviewer is not None:
        return [batch.reviewer]
    parties = [batch.fulfillment.hospital_id, batch.fulfillment.request.organization_id]
    return list(staff().exclude(memberships__organization__in=parties))


def register_all() -> None:
    """Called when the app is ready."""
    register("reminder.batch", batches)
    register("reminder.release", releases)
    register("reminder.destruction", destructions)
    register("reminder.incident", incidents)
