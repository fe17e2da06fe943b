"""A Part 10 reader that walks with its own stack, so that hostile nesting costs a refusal and not the process."""

from __future__ import annotations

import re
import struct
import sys
import zlib
from array import array
from dataclasses import dataclass
from mmap import mmap

from deid.dicomfile.bare import as_part10
from deid.dicomfile.element import (
    ALL_VRS,
    BULK_SIZES,
    LONG_HEADER_VRS,
    NUMBER_SIZES,
    PIXEL_DATA,
    STRING_VRS,
    DataSet,
    Element,
    Encapsulated,
    keyword,
    standard_vr,
)
from deid.dicomfile.limits import DEFAULT_LIMITS, Limits
from deid.outcome import Refusal

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
NATIVE_SYNTAXES = frozenset({IMPLICIT_LE, EXPLICIT_LE, DEFLATED_LE, EXPLICIT_BE})
LOSSLESS_ENCAPSULATED = frozenset(
    {
        "1.2.840.10008.1.2.5",  # RLE
        "1.2.840.10008.1.2.4.57",  # JPEG Lossless, process 14
        "1.2.840.10008.1.2.4.70",  # JPEG Lossless, process 14 SV1
        "1.2.840.10008.1.2.4.80",  # JPEG-LS lossless
        "1.2.840.10008.1.2.4.90",  # JPEG 2000 lossless
        "1.2.840.10008.1.2.4.201",  # HTJ2K lossless
        "1.2.840.10008.1.2.4.202",  # HTJ2K lossless RPCL
    }
)
LOSSY_ENCAPSULATED = frozenset(
    {
        "1.2.840.10008.1.2.4.50",  # JPEG baseline
        "1.2.840.10008.1.2.4.51",  # JPEG extended
        "1.2.840.10008.1.2.4.81",  # JPEG-LS near-lossless
        "1.2.840.10008.1.2.4.91",  # JPEG 2000
        "1.2.840.10008.1.2.4.203",  # HTJ2K
    }
)
VIDEO_SYNTAX_PREFIXES = ("1.2.840.10008.1.2.4.10", "1.2.840.10008.1.2.7")
KNOWN_SYNTAXES = NATIVE_SYNTAXES | LOSSLESS_ENCAPSULATED | LOSSY_ENCAPSULATED

Bytes = bytes | mmap
"""What a file is read from: slices of either are bytes."""

_VR_NAMES = {vr.encode("ascii"): vr for vr in ALL_VRS}
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_FREE_INFLATION, _MOST_INFLATION = 64 * 1024 * 1024, 100


@dataclass
class DicomFile:
    """A parsed file: group 0002 (`meta`), the data set, its transfer syntax, and how many bytes trailed the
    last element."""

    meta: DataSet
    dataset: DataSet
    syntax: str
    trailing: int = 0


@dataclass
class _Frame:
    kind: str  # "dataset", "sequence", or "around": what a sequence of another byte order stands in
    end: int | None  # None: ends at a delimiter
    implicit: bool
    dataset: DataSet | None = None
    items: list[DataSet] | None = None
    unknown: bool = False  # sent as UN


def read_file(data: Bytes, limits: Limits = DEFAULT_LIMITS, *, pixels: bool = True) -> DicomFile:
    """Parse a Part 10 file. Raises Refusal with a reason code; never another exception, never a value in its detail.

    pixels: False leaves Pixel Data empty and looks no further than its header.
    """
    if len(data) > limits.file_bytes:
        raise Refusal("file-too-large")
    if isinstance(data, bytes):
        data = as_part10(data)
    if len(data) < 140 or data[128:132] != b"DICM":
        raise Refusal("not-dicom")
    meta, start = _read_meta(data, limits)
    syntax = meta.ascii(0x00020010)
    if any(syntax.startswith(prefix) for prefix in VIDEO_SYNTAX_PREFIXES):
        raise Refusal("video-object")
    if syntax not in KNOWN_SYNTAXES:
        raise Refusal("unknown-transfer-syntax")
    if syntax == DEFLATED_LE:
        data, start = _inflate(data[start:], limits), 0
    walker = _Walker(data, syntax == EXPLICIT_BE, limits, pixels)
    dataset = walker.read(start, len(data), implicit=syntax == IMPLICIT_LE)
    if not dataset.elements:
        raise Refusal("malformed", "empty data set")
    return DicomFile(meta, dataset, syntax, walker.trailing)


