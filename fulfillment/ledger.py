"""The ledger of work: the database says which file is whose, the broker only rings.

A worker *claims* a file by compare-and-swap and holds a lease; it *settles* the file with the same token. Delivered twice,
the second claim finds nothing. Killed, the lease runs out and the sweeper hands the file out again; after
``settings.MAX_ATTEMPTS`` it is failed with a reason. Progress is counted from here, never from the broker.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from fulfillment.models import Batch, SourceFile, SourceFileStatus, SourceKind
from fulfillment.models.delivery import SETTLED
from getdata.common.queue import enqueue
from getdata.common.states import StaleState, transition

RING = "fulfillment.process_task"


@dataclass(frozen=True)
class Claim:
    """One worker's hold on one file, until ``lease_until``."""

    file: SourceFile
    token: uuid.UUID


@dataclass(frozen=True)
class Progress:
    """How far a batch is, counted from its files; archives do not count, their members do."""

    total: int
    settled: int
    by_status: Mapping[str, int]
    by_reason: Mapping[str, int]
    tables: int = 0

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
    def is_settled(self) -> bool:
        return self.settled == self.total

    @property
    def percent(self) -> int:
        return 100 * self.settled // self.total if self.total else 0


def claim(pk: object) -> Claim | None:
    """Take the file for this worker; None when somebody else has it or it needs no work."""
    token = uuid.uuid4()
    try:
        file = transition(
            SourceFile,
            pk,
            SourceFileStatus.RECEIVED,
            SourceFileStatus.PROCESSING,
            actor=None,
            changes={
                "lease_token": token,
                "lease_until": timezone.now() + timedelta(seconds=settings.LEASE_SECONDS),
                "attempts": F("attempts") + 1,
            },
        )
    except (StaleState, SourceFile.DoesNotExist):
        return None
    return Claim(file, token)


def settle(
    held: Claim,
    status: SourceFileStatus,
    *,
    reason: str = "",
    findings: list[dict[str, Any]] | None = None,
    seconds: float = 0.0,
) -> SourceFile:
    """Close the claim with its outcome. Raises ``StaleState`` when the lease was lost to another worker."""
    return transition(
        SourceFile,
        held.file.pk,
        SourceFileStatus.PROCESSING,
        status,
        actor=None,
        where={"lease_token": held.token},
        changes={
            "reason": reason,
            "findings": findings or [],
            "lease_token": None,
            "lease_until": None,
            "settled_at": timezone.now(),
            "seconds": seconds,
        },
        data={"reason": reason} if reason else None,
    )


def stumble(held: Claim, *, reason: str) -> None:
    """An attempt broke (a bug, an outage, a limit): back to the queue, or failed with its reason after the last attempt."""
    try:
        if held.file.attempts >= settings.MAX_ATTEMPTS:
            settle(held, SourceFileStatus.FAILED, reason=reason, findings=[broken(reason)])
            return
        transition(
            SourceFile,
            held.file.pk,
            SourceFileStatus.PROCESSING,
            SourceFileStatus.RECEIVED,
            actor=None,
            where={"lease_token": held.token},
            # The lease's end doubles as "not before": the sweeper rings again after a short pause.
            changes={"lease_token": None, "lease_until": timezone.now() + timedelta(seconds=5 * held.file.attempts)},
            data={"reason": reason},
        )
    except StaleState:
        return  # the sweeper was faster


def sweep(*, limit: int = 500) -> int:
    """Hand out again what a dead worker held, and ring for what waits unrung. Returns how many bells were rung."""
    now = timezone.now()
    dead = SourceFile.objects.filter(status=SourceFileStatus.PROCESSING, lease_until__lt=now)[:limit]
    for file in dead:
        stumble(Claim(file, file.lease_token or uuid.UUID(int=0)), reason="WORKER_LOST")
    rung = 0
    waiting = SourceFile.objects.filter(status=SourceFileStatus.RECEIVED).exclude(lease_until__gt=now)
    for pk in list(waiting.order_by("created_at").values_list("pk", flat=True)[:limit]):
        # Marking the row keeps the next sweep from ringing for the same file while the bell is still on its way.
        with transaction.atomic():
            if (
                SourceFile.objects.filter(pk=pk, status=SourceFileStatus.RECEIVED)
                .exclude(lease_until__gt=now)
                .update(lease_until=now + timedelta(seconds=settings.LEASE_SECONDS / 6))
            ):
                rung += 1
                enqueue(RING, str(pk))
    return rung


def drain() -> int:
    """Work off everything that waits, in this process. For the demo's seeding and for tests; returns the number of files."""
    done = 0
    while True:
        waiting = list(
            SourceFile.objects.filter(status=SourceFileStatus.RECEIVED).values_list("pk", flat=True).order_by("number")
        )
        if not waiting:
            return done
        from fulfillment.pipeline import process

        for pk in waiting:
            process(pk)
            done += 1


def progress(batch: Batch) -> Progress:
    """Counted from the rows, at the time of asking. Withdrawn files are gone from the count."""
    rows = (
        batch.files.exclude(kind=SourceKind.ARCHIVE, status=SourceFileStatus.PASSED)
        .exclude(status=SourceFileStatus.WITHDRAWN)
        .values("status", "reason", "kind")
        .annotate(n=Count("pk"))
        .order_by()
    )
    by_status: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    tables = 0
    for row in rows:
        by_status[row["status"]] = by_status.get(row["status"], 0) + row["n"]
        if row["kind"] in (SourceKind.LABELS, SourceKind.REPORTS) and row["status"] == SourceFileStatus.PASSED:
            tables += row["n"]
        if row["reason"]:
            by_reason[row["reason"]] = by_reason.get(row["reason"], 0) + row["n"]
    settled = sum(n for status, n in by_status.items() if status in SETTLED)
    return Progress(sum(by_status.values()), settled, by_status, by_reason, tables)


def broken(reason: str) -> dict[str, Any]:
    """The finding shown for a file whose processing broke."""
    texts = {
        "WORKER_LOST": "The worker processing this file was stopped before it finished, more than once.",
        "TIME_LIMIT": "Processing this file took longer than allowed.",
        "MEMORY_LIMIT": "Processing this file took more memory than a worker may use.",
        "STAGING_MISSING": "The uploaded bytes are no longer on the server.",
    }
    remedies = {
        "STAGING_MISSING": "Send the file again.",
        "MEMORY_LIMIT": "Look whether the image is far larger than its kind usually is, or split the archive; "
        "if it is as it should be, tell us the file's number.",
    }
    return {
        "code": reason,
        "severity": "must",
        "check_id": "",
        "tag": "",
        "message": texts.get(reason, "Something on our side went wrong while processing this file."),
        "remedy": remedies.get(reason, "Press retry; if it fails again, tell us the file's number."),
    }
