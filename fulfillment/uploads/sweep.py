"""Clearing up: transfers nobody came back to, and staged files nobody knows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from fulfillment.models import SourceFile, SourceFileStatus, Upload, UploadStatus
from fulfillment.uploads import staging
from fulfillment.uploads.transfers import finish, terminate
from getdata.common.problems import CannotDo

#: A staged file without a row may belong to a request that is still running; nothing runs this long without writing.
ORPHAN_AFTER_SECONDS = 3600
#: Finished rows are kept this long after their expiry, so that a late question about an offset is still answered.
FORGET_AFTER = timedelta(days=7)
#: Files in these states never need their staged bytes again: quarantine holds the original, or nobody wants it.
_SETTLED_FOR_GOOD = (
    SourceFileStatus.PASSED,
    SourceFileStatus.REJECTED,
    SourceFileStatus.QUARANTINED,
    SourceFileStatus.WITHDRAWN,
)


@dataclass(frozen=True)
class Swept:
    """What one sweep did."""

    finished: int
    expired: int
    orphans: int
    forgotten: int
    leftovers: int


def sweep(*, limit: int = 500) -> Swept:
    """Finish transfers whose bytes are all here, end expired ones, remove orphans, forget old rows, remove clear bytes
    of files that need them no more. Idempotent."""
    return Swept(_finish(limit), _expire(limit), _remove_orphans(limit), _forget(), _clear_settled(limit))


def _finish(limit: int) -> int:
    done = 0
    for upload in Upload.objects.filter(status=UploadStatus.ACTIVE, offset=F("length"))[:limit]:
        try:
            done += finish(upload=upload, actor=None).status == UploadStatus.COMPLETE
        except CannotDo:
            continue  # refused, e.g. the batch was sealed: finish() has ended the transfer
    return done


def _expire(limit: int) -> int:
    done = 0
    for upload in Upload.objects.filter(status=UploadStatus.ACTIVE, expires_at__lte=timezone.now())[:limit]:
        try:
            terminate(upload=upload, actor=None)
            done += 1
        except CannotDo:
            continue  # it ended meanwhile
    return done


def _remove_orphans(limit: int) -> int:
    oldest = time.time() - ORPHAN_AFTER_SECONDS
    removed = 0
    for entry in list(staging.folder().iterdir())[: 20 * limit]:
        try:
            staging.path(entry.name)
            if entry.stat().st_mtime > oldest or _is_known(entry.name):
                continue
        except (ValueError, FileNotFoundError):
            continue  # not ours, or gone meanwhile
        staging.discard(entry.name)
        removed += 1
    return removed


def _clear_settled(limit: int) -> int:
    """Clear bytes that outlived their work: a worker died between settling and clearing up, or nobody retried a failure."""
    patience = timezone.now() - timedelta(hours=settings.UPLOAD_EXPIRY_HOURS)
    done = Q(status__in=_SETTLED_FOR_GOOD) | Q(status=SourceFileStatus.FAILED, settled_at__lt=patience)
    removed = 0
    for file in SourceFile.objects.filter(done).exclude(staged="")[:limit]:
        # Compare-and-swap with the state: a file that is retried just now keeps its bytes.
        if SourceFile.objects.filter(pk=file.pk, status=file.status, staged=file.staged).update(staged=""):
            staging.discard(file.staged)
            removed += 1
    return removed


def _is_known(name: str) -> bool:
    if SourceFile.objects.filter(staged=name).exists():
        return True
    return not name.startswith("member-") and Upload.objects.filter(pk=name, status=UploadStatus.ACTIVE).exists()


def _forget() -> int:
    old = Upload.objects.exclude(status=UploadStatus.ACTIVE).filter(expires_at__lt=timezone.now() - FORGET_AFTER)
    return old.delete()[0]
