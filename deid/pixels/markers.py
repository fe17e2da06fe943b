"""The marker allow-list: what may stay burned into a radiograph, because it tells side, projection or technique."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files

from deid.pixels.detector import Region
from deid.text.identifiers import Identifiers
from deid.text.vocabulary import fold

READ_CONFIDENCE = 0.95
_TECHNIQUE = re.compile(r"\d{2,3}(?:\.\d)?kvp?|\d{1,3}(?:\.\d{1,2})?mas?|\d{1,4}ms", re.IGNORECASE)
# What the reader makes of an arrow, an edge or dust beside a word.
_STRAY = " \t\"'“”„«»‘’`´↑↓←→|·.,:;~"
_UNIT = re.compile(r"kvp?|mas|ms", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,4}(?:[.,]\d{1,2})?")


@cache
def marker_words() -> frozenset[str]:
    """Folded marker words."""
    text = files("deid.profile").joinpath("words", "markers.txt").read_text(encoding="utf-8")
    return frozenset(fold(word) for line in text.splitlines() if not line.startswith("#") for word in line.split())


def is_marker(text: str, confidence: float, identifiers: Identifiers) -> bool:
    """Whether every word of a region is a known marker, read with enough confidence, and none is the patient's own."""
    if confidence < READ_CONFIDENCE:
        return False
    plain = unicodedata.normalize("NFKC", text).strip(_STRAY)
    if any(c in plain for c in "^@#*_"):
        return False
    tokens = [token for token in re.split(r"[\s/,:;()\[\]-]+|\.(?!\d)", plain) if token]
    if not tokens or len(tokens) > 8:
        return False
    for index, token in enumerate(tokens):
        word = fold(token)
        if word in identifiers.words and word not in ("l", "r"):
            return False
        around = [*tokens[max(0, index - 1) : index], *tokens[index + 1 : index + 2]]
        if (
            word not in marker_words()
            and not _run_together(word, identifiers)
            and not _TECHNIQUE.fullmatch(token)
            and not _is_exposure(token, around)
        ):
            return False
    return True


def _run_together(word: str, identifiers: Identifiers) -> bool:
    """Two markers whose gap the reader lost (APERECT, RSUPINE). One is of four letters and more and neither is the patient's own."""
    return any(
        {word[:cut], word[cut:]} <= marker_words()
        and max(cut, len(word) - cut) >= 4
        and not {word[:cut], word[cut:]} & identifiers.words - {"l", "r"}
        for cut in range(1, len(word))
    )


def _is_exposure(token: str, around: list[str]) -> bool:
    """Whether a token is a number beside its unit or a unit beside its number. "mA" counts as written only: Ma is a name."""
    if _NUMBER.fullmatch(token):
        return any(_unit(other) for other in around)
    return _unit(token) and any(_NUMBER.fullmatch(other) for other in around)


def _unit(part: str) -> bool:
    return part == "mA" or _UNIT.fullmatch(part) is not None


def on_one_line(marker: Region, other: Region) -> bool:
    """Whether a marker stands on the line of other text: beside it, no further off than a line's height, and about as tall.

    The other's shape tells which way its line runs; what is about square is taken to run level.
    """
    if other.height > 1.2 * other.width:
        marker, other = _turned(marker), _turned(other)
    small, large = sorted((marker.height, other.height))
    overlap = min(marker.y + marker.height, other.y + other.height) - max(marker.y, other.y)
    gap = max(marker.x, other.x) - min(marker.x + marker.width, other.x + other.width)
    return overlap > 0.4 * small and gap < small and large < 3 * small


def _turned(region: Region) -> Region:
    return Region(region.y, region.x, region.height, region.width, region.score)
