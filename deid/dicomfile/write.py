"""Writing a clean Part 10 file: new preamble, new file meta, explicit VR little endian, even lengths, nothing
after the end."""

from __future__ import annotations

import struct

from deid.dicomfile.element import LONG_HEADER_VRS, PIXEL_DATA, DataSet, Element, Encapsulated, keyword
from deid.outcome import Refusal

IMPLEMENTATION_CLASS_UID = "2.25.302134577130935042271562409837410924137"
IMPLEMENTATION_VERSION = "GETDATA_DEID_1"


def write_file(dataset: DataSet, syntax: str) -> bytes:
    """The bytes of a Part 10 file. Pixel Data given as Encapsulated is copied byte for byte."""
    # One join: Pixel Data is copied once.
    return b"".join([b"\0" * 128, b"DICM", *_meta(dataset, syntax), *_dataset_parts(dataset)])


def _meta(dataset: DataSet, syntax: str) -> list[bytes | memoryview]:
    entries = [
        Element(0x00020001, "OB", b"\0\1"),
        Element(0x00020002, "UI", dataset.ascii(0x00080016).encode("ascii")),
        Element(0x00020003, "UI", dataset.ascii(0x00080018).encode("ascii")),
        Element(0x00020010, "UI", syntax.encode("ascii")),
        Element(0x00020012, "UI", IMPLEMENTATION_CLASS_UID.encode("ascii")),
        Element(0x00020013, "SH", IMPLEMENTATION_VERSION.encode("ascii")),
    ]
    body = [part for entry in entries for part in _element(entry)]
    return [*_element(Element(0x00020000, "UL", struct.pack("<I", sum(map(len, body))))), *body]


def _dataset_parts(dataset: DataSet) -> list[bytes | memoryview]:
    return [part for tag in sorted(dataset.elements) for part in _element(dataset.elements[tag])]


def _element(element: Element) -> tuple[bytes | memoryview, ...]:
    """Header, value and padding."""
    head = struct.pack("<HH", element.tag >> 16, element.tag & 0xFFFF) + element.vr.encode("ascii")
    if isinstance(element.value, Encapsulated):
        if element.tag != PIXEL_DATA:
            raise Refusal("engine-error", keyword(element.tag))
        return head + b"\0\0\xff\xff\xff\xff", element.value.raw
    value: bytes | memoryview
    if isinstance(element.value, list):
        items = [b"".join(_dataset_parts(item)) for item in element.value]
        value = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(item)) + item for item in items)
    else:
        value = element.value
    length, padding = len(value) + len(value) % 2, b""
    if len(value) % 2:
        padding = b"\0" if element.vr in ("UI", "OB", "UN") else b" "
    if element.vr in LONG_HEADER_VRS:
        return head + b"\0\0" + struct.pack("<I", length), value, padding
    if length > 0xFFFE:
        raise Refusal("engine-error", keyword(element.tag))
    return head + struct.pack("<H", length), value, padding
