"""Hostile DICOM files made on demand, by name: every lie about nesting, counts, lengths, sizes and code streams that we
could think of. None is harmful to hold; all are to parse. Real ones are in ../shared/data/dicom/malformed_pwnlab_v2."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import numpy as np
from PIL import Image

from getdata.demo.dicomize import encode
from tests.deid.objects import make_file, plain_chest
from tests.support.hostile import hostile_files

Maker = Callable[[], bytes]
UNDEFINED = 0xFFFFFFFF
RLE, BASELINE, LOSSLESS = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"
JPEG_LS, J2K, HTJ2K = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"
EXPLICIT, IMPLICIT, BIG, DEFLATED = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
)
_NAMES = {RLE: "rle", LOSSLESS: "jpeg-lossless", JPEG_LS: "jpeg-ls", J2K: "jpeg-2000"}
_HEADER_OF = {"OB", "OD", "OF", "OL", "OW", "SQ", "UC", "UN", "UR", "UT", "OV", "SV", "UV"}


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """One explicit little-endian element; `length` says something else than the truth."""
    said = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode("latin-1")
    if vr in _HEADER_OF:
        return head + b"\0\0" + struct.pack("<I", said) + value
    return head + struct.pack("<H", said & 0xFFFF) + value


def item(value: bytes, length: int | None = None) -> bytes:
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(value) if length is None else length) + value


@cache
def chest() -> bytes:
    """A small, good CR in explicit VR little endian."""
    return make_file(plain_chest(48, 40))


def with_elements(*elements: bytes, before: bytes = b"\x10\x00\x10\x00PN") -> bytes:
    """The good file with bytes put in front of PatientName."""
    at = chest().index(before)
    return chest()[:at] + b"".join(elements) + chest()[at:]


def at_end(*elements: bytes) -> bytes:
    """The good file with bytes in front of Pixel Data."""
    return with_elements(*elements, before=b"\xe0\x7f\x10\x00OW")


def changed(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """The good file with one top-level element replaced."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    begin = next(i for i in _places(chest(), head) if chest()[i + 4 : i + 6].isalpha())
    old = chest()[begin + 4 : begin + 6].decode()
    if old in _HEADER_OF:
        end = begin + 12 + struct.unpack("<I", chest()[begin + 8 : begin + 12])[0]
    else:
        end = begin + 8 + struct.unpack("<H", chest()[begin + 6 : begin + 8])[0]
    return chest()[:begin] + element(tag, vr, value, length) + chest()[end:]


def _places(data: bytes, wanted: bytes) -> Iterator[int]:
    at = data.find(wanted, 300)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)


def in_syntax(data: bytes, syntax: str) -> bytes:
    """The file with another transfer syntax declared, its bytes left as they are."""
    begin = data.index(b"\x02\x00\x10\x00UI")
    length = struct.unpack("<H", data[begin + 6 : begin + 8])[0]
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    return data[:begin] + element(0x00020010, "UI", value) + data[begin + 8 + length :]


def with_stream(
    syntax: str, *fragments: bytes, table: bytes = b"", rows: int = 48, columns: int = 40, frames: int = 1
) -> bytes:
    """The good file with encapsulated Pixel Data of any content, the header declaring `rows`, `columns` and `frames`."""
    begin = chest().index(b"\xe0\x7f\x10\x00OW")
    eight = syntax == BASELINE
    head = in_syntax(chest()[:begin], syntax)
    for tag, value in ((0x00280010, rows), (0x00280011, columns), (0x00280100, 8 if eight else 16),
                       (0x00280101, 8 if eight else 12), (0x00280102, 7 if eight else 11)):  # fmt: skip
        key = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + b"US\x02\x00"
        at = head.index(key) + 8
        head = head[:at] + struct.pack("<H", value) + head[at + 2 :]
    if frames != 1:
        at = head.index(b"\x28\x00\x10\x00US")
        text = str(frames).encode()
        head = head[:at] + element(0x00280008, "IS", text + b" " * (len(text) % 2)) + head[at:]
    body = item(table) + b"".join(item(part + b"\0" * (len(part) % 2)) for part in fragments)
    return head + element(0x7FE00010, "OB", body + b"\xfe\xff\xdd\xe0\0\0\0\0", UNDEFINED)


