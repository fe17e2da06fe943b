"""The second look (DEID.md, section 9): the output's bytes are read again and searched; any doubt withholds the object.

What is searched for, and why it does not cry wolf (docs/deid.md, "Verify"):
- words of person names and identifying numbers of at least four characters (three for scripts beyond ASCII),
as whole words,
  in ASCII, UTF-8, UTF-16 and the declared character set, in every byte but Pixel Data; words that radiology
  itself uses are
  searched for in free text only, because codes such as CHEST are not names;
- in free text, also words of two and three characters;
- UIDs and dates of the original that were replaced; a date that the shift itself produced is not a finding;
- in encapsulated Pixel Data, and in native Pixel Data too, identifiers of at least seven characters.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np

from deid.dicomfile.charset import decode
from deid.dicomfile.element import PIXEL_DATA, STRING_VRS, TEXT_VRS, DataSet, Element, Encapsulated, keyword
from deid.dicomfile.limits import DEFAULT_LIMITS
from deid.dicomfile.read import DicomFile, is_uid, read_file
from deid.headers.marks import MARK_WORDS
from deid.headers.registered import is_registered_uid
from deid.headers.required import CORE_TYPE_1, type_1, type_2
from deid.outcome import MaskBox, Refusal
from deid.pixels.decode import DecodedPixels, Samples, decode_pixels
from deid.text.identifiers import Identifiers
from deid.text.vocabulary import device_words, fold

_OURS = frozenset({"getdata", "deid", "removed", "yes", "no", "dcm", "modified", "unmodified"}) | MARK_WORDS
_TEXT_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
_MARK_TAGS = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303, 0x00280301})


def pixel_sha256(values: Samples) -> str:
    """SHA-256 of stored values with their shape, byte order and layout fixed."""
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    digest = hashlib.sha256(repr((little.shape, little.dtype.str)).encode("ascii"))
    digest.update(little.data)
    return digest.hexdigest()


def verify_output(
    output: bytes,
    source: DicomFile,
    identifiers: Identifiers,
    expected_dates: frozenset[str] | set[str],
    original: DecodedPixels,
    cleaned: Samples,
    masks: tuple[MaskBox, ...],
    *,
    dates_replaced: bool,
    charsets: tuple[str, ...],
) -> dict[str, bool]:
    """Checks passed, by name. Raises Refusal (identifier-left, verify-structure, verify-required, verify-pixels)."""
    if output[:128] != b"\0" * 128:
        raise Refusal("verify-structure", "preamble")
    try:
        again = read_file(output)
    except Refusal as problem:
        raise Refusal("verify-structure", problem.code) from problem
    if again.trailing:
        raise Refusal("verify-structure", "bytes after the last element")
    _check_structure(again)
    _check_required(again.dataset, source.dataset)
    _check_uids(again.dataset, identifiers)
    _check_bytes(output, again, identifiers, charsets)
    if dates_replaced:
        _check_dates(output, again, identifiers, expected_dates)
    _check_free_text(again.dataset, identifiers)
    _check_pixels(again, source, original, cleaned, masks)
    return {
        "structure": True,
        "required-attributes": True,
        "uids": True,
        "identifier-search": True,
        "dates": dates_replaced,
        "pixels-outside-masks": True,
    }


def _check_structure(file: DicomFile) -> None:
    meta, dataset = file.meta, file.dataset
    if set(meta.elements) - {0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013}:
        raise Refusal("verify-structure", "file meta")
    if meta.ascii(0x00020003) != dataset.ascii(0x00080018) or meta.ascii(0x00020002) != dataset.ascii(0x00080016):
        raise Refusal("verify-structure", "file meta")
    stack = [dataset]
    while stack:
        current = stack.pop()
        for tag, element in current.elements.items():
            group = tag >> 16
            if (
                0x5000 <= group <= 0x50FF
                or 0x6000 <= group <= 0x60FF
                or group in (0x0400, 0x5400, 0xFFFC, 0xFFFA, 0x0088)
            ):
                raise Refusal("verify-structure", keyword(tag))
            if isinstance(element.value, bytes) and len(element.value) % 2:
                raise Refusal("verify-structure", f"odd length of {keyword(tag)}")
            stack.extend(element.items)


def _check_required(dataset: DataSet, source: DataSet) -> None:
    """Type 1 of the core must be there; what the class demands and the original had must not have been lost."""
    sop_class = dataset.ascii(0x00080016)
    for tag in sorted(CORE_TYPE_1):
        element = dataset.get(tag)
        if element is None or _blank(element):
            raise Refusal("verify-required", keyword(tag))
    for tag in sorted(type_2(sop_class)):
        if tag not in dataset:
            raise Refusal("verify-required", keyword(tag))
    for tag in sorted(type_1(sop_class) - CORE_TYPE_1):
        before, after = source.get(tag), dataset.get(tag)
        if before is not None and not _blank(before) and (after is None or _blank(after)):
            raise Refusal("verify-required", keyword(tag))


def _blank(element: Element) -> bool:
    """Whether an element holds no value; a binary zero is a value."""
    if not isinstance(element.value, bytes):
        return not element.value
    return not (element.value.strip(b" \0") if element.vr in STRING_VRS else element.value)


def _check_uids(dataset: DataSet, identifiers: Identifiers) -> None:
    stack = [dataset]
    while stack:
        current = stack.pop()
        for tag, element in current.elements.items():
            stack.extend(element.items)
            if element.vr != "UI":
                continue
            for uid in element.raw.decode("latin-1").split("\\"):
                uid = uid.strip(" \0")
                if not uid:
                    continue
                if not is_uid(uid) or (not uid.startswith("2.25.") and not is_registered_uid(uid)):
                    raise Refusal("verify-structure", f"UID in {keyword(tag)}")
                if uid in identifiers.uids and not is_registered_uid(uid):
                    raise Refusal("identifier-left", keyword(tag))


def _searchable(output: bytes, again: DicomFile) -> tuple[bytes, bytes]:
    """(everything but Pixel Data, Pixel Data)."""
    element = again.dataset.elements[PIXEL_DATA]
    pixels = element.value.raw if isinstance(element.value, Encapsulated) else element.raw
    at = output.rfind(pixels) if pixels else len(output)
    return (output[:at] + b"\0" + output[at + len(pixels) :], pixels) if at >= 0 else (output, b"")


def _strong_words(identifiers: Identifiers) -> list[str]:
    chosen = []
    for text in sorted(identifiers.strong):
        word = fold(text)
        short = len(word) < 4 if word.isascii() else len(text.encode("utf-8")) < 3
        if short or word in _OURS or word in device_words():
            continue
        if word.isdigit() and len(word) < 5:
            continue
        chosen.append(text)
    return chosen


def _check_bytes(output: bytes, again: DicomFile, identifiers: Identifiers, charsets: tuple[str, ...]) -> None:
    header, pixels = _searchable(output, again)
    folded = header.lower()
    for text in _strong_words(identifiers):
        for encoded in _encodings(text, charsets):
            if len(encoded) < 3:
                continue
            if _whole_word(folded, encoded.lower()):
                raise Refusal("identifier-left", "search of the bytes")
            if len(encoded) >= 7 and encoded in pixels:
                raise Refusal("identifier-left", "search of Pixel Data")
    for uid in sorted(identifiers.uids):
        if (
            len(uid) >= 8
            and not is_registered_uid(uid)
            and _whole_word(folded, uid.encode("latin-1", "replace").lower())
        ):
            raise Refusal("identifier-left", "original UID")


def _encodings(text: str, charsets: tuple[str, ...]) -> set[bytes]:
    found = set()
    for codec in (*_TEXT_ENCODINGS, *charsets):
        try:
            found.add(text.encode(codec))
        except (UnicodeEncodeError, LookupError):
            continue
    return found


def _whole_word(haystack: bytes, needle: bytes) -> bool:
    """Whether the needle stands there with no letter, digit or UTF-8 continuation on either side; for digits
    no dot either."""
    start = haystack.find(needle)
    if start < 0:
        return False
    joined = rb"[0-9a-z\x80-\xff.]" if needle[:1].isdigit() and needle[-1:].isdigit() else rb"[0-9a-z\x80-\xff]"
    pattern = re.compile(
        rb"(?<!" + joined + rb")" + re.escape(needle) + rb"(?!" + joined.replace(b".", b"") + rb")", re.DOTALL
    )
    return pattern.search(haystack, max(0, start - 1)) is not None


def _check_dates(
    output: bytes, again: DicomFile, identifiers: Identifiers, expected: frozenset[str] | set[str]
) -> None:
    header, _ = _searchable(output, again)
    for date in sorted(identifiers.dates - set(expected)):
        spellings = {
            date,
            f"{date[:4]}-{date[4:6]}-{date[6:]}",
            f"{date[:4]}.{date[4:6]}.{date[6:]}",
            f"{date[6:]}.{date[4:6]}.{date[:4]}",
        }
        for spelling in spellings:
            if re.search(rb"(?<![0-9.])" + re.escape(spelling.encode("ascii")), header):
                raise Refusal("identifier-left", "an original date")


def _check_free_text(dataset: DataSet, identifiers: Identifiers) -> None:
    stack = [dataset]
    while stack:
        current = stack.pop()
        for tag, element in current.elements.items():
            if tag in _MARK_TAGS:
                continue
            stack.extend(element.items)
            if element.vr not in TEXT_VRS or not isinstance(element.value, bytes):
                continue
            words = {fold(part) for part in re.split(r"[^\w]+|_", decode(element.value, ("utf-8",))) if part}
            if words & identifiers.words - _OURS:
                raise Refusal("identifier-left", keyword(tag))


def _check_pixels(
    again: DicomFile, source: DicomFile, original: DecodedPixels, cleaned: Samples, masks: tuple[MaskBox, ...]
) -> None:
    before, after = source.dataset.elements[PIXEL_DATA].value, again.dataset.elements[PIXEL_DATA].value
    if isinstance(after, Encapsulated):
        # Only an untouched code stream is ever written; its bytes are the proof, and decoding it again would
        # prove no more.
        if masks or not isinstance(before, Encapsulated) or before.raw != after.raw or again.syntax != source.syntax:
            raise Refusal("verify-pixels", "code stream")
        return
    result = decode_pixels(again.dataset, again.syntax, DEFAULT_LIMITS)
    if result.needs_rewrite:
        raise Refusal("verify-pixels", "bytes besides the image")
    if pixel_sha256(result.values) != pixel_sha256(cleaned):
        raise Refusal("verify-pixels", "values")
    if not masks:
        if not np.array_equal(result.values, original.values):
            raise Refusal("verify-pixels", "values")
        return
    outside = np.ones(result.values.shape[:3], dtype=bool)
    for box in masks:
        outside[box.frame, box.y : box.y + box.height, box.x : box.x + box.width] = False
    if not np.array_equal(result.values[outside], original.values[outside]):
        raise Refusal("verify-pixels", "values outside masks")
