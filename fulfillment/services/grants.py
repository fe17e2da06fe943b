"""Who may download a release now, and the custody ledger of who did."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from fulfillment.models import AccessGrant, DownloadEvent, Release, ReleaseStatus
from getdata.accounts.models import User
from getdata.accounts.permissions import can
from getdata.audit.chain import record


def live_grant(*, release: Release, user: User) -> AccessGrant | None:
    """The grant under which this person may download the release now, or None.

    The organization must still be verified: one that was suspended holds its grants but cannot use them.
    """
    if release.status != ReleaseStatus.PUBLISHED or not release.is_built:
        return None
    for grant in release.grants.filter(revoked_at=None).select_related("organization"):
        if grant.is_live and grant.organization.is_verified and can(user, "download", grant.organization):
            return grant
    return None


def note_download(*, grant: AccessGrant, user: User, path: str, first_byte: int) -> DownloadEvent:
    """Write the download into the custody ledger before a byte leaves."""
    with transaction.atomic():
        event = DownloadEvent.objects.create(grant=grant, user=user, path=path, first_byte=first_byte)
        record(
            verb="release.downloaded",
            target=grant.release,
            actor=user,
            organization_id=grant.organization_id,
            data={"first_byte": first_byte},
        )
    return event


def downloads_for(*, release: Release, user: User) -> Any:
    """The custody ledger of a release, for staff and for the organizations that hold it; others see nothing."""
    events = DownloadEvent.objects.filter(grant__release=release).select_related("user", "grant__organization")
    if user.is_reviewer:
        return events
    return events.filter(grant__organization__memberships__user=user)
