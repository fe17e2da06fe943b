"""The board's numbers, counted from the database when asked. Each has the address of the list it is the length of."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Avg, Count, Min, Q, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import (
    Batch,
    BatchStatus,
    Image,
    Incident,
    IncidentStatus,
    Pulse,
    Release,
    SourceFile,
    SourceFileStatus,
)
from fulfillment.models.incidents import CONTAIN_TIME
from fulfillment.reminders import RELEASE_TIME
from fulfillment.selectors import WITHHELD
from getdata.accounts.models import Organization
from getdata.accounts.selectors import REVIEW_TIME, queue
from getdata.common.charts import Chart, stacked_chart
from getdata.common.clock import database_now
from getdata.pages.operations import lists
from getdata.pages.operations.access import RULES
from getdata.schedule import schedule
from requests_app.models import DatasetRequest, RequestStatus
from requests_app.reminders import CHECK_TIME

#: A task of the clock that did not run for so many of its periods is late.
_PERIODS = 4
_DAYS = 7
_OUTCOMES = {"passed": "Passed", "rejected": "Rejected", "quarantined": "Quarantined", "failed": "Failed"}


@dataclass(frozen=True)
class Waiting:
    """One queue: how many wait, how many of them beyond the time that was promised, since when the oldest."""

    name: str
    count: int
    late: int
    oldest: datetime | None
    page: str


def queues() -> list[Waiting]:
    """What waits for staff."""
    now = timezone.now()
    pending = Organization.objects.filter(status=Organization.Status.PENDING)
    checks = DatasetRequest.objects.filter(status=RequestStatus.SUBMITTED)
    sealed = Batch.objects.filter(status__in=[BatchStatus.SEALED, BatchStatus.IN_REVIEW])
    incidents = Incident.objects.exclude(status=IncidentStatus.CLOSED)

    def row(name: str, rows: Any, column: str, late: Q, page: str, count: int | None = None) -> Waiting:
        told = rows.aggregate(n=Count("pk"), late=Count("pk", filter=late), oldest=Min(column))
        return Waiting(name, told["n"] if count is None else count, told["late"], told["oldest"], page)

    drafts = lists.releases("drafts")
    return [
        row(
            "Organizations to verify",
            pending,
            "submitted_at",
            Q(submitted_at__lt=now - REVIEW_TIME),
            reverse("verification_queue"),
            len(queue()),
        ),
        row("Requests to check", checks, "submitted_at", Q(submitted_at__lt=now - CHECK_TIME), _requests()),
        row(
            "Batches to review", sealed, "sealed_at", Q(review_due_at__lt=now), f"{reverse('review_queue')}?kind=batch"
        ),
        row("Releases for a second person", drafts, "created_at", Q(created_at__lt=now - RELEASE_TIME), _of("drafts")),
        row(
            "Releases that can still be undone",
            lists.releases("approved"),
            "approved_at",
            Q(live_at__lt=now),
            _of("approved"),
        ),
        row(
            "Incidents that are not closed",
            incidents,
            "created_at",
            Q(status=IncidentStatus.OPEN, created_at__lt=now - CONTAIN_TIME),
            f"{reverse('review_queue')}?kind=incident",
        ),
    ]


def _requests() -> str:
    return reverse("operations_requests")


def _of(key: str) -> str:
    return reverse("operations_releases", args=[key])


def files_page(**chosen: str) -> str:
    """The address of the files' list."""
    return f"{reverse('operations_files')}?{urlencode(chosen)}"


@dataclass(frozen=True)
class Number:
    """One figure with its list."""

    label: str
    value: int
    page: str
    kind: str = "count"
    note: str = ""
    state: str = ""


def work() -> list[Number]:
    """Files by state, and packages."""
    counted = dict(SourceFile.objects.order_by().values_list("status").annotate(n=Count("pk")))
    found = [
        Number(SourceFileStatus(status).label, counted.get(status, 0), files_page(status=status), state=status)
        for status in SourceFileStatus.values
    ]
    found.append(
        Number("Packages being built", lists.releases("building").count(), _of("building"), state="processing")
    )
    found.append(
        Number("Packages that could not be built", lists.releases("broken").count(), _of("broken"), state="failed")
    )
    return found


def causes() -> list[Number]:
    """Withheld files by state and cause, most first."""
    rows = SourceFile.objects.filter(status__in=WITHHELD).exclude(reason="").order_by()
    counted = rows.values_list("status", "reason").annotate(n=Count("pk"))
    return [
        Number(reason, n, files_page(status=status, reason=reason), state=status)
        for status, reason, n in sorted(counted, key=lambda row: (-row[2], row[1]))
    ]


