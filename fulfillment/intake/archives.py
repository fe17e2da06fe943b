"""Archives in a batch: every member a file of the ledger, archives inside archives among them, with limits over the whole tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, Sum

from fulfillment.intake.originals import name_of
from fulfillment.models import SourceFile, SourceFileStatus
from fulfillment.unpacking import ArchiveLimits, ArchiveRefused, Member, Problem
from fulfillment.unpacking import members as unpacked
from fulfillment.uploads import take_in
from fulfillment.verdict.instance import refusal as finding
from getdata.common.problems import CannotDo

__all__ = ["ArchiveRefused", "Opened", "depth_of", "limits_for", "members", "unpack"]

_MOST_NUMBERS = 12


@dataclass
class Opened:
    """What became of an archive: members ``taken`` in, ``known`` already, and why the others were not."""

    taken: int = 0
    known: int = 0
    problems: list[Problem] = field(default_factory=list)
    refusal: ArchiveRefused | None = None

    @property
    def verdict(self) -> tuple[SourceFileStatus, str]:
        """The status and the reason: whatever could not be read keeps the archive on the hospital's list."""
        bad = [problem.code for problem in self.problems if not problem.harmless]
        if self.taken or self.known:
            return (
                (SourceFileStatus.REJECTED, "ARCHIVE_PARTLY_READ")
                if bad or self.refusal
                else (SourceFileStatus.PASSED, "")
            )
        if self.refusal is not None:
            return SourceFileStatus.REJECTED, self.refusal.code
        return SourceFileStatus.REJECTED, bad[0] if bad else "ARCHIVE_EMPTY"

    def findings(self) -> list[dict[str, Any]]:
        """The verdict in words, then each cause once, with the numbers of the entries it is about."""
        _, reason = self.verdict
        message = f"Opened: {self.taken:,} files taken in" + (
            f", {self.known:,} were already here." if self.known else "."
        )
        bad = [problem for problem in self.problems if not problem.harmless]
        said = [] if not self.taken and not self.known else [finding("ARCHIVE_OPENED", message, "", severity="info")]
        if reason == "ARCHIVE_PARTLY_READ":
            whole = f"{self.taken + self.known:,} files of this archive are here; the rest could not be taken."
            remedy = "See the causes below. Send the missing files, or a mended archive under the same name."
            said = [finding(reason, whole, remedy)]
        elif reason == "ARCHIVE_EMPTY":
            said = [
                finding(
                    reason, "This archive holds no file that could be an image.", "Look whether it is the one you mean."
                )
            ]
        if self.refusal is not None:
            said.append(finding(self.refusal.code, self.refusal.message, self.refusal.remedy))
        severity = "should" if reason == "ARCHIVE_PARTLY_READ" else "must"
        return said + [
            finding(code, message, remedy, severity="info" if (code, remedy) == (code, "") else severity)
            for code, message, remedy in _grouped(bad + [problem for problem in self.problems if problem.harmless])
        ]


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
        opened.refusal = ArchiveRefused(
            "ARCHIVE_TOO_DEEP",
            f"This archive lies in {settings.MAX_ARCHIVE_DEPTH} others; it was not opened.",
            "Send it by itself, or pack the files in one archive.",
        )
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


def _grouped(problems: Iterable[Problem]) -> list[tuple[str, str, str]]:
    """(code, sentence, remedy) for each cause; entries are named by their number, for their names are identity."""
    problems = list(problems)
    counts = Counter(problem.code for problem in problems)
    said = []
    for code, count in counts.items():
        first = next(problem for problem in problems if problem.code == code)
        if not first.position:
            said.append((code, first.message, first.remedy))
            continue
        numbers = [f"{problem.position:,}" for problem in problems if problem.code == code][:_MOST_NUMBERS]
        more = ", ..." if count > len(numbers) else ""
        entries = (
            f"Entry {numbers[0]}" if count == 1 else f"{count:,} entries (numbers {', '.join(numbers)}{more}): each"
        )
        said.append((code, f"{entries} {first.message}.", first.remedy))
    return said
