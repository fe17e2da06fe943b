"""The records of a zip archive (PKWARE APPNOTE 6.3.10) whose entries are stored without compression. ZIP64 where it needs to be.

Written by hand, because the archive grows over many workers' lives: no list of its entries is ever in memory, and an entry's
bytes lie at a place that is known before they are written. The same entries give the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: Midnight of 1 January 1980, in every entry.
_TIME, _DATE = 0, 0x0021
_MANY, _LARGE = 0xFFFF, 0xFFFFFFFF
_PLAIN, _ZIP64 = 20, 45  # version needed to extract
_UNIX_FILE = 0o100644 << 16
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")


@dataclass(frozen=True)
class Written:
    """One file as it lies in the archive: its bytes are ``size`` bytes from ``offset`` on; SHA-256 in hex, CRC-32."""

    path: str
    size: int
    sha256: str
    crc32: int
    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def local_header(name: str, size: int, crc32: int) -> bytes:
    """What stands before an entry's bytes."""
    raw = name.encode()
    extra = struct.pack("<2H2Q", 1, 16, size, size) if size >= _LARGE else b""
    shown = min(size, _LARGE)
    version = _ZIP64 if extra else _PLAIN
    head = _LOCAL.pack(
        b"PK\3\4", version, _flags(raw), 0, _TIME, _DATE, crc32, shown, shown, len(raw), len(extra)
    )  # fmt: skip
    return head + raw + extra


def directory(root: str, files: Iterable[Written], at: int) -> Iterator[bytes]:
    """The central directory and what ends the archive, for entries ``root/path`` that were written up to ``at``."""
    count = size = 0
    for file in files:
        record = _central(f"{root}/{file.path}", file)
        count, size = count + 1, size + len(record)
        yield record
    end = at + size
    if count >= _MANY or at >= _LARGE or size >= _LARGE:
        yield struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, (3 << 8) | _ZIP64, _ZIP64, 0, 0, count, count, size, at)
        yield struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    shown = min(count, _MANY)
    yield struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, shown, shown, min(size, _LARGE), min(at, _LARGE), 0)


def _central(name: str, file: Written) -> bytes:
    raw = name.encode()
    start = file.offset - len(local_header(name, file.size, file.crc32))
    large = [number for number in (file.size, file.size, start) if number >= _LARGE]
    extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    shown = min(file.size, _LARGE)
    version = _ZIP64 if extra else _PLAIN
    head = _CENTRAL.pack(
        b"PK\1\2", (3 << 8) | version, version, _flags(raw), 0, _TIME, _DATE, file.crc32, shown, shown,
        len(raw), len(extra), 0, 0, 0, _UNIX_FILE, min(start, _LARGE),
    )  # fmt: skip
    return head + raw + extra


def _flags(raw: bytes) -> int:
    return 0 if raw.isascii() else 0x800  # the name is UTF-8