def _inflate(body: bytes, limits: Limits) -> bytes:
    # Radiographs shrink to a half or a third; beyond a hundredth, and beyond what is cheap anyway, it is a bomb.
    most = min(limits.file_bytes, max(_FREE_INFLATION, _MOST_INFLATION * len(body)))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(body, most + 1)
    except zlib.error as problem:
        raise Refusal("malformed", "deflate") from problem
    if len(plain) > most:
        raise Refusal("file-too-large", "after inflation")
    if not inflater.eof:
        raise Refusal("malformed", "deflate")
    return plain


def _read_meta(data: Bytes, limits: Limits) -> tuple[DataSet, int]:
    """Group 0002, always Explicit VR Little Endian; the group length is not trusted."""
    position = 132
    walker = _Walker(data, False, limits)
    meta = DataSet()
    while position + 8 <= len(data) and data[position : position + 2] == b"\x02\x00":
        tag, vr, length, position = walker.header(position, len(data), implicit=False)
        if length == _UNDEFINED or position + length > len(data):
            raise Refusal("malformed", keyword(tag))
        if tag in meta:
            raise Refusal("duplicate-element", keyword(tag))
        meta.put(Element(tag, vr, data[position : position + length]))
        position += length
    for tag in (0x00020002, 0x00020003, 0x00020010):
        element = meta.get(tag)
        if element is not None and element.vr not in ("UI", "UN"):
            raise Refusal("malformed", keyword(tag))
    return meta, position


