"""Searching an output for what the input gave away, in every encoding that text takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from deid.verify.giveaways import Secrets, keyword
from deid.verify.walk import PIXELS, Seen, Walked
from deid.verify.words import fold, text_words

_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_WORD = re.compile(r"[^\W_]+")
_UTF16 = (re.compile(rb"(?:[\x20-\x7e]\x00){4,}"), re.compile(rb"(?:\x00[\x20-\x7e]){4,}"))
_SPELLED_DATE = re.compile(r"(?<!\d)(\d{1,4})[./\-](\d{1,2})[./\-](\d{1,4})(?!\d)")
_OURS = frozenset({0x00120063, 0x00100010, 0x00100020})
# Elements whose words are the standard's or the maker's: an ordinary word there is no name.
_STANDARD = frozenset({0x00080104, 0x00080102, 0x00080070, 0x00081090, 0x00181020, 0x00082111})
_SUBSTRING = 7
_APART = 6


class Found(ValueError):
    """An identifier is in the output; the message names the place, never the identifier."""


def search(output: Walked, data: bytes, secrets: Secrets) -> None:
    """Raise Found at the first identifier. `data` are the file's bytes."""
    pixels = output.top(PIXELS)
    begin = pixels.offset if pixels else len(data)
    header = data[:begin] + b"\0" + (data[begin + pixels.size :] if pixels else b"")
    pool = "\n".join(_readings(header))
    words = set(_WORD.findall(pool))
    for kind, wanted in (("name", secrets.names), ("place", secrets.places), ("number", secrets.numbers)):
        for word in sorted(wanted & words):
            raise Found(f"{_place_of(output, word)} ({kind})")
    for word in sorted(secrets.names | secrets.places):
        if not word.isascii() and len(word) >= 2 and word in pool:
            raise Found(f"{_place_of(output, word)} (name)")
        if len(word) >= _SUBSTRING and word in pool:
            raise Found(f"{_place_of(output, word)} (inside a word)")
    for raw in sorted(secrets.encoded):
        if raw in header:
            raise Found("search of the bytes")
    _numbers_in_text(output, secrets)
    _common_names(output, secrets)
    _names_apart(output, secrets)
    for uid in sorted(secrets.uids):
        if re.search(rb"(?<![0-9.])" + re.escape(uid.encode("latin-1")) + rb"(?![0-9])", header):
            raise Found("original UID")
    if pixels is not None:
        own = _possible(secrets.own, output, pixels)
        if any(data.find(raw, begin, begin + pixels.size) >= 0 for raw in sorted(own)):
            raise Found("search of Pixel Data")


def _possible(own: Iterable[bytes], output: Walked, pixels: Seen) -> list[bytes]:
    """Those strings that values of 16 bits can spell. One of every two neighbouring bytes is the high byte of a value, so a
    string whose every byte exceeds the high byte of the largest value stands nowhere; of 12 stored bits that is any text."""
    if pixels.items or output.big or output.number(0x00280100) != 16 or pixels.size < 2:
        return list(own)
    largest = int(np.frombuffer(pixels.bulk, "<u2", pixels.size // 2).max()) >> 8
    return [raw for raw in own if len(raw) < 2 or min(raw) <= largest]


def _readings(header: bytes) -> Iterator[str]:
    """The header as folded text: as UTF-8, and every run of ASCII in UTF-16."""
    yield fold(header.decode("utf-8", "replace"))
    for pattern, name in zip(_UTF16, ("utf-16-le", "utf-16-be"), strict=True):
        for run in pattern.findall(header):
            yield fold(run.decode(name))


def _texts(output: Walked) -> Iterator[tuple[Seen, str]]:
    for seen in output.elements:
        if seen.vr in _TEXT and seen.value and not (seen.tag in _OURS and not seen.path) and seen.tag != PIXELS:
            yield seen, fold(seen.value.decode("utf-8", "replace"))


def _numbers_in_text(output: Walked, secrets: Secrets) -> None:
    """Numbers in other punctuation than the header's."""
    long = [number for number in sorted(secrets.numbers) if len(number) >= 6]
    for seen, text in _texts(output):
        if sum(c.isdigit() for c in text) < 4:
            continue
        compact = re.sub(r"[\W_]", "", text)
        if any(number in compact for number in long):
            raise Found(f"{keyword(seen.tag)} (number)")


def _common_names(output: Walked, secrets: Secrets) -> None:
    """Names that are ordinary words (Base, Long) or of two or three letters: in descriptors only, where the first pass takes
    a patient's own names out. Words of up to three letters that are ordinary too are in every text and prove nothing."""
    wanted = {word for word in secrets.common if len(word) >= 4 or word not in text_words()} - _GRAMMAR
    if not wanted:
        return
    for seen, text in _texts(output):
        if seen.tag in _STANDARD or 0x00120064 in seen.path:
            continue
        mine = wanted & set(_WORD.findall(text))
        if any(len(word) >= 4 or text.strip() != word for word in mine):
            raise Found(f"{keyword(seen.tag)} (name)")


def _names_apart(output: Walked, secrets: Secrets) -> None:
    """Names in pieces: neighbouring words, or single letters, that are a name when they stand together."""
    long = {name for name in secrets.names if len(name) >= _APART}
    if not long:
        return
    for seen, text in _texts(output):
        words = _WORD.findall(text)
        for first in range(len(words) - 1):
            joined = words[first]
            for word in words[first + 1 : first + 16]:
                joined += word
                if joined in long:
                    raise Found(f"{keyword(seen.tag)} (name in pieces)")
                if len(joined) > 40:
                    break


_GRAMMAR = frozenset(
    [
        "the",
        "and",
        "with",
        "without",
        "for",
        "from",
        "are",
        "was",
        "were",
        "have",
        "this",
        "that",
        "these",
        "not",
        "then",
        "than",
        "also",
        "other",
        "more",
        "only",
        "all",
        "any",
        "some",
        "each",
        "per",
        "between",
        "near",
        "over",
        "under",
        "above",
        "below",
        "after",
        "before",
        "during",
        "since",
        "due",
        "van",
        "von",
        "der",
        "den",
        "del",
        "della",
        "las",
        "los",
    ]
)


def dates_left(output: Walked, data: bytes, original: Iterable[str], allowed: set[str]) -> None:
    """Raise Found where an original date stands that no rule put there: as DA writes it, or as people do."""
    wanted = set(original) - allowed
    pixels = output.top(PIXELS)
    header = data[: pixels.offset] if pixels else data
    if not wanted:
        return
    for run in re.findall(rb"(?<![0-9.])(\d{8})(?:\d{2,6})?(?![0-9])", header):
        if run.decode("ascii") in wanted:
            raise Found("an original date")
    for _seen, text in _texts(output):
        for first, middle, last in _SPELLED_DATE.findall(text):
            for year, month, day in ((first, middle, last), (last, middle, first), (last, first, middle)):
                if len(year) == 4 and f"{year}{int(month):02d}{int(day):02d}" in wanted:
                    raise Found("an original date")


def _place_of(output: Walked, word: str) -> str:
    """The keyword of the element that holds the word."""
    for seen in output.elements:
        if seen.tag != PIXELS and word in fold(seen.value.decode("utf-8", "replace")):
            return keyword(seen.tag)
    return "search of the bytes"