@cache
def stream(syntax: str) -> bytes:
    """A good code stream of 48 x 40 pixels; cut out of a file that our own encoder made."""
    pixels = plain_chest(48, 40)
    if syntax == BASELINE:
        out = io.BytesIO()
        Image.fromarray((pixels >> 4).astype(np.uint8)).save(out, "JPEG", quality=90)
        return out.getvalue()
    data = encode(pixels, {"BodyPartExamined": "CHEST"}, syntax=_NAMES[syntax])
    at = data.index(b"\xe0\x7f\x10\x00OB") + 12
    at += 8 + struct.unpack("<I", data[at + 4 : at + 8])[0]
    length = struct.unpack("<I", data[at + 4 : at + 8])[0]
    return data[at + 8 : at + 8 + length]


def sized(code: bytes, rows: int, columns: int) -> bytes:
    """A JPEG or JPEG 2000 stream that declares another size."""
    if code.startswith(b"\xff\x4f"):
        return code[:8] + struct.pack(">IIII", columns, rows, 0, 0) + struct.pack(">II", columns, rows) + code[32:]
    at = 2
    while code[at + 1] not in (0xC0, 0xC1, 0xC2, 0xC3, 0xF7):
        at += 2 + struct.unpack(">H", code[at + 2 : at + 4])[0]
    return code[: at + 5] + struct.pack(">HH", rows, columns) + code[at + 9 :]