class _Walker:
    """Walks elements iteratively, counting them against the limits."""

    def __init__(self, data: Bytes, big_endian: bool, limits: Limits, pixels: bool = True) -> None:
        self.data = data
        self.pixels = pixels
        self.big = big_endian
        order = ">" if big_endian else "<"
        self._explicit, self._long = struct.Struct(order + "HH2sH"), struct.Struct(order + "I")
        self.limits = limits
        self.count = 0
        self.text = 0
        self.trailing = 0

    def _tick(self) -> None:
        self.count += 1
        if self.count > self.limits.elements:
            raise Refusal("too-many-elements")

    def header(self, at: int, end: int, *, implicit: bool) -> tuple[int, str, int, int]:
        """(tag, VR, length, position of the value) of the element at `at`; delimiters come back with VR "--"."""
        if at + 8 > end:
            raise Refusal("malformed", "cut short")
        group, number, code, short = self._explicit.unpack_from(self.data, at)
        tag = group << 16 | number
        if group == 0xFFFE or implicit:
            return (
                tag,
                "--" if group == 0xFFFE else _implicit_vr(tag),
                self._long.unpack_from(self.data, at + 4)[0],
                at + 8,
            )
        vr = _VR_NAMES.get(code)
        if vr is None:
            raise Refusal("malformed", f"VR of {keyword(tag)}")
        if vr in LONG_HEADER_VRS:
            if at + 12 > end:
                raise Refusal("malformed", "cut short")
            return tag, vr, self._long.unpack_from(self.data, at + 8)[0], at + 12
        return tag, vr, short, at + 8

    def read(self, start: int, end: int, *, implicit: bool) -> DataSet:
        """The top-level data set between two offsets."""
        root = DataSet()
        self._walk([_Frame("dataset", end, implicit, dataset=root)], start, root)
        return root

    def _little_sequence(self, element: Element, at: int, end: int, length: int) -> int:
        """The items of a sequence sent as UN in a big endian file; gives where it ends."""
        inner = _Walker(self.data, False, self.limits)
        inner.count, inner.text = self.count, self.text
        frames = [_Frame("around", end, True)]
        frames.append(
            _Frame("sequence", None if length == _UNDEFINED else end, True, items=element.items, unknown=True)
        )
        at = inner._walk(frames, at, None)
        self.count, self.text = inner.count, inner.text
        return at

    def _walk(self, stack: list[_Frame], at: int, root: DataSet | None) -> int:
        """Read until the stack is empty, or only what stands around is left; gives where reading ended."""
        while stack:
            frame = stack[-1]
            if frame.kind == "around":
                break
            if frame.end is not None and at >= frame.end:
                if at > frame.end:
                    raise Refusal("malformed", "lengths overlap")
                stack.pop()
                continue
            limit = _innermost_end(stack)
            if frame.kind == "sequence":
                at = self._next_item(stack, frame, at, limit)
                continue
            top = len(stack) == 1
            if top and root is not None and PIXEL_DATA in root:
                # Nothing may follow Pixel Data but padding and signatures, which are removed anyway (PS3.5 7.1).
                self.trailing = (frame.end or at) - at
                break
            at = self._next_element(stack, frame, at, limit, top)
        return at

    def _next_item(self, stack: list[_Frame], frame: _Frame, at: int, limit: int) -> int:
        tag, _, length, at = self.header(at, limit, implicit=frame.implicit)
        if tag == _SEQUENCE_END and frame.end is None:
            stack.pop()
            return at
        if tag != _ITEM:
            raise Refusal("malformed", "sequence")
        self._tick()
        item = DataSet()
        assert frame.items is not None
        frame.items.append(item)
        if length != _UNDEFINED and at + length > limit:
            raise Refusal("malformed", "item length")
        item_end = None if length == _UNDEFINED else at + length
        implicit = frame.implicit and not (
            frame.unknown and self._is_explicit(at, limit if item_end is None else item_end)
        )
        self._push(stack, _Frame("dataset", item_end, implicit, dataset=item))
        return at

    def _is_explicit(self, at: int, end: int) -> bool:
        """Whether an item of a sequence sent as UN was written with VRs, against PS3.5 6.2.2: its first element names one, and
        taken for a length those bytes would reach beyond the item."""
        if at + 8 > end or self.data[at + 4 : at + 6] not in _VR_NAMES:
            return False
        return bool(at + 8 + self._long.unpack_from(self.data, at + 4)[0] > end)

    def _next_element(self, stack: list[_Frame], frame: _Frame, at: int, limit: int, top: bool) -> int:
        tag, vr, length, at = self.header(at, limit, implicit=frame.implicit)
        if vr == "--":
            if tag == _ITEM_END and frame.end is None:
                stack.pop()
                return at
            raise Refusal("malformed", "stray delimiter")
        self._tick()
        dataset = frame.dataset
        assert dataset is not None
        if tag in dataset:
            raise Refusal("duplicate-element", keyword(tag))
        if tag >> 16 in (0x0000, 0x0002):
            raise Refusal("malformed", "group 0000 or 0002 inside the data set")
        if length != _UNDEFINED and at + length > limit:
            raise Refusal("malformed", f"length of {keyword(tag)}")
        if top and tag == PIXEL_DATA and not self.pixels:
            dataset.put(Element(tag, vr))
            return limit
        if length == _UNDEFINED and tag == PIXEL_DATA and vr in ("OB", "OW", "UN"):
            encapsulated, at = self._fragments(at, limit)
            dataset.put(Element(tag, "OB", encapsulated))
            return at
        if vr == "SQ" or length == _UNDEFINED or _is_hidden_sequence(tag, vr, self.data, at, length):
            if vr not in ("SQ", "UN"):
                raise Refusal("malformed", f"undefined length of {keyword(tag)}")
            # PS3.5 6.2.2: a sequence sent as UN is encoded in implicit VR little endian, whatever surrounds it.
            implicit = frame.implicit or vr == "UN"
            element = Element(tag, "SQ", [])
            dataset.put(element)
            if vr == "UN" and self.big:
                return self._little_sequence(element, at, limit if length == _UNDEFINED else at + length, length)
            sequence_end = None if length == _UNDEFINED else at + length
            self._push(stack, _Frame("sequence", sequence_end, implicit, items=element.items, unknown=vr == "UN"))
            return at
        if not tag >> 16 & 1 and (vr in STRING_VRS or (vr == "UN" and standard_vr(tag) in STRING_VRS)):
            self.text += length
            if self.text > self.limits.text_bytes:
                raise Refusal("too-many-elements", "text")
        if top and tag == PIXEL_DATA and not self.big and isinstance(self.data, bytes):
            dataset.put(Element(tag, vr, memoryview(self.data)[at : at + length]))
            return at + length
        raw = self.data[at : at + length]
        dataset.put(Element(tag, vr, _to_little(raw, vr) if self.big else raw))
        return at + length

    def _push(self, stack: list[_Frame], frame: _Frame) -> None:
        if len(stack) > 2 * self.limits.depth:
            raise Refusal("nested-too-deep")
        stack.append(frame)

    def _fragments(self, at: int, limit: int) -> tuple[Encapsulated, int]:
        begin = at
        fragments: list[bytes] = []
        while True:
            tag, _, length, at = self.header(at, limit, implicit=True)
            if tag == _SEQUENCE_END:
                break
            if tag != _ITEM or length == _UNDEFINED or at + length > limit:
                raise Refusal("malformed", "Pixel Data fragments")
            self._tick()
            fragments.append(self.data[at : at + length])
            at += length
        if not fragments:
            raise Refusal("malformed", "Pixel Data fragments")
        return Encapsulated(fragments[0], fragments[1:], self.data[begin:at]), at


