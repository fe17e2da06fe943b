"""Did you mean: the nearest words of our own vocabulary for words that found nothing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from requests_app.catalogue.words import tokens
from requests_app.spec import AnnotationType, Category, Position, View
from requests_app.taxonomy import concepts

_SHORTEST = 4


@cache
def vocabulary() -> frozenset[str]:
    """Every word of our findings, their aliases, projections, annotations and categories."""
    texts = [text for concept in concepts().values() for text in (concept.name, *concept.aliases)]
    texts += [each.plain for kind in (AnnotationType, Category, Position, View) for each in kind]
    return frozenset(word for text in texts for word in tokens_of(text))


def tokens_of(text: str) -> list[str]:
    """All words of a text, however many."""
    return [token for word in text.split() for token in tokens(word)]


def suggest(text: str, more: Iterable[str] = ()) -> str | None:
    """The text with misspelt words replaced by the nearest known ones; None when nothing is near or nothing is wrong.

    Near is one edit in a short word and two in one of six letters or more, a swap of neighbours counting as one (Damerau 1964);
    among equals the one that shares most trigrams.
    """
    known = vocabulary().union(*(tokens_of(extra) for extra in more))
    mended = [_nearest(word, known) for word in tokens(text)]
    changed = " ".join(mended)
    return changed if changed and mended != tokens(text) else None


def _nearest(word: str, known: Iterable[str]) -> str:
    if len(word) < _SHORTEST or word in known:
        return word
    allowed = 1 if len(word) < 6 else 2
    best: tuple[int, float, str] | None = None
    for other in known:
        if len(other) < _SHORTEST or abs(len(other) - len(word)) > allowed:
            continue
        away = edits(word, other, allowed)
        if away <= allowed:
            candidate = (away, -similarity(word, other), other)
            best = candidate if best is None or candidate < best else best
    return best[2] if best else word


def edits(one: str, other: str, most: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two words; ``most + 1`` when there are more."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def similarity(one: str, other: str) -> float:
    """Share of trigrams that two words have in common, 0 to 1 (as PostgreSQL's pg_trgm counts it)."""
    first, second = _trigrams(one), _trigrams(other)
    return len(first & second) / len(first | second)


def _trigrams(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}
