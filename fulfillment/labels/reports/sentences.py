"""Sentences as rows of words, each with its place in the text.

A sentence ends at its full stop, at an empty line, at a list's next item, or where a short line is followed by a capital. A
full stop in a number, in an abbreviation or after a single letter ends none. Sentences are cut at 160 words, so that no text
costs more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from fulfillment.labels.reports.lexicon import Lexicon

MAX_WORDS = 160
#: A line shorter than this did not end because the page did.
SHORT_LINE = 50

_TOKEN = re.compile(r"[wW]/(?:[oO]\b)?|[bB]/[lL]\b|[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,]\d+)*|\n\s*|[^\w\s]")


class Word(NamedTuple):
    """One word in the lexicon's form, and where it stands."""

    form: str
    start: int
    end: int


def sentences(text: str, start: int, end: int, rules: Lexicon) -> Iterator[list[Word]]:
    """The sentences of ``text[start:end]`` in order; hyphens inside words and other marks that say nothing are left out."""
    words: list[Word] = []
    line_start = start
    get = rules.forms.get
    abbreviations, dangling = rules.words["abbreviations"], rules.words["dangling"]
    append = words.append
    for match in _TOKEN.finditer(text, start, end):
        written = match.group()
        first = written[0]
        if first.isalpha():
            form = written.lower()
            place, past = match.span()
            if form == "not" and words and words[-1].form == "can":
                words[-1] = Word("cannot", words[-1].start, past)
            else:
                append(Word(get(form, form), place, past))
        elif first == ".":
            if _ends(text, match.end(), end, words, abbreviations):
                if words:
                    yield words
                words = []
                append = words.append
        elif first == "\n":
            at = match.start()
            nxt = match.end()
            broken = written.count("\n") > 1 or (at - line_start < SHORT_LINE and nxt < end and text[nxt].isupper())
            listed = nxt < end and (
                _LABEL.match(text, nxt, end) is not None or text[nxt] in "-*•·>" or _item(text, nxt, end)
            )
            line_start = nxt
            if broken and written.count("\n") == 1 and words and words[-1].form in dangling:
                broken = False
            if (broken or listed) and words:
                yield words
                words = []
                append = words.append
            continue
        elif first in "!?;" or first.isdigit():
            if first.isdigit():
                if _item(text, match.start(), end) and (not words or words[-1].form == ":"):
                    continue
                append(Word(written, match.start(), match.end()))
            elif first == "?" and _asks(text, match.start(), end):
                append(Word("question", match.start(), match.end()))  # "? pneumonia"
            elif words:
                if first == "?":
                    append(Word("?", match.start(), match.end()))  # "pneumonia?"
                yield words
                words = []
                append = words.append
        elif first in ",/:":
            append(Word(first, match.start(), match.end()))
        if len(words) >= MAX_WORDS:
            yield words
            words = []
            append = words.append
    if words:
        yield words


def _asks(text: str, at: int, end: int) -> bool:
    """True for the mark in "? pneumonia" and "?pneumonia", which stands before what it asks."""
    return (at == 0 or not text[at - 1].isalnum()) and at + 1 < end and (text[at + 1].isalnum() or text[at + 1] == " ")


_LABEL = re.compile(r"[A-Z][A-Za-z ,/&]{1,30}:")
_ITEM = re.compile(r"\(?\d{1,2}[.)]\s")


def _item(text: str, at: int, end: int) -> bool:
    return _ITEM.match(text, at, end) is not None


def _ends(text: str, after: int, end: int, words: list[Word], abbreviations: frozenset[str]) -> bool:
    """True if the full stop that ends at `after` ends a sentence."""
    if after >= end or not words:
        return True
    nxt = text[after]
    last = words[-1].form
    if nxt.isspace():
        # "C.P. angles", "approx. 3 cm": an abbreviation goes on with a small letter.
        if len(last) == 1 and last.isalpha() and text[after : after + 2].strip()[:1].islower():
            return False
        return not (last in abbreviations and text[after : after + 2].strip()[:1].islower())
    # "clear.No effusion" has lost its space; "2.5", "e.g." and "p.m." have not.
    return (nxt.isalpha() and len(last) > 2) or nxt in "\"')]"