def _innermost_end(stack: list[_Frame]) -> int:
    for frame in reversed(stack):
        if frame.end is not None:
            return frame.end
    raise Refusal("malformed", "cut short")


def _implicit_vr(tag: int) -> str:
    if (tag >> 16) % 2:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    vr = standard_vr(tag)
    if vr is None:
        return "UN"
    if " or " in vr:
        return {"OB or OW": "OW", "US or OW": "OW"}.get(vr, "US")
    return vr if vr in ALL_VRS else "UN"


def _is_hidden_sequence(tag: int, vr: str, data: Bytes, at: int, length: int) -> bool:
    """Whether a UN value of known length is really a sequence: by PS3.6, or by looking like one (private sequences)."""
    if vr != "UN" or length < 8:
        return False
    if standard_vr(tag) == "SQ":
        return True
    if data[at : at + 4] != b"\xfe\xff\x00\xe0":
        return False
    item_length = int.from_bytes(data[at + 4 : at + 8], "little")
    return item_length == _UNDEFINED or item_length + 8 <= length


def _to_little(raw: bytes, vr: str) -> bytes:
    size = NUMBER_SIZES.get(vr) or BULK_SIZES.get(vr, 1)
    if size == 1 or len(raw) % size:
        return raw
    code = {2: "H", 4: "I", 8: "Q"}[size]
    swapped = array(code, raw)
    if sys.byteorder == "little":
        swapped.byteswap()
    return swapped.tobytes()


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first 132 bytes are those of a Part 10 file."""
    return len(head) >= 132 and head[128:132] == b"DICM"


UID_PATTERN = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+\Z")


def is_uid(text: str) -> bool:
    """Whether a string is a well-formed UID (PS3.5 9.1): at most 64 characters, no leading zeros."""
    return 0 < len(text) <= 64 and UID_PATTERN.match(text) is not None
