"""Whether compressed Pixel Data may be passed through byte for byte: a code stream can carry comments and previews."""

from __future__ import annotations

import re

from deid.dicomfile.element import Encapsulated

_SAFE_COMMENT = re.compile(
    rb"(?:Created by OpenJPEG version|Kakadu-v?|Creator: JasPer Version|LEAD Technologies Inc\. V)[ ]?[0-9.]{0,10}\0?\Z"
)
_JPEG_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_J2K_STANDALONE = frozenset({0x4F, 0x92, 0x93, 0xD9})


def passes_through(pixels: Encapsulated, syntax: str) -> bool:
    """Whether every code stream holds image data only.

    False asks for decoding and writing the image anew; it is no refusal. Bits above BitsStored are looked for
    in the decoded
    values, because encoders write 16 bits of precision for 12 stored ones as a matter of course.
    """
    if not pixels.fragments or sum(map(len, pixels.fragments)) + len(pixels.offsets) + 8 * len(
        pixels.fragments
    ) + 16 != len(pixels.raw):
        return False
    if syntax == "1.2.840.10008.1.2.5":
        return all(_plain_rle(fragment) for fragment in pixels.fragments)
    stream = b"".join(pixels.fragments)
    if stream.startswith(b"\xff\xd8"):
        return all(_plain_jpeg(part) for part in _split_frames(pixels.fragments, b"\xff\xd8"))
    if stream.startswith(b"\xff\x4f\xff\x51"):
        return all(_plain_j2k(part) for part in _split_frames(pixels.fragments, b"\xff\x4f\xff\x51"))
    return False


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


def _split_frames(fragments: list[bytes], start: bytes) -> list[bytes]:
    frames: list[bytes] = []
    for fragment in fragments:
        if fragment.startswith(start) or not frames:
            frames.append(fragment)
        else:
            frames[-1] += fragment
    return frames


def _plain_rle(fragment: bytes) -> bool:
    """An RLE frame (PS3.5 G.5): header of 16 numbers, offsets rising, unused offsets zero."""
    if len(fragment) < 64:
        return False
    numbers = [int.from_bytes(fragment[i : i + 4], "little") for i in range(0, 64, 4)]
    count, offsets = numbers[0], numbers[1:]
    if not 1 <= count <= 15 or any(offsets[count:]) or offsets[0] != 64:
        return False
    used = offsets[:count]
    return used == sorted(used) and used[-1] < len(fragment)


def _ends_clean(stream: bytes) -> bool:
    """The end marker is the last thing but padding."""
    return stream.rstrip(b"\0").endswith(b"\xff\xd9") and len(stream) - len(stream.rstrip(b"\0")) <= 1


def _plain_jpeg(stream: bytes) -> bool:
    """JPEG or JPEG-LS: no comment, no application data but a bare JFIF or Adobe marker."""
    at = 2
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
            # Entropy-coded data escapes 0xFF, so a marker inside it is a real one: only restarts may stand there.
            tail = stream[at + 2 + length :]
            inner = {code[0] for code in re.findall(rb"\xff([^\x00\xff])", tail, re.DOTALL)}
            jpeg_ls = any(stream[i : i + 2] == b"\xff\xf7" for i in range(min(at, 4096)))
            if jpeg_ls:
                inner = {code for code in inner if code >= 0x80}
            return inner <= ({0xD9, 0xDA, 0xC4} | set(range(0xD0, 0xD8))) and _ends_clean(stream)
        if marker == 0xFE or (0xE0 <= marker <= 0xEF and not _bare_application(marker, body)):
            return False
        at += 2 + length
    return False


def _bare_application(marker: int, body: bytes) -> bool:
    if marker == 0xE0:
        return len(body) == 14 and body.startswith(b"JFIF\0") and body[12:14] == b"\0\0"
    return marker == 0xEE and len(body) == 12 and body.startswith(b"Adobe")


def _plain_j2k(stream: bytes) -> bool:
    """JPEG 2000 code stream: main header without foreign comments, clean end."""
    at = 2
    while at + 4 <= len(stream):
        if stream[at] != 0xFF:
            return False
        marker = stream[at + 1]
        if marker == 0x90:
            return _ends_clean(stream) and _no_tile_comments(stream[at:])
        if marker in _J2K_STANDALONE:
            at += 2
            continue
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        body = stream[at + 4 : at + 2 + length]
        if marker == 0x64 and not _SAFE_COMMENT.match(body[2:]):
            return False
        at += 2 + length
    return False


def _no_tile_comments(stream: bytes) -> bool:
    """No comment marker in the first tile-part header; later ones are found by the second look's search of the
    bytes."""
    data = stream.find(b"\xff\x93")
    return data != -1 and b"\xff\x64" not in stream[:data]
