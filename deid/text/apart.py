"""What stands apart in short text and is one thing together: names in pieces or letter by letter, initials, numbers behind a
label, ages in words."""

from __future__ import annotations

import itertools
import re

from deid.text.identifiers import Identifiers
from deid.text.tokens import CAPITALISED, DIGITS, Token
from deid.text.vocabulary import RADIOLOGY, TITLE, in_list

_SOFT = re.compile(r"[ ._/'’\-,]{1,3}\Z")
_MONTH_DAY = re.compile(r"(?<![\w.-])(\d{1,2})-(\d{1,2})(?![\w-]|[.]\d)")
_DIGITS = frozenset(["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
_LETTERS = 4
_SHORTEST_NAME = 6
_MOST_PIECES = 4
_LABELS = frozenset(
    [
        "dob",
        "born",
        "birth",
        "birthday",
        "birthdate",
        "bday",
        "geb",
        "geboren",
        "geburtsdatum",
        "nacido",
        "nacida",
        "nacimiento",
        "ne",
        "nee",
        "mrn",
        "pid",
        "ssn",
        "nhs",
        "tel",
        "phone",
    ]
)
_OLD = frozenset(["ninety", "hundred", "neunzig", "hundert", "noventa", "cien", "ciento", "centenarian"])
_YEARS = frozenset(["year", "years", "yr", "yrs", "yo", "old", "aged", "age", "jahre", "jahriger", "jahrige", "anos"])
_COUNTS = frozenset(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "and"])
_AGE_REACH = 4


def mark_apart(tokens: list[Token], identifiers: Identifiers) -> None:
    """Give such tokens a kind; those that have one count as pieces too."""
    _mark_letters(tokens)
    _mark_spoken(tokens)
    _mark_pieces(tokens, identifiers)
    _mark_labelled(tokens)
    _mark_old(tokens)


def _runs(tokens: list[Token], length: int) -> list[list[Token]]:
    """Runs of single letters that only a blank, a dot or the like parts, of at least `length`."""
    runs: list[list[Token]] = []
    run: list[Token] = []
    for token in [*tokens, None]:
        single = token is not None and len(token.text) == 1 and token.text.isalpha()
        if not single or (run and token is not None and not _SOFT.match(token.gap)):
            if len(run) >= length:
                runs.append(run)
            run = []
        if single and token is not None:
            run.append(token)
    return runs


def _mark_letters(tokens: list[Token]) -> None:
    for run in _runs(tokens, 2):
        joined = "".join(token.text for token in run)
        dotted = all(token.gap == "." for token in run[1:])
        if len(run) >= _LETTERS or (dotted and not in_list(joined, RADIOLOGY)):
            for token in run:
                token.kind = "NAME"


def _mark_spoken(tokens: list[Token]) -> None:
    """Numbers read out digit by digit."""
    run: list[Token] = []
    for token in [*tokens, None]:
        if token is not None and token.word in _DIGITS:
            run.append(token)
            continue
        if len(run) >= _LETTERS:
            for each in run:
                each.kind = "NUMBER"
        run = []


def mark_titled(tokens: list[Token]) -> None:
    """Dr Lung is a name, whatever radiology calls lung; DR in capitals is digital radiography."""
    for before, token in itertools.pairwise(tokens):
        titled = before.flags & TITLE and before.shape == CAPITALISED and len(before.text) > 1
        if (
            titled
            and token.flags & RADIOLOGY
            and token.shape == CAPITALISED
            and len(token.text) > 1
            and token.gap in (" ", ". ", ".")
        ):
            token.kind = "NAME"


def month_days(text: str, identifiers: Identifiers) -> list[tuple[int, int]]:
    """Spans of the header's own dates written without their year as people do with a hyphen (3-15)."""
    own = {(int(day[-4:-2]), int(day[-2:])) for day in identifiers.dates if day.isdigit() and len(day) > 4}
    found = []
    for match in _MONTH_DAY.finditer(text):
        one, other = int(match.group(1)), int(match.group(2))
        if (one, other) in own or (other, one) in own:
            found.append(match.span())
    return found


def _mark_pieces(tokens: list[Token], identifiers: Identifiers) -> None:
    for first in range(len(tokens)):
        joined = tokens[first].word
        for last in range(first + 1, min(len(tokens), first + _MOST_PIECES)):
            if not _SOFT.match(tokens[last].gap):
                break
            joined += tokens[last].word
            if len(joined) >= _SHORTEST_NAME and joined in identifiers.names:
                for token in tokens[first : last + 1]:
                    token.kind = "NAME"


def _mark_labelled(tokens: list[Token]) -> None:
    for place, token in enumerate(tokens):
        if token.word not in _LABELS:
            continue
        for other in tokens[place + 1 :]:
            if other.shape != DIGITS or not re.fullmatch(r"[ .:#/\-]{1,3}", other.gap):
                break
            other.kind = "NUMBER"


def _mark_old(tokens: list[Token]) -> None:
    for place, token in enumerate(tokens):
        if token.word not in _OLD:
            continue
        near = tokens[max(0, place - 2) : place + 1 + _AGE_REACH]
        if any(other.word in _YEARS for other in near):
            token.kind = "NUMBER"
            for other in tokens[place + 1 : place + _AGE_REACH]:
                if other.word not in _COUNTS:
                    break
                other.kind = "NUMBER"
