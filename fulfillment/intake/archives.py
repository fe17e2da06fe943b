"""Archives in a batch: every member a file of the ledger, archives inside archives among them, with limits over the whole tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Q, Sum

from fulfillment.intake.originals import name_of
from fulfillment.models import SourceFile
from fulfillment.unpacking import ArchiveLimits, ArchiveRefused, Member, Problem
from fulfillment.unpacking import members as unpacked
from fulfillment.uploads import take_in
from fulfillment.verdict.opened import Opened, too_deep
from getdata.common.problems import CannotDo

__all__ = ["ArchiveRefused", "Opened", "depth_of", "limits_for", "members", "unpack"]


def members(archive: Path, limits: ArchiveLimits | None = None, *, name: str = "") -> Iterator[Member | Problem]:
    """Extract member by member into the staging folder. Raises ``ArchiveRefused`` with cause and remedy."""
    return unpacked(archive, Path(settings.STAGING), limits or limits_for(None), name=name)


def limits_for(archive: SourceFile | None) -> ArchiveLimits:
    """What may still come out of an archive. One inside another shares the limits of the outermost."""
    total, files = settings.MAX_UPLOAD_BYTES, settings.MAX_ARCHIVE_FILES
    outermost = archive
    while outermost is not None and outermost.archive is not None:
        outermost = outermost.archive
    if outermost is not None and outermost != archive:
        within = Q(archive=outermost) | Q(archive__archive=outermost) | Q(archive__archive__archive=outermost)
        had = SourceFile.objects.filter(within).aggregate(bytes=Sum("size"), files=Count("pk"))
        total, files = max(0, total - (had["bytes"] or 0)), max(0, files - had["files"])
    return ArchiveLimits(total_bytes=total, member_bytes=settings.MAX_INSTANCE_BYTES, members=files)


def depth_of(file: SourceFile) -> int:
    """In how many archives a file lies."""
    depth, outer = 0, file.archive
    while outer is not None:
        depth, outer = depth + 1, outer.archive
    return depth


def unpack(archive: SourceFile, path: Path) -> Opened:
    """Take in every member that can be read.

    Run again after an interruption it finds what it took in before and goes on.
    """
    opened = Opened()
    if depth_of(archive) >= settings.MAX_ARCHIVE_DEPTH:
        opened.refusal = too_deep(settings.MAX_ARCHIVE_DEPTH)
        return opened
    try:
        for item in members(path, limits_for(archive), name=name_of(archive)):
            if isinstance(item, Problem):
                opened.problems.append(item)
            else:
                _take(archive, item, opened)
    except ArchiveRefused as refused:
        opened.refusal = refused
    return opened


def _take(archive: SourceFile, member: Member, opened: Opened) -> None:
    try:
        _, fresh = take_in(
            batch=archive.batch,
            name=member.path,
            staged=member.staged,
            size=member.size,
            sha256=member.sha256,
            archive=archive,
        )
    except CannotDo as refused:
        if refused.code != "too_large":  # the batch takes no more: neither will it take the next
            raise ArchiveRefused(refused.code.upper(), refused.message, refused.remedy) from refused
        opened.problems.append(
            Problem("ARCHIVE_MEMBER_TOO_LARGE", "is larger than one image may be", refused.remedy, member.position)
        )
        return
    opened.taken, opened.known = opened.taken + fresh, opened.known + (not fresh)
