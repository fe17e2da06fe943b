"""Which instance a file is, read from its first elements only: safe with hostile files, in constant memory.

The full reading, with all its limits, is the worker's. Here a sender waits for an answer that names the instance (PS3.18 10.5.3).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from deid.dicomfile.read import DEFLATED_LE, EXPLICIT_BE, IMPLICIT_LE, KNOWN_SYNTAXES, is_uid

_UNDEFINED = 0xFFFFFFFF
_SOP_CLASS, _SOP_INSTANCE, _STUDY = 0x00080016, 0x00080018, 0x0020000D
_META_CLASS, _META_SYNTAX = 0x00020002, 0x00020010
_WANTED = {_SOP_CLASS, _SOP_INSTANCE, _STUDY}
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
#: Elements walked before the study's UID, depth of sequences, and bytes inflated: beyond, the file is not understood.
MAX_ELEMENTS, MAX_DEPTH, MAX_INFLATED = 20_000, 64, 32 * 1024**2


class NotUnderstood(ValueError):
    """Not a DICOM file, or one that does not say which instance it is."""


class SyntaxNotSupported(ValueError):
    """A transfer syntax that no reader here knows. ``identity`` says which instance it would be, as far as known."""


@dataclass(frozen=True)
class Identity:
    """Which instance a file is. ``meta_class`` is what group 0002 says of the SOP class."""

    sop_class: str
    sop_instance: str
    study: str
    syntax: str
    meta_class: str

    @property
    def is_consistent(self) -> bool:
        """Whether the file's two statements of its SOP class agree."""
        return not self.meta_class or self.meta_class == self.sop_class


def identify(handle: BinaryIO) -> Identity:
    """Read a Part 10 file from its beginning. Raises ``NotUnderstood`` or ``SyntaxNotSupported``."""
    if handle.read(132)[128:] != b"DICM":
        raise NotUnderstood("no preamble")
    meta, first = _read_meta(handle)
    syntax = meta.get(_META_SYNTAX, "")
    if syntax not in KNOWN_SYNTAXES:
        raise SyntaxNotSupported("transfer syntax")
    handle.seek(first)
    source: _Source = _Inflated(handle) if syntax == DEFLATED_LE else _Source(handle)
    found = _Walk(source, implicit=syntax == IMPLICIT_LE, big=syntax == EXPLICIT_BE).find()
    if not all(is_uid(found.get(tag, "")) for tag in _WANTED):
        raise NotUnderstood("UIDs")
    return Identity(found[_SOP_CLASS], found[_SOP_INSTANCE], found[_STUDY], syntax, meta.get(_META_CLASS, ""))


def _read_meta(handle: BinaryIO) -> tuple[dict[int, str], int]:
    meta: dict[int, str] = {}
    for _ in range(64):
        at = handle.tell()
        head = handle.read(8)
        if len(head) < 8 or head[:2] != b"\x02\x00":
            return meta, at
        tag = int.from_bytes(head[:2], "little") << 16 | int.from_bytes(head[2:4], "little")
        length = int.from_bytes(head[6:8], "little")
        if head[4:6] in _LONG:
            length = int.from_bytes(handle.read(4), "little")
        if tag in (_META_CLASS, _META_SYNTAX):
            meta[tag] = _text(handle.read(min(length, 80)))
            length = max(0, length - 80)
        if length == _UNDEFINED:
            raise NotUnderstood("meta")
        handle.seek(length, 1)
    raise NotUnderstood("meta")


def _text(raw: bytes) -> str:
    return raw.decode("ascii", "replace").rstrip("\0 ").strip()


class _Source:
    def __init__(self, handle: BinaryIO) -> None:
        self.handle = handle

    def read(self, count: int) -> bytes:
        block = self.handle.read(count)
        if len(block) < count:
            raise NotUnderstood("cut short")
        return block

    def skip(self, count: int) -> None:
        self.handle.seek(count, 1)


class _Inflated(_Source):
    """Reads a deflated data set a little at a time, and no more of it than ``MAX_INFLATED`` bytes."""

    def __init__(self, handle: BinaryIO) -> None:
        super().__init__(handle)
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._plain, self._pending, self._total = b"", b"", 0

    def read(self, count: int) -> bytes:
        if self._total + count > MAX_INFLATED:
            raise NotUnderstood("inflates too far")
        while len(self._plain) < count:
            compressed = self._pending or self.handle.read(4096)
            if not compressed or self._inflater.eof:
                raise NotUnderstood("cut short")
            try:
                self._plain += self._inflater.decompress(compressed, 65_536)
            except zlib.error as error:
                raise NotUnderstood("deflate") from error
            self._pending = self._inflater.unconsumed_tail
        block, self._plain = self._plain[:count], self._plain[count:]
        self._total += count
        return block

    def skip(self, count: int) -> None:
        while count:
            count -= len(self.read(min(count, 65_536)))


class _Walk:
    """Walks the top level in order up to the study's UID, past sequences, counting what it sees."""

    def __init__(self, source: _Source, *, implicit: bool, big: bool) -> None:
        self.source, self.implicit = source, implicit
        self._order = ">" if big else "<"
        self._seen = 0

    def find(self) -> dict[int, str]:
        found: dict[int, str] = {}
        while len(found) < len(_WANTED):
            tag, vr, length = self._header(self.implicit)
            if tag > _STUDY:
                break
            if length == _UNDEFINED:
                self._skip_sequence(self.implicit or vr == b"UN")
            elif tag in _WANTED:
                if length > 66:
                    raise NotUnderstood("UIDs")
                found[tag] = _text(self.source.read(length))
            else:
                self.source.skip(length)
        return found

    def _header(self, implicit: bool) -> tuple[int, bytes, int]:
        self._seen += 1
        if self._seen > MAX_ELEMENTS:
            raise NotUnderstood("too many elements")
        head = self.source.read(8)
        group, element = struct.unpack(self._order + "HH", head[:4])
        tag, vr = group << 16 | element, head[4:6]
        if implicit or group == 0xFFFE:
            return tag, b"", struct.unpack(self._order + "I", head[4:])[0]
        if vr in _LONG:
            return tag, vr, struct.unpack(self._order + "I", self.source.read(4))[0]
        return tag, vr, struct.unpack(self._order + "H", head[6:])[0]

    def _skip_sequence(self, implicit: bool) -> None:
        stack: list[tuple[str, bool]] = [("sequence", implicit)]
        while stack:
            if len(stack) > 2 * MAX_DEPTH:
                raise NotUnderstood("nested too deep")
            kind, implicit = stack[-1]
            tag, vr, length = self._header(implicit)
            if tag == (_SEQUENCE_END if kind == "sequence" else _ITEM_END):
                stack.pop()
            elif length != _UNDEFINED:
                self.source.skip(length)
            elif kind == "sequence":
                if tag != _ITEM:
                    raise NotUnderstood("sequence")
                stack.append(("item", implicit))
            else:
                stack.append(("sequence", implicit or vr == b"UN"))
