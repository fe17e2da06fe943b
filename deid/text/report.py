"""Reports and other prose: identifiers become neutral placeholders, so that sentences and the labels read from them survive.

Order (DEID.md, "Reports and other text"): the header's identifiers, patterns, names by where they stand, then a fail-closed
vocabulary. Pure: same text and identifiers, same result.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field

from deid.text import names, own
from deid.text.cues import find_ages_beside, find_beside, mark_doers, mark_institution_parts
from deid.text.datetext import DateMode, find_dates, rewrite
from deid.text.identifiers import Identifiers
from deid.text.judge import allowed_flags, judge_words, mark_linked
from deid.text.language import guess_language
from deid.text.patterns import find_old_ages, find_patterns, placeholders
from deid.text.places import find_places, find_written_ages
from deid.text.spelling import normalise
from deid.text.spoken import find_own_days, find_spoken, find_spoken_ages
from deid.text.tokens import Token, tokenize
from deid.text.unknown import mark_cued
from deid.text.vocabulary import fold, plain_flag

_RANK = {
    "WEB": 0,
    "ADDRESS": 1,
    "PHONE": 2,
    "NUMBER": 3,
    "DATE": 4,
    "TIME": 5,
    "NAME": 6,
    "PLACE": 7,
    "LOCATION": 8,
    "REDACTED": 9,
}
_NUMERIC_KINDS = frozenset({"DATE", "TIME", "NUMBER", "PHONE", "REDACTED"})
_JOIN = re.compile(r"[ \t,.'’^&/-]{0,3}\Z")
_RUN = re.compile(r"[^\W_]+(?:[ ._/\\-]{1,2}[^\W_]+)*")
_INITIALS = re.compile(
    r"(?<![\w.])(?!(?i:p\.a|a\.p|i\.v|i\.e|e\.g|p\.o|u\.s|d\.o|m\.d|n\.a|i\.m|v\.s|a\.m|p\.m|d\.d|s\.p|c\.m|o\.d|z\.n|v\.a|z\.b|d\.h|u\.a|o\.b|m\.n|d\.c|c\.p|t\.b|h\.o|y\.o|r\.t|l\.t|s\.a|r\.o)\.)[A-ZÀ-Þ]\.\s?[A-ZÀ-Þ]\.(?!\w)"
)
# A number of eight digits and more in groups of three, with its letter (C 22 918 334), unless a unit makes it a series of sizes.
_GROUPED = re.compile(
    r"(?<![\w.,-])(?:[A-Z]{1,3}[ -]?)?\d{2,4}(?:[ -]\d{3}){2,}(?![\w,-]|\.\d|\s?(?:[mck]m|m[lLsA]|kVp?|mAs|mGy|HU)\b)"
)
_BIRTH = re.compile(
    r"(?:\b(?:dob|d\.o\.b\.?|born|birth(?:\s?date)?|date of birth|geb|geb\.|geboren|geburtsdatum|nacid[oa]|nacimiento|né|née)[^\n]{0,12})\Z",  # noqa: E501
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Removed:
    """A span of the normalised input that was replaced; its kind, never its value."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class CleanedText:
    """A cleaned text. `removed` counts characters of `deid.text.spelling.normalise(input)`; `counts` are spans by kind."""

    text: str
    removed: tuple[Removed, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    language: str = "en"


def clean_report(
    text: str,
    identifiers: Identifiers | None = None,
    language: str | None = None,
    *,
    dates: DateMode = "remove",
    shift_days: int = 0,
) -> CleanedText:
    """A report without identifiers.

    identifiers: of the linked study (`gather`, `Identifiers.of`). language: "en", "de", "es", or None to have it guessed. dates:
    "remove" (also for dates that cannot be moved), "shift" by `shift_days` back (the patient's own shift), "year", or "keep" (dates and times
    stay; needs a data use agreement). Birth dates are removed unless kept. Ages above 89 become "90+".
    Raises ValueError for an unknown language or mode.
    """  # noqa: E501
    if dates not in ("remove", "shift", "year", "keep"):
        raise ValueError(f"dates={dates!r} is no date policy. Give remove, shift, year or keep.")
    known = identifiers or Identifiers()
    text = normalise(text)
    tokens = tokenize(text)
    if language is None:
        language = guess_language(tokens)
    else:
        plain_flag(language)
    allowed = allowed_flags(language, wide=True)
    spans = _patterned(text, tokens, known, language, dates, shift_days)
    _mark_tokens(tokens, [(start, end, kind) for start, end, kind, _ in spans])
    own.mark_own(tokens, known)
    judge_words(tokens, text, allowed, prose=True)
    names.mark_announced(tokens, allowed)
    mark_cued(tokens, text)
    names.mark_ambiguous(tokens, allowed)
    names.mark_institutions(tokens, allowed)
    names.mark_nicknames(tokens)
    mark_doers(tokens, text)
    names.spread(tokens, allowed)
    mark_institution_parts(tokens, known)
    mark_linked(tokens)
    spans.extend(_ages_behind_names(tokens))
    spans.extend(
        (token.start, token.end, token.kind, None) for token in tokens if token.kind and not token.kind.startswith("=")
    )
    return _replace(text, spans, placeholders(text), language)


def _patterned(
    text: str, tokens: list[Token], known: Identifiers, language: str, mode: DateMode, shift_days: int
) -> list[tuple[int, int, str, str | None]]:
    """Spans found by shape, with what they become (None: the placeholder)."""
    spans: list[tuple[int, int, str, str | None]] = []
    found_dates = list(find_dates(text, tokens, day_first=language != "en", known=known.dates))
    covered = [(d.start, d.end) for d in found_dates]
    if mode == "keep":
        spans.extend((start, end, "=", None) for start, end in covered)
    else:
        for found in found_dates:
            birth = bool(_BIRTH.search(text[max(0, found.start - 30) : found.start]))
            spans.append((found.start, found.end, found.kind, rewrite(found, mode, shift_days, birth=birth)))
    if mode != "keep":
        spans.extend((start, end, kind, None) for start, end, kind in find_spoken(text, language))
        spans.extend((start, end, kind, None) for start, end, kind in find_own_days(text, known.dates))
    spans.extend((start, end, kind, None) for start, end, kind in find_places(text, tokens))
    spans.extend((start, end, kind, None) for start, end, kind in find_beside(text, tokens, dates=mode != "keep"))
    for start, end, kind in find_patterns(text, tokens):
        if kind in ("PHONE", "NUMBER") and any(a <= start and end <= b for a, b in covered):
            continue
        spans.append((start, end, kind, None))
    if any(len(token.text) == 1 and token.gap[:1] == "." and token.text.isupper() for token in tokens):
        spans.extend((m.start(), m.end(), "NAME", None) for m in _INITIALS.finditer(text))
    spans.extend((m.start(), m.end(), "NUMBER", None) for m in _GROUPED.finditer(text))
    ages = (*find_old_ages(text, tokens), *find_written_ages(text), *find_spoken_ages(text), *find_ages_beside(text))
    spans.extend((start, end, "AGE", "90+") for start, end in ages)
    spans.extend((start, end, "NUMBER", None) for start, end in find_numbers(text, known))
    return spans


def _ages_behind_names(tokens: list[Token]) -> list[tuple[int, int, str, str | None]]:
    """Ages above 89 that stand behind a name and nothing else says what they are: HARGREAVES, 96, of ..."""
    found: list[tuple[int, int, str, str | None]] = []
    for before, token in itertools.pairwise(tokens):
        old = token.text.isdecimal() and 90 <= int(token.text) <= 125
        if old and not token.kind and before.kind == "NAME" and token.gap in (", ", " (", " - ", " – "):
            found.append((token.start, token.end, "AGE", "90+"))
    return found


def find_numbers(text: str, known: Identifiers) -> list[tuple[int, int]]:
    """Spans of the header's record numbers, however spaced, dotted or padded with zeros."""
    if not known.numbers:
        return []
    spans = []
    for run in _RUN.finditer(text):
        compact = fold(re.sub(r"[\W_]", "", run.group()))
        if not any(number in compact for number in known.numbers):
            continue
        pieces = [
            (m.start() + run.start(), m.end() + run.start(), fold(m.group()))
            for m in re.finditer(r"[^\W_]+", run.group())
        ]
        for first in range(len(pieces)):
            joined = ""
            for last in range(first, min(len(pieces), first + 9)):
                joined += pieces[last][2]
                glued = first == last and any(len(number) >= 5 and joined.endswith(number) for number in known.numbers)
                if glued or joined.lstrip("0") in known.numbers:
                    spans.append((pieces[first][0], pieces[last][1]))
    return spans


def own_initials(text: str, known: Identifiers) -> list[tuple[int, int]]:
    """Spans of dotted initials (W.F.) that are those of two of the header's names."""
    letters = {name[0] for name in known.names}
    return [m.span() for m in _INITIALS.finditer(text) if letters >= {fold(c) for c in m.group() if c.isalpha()}]


def _mark_tokens(tokens: list[Token], spans: list[tuple[int, int, str]]) -> None:
    """Tokens inside a span take its kind, so that later rules see what stands there."""
    for start, end, kind in spans:
        if kind == "AGE":
            kind = "=AGE"
        for token in tokens:
            if token.start >= end:
                break
            if token.end > start:
                token.kind = kind if not token.kind or token.kind.startswith("=") else token.kind


@dataclass
class _Piece:
    start: int
    end: int
    kind: str
    instead: str | None


def _replace(
    text: str, spans: list[tuple[int, int, str, str | None]], protected: list[tuple[int, int]], language: str
) -> CleanedText:
    """Overlapping and neighbouring spans are joined, then written as one placeholder each."""
    kept = [s for s in spans if s[2] != "=" and not any(a <= s[0] < b or a < s[1] <= b for a, b in protected)]
    # A full stop behind what goes ends the sentence that stays.
    kept = [(s, s + len(text[s:e].rstrip(" .,;:")) or e, kind, instead) for s, e, kind, instead in kept]
    kept.sort(key=lambda s: (s[0], -s[1]))
    joined: list[_Piece] = []
    for start, end, kind, instead in kept:
        last = joined[-1] if joined else None
        if last is not None and start < last.end:
            if end > last.end:
                last.end, last.instead = end, None
            elif last.instead is not None and instead is None and kind not in _NUMERIC_KINDS:
                last.instead = None
            if _RANK.get(kind, 9) < _RANK.get(last.kind, 9) and end - start >= last.end - last.start:
                last.kind = kind
        elif last is not None and _joins(last, kind, instead, text[last.end : start]):
            last.end = end
            last.kind = "NAME" if "NAME" in (kind, last.kind) else last.kind
        else:
            joined.append(_Piece(start, end, kind, instead))
    pieces, position = [], 0
    for piece in joined:
        pieces.append(text[position : piece.start])
        pieces.append(piece.instead if piece.instead is not None else f"[{piece.kind}]")
        position = piece.end
    pieces.append(text[position:])
    removed = tuple(Removed(piece.start, piece.end, piece.kind) for piece in joined)
    counts = Counter(piece.kind for piece in joined)
    return CleanedText("".join(pieces), removed, dict(sorted(counts.items())), language)


def _joins(last: _Piece, kind: str, instead: str | None, gap: str) -> bool:
    """Whether a span goes on from the one before: the same kind on the same line, nothing but separators between."""
    if instead is not None or last.instead is not None or "\n" in gap or not _JOIN.match(gap):
        return False
    return kind == last.kind or {kind, last.kind} <= {"NAME", "REDACTED"}
