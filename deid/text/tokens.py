"""Text as tokens with what the rules ask of them: class of the word, shape, line style, beginning of a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from deid.text.spelling import fold
from deid.text.vocabulary import classify

_TOKEN = re.compile(r"[^\W_]+", re.UNICODE)
_STARTS = re.compile(r"[.!?:;•\n\r\t()\[\]\"“”#*]|(?:^|\s)[-–>]\s|\d\)")

LOWER, CAPITALISED, UPPER, MIXED, DIGITS, CODE = range(6)


@dataclass(slots=True)
class Token:
    """One run of letters and digits. `loud`: capitals carry no meaning here (a line in capitals or a heading)."""

    start: int
    end: int
    text: str
    word: str
    flags: int
    shape: int
    opens: bool = False
    loud: bool = False
    gap: str = ""
    kind: str = ""


def _shape(text: str) -> int:
    if text.isdigit():
        return DIGITS
    if not text.isalpha():
        return CODE
    if text.islower():
        return LOWER
    if text.isupper():
        return UPPER if len(text) > 1 else CAPITALISED
    return CAPITALISED if text[:1].isupper() and text[1:].islower() else LOWER if text == text.casefold() else MIXED


@lru_cache(maxsize=65536)
def _facts(piece: str) -> tuple[str, int, int]:
    """(folded word, flags, shape) of a run of characters."""
    word = fold(piece)
    return word, classify(word), _shape(piece)


def tokenize(text: str) -> list[Token]:
    """Tokens in order; `gap` is the text between the previous token and this one."""
    tokens: list[Token] = []
    end = 0
    for found in _TOKEN.finditer(text):
        piece = found.group()
        start, stop = found.span()
        gap = text[end:start]
        word, flags, shape = _facts(piece)
        token = Token(start, stop, piece, word, flags, shape, gap=gap)
        token.opens = not tokens or (
            gap != " " and ((bool(gap.strip(" ,-/'&")) and bool(_STARTS.search(gap))) or "\n" in gap)
        )
        if (
            token.opens
            and gap in (". ", ".")
            and tokens
            and tokens[-1].shape == CAPITALISED
            and len(tokens[-1].text) == 1
        ):
            token.opens = False  # an initial, not the end of a sentence
        tokens.append(token)
        end = stop
    _mark_loud(tokens)
    return tokens


def _mark_loud(tokens: list[Token]) -> None:
    """Lines whose words are nearly all in capitals, or nearly all capitalised, say nothing by their capitals."""
    line: list[Token] = []
    for token in tokens:
        if "\n" in token.gap and line:
            _mark_line(line)
            line = []
        line.append(token)
    _mark_line(line)


def _mark_line(line: list[Token]) -> None:
    long = [token for token in line if len(token.text) >= 4 and token.shape < DIGITS]
    if not long:
        for token in line:
            token.loud = token.shape == UPPER
        return
    upper = sum(token.shape == UPPER for token in long)
    capital = sum(token.shape in (CAPITALISED, UPPER) for token in long)
    known = sum(bool(token.flags & 1) for token in long)
    if upper >= 0.6 * len(long):
        for token in line:
            token.loud = token.shape == UPPER
    elif capital == len(long) and len(long) >= 3 and known >= 0.6 * len(long):
        for token in line:
            token.loud = True
