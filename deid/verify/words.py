"""Spellings and ordinary words for the search, from the data files alone; the rules of the first pass are not used."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_CODECS = {
    "": "latin-1", "ISO_IR 6": "latin-1", "ISO_IR 100": "latin-1", "ISO_IR 101": "iso8859_2", "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4", "ISO_IR 144": "iso8859_5", "ISO_IR 127": "iso8859_6", "ISO_IR 126": "iso8859_7",
    "ISO_IR 138": "iso8859_8", "ISO_IR 148": "iso8859_9", "ISO_IR 203": "iso8859_15", "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "tis_620", "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk", "ISO_IR 87": "iso2022_jp",
    "ISO_IR 159": "iso2022_jp_2", "ISO_IR 149": "euc_kr", "ISO_IR 58": "gb2312",
}  # fmt: skip
_ESCAPES = {
    b"$B": "jis", b"$@": "jis", b"$(D": "jis", b"$)C": "euc_kr", b"$)A": "gb2312", b"(B": "ascii", b"(J": "ascii", b")I": "shift_jis",
    b"(I": "shift_jis", b"-A": "latin-1", b"-B": "iso8859_2", b"-C": "iso8859_3", b"-D": "iso8859_4", b"-L": "iso8859_5",
    b"-G": "iso8859_6", b"-F": "iso8859_7", b"-H": "iso8859_8", b"-M": "iso8859_9", b"-T": "tis_620", b"-b": "iso8859_15",
}  # fmt: skip
_ESCAPE = re.compile(rb"\x1b(\$\([A-D]|\$\)[AC]|\$[@B]|\([BJI]|\)I|-[ABCDLGFHMTb])")
_ENDINGS = ("s", "es", "ed", "ing", "ly", "al", "ar", "ic", "er", "ist", "y", "ies", "ity", "ion")


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Case, accents and compatibility forms away."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def codec(term: str) -> str:
    """The Python codec of a defined term of SpecificCharacterSet; Latin-1 for what is unknown."""
    return _CODECS.get(term.upper().replace("ISO 2022 IR", "ISO_IR").strip(), "latin-1")


def read(raw: bytes, charsets: tuple[str, ...]) -> list[str]:
    """Every reasonable reading of a value: as declared, with its escapes, as UTF-8, as Latin-1."""
    raw = raw.strip(b" \0")
    if b"\x1b" in raw:
        return [_escaped(raw, codec(charsets[0] if charsets else ""))]
    if raw.isascii():
        return [raw.decode("ascii")]
    readings = []
    for name in dict.fromkeys([*(codec(term) for term in charsets), "utf-8"]):
        try:
            readings.append(raw.decode(name))
        except (UnicodeDecodeError, LookupError):
            continue
    return readings or [raw.decode("latin-1")]


def _escaped(raw: bytes, first: str) -> str:
    """ISO 2022 text (PS3.5 6.1.2.5): each piece by the set that its escape sequence calls."""
    pieces, at, current, escape = [], 0, first, b""
    for found in [*_ESCAPE.finditer(raw), None]:
        end = found.start() if found else len(raw)
        piece = raw[at:end]
        if current == "jis":
            pieces.append((b"\x1b" + escape + piece + b"\x1b(B").decode("iso2022_jp_2", "replace"))
        else:
            pieces.append(piece.decode(current, "replace"))
        if found:
            escape, at = found.group(1), found.end()
            current = _ESCAPES.get(escape, first)
    return "".join(pieces)


@cache
def ordinary_words() -> frozenset[str]:
    """Words of medicine, language, coding and device trade that clean files hold: every word list but those of names."""
    profile = files("deid.profile")
    words: set[str] = set()
    for path in _lists(profile.joinpath("words")):
        words.update(_split(path.read_text(encoding="utf-8")))
    for name in ("codes.csv", "terms.txt", "safe_private.csv"):
        words.update(_split(profile.joinpath(name).read_text(encoding="utf-8")))
    words.update(
        [
            "getdata",
            "deid",
            "removed",
            "yes",
            "no",
            "dcm",
            "modified",
            "unmodified",
            "basic",
            "application",
            "confidentiality",
            "profile",
            "clean",
        ]
    )
    words.update(
        [
            "pixel",
            "data",
            "option",
            "descriptors",
            "retain",
            "longitudinal",
            "temporal",
            "information",
            "full",
            "dates",
            "patient",
        ]
    )
    words.update(
        [
            "characteristics",
            "device",
            "identity",
            "safe",
            "private",
            "research",
            "limited",
            "set",
            "harbor",
            "cxr",
            "local",
            "about",
            "blank",
        ]
    )
    words.update(["burned", "in", "text", "masked", "regions", "frame", "width", "height", "boxes", "audit", "record"])
    return frozenset(words)


@cache
def text_words() -> frozenset[str]:
    """Words that texts are written with: the lists without those of markers, codes and devices."""
    words: set[str] = set()
    for path in _lists(files("deid.profile").joinpath("words")):
        if path.name not in ("markers.txt", "codes.txt", "devices.txt"):
            words.update(_split(path.read_text(encoding="utf-8")))
    return frozenset(words)


# Lists that only reports are cleaned with: no header's text may hold their words for them.
_FOR_PROSE = ("common.txt", "context.txt")


def _lists(folder: Traversable) -> list[Traversable]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += [] if "name" in entry.name else _lists(entry)
        elif entry.name.endswith(".txt") and "name" not in entry.name and entry.name not in _FOR_PROSE:
            found.append(entry)
    return found


def _split(text: str) -> set[str]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return {fold(word) for word in re.findall(r"[^\W_]+", lines)}


def is_ordinary(word: str) -> bool:
    """Whether a folded word, or the word less a usual ending, is in the lists."""
    known = ordinary_words()
    if word in known:
        return True
    return any(word.endswith(end) and len(word) - len(end) >= 4 and word[: -len(end)] in known for end in _ENDINGS)
