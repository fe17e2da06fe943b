"""Whether compressed Pixel Data may be passed through byte for byte: a code stream can carry comments and previews."""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Callable
from functools import partial

from rle.utils import decode_segment

from deid.dicomfile.element import Encapsulated

_SAFE_COMMENT = re.compile(
    rb"(?:Created by OpenJPEG version|Kakadu-v?|Creator: JasPer Version|LEAD Technologies Inc\. V)[ ]?[0-9.]{0,10}\0?\Z"
)
_JPEG_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def passes_through(pixels: Encapsulated, syntax: str, frames: int, plane: int) -> bool:
    """Whether there is one code stream for each of `frames`, each holds image data only, and nothing stands between them.

    plane: pixels of one frame. False asks for decoding and writing the image anew; it is no refusal. Bits above BitsStored
    are looked for in the decoded values, because encoders write 16 bits of precision for 12 stored ones as a matter of course.
    """
    if not pixels.fragments or sum(map(len, pixels.fragments)) + len(pixels.offsets) + 8 * len(
        pixels.fragments
    ) + 16 != len(pixels.raw):
        return False
    plain: Callable[[bytes], bool]
    if syntax == "1.2.840.10008.1.2.5":
        groups = [[fragment] for fragment in pixels.fragments]
        plain = partial(_plain_rle, plane=plane)
    elif pixels.fragments[0].startswith(b"\xff\xd8"):
        groups, plain = split_frames(pixels.fragments, b"\xff\xd8"), _plain_jpeg
    elif pixels.fragments[0].startswith(b"\xff\x4f\xff\x51"):
        groups, plain = split_frames(pixels.fragments, b"\xff\x4f\xff\x51"), _plain_j2k
    else:
        return False
    # A code stream more than there are frames is an image that nobody looked at.
    return len(groups) == frames and _true_table(pixels.offsets, groups) and all(plain(b"".join(g)) for g in groups)


def _true_table(table: bytes, frames: list[list[bytes]]) -> bool:
    """The Basic Offset Table is empty, or says where the frames begin (PS3.5 A.4) and nothing else."""
    begins, at = [], 0
    for fragments in frames:
        begins.append(at)
        at += sum(8 + len(fragment) for fragment in fragments)
    return not table or (at < 1 << 32 and table == struct.pack(f"<{len(begins)}I", *begins))


def stream_precision(pixels: Encapsulated, syntax: str, bits_allocated: int) -> int:
    """Bits a sample of the first code stream; BitsAllocated for RLE, 0 when unknown.

    Decoders clear what lies above BitsStored without a word, so they must be told the stream's own precision for hidden
    bits to be seen.
    """
    if syntax == "1.2.840.10008.1.2.5":
        return bits_allocated
    stream = pixels.fragments[0] if pixels.fragments else b""
    if stream.startswith(b"\xff\x4f\xff\x51"):
        return (stream[42] & 0x7F) + 1 if len(stream) > 42 else 0
    at = 2
    while stream.startswith(b"\xff\xd8") and at + 5 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            return stream[at + 4]
        if marker == 0xDA:
            break
        at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return 0


def sizes_agree(pixels: Encapsulated, rows: int, columns: int) -> bool:
    """Whether every code stream that tells its size tells this one. Decoders believe the stream and allocate what it says."""
    for fragment in pixels.fragments:
        size = _stream_size(fragment)
        if size is not None and size != (rows, columns):
            return False
    return True


