"""Coded entries (PS3.3 8.8): codes that PS3.16 lists stay, local ones become keyed stand-ins, meanings are cleaned."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from deid.text.identifiers import Identifiers
from deid.text.vocabulary import fold

_SCHEMES = {"SCT": "SCT", "SRT": "SRT", "SNM3": "SRT", "99SDM": "SRT", "DCM": "DCM", "LN": "LN", "UCUM": "UCUM",
            "RADLEX": "RADLEX", "UMLS": "UMLS", "FMA": "FMA", "I10": "I10", "I9C": "I9C", "SNOMED": "SCT", "SNM": "SRT"}  # fmt: skip
_SHAPES = {
    "SRT": re.compile(r"[A-Z]-[0-9A-F]{4,5}\Z"),
    "DCM": re.compile(r"1[0-3]\d{4}\Z"),
    "RADLEX": re.compile(r"RID\d{1,5}\Z"),
    "UMLS": re.compile(r"C\d{7}\Z"),
    "I10": re.compile(r"[A-Z]\d{2}(?:\.\d{1,2})?\Z"),
    "I9C": re.compile(r"\d{2,3}\.\d{1,2}\Z"),
}
_FIVE = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNS = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


@cache
def _listed() -> dict[tuple[str, str], str]:
    """(scheme, code) -> meaning, from the data file."""
    text = files("deid.profile").joinpath("codes.csv").read_text(encoding="utf-8")
    found: dict[tuple[str, str], str] = {}
    for line in csv.DictReader(row for row in text.splitlines() if row and not row.startswith("#")):
        found[line["scheme"], line["code"]] = line["meaning"]
        if line["srt"]:
            found["SRT", line["srt"]] = line["meaning"]
    return found


@cache
def meaning_words() -> frozenset[str]:
    """Folded words of every listed meaning."""
    return frozenset(fold(word) for meaning in _listed().values() for word in re.split(r"[\W_]+", meaning) if word)


def clean_code(
    scheme: str, value: str, meaning: str, identifiers: Identifiers, clean: Callable[[str], str], stand_in: Callable[[str], str]
) -> tuple[str, str, str] | None:  # fmt: skip
    """(scheme, value, meaning) of a coded entry as they may stay; None when nothing of it may.

    clean: the text cleaner. stand_in: a keyed replacement for a local code, so that equal codes stay equal.
    """
    known = _SCHEMES.get(scheme.strip().upper())
    cleaned = clean(meaning)
    if known and (known, value) in _listed():
        listed = _listed()[known, value]
        words = {fold(word) for word in re.split(r"[\W_]+", meaning) if word}
        return scheme, value, meaning if words and words <= {fold(w) for w in re.split(r"[\W_]+", listed)} else listed
    own = identifiers.words | identifiers.numbers
    if known and _plausible(known, value) and not {fold(value), re.sub(r"\D", "", value).lstrip("0")} & own:
        return scheme, value, cleaned or "REMOVED"
    if not cleaned:
        return None
    kept_scheme, kept_value = clean(scheme), clean(value)
    if kept_value != value:
        kept_value = stand_in(f"{scheme}\x1f{value}")
    return kept_scheme if kept_scheme == scheme and scheme else "99LOCAL", kept_value, cleaned


def _plausible(scheme: str, value: str) -> bool:
    """Whether a code that we do not list has the shape and the check digit of its scheme."""
    if scheme == "SCT":
        return (
            value.isdigit()
            and value.isascii()
            and 6 <= len(value) <= 18
            and value[-3:-1] in ("00", "10")
            and _verhoeff(value)
        )
    if scheme == "LN":
        found = re.fullmatch(r"(\d{1,5})-(\d)", value)
        return bool(found) and _luhn(value.replace("-", ""))
    shape = _SHAPES.get(scheme)
    return shape is not None and shape.match(value) is not None


def _verhoeff(number: str) -> bool:
    """The check digit of SNOMED CT identifiers (Verhoeff 1969)."""
    check = 0
    for position, digit in enumerate(reversed(number)):
        check = int(_FIVE[check][int(_TURNS[position % 8][int(digit)])])
    return check == 0


def _luhn(number: str) -> bool:
    """The check digit of LOINC codes (modulus 10)."""
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
