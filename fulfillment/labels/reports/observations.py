"""Findings said of a part of the body: "the heart is mildly enlarged", "normal cardiac silhouette", "blunting of the left
costophrenic angle".

A subject takes the first thing said of it in its clause, at most `REACH` words on and past at most one verb; failing that, a word
directly before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fulfillment.labels.reports.lexicon import Meaning, lexicon
from fulfillment.labels.reports.sentences import Word

REACH, BEFORE = 14, 4
VERBS = frozenset(["is", "are", "was", "were", "remains", "remain", "appears", "appear", "looks", "has", "have"])
#: Words that are said of anything: they count only where nothing but words that link them to the part comes between.
_SAID_OF_ANYTHING = frozenset(
    ("large", "big", "prominent", "prominence", "increased", "dilated", "wide", "thickening", "thickened")
)
#: Words that are said of hearts and of few other things: they count unless something else comes between.
_SAID_OF_FEW = frozenset(("enlarged", "enlarge", "enlargement", "widened", "broadened"))
_LISTS = frozenset((",", ":"))
_BREAKS = VERBS | {",", ":"}


class Item(NamedTuple):
    """A phrase of the lexicon in a sentence: words ``first`` to ``last`` (exclusive) and what it can mean."""

    first: int
    last: int
    meaning: Meaning


class Observed(NamedTuple):
    """`said` ("present", "absent" ...) of observation number `observation`: the words it spans, and where its predicate stands."""

    observation: int
    first: int
    last: int
    said: str
    head: int


def observed(words: Sequence[Word], items: Sequence[Item]) -> Iterator[Observed]:
    """What a sentence says of the parts of the body, subject by subject."""
    for position, item in enumerate(items):
        for observation in item.meaning.subjects:
            found = _after(words, items, position, observation) or _before(words, items, position, observation)
            if found is not None:
                said = found.meaning.predicates[observation]
                yield Observed(observation, min(item.first, found.first), max(item.last, found.last), said, found.first)


def _after(words: Sequence[Word], items: Sequence[Item], position: int, observation: int) -> Item | None:
    subject = items[position]
    verbs, checked = 0, subject.last
    for index in range(position + 1, len(items)):
        other = items[index]
        if other.first - subject.last > REACH or other.meaning.ends:
            return None
        verbs += sum(word.form in VERBS for word in words[checked : other.first])
        checked = other.last
        if verbs > 1:
            return None
        if observation in other.meaning.predicates:
            return other if _belongs(words, items, subject.last, other, observation) else None
    return None


def _before(words: Sequence[Word], items: Sequence[Item], position: int, observation: int) -> Item | None:
    subject = items[position]
    for index in range(position - 1, max(-1, position - 5), -1):
        other = items[index]
        if subject.first - other.last > BEFORE or other.meaning.ends:
            return None
        if observation in other.meaning.predicates:
            between = [word.form for word in words[other.last : subject.first]]
            if not _BREAKS.isdisjoint(between):
                return None
            loose = words[other.first].form in _SAID_OF_ANYTHING or words[other.first].form in _SAID_OF_FEW
            return None if loose and not set(between) <= lexicon().words["linking"] else other
    return None


def _belongs(words: Sequence[Word], items: Sequence[Item], start: int, predicate: Item, observation: int) -> bool:
    """Whether "large", "enlarged" or "prominent" is said of this part: nothing else comes between that could be what is large."""
    said = words[predicate.first].form
    if predicate.meaning.predicates[observation] == "absent" or said not in _SAID_OF_ANYTHING | _SAID_OF_FEW:
        return True
    known = lexicon().words
    if predicate.last < len(words) and words[predicate.last].form in known["others"]:
        return False
    between = words[start : predicate.first]
    if said in _SAID_OF_FEW:
        return not any(word.form in known["between"] or word.form in known["others"] for word in between)
    cues = {i for item in items if item.meaning.forward or item.meaning.subjects for i in range(item.first, item.last)}
    return all(
        word.form in known["linking"] or word.form in _LISTS or index in cues
        for index, word in enumerate(between, start)
    )
