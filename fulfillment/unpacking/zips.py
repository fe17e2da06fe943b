"""Zip archives: the directory is checked against the entries, and no entry may share bytes with another (APPNOTE 6.3.10)."""

from __future__ import annotations

import bz2
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from fulfillment.unpacking.limits import (
    ArchiveLimits,
    Problem,
    Refused,
    cut_short,
    entry_problem,
    expands_too_far,
    too_many,
    unreadable,
)
from fulfillment.unpacking.pieces import Piece
from fulfillment.unpacking.streams import BLOCK, Broken, LzmaInZip, Machine, inflate, pour

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_UNKNOWN = 0xFFFFFFFF
STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14


@dataclass(frozen=True)
class Entry:
    """One entry as the directory, or a local header, describes it."""

    position: int
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int = 0

    @property
    def is_folder(self) -> bool:
        return self.name.endswith((b"/", b"\\")) and not self.size

    def text(self) -> str:
        """The name as text: UTF-8 where it is said or fits, else the code page that zip began with."""
        try:
            return self.name.decode()
        except UnicodeDecodeError:
            if self.flags & 0x800:
                raise Refused("ARCHIVE_NAME_UNSAFE") from None
            return self.name.decode("cp437")


def zip_pieces(source: BinaryIO, limits: ArchiveLimits) -> Iterator[Piece | Problem]:
    """Entry by entry; each is to be read before the next is asked for. Raises ``ArchiveRefused``.

    An archive without its directory (cut short) is read from its beginning as far as it goes.
    """
    found = _directory(source, limits)
    if found is None:
        yield from _salvaged(source, limits)
        return
    entries, start, whole = found
    files = [entry for entry in entries if not entry.is_folder]
    total, packed = sum(entry.size for entry in files), sum(entry.packed for entry in files)
    if limits.too_far(packed, total):
        raise expands_too_far()
    shared = _overlapping(source, entries, start)
    for entry in files:
        try:
            if entry.position in shared:
                raise Refused("ARCHIVE_OVERLAPS")
            _check(entry, limits)
            begin = _begin(source, entry)
        except Refused as refusal:
            yield entry_problem(refusal.code, entry.position)
            continue
        yield _piece(source, entry, begin)
    if not whole:
        yield cut_short()


def _directory(source: BinaryIO, limits: ArchiveLimits) -> tuple[list[Entry], int, bool] | None:
    """(entries, where the directory begins, whether all of it could be read); None where there is none."""
    size = source.seek(0, 2)
    tail_at = max(0, size - 65_557 - 76)
    source.seek(tail_at)
    tail = source.read()
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0 and at + _END.size > len(tail):
        at = tail.rfind(b"PK\x05\x06", 0, at)
    if at < 0:
        return None
    _, _, _, _, count, length, offset, _ = _END.unpack_from(tail, at)
    end = tail_at + at
    if _UNKNOWN in (length, offset) or count == 0xFFFF:
        at64 = tail.rfind(b"PK\x06\x06", 0, at)
        if at64 >= 0 and at64 + _END_64.size <= len(tail):
            *_, count, length, offset = _END_64.unpack_from(tail, at64)
            end = tail_at + at64
    if count > limits.members:
        raise too_many(count, limits.members)
    start = end - length
    before = start - offset  # bytes in front of the archive: a program that unpacks itself, or a lie
    if start < 0 or before < 0:
        return None
    source.seek(start)
    entries, whole = _entries(source, start + length, before, limits)
    return (entries, start, whole) if entries or not count else None


def _entries(source: BinaryIO, end: int, before: int, limits: ArchiveLimits) -> tuple[list[Entry], bool]:
    entries: list[Entry] = []
    while source.tell() + _CENTRAL.size <= end:
        head = source.read(_CENTRAL.size)
        fields = _CENTRAL.unpack(head) if len(head) == _CENTRAL.size else (b"",)
        if fields[0] != b"PK\x01\x02":
            return entries, False
        if len(entries) >= limits.members:  # the end record said less
            raise too_many(None, limits.members)
        _, made, _, flags, method, _, _, crc, packed, size, names, extras, comment, _, _, outer, offset = fields
        name, extra = source.read(names), source.read(extras)
        source.seek(comment, 1)
        size, packed, offset = _widened(extra, size, packed, offset)
        mode = outer >> 16 if made >> 8 == 3 else 0
        entries.append(Entry(len(entries) + 1, name, flags, method, crc, packed, size, offset + before, mode))
    return entries, source.tell() == end


def _widened(extra: bytes, *numbers: int) -> tuple[int, ...]:
    """Numbers that did not fit 32 bits, out of the ZIP64 field (APPNOTE 4.5.3), in their order."""
    wide = b""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            wide = extra[at + 4 : at + 4 + length]
            break
        at += 4 + length
    found = []
    for number in numbers:
        if number == _UNKNOWN and len(wide) >= 8:
            number, wide = struct.unpack_from("<Q", wide)[0], wide[8:]
        found.append(number)
    return tuple(found)


