"""Back-pressure: a clear "not now, try again then" before anything breaks, and nothing lost when the disk is full all the same."""

from __future__ import annotations

import shutil
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from fulfillment.models import Batch, SourceFile, SourceFileStatus
from fulfillment.uploads import staging
from getdata.common.problems import CannotDo

#: Seconds for which a count of the backlog is believed.
_BELIEVED = 5
#: What a refusal asks a client to wait, in seconds.
_DISK_AGAIN, _BACKLOG_AGAIN = 60, 120


def require_room(batch: Batch, length: int) -> None:
    """Raise ``CannotDo`` when ``length`` more bytes, or more files of this hospital, should not come in just now.

    ``staging_full``: the disk would be left with less than its reserve (507). ``backlog_full``: more files of this hospital
    wait for a worker than may wait (503). Both say after how many seconds to try again.
    """
    if shutil.disk_usage(staging.folder()).free - length < settings.STAGING_RESERVE_BYTES:
        raise disk_full()
    hospital = batch.fulfillment.hospital_id
    waiting = cache.get_or_set(f"backlog:{hospital}", lambda: _waiting(hospital), _BELIEVED) or 0
    if waiting >= settings.MAX_WAITING_FILES:
        raise CannotDo(
            f"{waiting:,} files of your hospital wait to be processed; more are taken in when some are done.",
            remedy="Nothing is lost. Wait a few minutes and go on; clients that resume do so by themselves.",
            code="backlog_full",
            extra={"retry_after": _BACKLOG_AGAIN},
        )


def disk_full() -> CannotDo:
    """The refusal for a disk that has no room: what was received before stays received."""
    return CannotDo(
        "The server has no room for this file at the moment.",
        remedy="Nothing that was received is lost. Wait a minute and go on; if it stays so, tell the portal's operators.",
        code="staging_full",
        extra={"retry_after": _DISK_AGAIN},
    )


def busy() -> CannotDo:
    """The refusal while the database or the store does not answer: the client comes back, and asks for the offset."""
    return CannotDo(
        "The server is busy at the moment.",
        remedy="Nothing that was received is lost. Wait a few seconds and go on.",
        code="server_busy",
        extra={"retry_after": 10},
    )


def _waiting(hospital: UUID) -> int:
    waiting = SourceFile.objects.filter(status=SourceFileStatus.RECEIVED, batch__fulfillment__hospital=hospital)
    return waiting.order_by()[: settings.MAX_WAITING_FILES].count()