def flipped(code: bytes, seed: int, count: int, keep: int = 0) -> bytes:
    """Bits turned over at random places after the first `keep` bytes."""
    rng, broken = random.Random(seed), bytearray(code)
    for _ in range(count):
        broken[rng.randrange(keep, len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def nested(depth: int, *, defined: bool, unknown: bool = False, private: bool = False) -> bytes:
    """Sequences one inside the other, with true lengths, or without any and never closed."""
    tag = 0x00091001 if private else 0x00089215
    if not defined:
        return (element(tag, "UN" if unknown else "SQ", b"", UNDEFINED) + item(b"", UNDEFINED)) * depth
    # Built from the inside out as lengths, not as bytes: joining would take time in the square of the depth.
    head = 12 + 8
    parts = []
    for level in range(depth):
        inner = (depth - level - 1) * head
        parts.append(element(tag, "UN" if unknown else "SQ", b"", inner + 8) + item(b"", inner))
    return b"".join(parts)


def deflated(body: bytes) -> bytes:
    """The good file's head in front of a deflated body."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    start = chest().index(b"\x08\x00\x05\x00CS")
    return in_syntax(chest()[:start], DEFLATED) + packer.compress(body) + packer.flush()


def _data_set() -> bytes:
    return chest()[chest().index(b"\x08\x00\x05\x00CS") :]


def _lengths() -> dict[str, Maker]:
    made: dict[str, Maker] = {}
    for name, length in (
        ("all-ones", UNDEFINED),
        ("negative", 0x80000000),
        ("nearly-all", 0xFFFFFFFE),
        ("beyond", 100_000),
    ):
        made[f"length-{name}-ob"] = lambda length=length: with_elements(element(0x00091001, "OB", b"few", length))
        made[f"length-{name}-un"] = lambda length=length: with_elements(element(0x00091001, "UN", b"few!", length))
        made[f"length-{name}-sq"] = lambda length=length: with_elements(element(0x00089215, "SQ", item(b""), length))
        made[f"length-{name}-item"] = lambda length=length: with_elements(
            element(0x00089215, "SQ", item(b"abcd", length))
        )
        made[f"length-{name}-pixels"] = lambda length=length: changed(0x7FE00010, "OW", b"\0" * 64, length)
    made["length-overlap"] = lambda: with_elements(
        element(0x00089215, "SQ", item(element(0x00400007, "LO", b"x", 40)), 30)
    )
    made["length-meta-group"] = lambda: chest().replace(b"\x02\x00\x00\x00UL\x04\x00", b"\x02\x00\x00\x00UL\xff\xff", 1)
    made["odd-lengths"] = lambda: with_elements(element(0x00090010, "LO", b"ACM"), element(0x00091001, "LO", b"x"))
    made["zero-length-sq"] = lambda: with_elements(*(element(0x00089215 + n, "SQ", b"") for n in range(1, 400)))
    return made


def _structure() -> dict[str, Maker]:
    made: dict[str, Maker] = {
        "nest-10000-undefined": lambda: with_elements(nested(10_000, defined=False)),
        "nest-10000-defined": lambda: with_elements(nested(10_000, defined=True)),
        "nest-10000-un": lambda: with_elements(nested(10_000, defined=True, unknown=True)),
        "nest-10000-private-un": lambda: with_elements(nested(10_000, defined=False, unknown=True, private=True)),
        "nest-40-defined": lambda: with_elements(nested(40, defined=True)),
        "elements-300000": lambda: at_end(
            *(element(0x00091000 + n % 0xF000, "LO", b"x ") for n in range(60_000)),
            *(element(0x000B1000 + n % 0xF000, "LO", b"x ") for n in range(240_000)),
        ),
        "elements-39000": lambda: at_end(
            *(
                element((0x0009 + 2 * (n // 0xE000) << 16) + 0x1000 + n % 0xE000, "LO", b"Feather ")
                for n in range(39_000)
            )
        ),
        "items-1000000": lambda: with_elements(element(0x00089215, "SQ", item(b"") * 1_000_000)),
        "items-1000000-deflated": lambda: deflated(element(0x00089215, "SQ", item(b"") * 1_000_000) + _data_set()),
        "descriptors-5000-names": lambda: with_elements(
            element(
                0x00089215,
                "SQ",
                b"".join(
                    item(element(0x00400007, "LO", b"Dr Smith of the chest clinic 12345678 ")) for _ in range(5_000)
                ),
            )
        ),
        "names-6000": lambda: at_end(
            element(
                0x00089215,
                "SQ",
                b"".join(item(element(0x00321032, "PN", b"Nam%06d^Given%06d " % (n, n))) for n in range(6_000)),
            )
        ),
        "name-256-carets": lambda: changed(0x00100010, "PN", b"^" * 256),
        "name-60000": lambda: changed(0x00100010, "PN", b"Ab^" * 20_000),
        "values-30000": lambda: changed(0x00081030, "LO", b"chest\\" * 10_000),
        "numbers-1000000": lambda: at_end(element(0x00283006, "OW", b"\1\2" * 1_000_000)),
        "text-10-mb": lambda: at_end(element(0x00324000, "UT", b"word chest Smith 12.03.2024 " * 360_000)),
        "dates-8000": lambda: changed(0x00080020, "DA", b"20240101\\" * 7_000),
        "digits-60000": lambda: changed(0x00081030, "LO", b"1" * 60_000),
        "ds-monster": lambda: changed(0x00180060, "DS", b"9" * 60_000),
        "is-monster": lambda: changed(0x00200013, "IS", b"9" * 60_000),
        "uid-60000": lambda: changed(0x0020000D, "UI", b"1." * 30_000),
        "duplicate-tag": lambda: with_elements(element(0x00080090, "PN", b"Other^Name")),
        "unordered-tags": lambda: at_end(element(0x00081010, "SH", b"STATION1")),
        "group-2-inside": lambda: at_end(element(0x00020010, "UI", b"1.2.840.10008.1.2\0")),
        "stray-delimiter": lambda: with_elements(b"\xfe\xff\x0d\xe0\0\0\0\0"),
        "stray-sequence-end": lambda: with_elements(b"\xfe\xff\xdd\xe0\0\0\0\0"),
        "vr-nonsense": lambda: with_elements(element(0x00080090, "ZZ", b"Name")),
        "vr-zero": lambda: with_elements(element(0x00080090, "\0\0", b"Name")),
        "name-as-ob": lambda: changed(0x00100010, "OB", b"\xff" * 3000),
        "rows-as-text": lambda: changed(0x00280010, "LO", b"forty-eight "),
        "rows-as-sq": lambda: changed(0x00280010, "SQ", item(b"")),
        "pixels-as-sq": lambda: changed(0x7FE00010, "SQ", item(b"")),
        "pixels-empty": lambda: changed(0x7FE00010, "OW", b""),
        "private-20-mb": lambda: at_end(
            element(0x00090010, "LO", b"ACME"), element(0x00091001, "OB", b"\xa5" * 20_000_000)
        ),
        "private-blocks-9000": lambda: at_end(
            *(element((9 + 2 * (n // 200) << 16) + 0x10 + n % 200, "LO", b"ACME%05d" % n + b" ") for n in range(9_000))
        ),
        "charset-unknown": lambda: changed(0x00080005, "CS", b"ISO_IR 999"),
        "charset-many": lambda: changed(0x00080005, "CS", b"ISO 2022 IR 87\\" * 400),
        "charset-iso2022-broken": lambda: changed(0x00080005, "CS", b"\\ISO 2022 IR 87\\ISO 2022 IR 149 ").replace(
            b"Featherstone", b"\x1b$B\x1b(J\x1b$)C"
        ),
        "escape-flood": lambda: changed(0x00080005, "CS", b"\\ISO 2022 IR 87 ").replace(
            element(0x00100010, "PN", b"Featherstone^Wilhelmina "), element(0x00100010, "PN", b"\x1b$B0!\x1b(B" * 7_000)
        ),
        "implicit-said-explicit": lambda: in_syntax(chest(), IMPLICIT),
        "big-said-little": lambda: in_syntax(chest(), BIG),
        "deflate-of-nothing": lambda: in_syntax(chest(), DEFLATED),
        "deflate-cut": lambda: deflated(_data_set())[:-40],
        "deflate-bomb-element": lambda: deflated(element(0x00091001, "OB", b"\0" * 200_000_000) + _data_set()),
        "deflate-bomb-pixels": lambda: deflated(_data_set()[:-4000] + b"\0" * 250_000_000),
        "only-preamble": lambda: b"\0" * 128 + b"DICM",
        "only-meta": lambda: chest()[: chest().index(b"\x08\x00\x05\x00CS")],
        "meta-of-60000": lambda: (
            chest()[:132]
            + b"".join(element(0x00020000 + 0x0200 + n, "LO", b"x ") for n in range(60_000))
            + chest()[132:]
        ),
    }
    magics = {
        "pdf": b"%PDF-1.7\n",
        "pe": b"MZ\x90\0",
        "elf": b"\x7fELF\x02\x01",
        "tiff": b"II*\0",
        "zip": b"PK\x03\x04",
    }
    for name, magic in magics.items():
        made[f"polyglot-{name}"] = lambda magic=magic: magic.ljust(128, b"\0") + chest()[128:]
    for percent in (1, 3, 10, 40, 80, 99):
        made[f"cut-{percent}"] = lambda percent=percent: chest()[: len(chest()) * percent // 100]
    return made


def _sizes() -> dict[str, Maker]:
    return {
        "rows-65535": lambda: changed(0x00280010, "US", b"\xff\xff"),
        "rows-and-columns-65535": lambda: changed(0x00280010, "US", b"\xff\xff").replace(
            b"\x28\x00\x11\x00US\x02\x00\x28\x00", b"\x28\x00\x11\x00US\x02\x00\xff\xff"
        ),
        "rows-0": lambda: changed(0x00280010, "US", b"\0\0"),
        "frames-2-billion": lambda: with_stream(RLE, stream(RLE), frames=2_000_000_000),
        "frames-64": lambda: with_stream(RLE, stream(RLE), frames=64),
        "samples-65535": lambda: changed(0x00280002, "US", b"\xff\xff"),
        "bits-64": lambda: changed(0x00280100, "US", b"\x40\0"),
        "bits-stored-0": lambda: changed(0x00280101, "US", b"\0\0"),
        "high-bit-200": lambda: changed(0x00280102, "US", b"\xc8\0"),
        "photometric-nonsense": lambda: changed(0x00280004, "CS", b"X" * 256),
    }


def _streams() -> dict[str, Maker]:
    made: dict[str, Maker] = {}
    for name, syntax in (
        ("baseline", BASELINE),
        ("lossless", LOSSLESS),
        ("jpeg-ls", JPEG_LS),
        ("j2k", J2K),
        ("rle", RLE),
    ):
        code = lambda syntax=syntax: stream(syntax)  # noqa: E731
        for percent in (0, 5, 50, 95):
            made[f"{name}-cut-{percent}"] = lambda s=syntax, c=code, p=percent: with_stream(
                s, c()[: len(c()) * p // 100]
            )
        for seed in range(4):
            made[f"{name}-flipped-{seed}"] = lambda s=syntax, c=code, seed=seed: with_stream(
                s, flipped(c(), seed, 3 + 20 * seed)
            )
        made[f"{name}-noise"] = lambda s=syntax, c=code: with_stream(s, c()[:20] + random.Random(7).randbytes(5000))
        made[f"{name}-zeros"] = lambda s=syntax: with_stream(s, b"\0" * 4000)
        made[f"{name}-twice"] = lambda s=syntax, c=code: with_stream(s, c(), c())
        made[f"{name}-fragments-30000"] = lambda s=syntax, c=code: with_stream(s, c(), *[b""] * 30_000)
        made[f"{name}-fragments-of-2"] = lambda s=syntax, c=code: with_stream(
            s, *(c()[i : i + 2] for i in range(0, len(c()), 2))
        )
        made[f"{name}-table-lies"] = lambda s=syntax, c=code: with_stream(s, c(), table=b"\xff\xff\xff\x7f" * 5000)
        made[f"{name}-no-fragments"] = lambda s=syntax: with_stream(s)
        if syntax != RLE:
            made[f"{name}-says-65535"] = lambda s=syntax, c=code: with_stream(s, sized(c(), 65535, 65535))
            made[f"{name}-both-say-12000-x-4000"] = lambda s=syntax, c=code: with_stream(
                s, sized(c(), 12000, 4000), rows=12000, columns=4000
            )
            made[f"{name}-says-0"] = lambda s=syntax, c=code: with_stream(s, sized(c(), 0, 0))
    made["rle-15-segments-overlap"] = lambda: with_stream(RLE, struct.pack("<16I", 15, *[64] * 15) + b"\x81\0" * 4000)
    made["rle-offsets-beyond"] = lambda: with_stream(
        RLE, struct.pack("<16I", 2, 64, 0x7FFFFFFF, *[0] * 13) + b"\0" * 500
    )
    made["rle-bomb"] = lambda: with_stream(
        RLE, struct.pack("<16I", 2, 64, 64 + 900_000, *[0] * 13) + b"\x81\0" * 900_000, rows=12000, columns=4000
    )
    made["baseline-progressive-scans"] = lambda: with_stream(BASELINE, _many_scans(4000))
    made["j2k-tiles-of-1"] = lambda: with_stream(J2K, stream(J2K)[:24] + struct.pack(">II", 1, 1) + stream(J2K)[32:])
    made["htj2k-noise"] = lambda: with_stream(HTJ2K, stream(J2K)[:60] + random.Random(8).randbytes(5000))
    return made


def _many_scans(count: int) -> bytes:
    """A progressive JPEG of many empty refinement scans: cheap to send, dear to decode."""
    out = io.BytesIO()
    Image.fromarray(np.zeros((48, 40), np.uint8)).save(out, "JPEG", progressive=True)
    code = out.getvalue()
    scan = code.rindex(b"\xff\xda")
    return code[:scan] + code[scan:-2] * count + b"\xff\xd9"


@cache
def animals() -> Mapping[str, Maker]:
    """Makers by name; each makes one file."""
    older = {name: (lambda data=data: data) for name, data in hostile_files().items()}
    return {**older, **_lengths(), **_structure(), **_sizes(), **_streams()}
