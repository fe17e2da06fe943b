"""What of a release a person may read by DICOMweb now, and the note of it in the custody ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from fulfillment.models import AccessGrant, Release, ReleaseItem, SourceFileStatus
from fulfillment.services.grants import live_grant, note_download
from getdata.accounts.models import User


@dataclass(frozen=True)
class Held:
    """A release in the hands of somebody who holds a live grant."""

    release: Release
    grant: AccessGrant
    user: User

    def items(self, *, study: str = "", series: str = "", instance: str = "") -> QuerySet[ReleaseItem]:
        """The instances of the release that still stand, within a study, a series, or one of them."""
        wanted: dict[str, Any] = {"image__source__status": SourceFileStatus.PASSED}
        if study:
            wanted["image__series__study__study_instance_uid"] = study
        if series:
            wanted["image__series__series_instance_uid"] = series
        if instance:
            wanted["image__sop_instance_uid"] = instance
        return (
            self.release.items.filter(**wanted, image__taken_back=None)
            .select_related("image__series__study")
            .order_by("path")
        )

    def note(self, items: Iterable[ReleaseItem], what: str) -> None:
        """Write into the custody ledger, before a byte leaves, that these were taken; ``what``: instance, metadata, frames ..."""
        for item in items:
            note_download(grant=self.grant, user=self.user, path=f"{item.path}#{what}", first_byte=0)


def held(release_pk: UUID, user: User) -> Held:
    """The release for this person. Raises ``Http404`` without a live grant: what one may not have does not exist."""
    release = Release.objects.select_related("request__organization").filter(pk=release_pk).first()
    grant = live_grant(release=release, user=user) if release is not None else None
    if release is None or grant is None:
        raise Http404
    return Held(release, grant, user)
