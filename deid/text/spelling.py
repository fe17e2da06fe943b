"""Spellings of one word: folding, and the ways in which a name is written without its marks."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Letters that Unicode does not take apart, and what people type instead.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ß": "ss"})
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
# Characters that are not seen: they would cut a word in two and hide it.
_UNSEEN = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), None)


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """A word in one spelling: compatibility forms, case folded, accents off where they are separable."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def spellings(word: str) -> set[str]:
    """Folded forms of a name's part: without marks, with plain letters, with digraphs (Müller: muller, mueller)."""
    folded = fold(word)
    composed = unicodedata.normalize("NFC", word).lower()
    return {folded, folded.translate(_PLAIN), fold(composed.translate(_DIGRAPHS))} - {""}


def normalise(text: str) -> str:
    """Text as the cleaners read it: composed characters, no NUL, nothing unseen. Spans count in this form."""
    if text.isascii():
        return text.replace("\0", " ")
    return unicodedata.normalize("NFC", text).translate(_UNSEEN).replace("\0", " ")


def one_apart(a: str, b: str) -> bool:
    """Whether one letter was changed, lost, added, or two neighbours swapped."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    if len(a) == len(b):
        rest_a, rest_b = a[start:], b[start:]
        return rest_a[1:] == rest_b[1:] or (
            len(rest_a) > 1 and rest_a[0] == rest_b[1] and rest_a[1] == rest_b[0] and rest_a[2:] == rest_b[2:]
        )
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[start + 1 :] == shorter[start:]