def storage() -> list[Number]:
    """Bytes by where they lie, as the rows say; the staging disk as the disk says."""
    held = SourceFile.objects.exclude(stored="").aggregate(n=Count("pk"), size=Sum("size"))
    images = Image.objects.aggregate(n=Count("pk"), size=Sum("size"))
    packages = Release.objects.exclude(archive="").aggregate(n=Count("pk"), size=Sum("archive_size"))
    coming = lists.transfers().aggregate(n=Count("pk"), size=Sum("offset"))
    return [
        Number("Originals held, sealed", held["size"] or 0, reverse("originals"), "bytes", f"{held['n']:,} objects"),
        Number("De-identified images", images["size"] or 0, reverse("batch_list"), "bytes", f"{images['n']:,} images"),
        Number("Packages", packages["size"] or 0, reverse("release_list"), "bytes", f"{packages['n']:,} archives"),
        Number(
            "On the way in",
            coming["size"] or 0,
            reverse("operations_uploads"),
            "bytes",
            f"{coming['n']:,} transfers{_room()}",
        ),
    ]


def _room() -> str:
    staging = Path(settings.STAGING)
    try:
        free, total = shutil.disk_usage(staging).free, shutil.disk_usage(staging).total
    except OSError:
        return ""
    return f"; {free / 2**30:,.1f} GiB of {total / 2**30:,.0f} GiB free on this machine's staging disk"


@dataclass(frozen=True)
class Beat:
    """A task of the clock that says when it ran: late when it did not for four of its periods."""

    name: str
    at: datetime
    did: int
    every: float
    late: bool


def beats() -> list[Beat]:
    """The tasks that leave a pulse."""
    now, times = database_now(), schedule(sweep_seconds=settings.SWEEP_SECONDS)
    found = []
    for pulse in Pulse.objects.order_by("name"):
        every = float(times[pulse.name]["schedule"]) if pulse.name in times else 0.0
        late = bool(every) and now - pulse.at > timedelta(seconds=_PERIODS * every)
        found.append(Beat(pulse.name.replace("-", " "), pulse.at, pulse.count, every, late))
    return found


def workers() -> list[Number]:
    """What workers hold, and what waits for one."""
    lost = lists.FileChoice(lost=True).rows().count()
    now = SourceFile.objects.filter(status=SourceFileStatus.PROCESSING).count()
    waiting = SourceFile.objects.filter(status=SourceFileStatus.RECEIVED)
    oldest = lists.age(waiting.filter(batch__paused_at=None).aggregate(at=Min("created_at"))["at"])
    return [
        Number("In work now", now, files_page(status="processing")),
        Number("Waiting for a worker", waiting.count(), files_page(status="received"), note=_since(oldest)),
        Number("Whose worker is lost", lost, files_page(lost="1"), note="handed out again by the sweeper"),
    ]


def _since(seconds: float) -> str:
    return f"the oldest for {seconds / 60:,.0f} min" if seconds else ""


def throughput() -> list[Number]:
    """What was settled lately, and how long a file takes."""
    found = []
    for name, words in (("hour", "Settled in the last hour"), ("day", "Settled in the last 24 hours")):
        rows = lists.FileChoice(time=name).rows().order_by()
        told = rows.aggregate(n=Count("pk"), seconds=Avg("seconds", filter=Q(seconds__gt=0)))
        pace = f"{told['seconds']:.1f} s a file" if told["seconds"] else ""
        found.append(Number(words, told["n"], files_page(time=name), note=pace))
    return found


def week() -> Chart | None:
    """Settled files of the last seven days by outcome."""
    since = timezone.now() - timedelta(days=_DAYS)
    rows = (
        SourceFile.objects.filter(settled_at__gte=since, status__in=_OUTCOMES)
        .order_by()
        .annotate(day=TruncDate("settled_at"))
        .values_list("day", "status")
        .annotate(n=Count("pk"))
    )
    by_day: dict[Any, dict[str, int]] = {}
    for day, status, n in rows:
        by_day.setdefault(day, {})[status] = n
    if not by_day:
        return None
    table = [(f"{day:%-d %B}", [by_day[day].get(status, 0) for status in _OUTCOMES]) for day in sorted(by_day)]
    return stacked_chart(table, list(_OUTCOMES.values()), title="Settled files by day", unit="files", name="Day")


@dataclass(frozen=True)
class Watch:
    """A rule of suspicious access, and how many people meet it."""

    title: str
    sentence: str
    people: int
    page: str


def watches() -> list[Watch]:
    """The rules with how many people meet each."""
    return [
        Watch(rule.title, rule.sentence, len(rule.seen()), reverse("operations_access", args=[rule.key]))
        for rule in RULES
    ]


PARTS: dict[str, Callable[[], Any]] = {
    "queues": queues,
    "work": work,
    "causes": causes,
    "storage": storage,
    "workers": workers,
    "beats": beats,
    "throughput": throughput,
    "week": week,
    "watches": watches,
}
