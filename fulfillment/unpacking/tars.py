"""Tar archives, in one pass (POSIX.1-2001 ustar and pax, GNU long names). Our own reader: the library's keeps headers of any size."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol

from fulfillment.unpacking.kinds import is_tar_header
from fulfillment.unpacking.limits import (
    ArchiveLimits,
    Problem,
    Refused,
    cut_short,
    entry_problem,
    expands_too_far,
    too_many,
)
from fulfillment.unpacking.pieces import Piece
from fulfillment.unpacking.streams import BLOCK, Broken

_RECORD = 512
#: A header that describes another holds a name and a few numbers.
_MOST_HEADER = 64 * 1024
_FILE, _FOLDER = b"\x0007", b"5"
_LINKS, _DEVICES, _SPARSE = b"12", b"346", b"S"
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"L", b"K", b"x", b"g"


class Readable(Protocol):
    def read(self, wanted: int, /) -> bytes: ...


def tar_pieces(source: Readable, limits: ArchiveLimits) -> Iterator[Piece | Problem]:
    """Entry by entry; what of an entry was not read is read past. Raises ``ArchiveRefused``.

    Where a header is broken reading ends: nothing behind it can be told from bytes of a file.
    """
    position = given = 0
    told: dict[str, bytes] = {}
    while True:
        header = source.read(_RECORD)
        if not header.strip(b"\0"):
            if len(header) < _RECORD:
                yield cut_short()  # an archive ends with two records of zeros
            return
        if not is_tar_header(header):
            yield cut_short()
            return
        size = _number(header[124:136])
        kind = header[156:157]
        if size is None:
            yield cut_short()
            return
        if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            if size > _MOST_HEADER:
                yield cut_short()
                return
            body = _Body(source, size)
            data = body.rest()
            if body.left or not body.to_end():
                yield cut_short()
                return
            told |= _told(kind, data)
            continue
        position += 1
        if position > limits.members:
            raise too_many(None, limits.members)
        long, told = told, {}
        wide = long.get("size", b"")
        if wide.isdigit() and len(wide) < 19:
            size = int(wide)
        if kind in _DEVICES or kind in _LINKS:
            size = 0  # ustar: what follows is no data of theirs
        given += size
        if given > limits.total_bytes:
            raise expands_too_far()
        body = _Body(source, size)
        problem = _refusal(kind, long)
        if problem is not None:
            yield entry_problem(problem, position)
        elif kind != _FOLDER and not (_raw_name(header, long).endswith(b"/") and not size):
            yield Piece(position, partial(_name, header, long), body.blocks, size)
        if not body.to_end():
            yield cut_short()
            return


class _Body:
    """The bytes of one entry, up to the end of its last record."""

    def __init__(self, source: Readable, size: int) -> None:
        self._source, self.left = source, size
        self._padding = -size % _RECORD

    def blocks(self) -> Iterator[bytes]:
        while self.left:
            block = self._source.read(min(BLOCK, self.left))
            if not block:
                raise Broken
            self.left -= len(block)
            yield block

    def rest(self) -> bytes:
        data = self._source.read(self.left)
        self.left -= len(data)
        return data

    def to_end(self) -> bool:
        """Read past what is left; False where the archive ends before."""
        self.left, self._padding = self.left + self._padding, 0
        while self.left:
            block = self._source.read(min(BLOCK, self.left))
            if not block:
                return False
            self.left -= len(block)
        return True


def _refusal(kind: bytes, long: dict[str, bytes]) -> str | None:
    if kind in _LINKS:
        return "ARCHIVE_HAS_LINKS"
    if kind in _DEVICES:
        return "ARCHIVE_HAS_DEVICES"
    if kind == _SPARSE or any(key.startswith("GNU.sparse") for key in long):
        return "ARCHIVE_SPARSE"
    if kind not in _FILE and kind != _FOLDER:
        return "ARCHIVE_CONTRADICTS_ITSELF"
    return None


def _told(kind: bytes, data: bytes) -> dict[str, bytes]:
    """What a header says about the entry behind it. A header for all entries says nothing that we need."""
    if kind == _LONG_NAME:
        return {"path": data.rstrip(b"\0")}
    if kind != _PAX:
        return {}
    found: dict[str, bytes] = {}
    while data:
        length, space, _ = data.partition(b" ")
        if not space or not length.isdigit() or len(length) > 6 or not len(length) + 3 < int(length) <= len(data):
            break
        key, _, value = data[len(length) + 1 : int(length) - 1].partition(b"=")
        found[key.decode("utf-8", "replace")] = value
        data = data[int(length) :]
    return found


def _plain_name(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _raw_name(header: bytes, long: dict[str, bytes]) -> bytes:
    return long.get("path") or _plain_name(header)


def _name(header: bytes, long: dict[str, bytes]) -> str:
    raw = _raw_name(header, long)
    if b"\0" in raw:
        raise Refused("ARCHIVE_NAME_UNSAFE")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _number(field: bytes) -> int | None:
    """Octal digits, or GNU's binary form for what is larger; None for anything else, and for less than nothing."""
    if field[0] == 0x80:
        number = int.from_bytes(field[1:], "big")
        return number if number < 1 << 60 else None
    digits = field.strip(b" \0")
    return (int(digits, 8) if digits else 0) if not digits.strip(b"01234567") else None
