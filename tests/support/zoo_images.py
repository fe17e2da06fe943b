"""Hostile objects that speak of their pixels, tables and texts: what tests.deid.zoo leaves out, by name, as makers of bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping

import numpy as np

from getdata.demo.dicomize import encode
from tests.deid.objects import plain_chest
from tests.deid.zoo import (
    J2K,
    RLE,
    UNDEFINED,
    at_end,
    changed,
    chest,
    element,
    in_syntax,
    item,
    stream,
    with_elements,
    with_stream,
)

Maker = Callable[[], bytes]
_STORAGE = "1.2.840.10008.5.1.4.1.1."
OTHER_CLASSES = {
    "encapsulated-pdf": "104.1",
    "encapsulated-cda": "104.2",
    "encapsulated-stl": "104.3",
    "video-endoscopy": "77.1.1.1",
    "waveform-ecg": "9.1.1",
    "basic-text-sr": "88.11",
    "key-objects": "88.59",
    "presentation-state": "11.1",
    "rt-structure-set": "481.3",
    "enhanced-ct": "2.1",
    "segmentation": "66.4",
    "raw-data": "66",
}


def us(tag: int, *values: int) -> bytes:
    return element(tag, "US", struct.pack(f"<{len(values)}H", *values))


def _of_class(suffix: str) -> bytes:
    uid = (_STORAGE + suffix).encode()
    uid += b"\0" * (len(uid) % 2)
    return changed(0x00080016, "UI", uid)


def _several(*changes: tuple[int, str, bytes]) -> bytes:
    """The good file with several top-level elements of short headers replaced in place."""
    data = chest()
    for tag, vr, value in changes:
        key = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
        at = data.index(key, 300)
        length = struct.unpack("<H", data[at + 6 : at + 8])[0]
        data = data[:at] + element(tag, vr, value) + data[at + 8 + length :]
    return data


def _sized(rows: int, columns: int, pixels: np.ndarray) -> bytes:
    return encode(pixels.reshape(rows, columns), {"BodyPartExamined": "CHEST"})


def _flat(value: int, rows: int = 64, columns: int = 64) -> bytes:
    return _sized(rows, columns, np.full((rows, columns), value, np.uint16))


def _colour(planar: int, photometric: bytes, bits: int = 8) -> bytes:
    at = chest().index(b"\xe0\x7f\x10\x00OW")
    data = chest()[:at]
    for tag, value in ((0x00280002, 3), (0x00280100, bits), (0x00280101, bits), (0x00280102, bits - 1)):
        key = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + b"US\x02\x00"
        begin = data.index(key) + 8
        data = data[:begin] + struct.pack("<H", value) + data[begin + 2 :]
    begin = data.index(b"\x28\x00\x10\x00US")
    data = data[:begin] + us(0x00280006, planar) + data[begin:]
    begin = data.index(b"\x28\x00\x04\x00CS")
    length = struct.unpack("<H", data[begin + 6 : begin + 8])[0]
    data = (
        data[:begin]
        + element(0x00280004, "CS", photometric + b" " * (len(photometric) % 2))
        + data[begin + 8 + length :]
    )
    return data + element(0x7FE00010, "OB", b"\x40" * (48 * 40 * 3))


def _palette(entries: int, bits: int, given: int) -> bytes:
    tables = b"".join(us(0x00281101 + n, entries, 0, bits) for n in range(3))
    tables += b"".join(element(0x00281201 + n, "OW", b"\1\2" * given) for n in range(3))
    data = at_end(tables)
    begin = data.index(b"\x28\x00\x04\x00CS")
    length = struct.unpack("<H", data[begin + 6 : begin + 8])[0]
    return data[:begin] + element(0x00280004, "CS", b"PALETTE COLOR ") + data[begin + 8 + length :]


def _table(sequence: int, descriptor: tuple[int, int, int], given: int) -> bytes:
    inner = us(0x00283002, *descriptor) + element(0x00283006, "OW", b"\xff\x7f" * given)
    return at_end(element(sequence, "SQ", item(inner)))


def _overlay(rows: int, columns: int, given: int, planes: int = 1) -> bytes:
    parts = []
    for n in range(planes):
        group = 0x60000000 + (2 * n << 16)
        parts.append(
            us(group | 0x10, rows) + us(group | 0x11, columns) + element(group | 0x40, "CS", b"G ")
            + element(group | 0x50, "SS", struct.pack("<2h", -32768, 32767)) + us(group | 0x100, 1) + us(group | 0x102, 0)
            + element(group | 0x3000, "OW", b"\xff" * given)
        )  # fmt: skip
    return at_end(*parts)


def _floats(tag: int, vr: str) -> bytes:
    at = chest().index(b"\xe0\x7f\x10\x00OW")
    values = np.full(48 * 40, np.nan, np.float32 if vr == "OF" else np.float64).tobytes()
    return chest()[:at] + element(tag, vr, values)


def _profile() -> bytes:
    """A colour profile that says four gigabytes of tags."""
    profile = struct.pack(">I", 0xFFFFFFFF) + b"\0" * 124 + struct.pack(">I", 0xFFFFFFFF) + b"desc" * 100_000
    return at_end(element(0x00282000, "OB", profile))


def _icon() -> bytes:
    inner = us(0x00280010, 65535) + us(0x00280011, 65535) + element(0x7FE00010, "OW", b"\0" * 64)
    return with_elements(element(0x00880200, "SQ", item(inner)))


def _extended_offsets() -> bytes:
    data = with_stream(RLE, stream(RLE))
    at = data.index(b"\xe0\x7f\x10\x00OB")
    lies = element(0x7FE00001, "OV", struct.pack("<Q", 1 << 62)) + element(0x7FE00002, "OV", struct.pack("<Q", 1 << 62))
    return data[:at] + lies + data[at:]


def _deflated_deflate() -> bytes:
    body = chest()[chest().index(b"\x08\x00\x05\x00CS") :]
    packed = zlib.compress(b"\0" * 100_000_000, 9)[2:-4]
    head = in_syntax(chest()[: chest().index(b"\x08\x00\x05\x00CS")], "1.2.840.10008.1.2.1.99")
    return head + zlib.compress(body)[2:-4] + packed


def _pdf_inside() -> bytes:
    return _of_class("104.1").replace(b"\xe0\x7f\x10\x00OW", b"\x42\x00\x11\x00OB", 1)


def image_animals() -> Mapping[str, Maker]:
    """Makers by name."""
    made: dict[str, Maker] = {
        f"class-{name}": lambda suffix=suffix: _of_class(suffix) for name, suffix in OTHER_CLASSES.items()
    }
    made |= {
        "pdf-inside": _pdf_inside,
        "frames-2-to-the-31": lambda: with_stream(RLE, stream(RLE), frames=2_147_483_648),
        "frames-negative": lambda: with_elements(element(0x00280008, "IS", b"-1"), before=b"\x28\x00\x10\x00US"),
        "frames-nan": lambda: with_elements(element(0x00280008, "IS", b"nan "), before=b"\x28\x00\x10\x00US"),
        "frames-1e9": lambda: with_elements(element(0x00280008, "IS", b"1e9 "), before=b"\x28\x00\x10\x00US"),
        "frames-blank": lambda: with_elements(element(0x00280008, "IS", b"    "), before=b"\x28\x00\x10\x00US"),
        "rows-columns-frames-lie": lambda: with_elements(element(0x00280008, "IS", b"60"), before=b"\x28\x00\x10\x00US"),
        "numbers-not-a-number": lambda: at_end(
            element(0x00281050, "DS", b"NaN "), element(0x00281051, "DS", b"-inf"),
            element(0x00281052, "DS", b"1e999 "), element(0x00281053, "DS", b"0 "),
        ),
        "window-of-10000-values": lambda: at_end(element(0x00281050, "DS", b"1\\" * 10_000)),
        "window-zero-wide": lambda: at_end(element(0x00281050, "DS", b"5 "), element(0x00281051, "DS", b"0 ")),
        "rescale-monster": lambda: at_end(element(0x00281052, "DS", b"-9e307"), element(0x00281053, "DS", b"9e307 ")),
        "spacing-negative": lambda: _with_spacing(b"-1\\-1 "),
        "spacing-zero": lambda: _with_spacing(b"0\\0 "),
        "spacing-nan": lambda: _with_spacing(b"nan\\nan "),
        "age-9999-years": lambda: with_elements(element(0x00101010, "AS", b"9999Y ")),
        "dates-impossible": lambda: changed(0x00080020, "DA", b"99999999"),
        "pixels-undefined-length": lambda: changed(0x7FE00010, "OW", b"\0" * 3840, UNDEFINED),
        "offset-table-extended-lies": _extended_offsets,
        "j2k-resolutions-32": lambda: with_stream(J2K, _levels(stream(J2K), 33)),
        "j2k-layers-65535": lambda: with_stream(J2K, _layers(stream(J2K))),
        "deflate-with-a-bomb-behind": _deflated_deflate,
        "palette-short": lambda: _palette(256, 16, 3),
        "palette-65536": lambda: _palette(0, 16, 65_536),
        "palette-bits-0": lambda: _palette(4, 0, 4),
        "voi-table-65536-wrong": lambda: _table(0x00283010, (0, 65535, 16), 65_536),
        "voi-table-short": lambda: _table(0x00283010, (4096, 0, 16), 2),
        "modality-table-lies": lambda: _table(0x00283000, (65535, 32768, 1), 9),
        "float-pixels": lambda: _floats(0x7FE00008, "OF"),
        "double-float-pixels": lambda: _floats(0x7FE00009, "OD"),
        "colour-profile-4-gb": _profile,
        "icon-65535": _icon,
        "overlay-65535": lambda: _overlay(65535, 65535, 64),
        "overlay-16-planes": lambda: _overlay(48, 40, 240, planes=16),
        "overlay-empty": lambda: _overlay(0, 0, 0),
        "bits-stored-above-allocated": lambda: changed(0x00280101, "US", b"\x20\0"),
        "high-bit-below-stored": lambda: changed(0x00280102, "US", b"\x03\0"),
        "bits-allocated-1": lambda: changed(0x00280100, "US", b"\x01\0"),
        "bits-allocated-12": lambda: changed(0x00280100, "US", b"\x0c\0"),
        "representation-7": lambda: changed(0x00280103, "US", b"\x07\0"),
        "planar-on-grey": lambda: with_elements(us(0x00280006, 1), before=b"\x28\x00\x10\x00US"),
        "planar-7": lambda: _colour(7, b"RGB"),
        "planar-65535-ybr": lambda: _colour(65535, b"YBR_FULL"),
        "colour-16-bits": lambda: _colour(0, b"RGB", bits=16),
        "colour-hsv": lambda: _colour(0, b"HSV"),
        "one-pixel": lambda: _flat(5, 1, 1),
        "one-row": lambda: _sized(1, 4000, np.arange(4000, dtype=np.uint16)),
        "one-column": lambda: _sized(4000, 1, np.arange(4000, dtype=np.uint16)),
        "all-zero": lambda: _flat(0),
        "all-one-value": lambda: _flat(4095),
        "two-by-twelve-thousand": lambda: _sized(2, 12_000, np.arange(24_000, dtype=np.uint16) % 4000),
        "checkerboard": lambda: _sized(300, 300, ((np.indices((300, 300)).sum(axis=0) % 2) * 4095).astype(np.uint16)),
        "noise": lambda: _sized(600, 600, np.random.default_rng(1).integers(0, 4096, (600, 600)).astype(np.uint16)),
        "padding-everywhere": lambda: at_end(element(0x00280120, "US", b"\x05\0")),
        "uid-is-a-path": lambda: changed(0x00080018, "UI", b"../../../../etc/passwd"),
        "uid-of-the-study-is-a-path": lambda: changed(0x0020000D, "UI", b"/etc/shadow\0"),
        "uid-with-nul": lambda: changed(0x00080018, "UI", b"1.2\0.3"),
        "uid-65-characters": lambda: changed(0x00080018, "UI", b"1." * 32 + b"1\0"),
        "uid-leading-zeros": lambda: changed(0x00080018, "UI", b"1.02.003"),
        "uid-empty": lambda: changed(0x0020000D, "UI", b""),
        "name-of-terminal-codes": lambda: changed(0x00100010, "PN", b"\x1b[2J\x1b]0;x\x07^\x1b[31m  "),
        "name-is-a-page": lambda: changed(0x00100010, "PN", b"<script>alert(1)</script>"[:24]),
        "name-is-sql": lambda: changed(0x00100010, "PN", b"'; DROP TABLE batch; -- "),
        "name-of-nul": lambda: changed(0x00100010, "PN", b"\0" * 64),
        "charset-nonsense": lambda: changed(0x00080005, "CS", b"../../etc\\\xff\xfe  "),
        "charset-utf-7": lambda: changed(0x00080005, "CS", b"UTF-7 "),
        "charset-is-bytes": lambda: changed(0x00080005, "CS", bytes(range(128, 256))),
        "description-backtracks": lambda: changed(0x00081030, "LO", b"a" * 4000 + b"1-1-" * 2000),
        "digits-with-separators": lambda: changed(0x00081030, "LO", b"12.03.2024 " * 2000),
        "patient-id-10000": lambda: changed(0x00100020, "LO", b"7" * 10_000),
        "private-creators-240": lambda: at_end(
            *(element(0x00090010 + n, "LO", b"VENDOR %03d " % n) for n in range(240)),
            *(element(0x00091000 + n * 256, "UN", b"\xff" * 100) for n in range(0x10, 240)),
        ),
        "private-sequence-65000-items": lambda: at_end(
            element(0x00090010, "LO", b"ACME"), element(0x00091001, "SQ", item(b"") * 30_000)
        ),
        "group-length-lies": lambda: with_elements(element(0x00080000, "UL", b"\xff\xff\xff\x7f"), before=b"\x08\x00\x05\x00CS"),
        "trailing-megabytes": lambda: chest() + b"\0" * 5_000_000,
        "trailing-second-file": lambda: chest() + chest(),
        "meta-version-9": lambda: chest().replace(
            b"\x02\x00\x01\x00OB\0\0\x02\0\0\0\0\x01", b"\x02\x00\x01\x00OB\0\0\x02\0\0\0\x09\x09", 1
        ),
        "meta-syntax-twice": lambda: chest()[:144] + element(0x00020010, "UI", b"1.2.840.10008.1.2\0") + chest()[144:],
        "bare-implicit": lambda: encode(plain_chest(48, 40), {"BodyPartExamined": "CHEST"}, syntax="implicit")[132:],
        "bare-garbage": lambda: b"\x08\x00\x05\x00\x04\0\0\0abcd\x08\x00\x08\x00" + b"\xff" * 500,
    }  # fmt: skip
    return made


def _with_spacing(value: bytes) -> bytes:
    return with_elements(element(0x00280030, "DS", value), before=b"\x28\x00\x00\x01US")


def _levels(code: bytes, levels: int) -> bytes:
    at = code.index(b"\xff\x52")
    return code[: at + 9] + bytes([levels]) + code[at + 10 :]


def _layers(code: bytes) -> bytes:
    at = code.index(b"\xff\x52")
    return code[: at + 6] + b"\xff\xff" + code[at + 8 :]
