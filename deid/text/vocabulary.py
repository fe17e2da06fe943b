"""The word lists: radiology words that may stay in descriptors, and device words that may stay in maker and model."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files


def fold(word: str) -> str:
    """A word in one spelling: compatibility forms, case folded, accents off where they are separable."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _read(name: str) -> frozenset[str]:
    text = files("deid.profile").joinpath("words", name).read_text(encoding="utf-8")
    words: set[str] = set()
    for line in text.splitlines():
        if not line.startswith("#"):
            for entry in line.split():
                words.add(fold(entry))
                words.update(fold(part) for part in entry.replace("/", "-").split("-") if part)
    return frozenset(words)


@cache
def radiology_words() -> frozenset[str]:
    """Folded radiology vocabulary."""
    return _read("radiology.txt")


@cache
def device_words() -> frozenset[str]:
    """Folded maker and model vocabulary, radiology words included."""
    return _read("devices.txt") | radiology_words()


@cache
def code_words() -> frozenset[str]:
    """Folded words and whole values that CS attributes may hold, radiology words included."""
    listed = _read("codes.txt")
    parts = {part for word in listed for part in word.split("_")}
    return listed | parts | radiology_words()
