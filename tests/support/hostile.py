"""A small zoo of hostile files, by name, as bytes.  None is harmful to hold; all are to parse."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from getdata.demo.dicomize import encode


@lru_cache(maxsize=1)
def _plain() -> bytes:
    pixels = np.random.default_rng(5).integers(0, 4096, (64, 48)).astype(np.uint16)
    return encode(pixels, {"PatientName": "Zoo^Keeper", "PatientID": "0099"})


def _meta(syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    """Preamble, magic and a minimal file meta group for ``syntax``."""

    def ui(element: int, value: str) -> bytes:
        raw = value.encode() + b"\0" * (len(value) % 2)
        return struct.pack("<HH2sH", 2, element, b"UI", len(raw)) + raw

    body = ui(0x02, "1.2.840.10008.5.1.4.1.1.1") + ui(0x03, "2.25.1") + ui(0x10, syntax)
    head = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(body))
    return b"\0" * 128 + b"DICM" + head + body


def _short(group: int, element: int, vr: bytes, value: bytes) -> bytes:
    value += b" " * (len(value) % 2)
    return struct.pack("<HH2sH", group, element, vr, len(value)) + value


def _long(group: int, element: int, vr: bytes, length: int, value: bytes = b"") -> bytes:
    return struct.pack("<HH2sHI", group, element, vr, 0, length) + value


def _us(group: int, element: int, value: int) -> bytes:
    return struct.pack("<HH2sHH", group, element, b"US", 2, value)


def _image(rows: int, cols: int, frames: bytes, pixels: bytes, length: int) -> bytes:
    """An image header that claims what it likes about the bytes that follow."""
    return (
        _meta()
        + _short(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.1\0")
        + _short(8, 0x18, b"UI", b"2.25.1")
        + _short(8, 0x60, b"CS", b"CR")
        + _us(0x28, 0x02, 1)
        + _short(0x28, 0x04, b"CS", b"MONOCHROME2")
        + _short(0x28, 0x08, b"IS", frames)
        + _us(0x28, 0x10, rows)
        + _us(0x28, 0x11, cols)
        + _us(0x28, 0x100, 16)
        + _us(0x28, 0x101, 12)
        + _us(0x28, 0x102, 11)
        + _us(0x28, 0x103, 0)
        + _long(0x7FE0, 0x10, b"OW", length, pixels)
    )


def _nested(depth: int) -> bytes:
    """Sequences of undefined length, one inside the other, never closed."""
    opening = _long(0x40, 0x275, b"SQ", 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return _meta() + opening * depth


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _deflate_bomb() -> bytes:
    """A deflated data set of 0.5 MB that inflates to 512 MB of one element."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    out = [packer.compress(_long(0x0009, 0x1010, b"OB", 1 << 29))]
    block = b"\0" * (1 << 20)
    out += [packer.compress(block) for _ in range(512)]
    out.append(packer.flush())
    return _meta("1.2.840.10008.1.2.1.99") + b"".join(out)


def _pdf_object() -> bytes:
    document = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    document += b" " * (len(document) % 2)
    body = (
        _short(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.104.1")
        + _short(8, 0x18, b"UI", b"2.25.7")
        + _short(8, 0x60, b"CS", b"DOC")
        + _long(0x42, 0x11, b"OB", len(document), document)
    )
    return _meta().replace(b"5.1.4.1.1.1\0", b"5.1.4.1.1.1\0") + body


@lru_cache(maxsize=1)
def hostile_files() -> Mapping[str, bytes]:
    """Every animal of the zoo by file name; the largest is about 1 MB."""
    plain = _plain()
    executable = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" + b"\0" * 44 + struct.pack("<I", 64)
    page = b"<!DOCTYPE html><html><script>alert(1)</script><p>Login expired</p></html>\n"
    zeros = b"\0" * (1 << 20)
    animals = {
        "empty.dcm": b"",
        "short.dcm": b"\0" * 100,
        "text.dcm": b"This is not a DICOM file.\n" * 40,
        "html.dcm": page,
        "truncated-pixels.dcm": plain[: len(plain) - 2000],
        "truncated-header.dcm": plain[:420],
        "deep-nesting.dcm": _nested(4000),
        "giant-length.dcm": _meta() + _long(0x0009, 0x1010, b"OB", 0xFFFFFFF0, b"few"),
        "huge-rows.dcm": _image(65535, 65535, b"1", b"\0" * 64, 64),
        "huge-frames.dcm": _image(512, 512, b"2000000000", b"\0" * 64, 64),
        "negative-frames.dcm": _image(8, 8, b"-5", b"\0" * 128, 128),
        "zero-rows.dcm": _image(0, 0, b"1", b"", 0),
        "many-elements.dcm": _meta() + b"".join(_short(0x0009, 0x1000 + i % 0xE000, b"LO", b"x") for i in range(20000)),
        "polyglot-executable.dcm": executable.ljust(128, b"\0") + plain[128:],
        "deflate-bomb.dcm": _deflate_bomb(),
        "unknown-syntax.dcm": _meta("1.2.3.4.5.6.7.8.9") + plain[340:],
        "encapsulated-pdf.dcm": _pdf_object(),
        "pdf.dcm": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n",
        "zip-bomb.zip": _zip({f"IM{i:04d}": zeros for i in range(400)}),
        "zip-slip.zip": _zip({"../../outside.dcm": plain, "/absolute.dcm": plain}),
        "zip-in-zip.zip": _zip({"inner.zip": _zip({"IM0001.dcm": plain})}),
    }
    return MappingProxyType(animals)
