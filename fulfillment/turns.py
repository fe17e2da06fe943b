"""Whose turn it is: which waiting file a worker that has become free takes next.

1. A batch that a reviewer marked urgent goes before all others.
2. Between hospitals: the one with the fewest files in work just now, then the one that was served longest ago. A hospital with
   10,000 files and one with 10 get the same share of the workers for as long as both have files waiting, and long files count for
   as long as they take.
3. Within a hospital: batches that were returned for correction, then small ones, then bulk; the older first; files by number.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet

from fulfillment.models import Batch, BatchStatus, SourceFile, SourceFileStatus, Turn
from fulfillment.models.delivery import WRITABLE_BATCH

#: A batch with no more files waiting than this is small.
SMALL = 50
#: Files of one batch that are tried before the next one's: other workers may be faster for the first ones.
_TRIED = 8


def due(now: datetime) -> QuerySet[SourceFile]:
    """Files that wait and whose pause after a broken attempt, if any, is over. Those of paused batches wait for their hospital."""
    return SourceFile.objects.filter(
        status=SourceFileStatus.RECEIVED, batch__paused_at=None, batch__status__in=WRITABLE_BATCH
    ).exclude(lease_until__gt=now)


def candidates(now: datetime) -> Iterator[tuple[Any, Any]]:
    """(file's key, hospital's key), best first. Somebody else may take one meanwhile: claim it, or go on."""
    for batch, hospital in _batches_in_turn(now):
        waiting = SourceFile.objects.filter(batch=batch, status=SourceFileStatus.RECEIVED).exclude(lease_until__gt=now)
        for pk in waiting.order_by("number").values_list("pk", flat=True)[:_TRIED]:
            yield pk, hospital


def note_served(hospital: Any, now: datetime) -> None:
    """A worker took a file of this hospital."""
    if not Turn.objects.filter(hospital=hospital).update(served_at=now):
        Turn.objects.bulk_create([Turn(hospital_id=hospital, served_at=now)], ignore_conflicts=True)


def _batches_in_turn(now: datetime) -> list[tuple[UUID, UUID]]:
    """Batches with files that are due, in the order in which a free worker should serve them."""
    waiting = (
        SourceFile.objects.filter(batch=OuterRef("pk"), status=SourceFileStatus.RECEIVED)
        .exclude(lease_until__gt=now)
        .order_by()
    )
    rows = list(
        Batch.objects.filter(Exists(waiting), status__in=WRITABLE_BATCH, paused_at=None)
        .annotate(bulk=Exists(waiting[SMALL : SMALL + 1]))
        .order_by()
        .values_list("pk", "fulfillment__hospital", "urgent", "status", "bulk", "created_at")
    )
    hospitals = {row[1] for row in rows}
    busy: dict[Any, int] = {}
    served: dict[Any, datetime] = {}
    if len(hospitals) > 1:  # with one alone there is nobody to be fair to
        working = SourceFile.objects.filter(
            status=SourceFileStatus.PROCESSING, batch__fulfillment__hospital__in=hospitals
        )
        busy = dict(working.order_by().values_list("batch__fulfillment__hospital").annotate(n=Count("pk")))
        served = dict(Turn.objects.filter(hospital__in=hospitals).values_list("hospital", "served_at"))

    def rank(row: tuple[Any, ...]) -> tuple[Any, ...]:
        pk, hospital, urgent, status, bulk, created_at = row
        last = served.get(hospital)
        return (
            not urgent,
            busy.get(hospital, 0),
            last.timestamp() if last else 0.0,
            str(hospital),
            status != BatchStatus.RETURNED,
            bulk,
            created_at,
            str(pk),
        )

    return [(row[0], row[1]) for row in sorted(rows, key=rank)]
