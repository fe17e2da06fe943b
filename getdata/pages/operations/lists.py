"""The lists behind the board's numbers. A number is the length of its list, by construction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from fulfillment.models import Release, ReleaseStatus, SourceFile, SourceFileStatus, Upload, UploadStatus
from fulfillment.selectors import WITHHELD
from getdata.common.clock import database_now
from requests_app.models import DatasetRequest, RequestStatus

#: Names of ``?time=`` of the files' list -> how far back.
TIMES = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True)
class FileChoice:
    """What of the ledger's files a list holds. Empty fields choose nothing."""

    status: str = ""
    reason: str = ""
    time: str = ""
    lost: bool = False

    @classmethod
    def of(cls, asked: Any) -> FileChoice:
        """From an address; a word that is not known counts as none."""
        status, time = asked.get("status", ""), asked.get("time", "")
        return cls(
            status=status if status in SourceFileStatus.values else "",
            reason=asked.get("reason", "")[:60],
            time=time if time in TIMES else "",
            lost=asked.get("lost") == "1",
        )

    @property
    def query(self) -> str:
        """As it stands in an address."""
        pairs = {"status": self.status, "reason": self.reason, "time": self.time, "lost": "1" if self.lost else ""}
        return urlencode({name: value for name, value in pairs.items() if value})

    @property
    def words(self) -> str:
        """What the list holds, in words."""
        said = [SourceFileStatus(self.status).label.lower()] if self.status else []
        said += [f"with the cause {self.reason}"] if self.reason else []
        said += (
            [{"hour": "settled in the last hour", "day": "settled in the last 24 hours"}[self.time]]
            if self.time
            else []
        )
        said += ["whose worker is lost"] if self.lost else []
        return "Files " + (", ".join(said) or "of every state")

    def rows(self) -> QuerySet[SourceFile]:
        """The files, those that have waited longest first; settled ones newest first."""
        found = SourceFile.objects.all()
        if self.status:
            found = found.filter(status=self.status)
        if self.reason:
            found = found.filter(reason=self.reason, status__in=WITHHELD)
        if self.time:
            found = found.filter(settled_at__gte=timezone.now() - TIMES[self.time])
        if self.lost:
            found = found.filter(status=SourceFileStatus.PROCESSING, lease_until__lt=database_now())
        return found.order_by(F("settled_at").desc(nulls_first=True), "created_at", "pk")


def requests_to_check() -> QuerySet[DatasetRequest]:
    """Requests that wait for staff, the oldest first."""
    waiting = DatasetRequest.objects.filter(status=RequestStatus.SUBMITTED)
    return waiting.select_related("organization").order_by("submitted_at", "pk")


def transfers() -> QuerySet[Upload]:
    """Transfers that are not finished, the oldest first."""
    return Upload.objects.filter(status=UploadStatus.ACTIVE).order_by("created_at", "pk")


#: Key -> (title, what it holds, which releases)
RELEASES: dict[str, tuple[str, str, Q]] = {
    "drafts": (
        "Releases that need a second person",
        "Drafts whose package is built. Whoever did not prepare them publishes them.",
        Q(status=ReleaseStatus.DRAFT) & ~Q(archive=""),
    ),
    "building": (
        "Packages being built",
        "Drafts whose package a worker writes or will write.",
        Q(status=ReleaseStatus.DRAFT, archive="", problem=""),
    ),
    "broken": (
        "Packages that could not be built",
        "Each says why; it is built again or discarded on its page.",
        Q(status=ReleaseStatus.DRAFT, archive="") & ~Q(problem=""),
    ),
    "approved": (
        "Releases that can still be undone",
        "Published by two people and not yet live.",
        Q(status=ReleaseStatus.APPROVED),
    ),
    "live": (
        "Releases that are out",
        "Published and not withdrawn.",
        Q(status=ReleaseStatus.PUBLISHED),
    ),
}


def releases(key: str) -> QuerySet[Release]:
    """The releases of one list, the oldest first."""
    return (
        Release.objects.filter(RELEASES[key][2]).select_related("request", "prepared_by").order_by("created_at", "pk")
    )


def age(moment: datetime | None) -> float:
    """Seconds since, or none."""
    return max(0.0, (timezone.now() - moment).total_seconds()) if moment else 0.0
