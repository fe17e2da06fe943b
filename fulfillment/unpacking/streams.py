"""Decompression in small steps: however far a block of input expands, no more than a block comes out at a time."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from fulfillment.unpacking.limits import ArchiveLimits, expands_too_far

BLOCK = 1024 * 1024
_READ = 64 * 1024
#: The largest dictionary of LZMA that is followed; what makes archives on a desk uses 64 MiB at most.
_LZMA_MEMORY = 160 * 1024 * 1024


class Broken(Exception):
    """The packed bytes cannot be followed, or end too early."""


class Machine(Protocol):
    """What ``bz2`` and ``lzma`` give, and ``Inflate`` for zlib."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Inflate:
    """zlib with the interface of the other two."""

    def __init__(self, window: int) -> None:
        self._machine = zlib.decompressobj(window)
        self._quiet = True

    @property
    def eof(self) -> bool:
        return self._machine.eof

    @property
    def needs_input(self) -> bool:
        return self._quiet and not self._machine.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._machine.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out = self._machine.decompress(self._machine.unconsumed_tail + data, max_length)
        self._quiet = len(out) < max_length  # a full block may have more behind it
        return out


class LzmaInZip:
    """LZMA as zip archives hold it (APPNOTE 5.8): its properties are put into the header that liblzma knows."""

    def __init__(self, size: int | None) -> None:
        """``size``: bytes that come out, or None where an end marker says when it is over."""
        self._head = b""
        self._size = b"\xff" * 8 if size is None else struct.pack("<Q", size)
        self._machine: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        return self._machine is not None and self._machine.eof

    @property
    def needs_input(self) -> bool:
        return self._machine is None or self._machine.needs_input

    @property
    def unused_data(self) -> bytes:
        return b"" if self._machine is None else self._machine.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if self._machine is None:
            self._head += data
            if len(self._head) < 9:
                return b""
            if struct.unpack("<H", self._head[2:4])[0] != 5:
                raise Broken
            self._machine = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY)
            data = self._head[4:9] + self._size + self._head[9:]
        return self._machine.decompress(data, max_length)


def inflate() -> Machine:
    """A raw deflate stream."""
    return Inflate(-zlib.MAX_WBITS)


MACHINES: dict[str, Callable[[], Machine]] = {
    "gzip": lambda: Inflate(16 + zlib.MAX_WBITS),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY),
}


def pour(take: Callable[[int], bytes], machine: Machine) -> Iterator[bytes]:
    """Blocks out of a machine fed by ``take(most)``, until the machine says it is the end. Raises ``Broken``."""
    try:
        while not machine.eof:
            data = b""
            if machine.needs_input:
                data = take(_READ)
                if not data:
                    raise Broken
            if block := machine.decompress(data, BLOCK):
                yield block
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as problem:
        raise Broken from problem


class Unpacked:
    """A compressed file read like a plain one; streams behind one another are one. Counts both sides against the ratio.

    ``read`` raises ``Broken``, and ``ArchiveRefused`` for a bomb.
    """

    def __init__(self, source: BinaryIO, format: str, limits: ArchiveLimits) -> None:
        self._source, self._make, self._limits = source, MACHINES[format], limits
        self._left = b""
        self._taken = self._given = 0
        self._blocks = self._all()
        self._buffer = bytearray()

    def _take(self, most: int) -> bytes:
        if self._left:
            data, self._left = self._left[:most], self._left[most:]
            return data
        data = self._source.read(most)
        self._taken += len(data)
        return data

    def _all(self) -> Iterator[bytes]:
        while True:
            machine = self._make()
            for block in pour(self._take, machine):
                self._given += len(block)
                if self._limits.too_far(self._taken, self._given):
                    raise expands_too_far()
                yield block
            self._left = machine.unused_data + self._left
            while not self._left.lstrip(b"\0"):  # tapes are padded with zeros
                self._left = self._source.read(_READ)
                if not self._left:
                    return

    def read(self, wanted: int) -> bytes:
        """So many bytes, fewer only at the end."""
        while len(self._buffer) < wanted and (block := next(self._blocks, b"")):
            self._buffer += block
        data = bytes(self._buffer[:wanted])
        del self._buffer[:wanted]
        return data
