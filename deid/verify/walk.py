"""A small tolerant walker over a Part 10 file: every element at every depth, with the character sets that hold there.

The first pass has its own reader with limits; what comes here has passed them, so plain recursion is bounded.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from pydicom.datadict import dictionary_VR

_LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT = frozenset(
    {
        b"AE",
        b"AS",
        b"AT",
        b"CS",
        b"DA",
        b"DS",
        b"DT",
        b"FD",
        b"FL",
        b"IS",
        b"LO",
        b"LT",
        b"PN",
        b"SH",
        b"SL",
        b"SS",
        b"ST",
        b"TM",
    }
    | {b"UI", b"UL", b"US"}
)
_LITTLE, _BIG = struct.Struct("<HH2sH"), struct.Struct(">HH2sH")
_UNDEFINED = 0xFFFFFFFF
_DEPTH = 40
PIXELS = 0x7FE00010


@dataclass(frozen=True)
class Seen:
    """One element: `path` holds the tags of the sequences around it, `vr` the declared VR ("" in implicit VR).

    value: little-endian or big-endian bytes as they stand; empty for sequences. offset: where the value begins.
    bulk: the value of Pixel Data, as a view into the file (`value` is empty there).
    """

    tag: int
    vr: str
    value: bytes
    path: tuple[int, ...]
    charsets: tuple[str, ...]
    offset: int
    items: int = 0
    bulk: memoryview = field(default=memoryview(b""), repr=False)

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return len(self.bulk) or len(self.value)


@dataclass
class Walked:
    """A file as read: group 0002 by tag, elements in file order, the transfer syntax, and where reading ended."""

    meta: dict[int, bytes] = field(default_factory=dict)
    elements: list[Seen] = field(default_factory=list)
    syntax: str = ""
    body: bytes = b""
    begin: int = 0
    end: int = 0
    _tops: dict[int, Seen] = field(default_factory=dict, repr=False)

    @property
    def big(self) -> bool:
        """Whether numbers are big endian."""
        return self.syntax == "1.2.840.10008.1.2.2"

    def top(self, tag: int) -> Seen | None:
        """The element of the main data set with that tag."""
        if not self._tops:
            self._tops = {
                seen.tag: seen for seen in reversed(self.elements) if not seen.path
            }  # the first of equal tags
        return self._tops.get(tag)

    def number(self, tag: int, default: int = 0) -> int:
        """The first value of a US element or an IS of the main data set."""
        seen = self.top(tag)
        if seen is None or not seen.value:
            return default
        if standard(tag) == "IS":
            text = seen.value.split(b"\\")[0].strip(b" \0")
            return int(text) if text.isdigit() else default
        return int.from_bytes(seen.value[:2], "big" if self.big else "little")

    def text(self, tag: int) -> str:
        """The first value of a string element of the main data set."""
        seen = self.top(tag)
        return seen.value.split(b"\\")[0].decode("latin-1").strip(" \0") if seen is not None else ""


class Broken(ValueError):
    """The bytes do not add up; the message names a tag, never a value."""


@cache
def standard(tag: int) -> str:
    """The VR of PS3.6, "" where it lists none; of several the first."""
    if (tag >> 16) % 2:
        return ""
    try:
        return str(dictionary_VR(tag)).split(" ")[0]
    except KeyError:
        return ""


def walk(data: bytes) -> Walked:
    """Read a Part 10 file. Raises Broken."""
    if data[128:132] != b"DICM":
        raise Broken("no DICM")
    found, at = Walked(), 132
    while data[at : at + 2] == b"\x02\x00":
        tag, _vr, length, start = _header(data, at, implicit=False, big=False)
        if start + length > len(data):
            raise Broken("file meta")
        found.meta[tag] = data[start : start + length]
        at = start + length
    found.syntax = found.meta.get(0x00020010, b"").decode("latin-1").strip(" \0")
    found.body, found.begin = data, at
    if found.syntax == "1.2.840.10008.1.2.1.99":
        found.body, found.begin = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[at:]), 0
    walker = _Walk(found.body, found.big)
    for seen in walker.dataset(found.begin, len(found.body), (), ("",), implicit=found.syntax == "1.2.840.10008.1.2"):
        found.elements.append(seen)
    found.end = walker.at
    return found


def _header(data: bytes, at: int, *, implicit: bool, big: bool) -> tuple[int, str, int, int]:
    if at + 8 > len(data):
        raise Broken("cut short")
    group, number, vr, short = (_BIG if big else _LITTLE).unpack_from(data, at)
    tag = group << 16 | number
    if implicit or group == 0xFFFE:
        return tag, "", _number(data, at + 4, big), at + 8
    if vr in _LONG:
        return tag, vr.decode("latin-1"), _number(data, at + 8, big), at + 12
    return tag, vr.decode("latin-1"), short, at + 8


def _number(data: bytes, at: int, big: bool) -> int:
    return int.from_bytes(data[at : at + 4], "big" if big else "little")


class _Walk:
    def __init__(self, data: bytes, big: bool) -> None:
        self.data, self.big, self.at = data, big, 0

    def dataset(
        self,
        at: int,
        end: int,
        path: tuple[int, ...],
        charsets: tuple[str, ...],
        *,
        implicit: bool,
        open_end: bool = False,
    ) -> Iterator[Seen]:
        """Elements from `at` to `end`, or to the item's delimiter; `self.at` is left behind the last one."""
        if len(path) > _DEPTH:
            raise Broken("depth")
        data = self.data
        while at < end:
            tag, vr, length, start = _header(data, at, implicit=implicit, big=self.big)
            if tag == 0xFFFEE00D and open_end:
                at = start
                break
            if tag >> 16 == 0xFFFE or (length != _UNDEFINED and start + length > end):
                raise Broken(f"{tag:08X}")
            if tag == PIXELS and not path:
                yield from self._pixels(tag, vr, length, start, charsets)
                return  # what follows Pixel Data is padding, which the caller sees by `end`
            if tag == PIXELS and length == _UNDEFINED:
                yield from self._pixels(tag, vr, length, start, charsets, path)  # an icon, compressed like its image
                at = self.at
                continue
            kind = vr or standard(tag)
            guessed = kind in ("UN", "") and length != _UNDEFINED and _looks_like_items(data, start, length)
            if kind == "SQ" or length == _UNDEFINED or guessed:
                hidden = implicit or vr == "UN"
                # A sequence sent as UN is little endian in a big endian file too (PS3.5 6.2.2).
                walker = _Walk(data, False) if vr == "UN" and self.big else self
                inner = walker._sequence(tag, vr, length, start, end, path, charsets, implicit=hidden)
                if not guessed:
                    yield from inner
                    at = walker.at
                    continue
                try:
                    listed = list(inner)
                except Broken:
                    listed = []  # bytes that only begin like items
                if listed:
                    yield from listed
                    at = start + length
                    continue
            value = data[start : start + length]
            if tag == 0x00080005:
                charsets = tuple(part.decode("latin-1").strip(" \0") for part in value.split(b"\\"))
            yield Seen(tag, vr, value, path, charsets, start)
            at = start + length
        self.at = at

    def _sequence(
        self,
        tag: int,
        vr: str,
        length: int,
        start: int,
        end: int,
        path: tuple[int, ...],
        charsets: tuple[str, ...],
        *,
        implicit: bool,
    ) -> Iterator[Seen]:
        """A sequence and all that its items hold; the sequence itself comes last, with the number of its items."""
        stop = end if length == _UNDEFINED else start + length
        at, count = start, 0
        while at < stop:
            item, _, size, inside = _header(self.data, at, implicit=True, big=self.big)
            if item == 0xFFFEE0DD and length == _UNDEFINED:
                at = inside
                break
            if item != 0xFFFEE000:
                raise Broken(f"{tag:08X}")
            count += 1
            opened = size == _UNDEFINED
            last = stop if opened else inside + size
            # A sequence sent as UN is implicit by the standard; some write its items with VRs all the same.
            named = vr == "UN" and _names_vr(self.data, inside, last)
            yield from self.dataset(
                inside, last, (*path, tag), charsets, implicit=implicit and not named, open_end=opened
            )
            at = self.at
        yield Seen(tag, vr or "SQ", b"", path, charsets, start, count)
        self.at = at

    def _pixels(
        self, tag: int, vr: str, length: int, start: int, charsets: tuple[str, ...], path: tuple[int, ...] = ()
    ) -> Iterator[Seen]:
        stop = start + length
        if length == _UNDEFINED:
            stop = start
            while True:
                item, _, size, inside = _header(self.data, stop, implicit=True, big=self.big)
                if item == 0xFFFEE0DD:
                    stop = inside
                    break
                if item != 0xFFFEE000:
                    raise Broken("Pixel Data")
                stop = inside + size
        bulk = memoryview(self.data)[start:stop]
        yield Seen(tag, vr, b"", path, charsets, start, 1 if length == _UNDEFINED else 0, bulk)
        self.at = stop


def _names_vr(data: bytes, at: int, end: int) -> bool:
    """Whether the element at `at` has a VR where implicit encoding has a length, and that length cannot be true."""
    code = data[at + 4 : at + 6]
    return at + 8 <= end and (code in _LONG or code in _SHORT) and at + 8 + _number(data, at + 4, False) > end


def _looks_like_items(data: bytes, start: int, length: int) -> bool:
    return length >= 8 and data[start : start + 4] == b"\xfe\xff\x00\xe0"
