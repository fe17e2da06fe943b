"""Clearing up: transfers nobody came back to, and staged files nobody knows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from fulfillment.models import SourceFile, Upload, UploadStatus
from fulfillment.uploads import staging
from fulfillment.uploads.transfers import finish, terminate
from getdata.common.problems import CannotDo

#: A staged file without a row may belong to a request that is still running; nothing runs this long without writing.
ORPHAN_AFTER_SECONDS = 3600
#: Finished rows are kept this long after their expiry, so that a late question about an offset is still answered.
FORGET_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class Swept:
    """What one sweep did."""

    finished: int
    expired: int
    orphans: int
    forgotten: int


def sweep(*, limit: int = 500) -> Swept:
    """Finish transfers whose bytes are all here, end expired ones, remove orphans, forget old rows. Idempotent."""
    return Swept(_finish(limit), _expire(limit), _remove_orphans(limit), _forget())


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


def _is_known(name: str) -> bool:
    if SourceFile.objects.filter(staged=name).exists():
        return True
    return not name.startswith("member-") and Upload.objects.filter(pk=name, status=UploadStatus.ACTIVE).exists()


def _forget() -> int:
    old = Upload.objects.exclude(status=UploadStatus.ACTIVE).filter(expires_at__lt=timezone.now() - FORGET_AFTER)
    return old.delete()[0]