def _overlapping(source: BinaryIO, entries: list[Entry], start: int) -> set[int]:
    """Positions of entries whose bytes reach into another's or into the directory."""
    shared: set[int] = set()
    ordered = sorted(entries, key=lambda entry: entry.offset)
    reach, holder = 0, 0
    for entry in ordered:
        if entry.offset < reach:
            shared |= {entry.position, holder}
        end = entry.offset + _LOCAL.size + len(entry.name) + entry.packed
        if end > start:
            shared.add(entry.position)
        if end > reach:
            reach, holder = end, entry.position
    return shared


def _check(entry: Entry, limits: ArchiveLimits) -> None:
    if entry.flags & 0x2041:  # encrypted, strongly encrypted, or with an encrypted directory
        raise Refused("ARCHIVE_ENCRYPTED")
    kind = stat.S_IFMT(entry.mode)
    if kind == stat.S_IFLNK:
        raise Refused("ARCHIVE_HAS_LINKS")
    if kind not in (0, stat.S_IFREG):
        raise Refused("ARCHIVE_HAS_DEVICES")
    if entry.method not in (STORED, DEFLATED, BZIP2, LZMA):
        raise Refused("ARCHIVE_COMPRESSION")
    if entry.method == STORED and entry.packed != entry.size:
        raise Refused("ARCHIVE_MEMBER_DAMAGED")
    if limits.too_far(entry.packed, entry.size):
        raise Refused("ARCHIVE_MEMBER_EXPANDS")


def _begin(source: BinaryIO, entry: Entry) -> int:
    """Where the entry's bytes begin. Raises ``Refused`` where its own header says something else than the directory."""
    source.seek(entry.offset)
    head = source.read(_LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
        raise Refused("ARCHIVE_MEMBER_DAMAGED")
    _, _, flags, method, _, _, crc, packed, size, names, extras = _LOCAL.unpack(head)
    name, extra = source.read(names), source.read(extras)
    size, packed = _widened(extra, size, packed)
    later = flags & 8  # the numbers stand behind the bytes
    if (
        name != entry.name
        or method != entry.method
        or flags & 0x2041
        or (not later and (crc, packed, size) != (entry.crc, entry.packed, entry.size))
    ):
        raise Refused("ARCHIVE_CONTRADICTS_ITSELF")
    return entry.offset + _LOCAL.size + names + extras


def _piece(source: BinaryIO, entry: Entry, begin: int) -> Piece:
    return Piece(entry.position, entry.text, partial(_blocks, source, entry, begin), entry.size)


def _machine(entry: Entry) -> Machine:
    if entry.method == DEFLATED:
        return inflate()
    if entry.method == BZIP2:
        return bz2.BZ2Decompressor()
    return LzmaInZip(None if entry.flags & 2 else entry.size)


def _blocks(source: BinaryIO, entry: Entry, begin: int) -> Iterator[bytes]:
    """The entry's bytes, at most as many as were announced, held against its checksum. Raises ``Broken``."""
    source.seek(begin)
    left = entry.packed

    def take(most: int) -> bytes:
        nonlocal left
        data = source.read(min(most, left))
        left -= len(data)
        return data

    given, crc = 0, 0
    for block in iter(partial(take, BLOCK), b"") if entry.method == STORED else pour(take, _machine(entry)):
        given += len(block)
        if given > entry.size:  # the limits were about a lie
            raise Broken
        crc = zlib.crc32(block, crc)
        yield block
    if given != entry.size or crc != entry.crc:
        raise Broken


def _salvaged(source: BinaryIO, limits: ArchiveLimits) -> Iterator[Piece | Problem]:
    """What can be read of an archive that lost its end: entries whose own header gives their length."""
    size, at, position = source.seek(0, 2), 0, 0
    taken = given = 0
    while True:
        source.seek(at)
        head = source.read(_LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
            break
        _, _, flags, method, _, _, crc, packed, length, names, extras = _LOCAL.unpack(head)
        name, extra = source.read(names), source.read(extras)
        length, packed = _widened(extra, length, packed)
        begin = at + _LOCAL.size + names + extras
        if flags & 8 or begin + packed > size:
            break
        position += 1
        if position > limits.members:
            raise too_many(None, limits.members)
        entry = Entry(position, name, flags, method, crc, packed, length, at)
        taken, given = taken + packed, given + length
        at = begin + packed
        if entry.is_folder:
            continue
        if limits.too_far(taken, given):
            raise expands_too_far()
        try:
            _check(entry, limits)
        except Refused as refusal:
            yield entry_problem(refusal.code, position)
            continue
        yield _piece(source, entry, begin)
    if not position:
        raise unreadable()
    yield cut_short()
