"""The live part of a batch's page: how far it is, in words, and what may be done about it."""

from __future__ import annotations

from typing import Any

from fulfillment import ledger
from fulfillment.models import Batch, BatchStatus, SourceFileStatus
from fulfillment.progress import Progress, seconds_left, studies_passed
from fulfillment.services import batches
from fulfillment.uploads import rights
from getdata.accounts.models import User

_LEAVE = "You may close this page: the work goes on."


def progress_context(batch: Batch, user: User) -> dict[str, Any]:
    """What the live progress part shows."""
    progress = ledger.progress(batch)
    may_add = rights.may_add_files(user, batch)
    refused = sum(progress.by_status.get(status, 0) for status in batches.RETRIABLE)
    studies = studies_passed(batch) if progress.passed else 0
    return {
        "batch": batch,
        "progress": progress,
        "refused": refused,
        "failed": progress.by_status.get(SourceFileStatus.FAILED, 0),
        "may_add": may_add,
        "may_review": user.is_reviewer and batch.status in (BatchStatus.SEALED, BatchStatus.IN_REVIEW),
        "may_hurry": user.is_reviewer and not progress.is_settled,
        "unfinished": batches.unfinished_uploads(batch) if may_add else 0,
        "doing": "Stopped" if batch.paused_at is not None else "Processing",
        "pace": _pace(batch, progress),
        "passed_note": f"in {studies:,} {'study' if studies == 1 else 'studies'}, within the specification"
        if studies
        else "de-identified, within the specification",
        "work_note": f"{progress.working:,} in work, {progress.waiting:,} waiting",
    }


def _pace(batch: Batch, progress: Progress) -> str:
    if batch.paused_at is not None:
        return "The files that wait are not processed until you let them go on."
    left = seconds_left(batch, progress.in_progress)
    return f"{time_left(left)} at the pace of the last ten minutes. {_LEAVE}" if left is not None else _LEAVE


def time_left(seconds: int) -> str:
    """Seconds as people say them, rounded up: an estimate has no seconds in it."""
    if seconds < 60:
        return "Less than a minute left"
    minutes = -(-seconds // 60)
    if minutes < 90:
        return f"About {minutes} minutes left" if minutes > 1 else "About a minute left"
    hours = round(minutes / 60)
    return f"About {hours} hours left" if hours < 48 else f"About {round(hours / 24)} days left"
