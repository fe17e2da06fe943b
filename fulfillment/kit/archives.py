"""Archives opened at home as the server opens them: each member becomes a file of its own, in the check's own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fulfillment.kit.settled import Settled
from fulfillment.kit.sources import Source, source_of
from fulfillment.unpacking import ArchiveLimits, ArchiveRefused, Problem, members
from fulfillment.verdict.opened import Opened, too_deep

#: The server's own limit of archives inside archives.
MAX_DEPTH = 3


@dataclass
class Left:
    """What may still come out of one archive and those inside it."""

    limits: ArchiveLimits
    bytes: int = 0
    files: int = 0

    def now(self) -> ArchiveLimits:
        most = self.limits
        return ArchiveLimits(
            total_bytes=max(0, most.total_bytes - self.bytes),
            member_bytes=most.member_bytes,
            members=max(0, most.members - self.files),
        )


def opened(
    archive: Source, folder: Path, number: Callable[[], int], *, pictures: bool, left: Left | None = None
) -> Iterator[Source | Settled]:
    """The files in an archive, and in those inside it, each after its own; an archive comes last with its verdict.

    ``number`` gives each member its number.
    """
    left = left or Left(ArchiveLimits())
    into = folder / f"{archive.number}"
    into.mkdir(mode=0o700, exist_ok=True)
    for old in into.iterdir():  # of a run that was stopped
        old.unlink()
    found = Opened()
    inner: list[Source] = []
    try:
        if archive.depth >= MAX_DEPTH:
            raise too_deep(MAX_DEPTH)
        for member in members(archive.path, into, left.now(), name=archive.name):
            if isinstance(member, Problem):
                found.problems.append(member)
                continue
            found.taken += 1
            left.bytes, left.files = left.bytes + member.size, left.files + 1
            shown = f"{archive.shown}: {member.path}"
            source = source_of(
                number(), member.path, into / member.staged, shown=shown, pictures=pictures, within=archive
            )
            if source.kind == "archive" and source.fault is None:
                inner.append(source)
            else:
                yield source
    except ArchiveRefused as refused:
        found.refusal = refused
    status, reason = found.verdict
    for source in inner:
        yield from opened(source, folder, number, pictures=pictures, left=left)
    yield Settled(archive, status, reason, found.findings())
