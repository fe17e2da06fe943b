"""Telling people in time that an access ends, and that it has ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import AccessGrant, ReleaseStatus
from getdata.notifications.models import ReminderSent
from getdata.notifications.services import notify

#: Days before the end at which the organization is told; 0 is the end itself.
WARNINGS = (30, 7, 0)


def warn_of_expiry(now: datetime | None = None) -> int:
    """Tell the organizations whose access passed a mark since the last time, each mark once. Returns how many were told."""
    now = now or timezone.now()
    ending = AccessGrant.objects.filter(
        revoked_at=None, release__status=ReleaseStatus.PUBLISHED, expires_at__lte=now + timedelta(days=max(WARNINGS))
    )
    told = 0
    for grant in ending.select_related("release__request", "organization"):
        left = grant.expires_at - now
        passed = [days for days in WARNINGS if left <= timedelta(days=days)]
        # Only the nearest mark is told, and no mark that lies before the grant itself: a short one is no surprise.
        mark = min(passed)
        if mark and grant.expires_at - timedelta(days=mark) <= grant.created_at:
            continue
        told += _once(grant, mark)
    return told


def _once(grant: AccessGrant, mark: int) -> bool:
    name = f"release {grant.release.number} of “{grant.release.request.title}”"
    with transaction.atomic():
        later = ReminderSent.objects.filter(kind="grant.expiry", key=str(grant.pk), percent__gte=100 - mark)
        if later.exists():
            return False
        ReminderSent.objects.create(kind="grant.expiry", key=str(grant.pk), percent=100 - mark)
        parties, url = {"asker": grant.organization}, reverse("grant_detail", args=[grant.pk])
        if mark:
            until = f"{grant.expires_at:%-d %B %Y}"
            text = f"Your access to {name} ends on {until}. Destroy your copies by then, or ask for a new period."
            notify(event="grant.expires", parties=parties, text=text, url=url)
        else:
            text = f"Your access to {name} has ended. Destroy your copies."
            notify(event="grant.expired", parties=parties, text=text, url=url)
    return True
