"""Opening an archive of any kind: each member goes into a file of its own, named by us."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fulfillment.unpacking.kinds import ARCHIVE_ENDINGS, READ, archive_format, is_tar_header
from fulfillment.unpacking.limits import (
    ArchiveLimits,
    ArchiveRefused,
    Problem,
    Refused,
    cut_short,
    entry_problem,
    unreadable,
)
from fulfillment.unpacking.pieces import Piece
from fulfillment.unpacking.streams import BLOCK, Broken, Unpacked
from fulfillment.unpacking.tars import tar_pieces
from fulfillment.unpacking.zips import zip_pieces
from fulfillment.verdict.names import BadName, is_noise, one_spelling


@dataclass(frozen=True)
class Member:
    """One extracted member: its cleaned relative path, the file it was written to, size in bytes and SHA-256 (hex)."""

    path: str = field(repr=False)
    staged: str
    size: int
    sha256: str
    position: int = 0


def members(archive: Path, folder: Path, limits: ArchiveLimits, *, name: str = "") -> Iterator[Member | Problem]:
    """Extract member by member into ``folder``; a bad one is a ``Problem`` and the next follows.

    ``name`` is what the archive is called: a single packed file is named after it. Raises ``ArchiveRefused`` when nothing
    more can be taken; members that came before it are good. Memory does not grow with the archive.
    """
    with archive.open("rb") as source:
        kind = archive_format(source.read(_HEAD))
        source.seek(0)
        if kind not in READ:
            raise ArchiveRefused(
                "ARCHIVE_FORMAT",
                "This kind of archive is not opened here.",
                "Make it again as a zip or as a tar.gz archive and send that.",
            )
        seen: set[bytes] = set()
        try:
            for piece in _pieces(source, str(kind), limits, name):
                yield piece if isinstance(piece, Problem) else _written(piece, folder, limits, seen)
        except Broken:
            yield cut_short()


_HEAD = 512


def _pieces(source: BinaryIO, kind: str, limits: ArchiveLimits, name: str) -> Iterator[Piece | Problem]:
    if kind == "zip":
        return zip_pieces(source, limits)
    if kind == "tar":
        return tar_pieces(source, limits)
    unpacked = _Ahead(Unpacked(source, kind, limits))
    try:
        head = unpacked.look(_HEAD)
    except Broken:
        raise unreadable() from None
    if is_tar_header(head):
        return tar_pieces(unpacked, limits)
    return iter([Piece(1, lambda: _inner_name(name), unpacked.blocks, None)])


class _Ahead:
    """A stream whose beginning was looked at."""

    def __init__(self, source: Unpacked) -> None:
        self._source, self._seen = source, b""

    def look(self, wanted: int) -> bytes:
        self._seen = self._source.read(wanted)
        return self._seen

    def read(self, wanted: int) -> bytes:
        if not self._seen:
            return self._source.read(wanted)
        data, self._seen = self._seen[:wanted], self._seen[wanted:]
        return data if len(data) == wanted else data + self._source.read(wanted - len(data))

    def blocks(self) -> Iterator[bytes]:
        while block := self.read(BLOCK):
            yield block


def _inner_name(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return stem if dot and f".{ending.lower()}" in ARCHIVE_ENDINGS and stem else (name or "unpacked")


def _written(piece: Piece, folder: Path, limits: ArchiveLimits, seen: set[bytes]) -> Member | Problem:
    try:
        path = _checked_name(piece)
        key = hashlib.sha256(path.encode()).digest()
        if key in seen:
            raise Refused("ARCHIVE_NAME_TWICE")
        if piece.size == 0:
            raise Refused("ARCHIVE_EMPTY_FILES")
        # An archive inside may be larger than an image; what it turns out to be is looked at once it is here.
        most = limits.total_bytes if path.lower().endswith(ARCHIVE_ENDINGS) else limits.member_bytes
        if piece.size is not None and piece.size > most:
            raise Refused("ARCHIVE_MEMBER_TOO_LARGE")
        member = _write(piece, path, folder, most)
        seen.add(key)
        return member
    except Refused as refusal:
        return entry_problem(refusal.code, piece.position)
    except Broken:
        return entry_problem("ARCHIVE_MEMBER_DAMAGED", piece.position)


def _checked_name(piece: Piece) -> str:
    try:
        path = one_spelling(piece.name())
    except BadName:
        raise Refused("ARCHIVE_NAME_UNSAFE") from None
    if is_noise(path):
        raise Refused("ARCHIVE_SYSTEM_FILES")
    return path


def _write(piece: Piece, path: str, folder: Path, most: int) -> Member:
    staged = f"member-{uuid.uuid4()}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / staged
    digest, size = hashlib.sha256(), 0
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for block in piece.blocks():
                size += len(block)
                if size > most:
                    raise Refused("ARCHIVE_MEMBER_TOO_LARGE")
                digest.update(block)
                out.write(block)
        if not size:
            raise Refused("ARCHIVE_EMPTY_FILES")
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Member(path, staged, size, digest.hexdigest(), piece.position)