def _stream_size(stream: bytes) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG, JPEG-LS or JPEG 2000 stream declares; None when it declares none."""
    if stream.startswith(b"\xff\x4f\xff\x51"):
        if len(stream) < 24:
            return None
        right, bottom, left, top = struct.unpack(">4I", stream[8:24])
        return bottom - top, right - left
    at = 2
    while stream.startswith(b"\xff\xd8") and at + 9 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            rows, columns = struct.unpack(">2H", stream[at + 5 : at + 9])
            return rows, columns
        if marker == 0xDA:
            break
        at += 1 if marker == 0xFF else 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None


def split_frames(fragments: list[bytes], start: bytes) -> list[list[bytes]]:
    """Fragments by code stream: each begins where one begins with `start`."""
    frames: list[list[bytes]] = []
    for fragment in fragments:
        if fragment.startswith(start) or not frames:
            frames.append([fragment])
        else:
            frames[-1].append(fragment)
    return frames


def _plain_rle(fragment: bytes, plane: int) -> bool:
    """An RLE frame (PS3.5 G.5): header of 16 numbers, offsets rising, unused offsets zero, and each segment ends with the run
    that completes its plane of so many bytes: behind it decoders read nothing, so anything could stand there."""
    if len(fragment) < 64:
        return False
    numbers = [int.from_bytes(fragment[i : i + 4], "little") for i in range(0, 64, 4)]
    count, offsets = numbers[0], numbers[1:]
    if not 1 <= count <= 15 or any(offsets[count:]) or offsets[0] != 64:
        return False
    used = [*offsets[:count], len(fragment)]
    if any(end <= begin for begin, end in itertools.pairwise(used)):
        return False
    return all(_whole_segment(fragment[begin:end], plane) for begin, end in itertools.pairwise(used))


def _whole_segment(segment: bytes, plane: int) -> bool:
    """Whether a segment decodes to so many bytes and to no more; one zero byte makes its length even (PS3.5 G.3.1)."""
    try:
        if len(decode_segment(segment)) != plane:
            return False
        return segment[-1:] == b"\0" or len(segment) < 2 or not _decodes_to(segment[:-1], plane)
    except ValueError:
        return False


def _decodes_to(segment: bytes, plane: int) -> bool:
    try:
        return len(decode_segment(segment)) == plane
    except ValueError:
        return False


_WORDS = re.compile(rb"[A-Za-z][A-Za-z ^,.=-]{7,}")
_TAIL = 2048


def _ends_clean(stream: bytes, data: int) -> bool:
    """The end marker is the last thing but padding, and no words stand close before it in the coded data (from `data` on), where
    decoders have stopped reading."""
    return (
        stream.rstrip(b"\0").endswith(b"\xff\xd9")
        and len(stream) - len(stream.rstrip(b"\0")) <= 1
        and not _WORDS.search(stream, max(data, len(stream) - _TAIL))
    )


def _plain_jpeg(stream: bytes) -> bool:
    """JPEG or JPEG-LS: no comment, no application data but a bare JFIF or Adobe marker, every segment as long as it must be,
    every table used."""
    at = 2
    defined: list[int] = []
    used: set[int] = set()
    while at + 4 <= len(stream):
        if stream[at] != 0xFF:
            return False
        marker = stream[at + 1]
        if marker == 0xFF or marker in _JPEG_STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        body = stream[at + 4 : at + 2 + length]
        if marker == 0xDA:
            if (
                not body
                or len(body) != 4 + 2 * body[0]
                or sorted(defined) != sorted(set(defined))
                or not set(defined) <= used
            ):
                return False
            # Entropy-coded data escapes 0xFF, so a marker inside it is a real one: only restarts may stand there.
            tail = stream[at + 2 + length :]
            inner = {code[0] for code in re.findall(rb"\xff([^\x00\xff])", tail, re.DOTALL)}
            jpeg_ls = any(stream[i : i + 2] == b"\xff\xf7" for i in range(min(at, 4096)))
            if jpeg_ls:
                inner = {code for code in inner if code >= 0x80}
            return inner <= ({0xD9, 0xDA, 0xC4} | set(range(0xD0, 0xD8))) and _ends_clean(stream, at + 2 + length)
        if marker == 0xDB:
            defined += _quantisers(body)
        elif _is_frame(marker):
            if len(body) < 6 or len(body) != 6 + 3 * body[5]:
                return False
            used |= {body[6 + 3 * n + 2] for n in range(body[5])}
        elif marker == 0xDD and len(body) != 2:
            return False
        elif marker in (0xE0, 0xEE):
            if not _bare_application(marker, body):
                return False
        elif marker not in (0xC4, 0xDD, 0xF8):
            return False
        at += 2 + length
    return False


def _is_frame(marker: int) -> bool:
    return (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7


def _quantisers(body: bytes) -> list[int]:
    """Numbers of the quantisation tables that a DQT segment defines; one that nothing uses where its length is wrong."""
    found, at = [], 0
    while at < len(body):
        found.append(body[at] & 15)
        at += 1 + 64 * (1 + (body[at] >> 4))
    return found if at == len(body) else [255]


def _bare_application(marker: int, body: bytes) -> bool:
    if marker == 0xE0:
        return len(body) == 14 and body.startswith(b"JFIF\0") and body[12:14] == b"\0\0"
    return marker == 0xEE and len(body) == 12 and body.startswith(b"Adobe")


_J2K_SEGMENTS = frozenset({0x50, 0x51, 0x52, 0x53, 0x5C, 0x5D, 0x5E, 0x5F, 0x64})
"""CAP, SIZ, COD, COC, QCD, QCC, RGN, POC, COM: what decoding needs, and comments, which are judged."""


def _plain_j2k(stream: bytes) -> bool:
    """JPEG 2000 code stream: main header without foreign comments or segments that decoding does not need, clean end."""
    at = 2
    while at + 4 <= len(stream):
        if stream[at] != 0xFF:
            return False
        marker = stream[at + 1]
        if marker == 0x90:
            return _tiles_end_it(stream, at)
        if marker not in _J2K_SEGMENTS:
            return False
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        body = stream[at + 4 : at + 2 + length]
        if marker == 0x64 and not _SAFE_COMMENT.match(body[2:]):
            return False
        at += 2 + length
    return False


def _tiles_end_it(stream: bytes, at: int) -> bool:
    """From the first tile-part on, tile-parts follow each other to the end marker, and that ends the stream (15444-1 A.4.2):
    a second code stream behind the first would be an image that nobody looked at."""
    while stream[at : at + 4] == b"\xff\x90\x00\x0a" and at + 12 <= len(stream):
        length = int.from_bytes(stream[at + 6 : at + 10], "big")
        if length == 0:  # the last tile-part reaches to the end marker
            return (
                _ends_clean(stream, at + 14)
                and b"\xff\x4f\xff\x51" not in stream[at:]
                and _bare_tile(stream, at, len(stream))
            )
        if length < 14 or not _bare_tile(stream, at, at + length):
            return False
        at += length
    return stream[at : at + 2] == b"\xff\xd9" and len(stream) - at <= 3 and not stream[at + 2 :].strip(b"\0")


def _bare_tile(stream: bytes, at: int, end: int) -> bool:
    """Whether a tile-part's header holds nothing, so that its data begin at once, and no words stand at its end."""
    return stream[at + 12 : at + 14] == b"\xff\x93" and not _WORDS.search(stream, max(at + 14, end - _TAIL), end)
