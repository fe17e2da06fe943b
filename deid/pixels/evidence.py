"""What else speaks for a faint hint being text: a reader that can read it, and the header's own identifiers.

Evidence only ever adds: a region that the detector is sure of is masked whatever is said here.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from deid.text.identifiers import Identifiers
from deid.text.vocabulary import fold

READABLE = 0.85
"""Confidence from which three or more letters or digits are believed to be text."""
_LIKENESS = 0.75


def reads_as_text(text: str, confidence: float) -> bool:
    """Whether the reader saw at least three letters or digits, and surely."""
    return confidence >= READABLE and sum(c.isalnum() for c in text) >= 3


def names_the_patient(text: str, identifiers: Identifiers) -> bool:
    """Whether a word that was read resembles one of the file's identifiers of four characters and more (one letter in four may
    differ: readers err)."""
    words = [fold(part) for part in re.split(r"[^\w]+|_", text) if len(part) >= 4]
    known = [word for word in identifiers.words if len(word) >= 4]
    return any(
        abs(len(word) - len(other)) <= 2 and SequenceMatcher(None, word, other).ratio() >= _LIKENESS
        for word in words
        for other in known
    )
