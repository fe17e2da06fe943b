"""The ledger of work: the database says which file is whose, the broker only rings.

A worker *claims* a file by compare-and-swap and holds a lease; it *settles* the file with the same token. Delivered twice,
the second claim finds nothing. Killed, the lease runs out and the sweeper hands the file out again; after
``settings.MAX_ATTEMPTS`` it is failed with a reason. A store that cannot be reached costs no attempt: the file is *postponed*.
Bells carry no file: a worker that hears one takes the file whose turn it is (``fulfillment.turns``). Leases are written and judged by
the database's clock, and are longer than a task may run, so that neither a wrong clock nor a slow file loses one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from fulfillment import turns
from fulfillment.models import Pulse, SourceFile, SourceFileStatus
from fulfillment.progress import Progress, progress
from getdata.common import queue
from getdata.common.clock import database_now
from getdata.common.states import StaleState, transition

__all__ = [
    "RING",
    "SWEEP",
    "Claim",
    "Progress",
    "broken",
    "claim",
    "claim_next",
    "drain",
    "postpone",
    "progress",
    "settle",
    "stumble",
    "sweep",
]

RING = "fulfillment.process_task"
#: The name of the sweeper's pulse.
SWEEP = "sweep-leases"
#: Bells of one sweep; the next one rings for the rest.
_BELLS = 1000


@dataclass(frozen=True)
class Claim:
    """One worker's hold on one file, until ``lease_until``."""

    file: SourceFile
    token: uuid.UUID


def claim(pk: object, *, now: datetime | None = None) -> Claim | None:
    """Take this very file for this worker; None when somebody else has it or it needs no work. ``now``: the database's clock."""
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
                "lease_until": (now or database_now()) + timedelta(seconds=settings.LEASE_SECONDS),
                "attempts": F("attempts") + 1,
                "reason": "",
            },
        )
    except (StaleState, SourceFile.DoesNotExist):
        return None
    return Claim(file, token)


def claim_next() -> Claim | None:
    """Take the file whose turn it is; None when nothing waits."""
    now = database_now()
    for pk, hospital in turns.candidates(now):
        held = claim(pk, now=now)
        if held is not None:
            turns.note_served(hospital, now)
            return held
    return None


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
            "settled_at": Now(),
            "seconds": seconds,
        },
        data={"reason": reason} if reason else None,
    )


def stumble(held: Claim, *, reason: str) -> None:
    """An attempt broke (a bug, a limit): back to the queue, or failed with its reason after the last attempt."""
    try:
        if held.file.attempts >= settings.MAX_ATTEMPTS:
            settle(held, SourceFileStatus.FAILED, reason=reason, findings=[broken(reason)])
        else:
            _back_to_queue(held, reason, pause=5.0 * held.file.attempts)
    except StaleState:
        return  # the sweeper was faster


def postpone(held: Claim, *, reason: str) -> None:
    """An outage: the file is not to blame, so no attempt is lost. It waits longer each time, and gives up after hours only."""
    outages = held.file.outages + 1
    try:
        if outages >= settings.MAX_OUTAGES:
            settle(held, SourceFileStatus.FAILED, reason=reason, findings=[broken(reason)])
        else:
            changes = {"attempts": F("attempts") - 1, "outages": outages}
            _back_to_queue(held, reason, pause=min(300.0, 2.0 * 2 ** min(outages, 8)), changes=changes)
    except StaleState:
        return  # the sweeper was faster


def _back_to_queue(held: Claim, reason: str, *, pause: float, changes: dict[str, Any] | None = None) -> None:
    transition(
        SourceFile,
        held.file.pk,
        SourceFileStatus.PROCESSING,
        SourceFileStatus.RECEIVED,
        actor=None,
        where={"lease_token": held.token},
        # The lease's end doubles as "not before": the sweeper rings again after the pause. The reason says why it waits.
        changes={
            "lease_token": None,
            "lease_until": database_now() + timedelta(seconds=pause),
            "reason": reason,
            **(changes or {}),
        },
        data={"reason": reason},
    )


def sweep(*, limit: int = 500) -> int:
    """Hand out again what dead workers held, and ring the bells that are missing. Returns how many were rung.

    Bells are missing where the broker lost them, where an attempt broke and its pause is over, or where a batch goes on after a
    pause: as many are rung as files are due beyond those for which a bell still waits.
    """
    now = database_now()
    dead = list(SourceFile.objects.filter(status=SourceFileStatus.PROCESSING, lease_until__lt=now)[:limit])
    for file in dead:
        stumble(Claim(file, file.lease_token or uuid.UUID(int=0)), reason="WORKER_LOST")
    waiting = turns.due(now).order_by()[: _BELLS * 10].count()
    hanging = queue.depth(queue.FILES) if waiting else 0
    rung = 0
    if hanging is not None:  # else nobody would hear it
        for _ in range(min(_BELLS, waiting - hanging)):
            if not queue.ring(RING):
                break
            rung += 1
    Pulse.objects.update_or_create(name=SWEEP, defaults={"at": now, "count": rung + len(dead)})
    return rung


def drain() -> int:
    """Work off everything that waits, in this process. For the demo's seeding and for tests; returns the number of files."""
    from fulfillment.pipeline import process

    done = 0
    while True:
        waiting = list(
            SourceFile.objects.filter(status=SourceFileStatus.RECEIVED).values_list("pk", flat=True).order_by("number")
        )
        if not waiting:
            return done
        for pk in waiting:
            process(pk)
            done += 1


def broken(reason: str) -> dict[str, Any]:
    """The finding shown for a file whose processing broke."""
    texts = {
        "WORKER_LOST": "The worker processing this file was stopped before it finished, three times. "
        "Other files were not touched by it.",
        "TIME_LIMIT": "Processing this file took longer than allowed.",
        "MEMORY_LIMIT": "Processing this file took more memory than a worker may use.",
        "STAGING_MISSING": "The uploaded bytes are no longer on the server.",
        "STORE_UNREACHABLE": "The place where files are kept could not be reached for hours.",
        "DATABASE_UNREACHABLE": "The database could not be reached for hours.",
        "SCANNER_DOWN": "The virus scanner could not be reached for hours, and nothing passes unscanned.",
        "SCANNER_REFUSES": "The virus scanner would not look at this file, and nothing passes unscanned.",
    }
    remedies = {
        "STAGING_MISSING": "Send the file again.",
        "SCANNER_DOWN": "Nothing is wrong with the file. Press retry.",
        "SCANNER_REFUSES": "Press retry later; if it goes on, tell the portal's operator.",
        "STORE_UNREACHABLE": "Nothing is wrong with the file. Press retry.",
        "DATABASE_UNREACHABLE": "Nothing is wrong with the file. Press retry.",
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
