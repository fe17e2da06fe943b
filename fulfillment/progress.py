"""How far a batch is, counted from its rows: by state, by cause, in studies, and when it may be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Count, Min

from fulfillment.models import TABLES, UNCOUNTED, Batch, SourceFile, SourceFileStatus, Study
from fulfillment.models.delivery import SETTLED
from getdata.common.clock import database_now

#: The pace is what was settled in this time; fewer files than ``_ENOUGH`` say nothing about the rest.
_WINDOW = timedelta(minutes=10)
_ENOUGH = 5


@dataclass(frozen=True)
class Progress:
    """How far a batch is, counted from its files; archives do not count, their members do; nor does what is no image."""

    total: int
    settled: int
    by_status: Mapping[str, int]
    by_reason: Mapping[str, int]
    tables: int = 0
    #: Why files wait to be tried again: reason -> files. Part of ``in_progress``.
    trying_again: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        """Images that passed; ``tables`` are tables of labels and files of reports that did."""
        return self.by_status.get(SourceFileStatus.PASSED, 0) - self.tables

    @property
    def withheld(self) -> int:
        return self.settled - self.passed - self.tables

    @property
    def in_progress(self) -> int:
        return self.total - self.settled

    @property
    def waiting(self) -> int:
        return self.by_status.get(SourceFileStatus.RECEIVED, 0)

    @property
    def working(self) -> int:
        return self.by_status.get(SourceFileStatus.PROCESSING, 0)

    @property
    def is_settled(self) -> bool:
        return self.settled == self.total

    @property
    def percent(self) -> int:
        return 100 * self.settled // self.total if self.total else 0


def progress(batch: Batch) -> Progress:
    """Counted from the rows, at the time of asking. Withdrawn files are gone from the count."""
    rows = (
        batch.files.exclude(kind__in=UNCOUNTED, status=SourceFileStatus.PASSED)
        .exclude(status=SourceFileStatus.WITHDRAWN)
        .values("status", "reason", "kind")
        .annotate(n=Count("pk"))
        .order_by()
    )
    by_status: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    trying_again: dict[str, int] = {}
    tables = 0
    for row in rows:
        by_status[row["status"]] = by_status.get(row["status"], 0) + row["n"]
        if row["kind"] in TABLES and row["status"] == SourceFileStatus.PASSED:
            tables += row["n"]
        if row["reason"]:
            told = by_reason if row["status"] in SETTLED else trying_again
            told[row["reason"]] = told.get(row["reason"], 0) + row["n"]
    settled = sum(n for status, n in by_status.items() if status in SETTLED)
    return Progress(sum(by_status.values()), settled, by_status, by_reason, tables, trying_again)


def studies_passed(batch: Batch) -> int:
    """Studies of which at least one image passed. How many wait is not known before their files are read."""
    return Study.objects.filter(series__images__source__batch=batch).distinct().count()


def seconds_left(batch: Batch, in_progress: int) -> int | None:
    """How long the rest takes at the pace of the last ten minutes; None where that pace says nothing yet.

    The pace is this batch's own, so what other hospitals' files take of the workers is in it.
    """
    if not in_progress or batch.paused_at is not None:
        return None
    now = database_now()
    recent = SourceFile.objects.filter(batch=batch, settled_at__gt=now - _WINDOW).exclude(
        status=SourceFileStatus.WITHDRAWN
    )
    seen = recent.aggregate(n=Count("pk"), first=Min("settled_at"))
    if seen["n"] < _ENOUGH:
        return None
    span = max(1.0, (now - seen["first"]).total_seconds())
    return round(in_progress * span / seen["n"])
