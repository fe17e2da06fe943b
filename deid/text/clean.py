"""Cleaning of short text (DEID.md, section 4): identifiers, patterns, names by where they stand, then only words that a
vocabulary knows. What goes leaves no placeholder."""

from __future__ import annotations

import re

from deid.text import names, own
from deid.text.apart import mark_apart, mark_titled, month_days
from deid.text.datetext import find_dates
from deid.text.identifiers import PARTICLES, Identifiers
from deid.text.judge import allowed_flags, judge_words, mark_linked
from deid.text.patterns import find_old_ages, find_patterns
from deid.text.report import find_numbers, own_initials
from deid.text.spelling import normalise
from deid.text.tokens import CAPITALISED, Token, tokenize
from deid.text.vocabulary import FUNCTION, NAME, RADIOLOGY, code_words, device_words, fold

_DEVICE_CODE = re.compile(r"(?=[^\W_]*\d)[^\W_]{1,10}\Z")
_TRIPLES = re.compile(
    r"(?<![^\W_])[a-z]{0,3}\d{1,4}(?:[ .-]\d{3}){2,}(?!\d)", re.IGNORECASE
)  # long numbers in groups of three
_LONG_DIGITS = re.compile(r"\d{6,}")
_NUMBER = re.compile(r"\d{1,3}\Z")
_ORDINAL = re.compile(r"(?:[tcl]\d{1,2}|\d(?:st|nd|rd|th))\Z", re.IGNORECASE)
_ODD = re.compile(r"[^\w \t\r\n./,:;()+&\-^*%<>=\[\]'\"#?!°²]")
_KEPT_SEPARATORS = re.compile(r"[ ./,:;()+&\-\^_'=%]{1,3}\Z")


def clean_text(text: str, identifiers: Identifiers, *, device: bool = False) -> str:
    """What of a text may stay; empty when nothing may.

    device: maker, model and software version, where the vocabulary is wider and codes with digits may stay.
    Works on whole words: a patient called Hilliard does not eat "Hilar".
    """
    text = normalise(text).strip()
    for attempt in range(4):
        # What is left is read again without what went, until nothing more goes.
        before, text = text, _once(text, identifiers, device, first=attempt == 0)
        if text == before:
            break
    return text


def _once(text: str, identifiers: Identifiers, device: bool, *, first: bool) -> str:
    if not text:
        return ""
    tokens = tokenize(text)
    for start, end in _spans(text, tokens, identifiers, device):
        for token in tokens:
            if token.start < end and token.end > start:
                token.kind = token.kind or "NUMBER"
    for token in tokens:
        if token.word in identifiers.words or token.word in identifiers.guarded:
            token.kind = "NAME"
    own.mark_own(tokens, identifiers)
    mark_apart(tokens, identifiers)
    if device:
        _judge_device(tokens, identifiers)
    else:
        _judge_descriptor(tokens, text)
        if first:  # later the title may have lost its name
            mark_titled(tokens)
    if not any(token.kind for token in tokens) and not _ODD.search(text):
        return text
    pieces: list[str] = []
    last = None
    for token in tokens:
        if token.kind:
            continue
        if last is not None:
            between = text[last : token.start]
            pieces.append(between if _KEPT_SEPARATORS.match(between) else " ")
        pieces.append(token.text)
        last = token.end
    return "".join(pieces).strip()


def _spans(text: str, tokens: list[Token], identifiers: Identifiers, device: bool) -> list[tuple[int, int]]:
    """What goes by its shape or as a whole phrase of the header."""
    spans: list[tuple[int, int]] = []
    for phrase in identifiers.phrases():
        bounded = rf"(?<![^\W_]){re.escape(phrase)}(?![^\W_])"
        spans.extend(match.span() for match in re.finditer(bounded, text, re.IGNORECASE))
    spans.extend(find_numbers(text, identifiers))
    spans.extend(_spread(text, identifiers))
    spans.extend(own_initials(text, identifiers))
    spans.extend(match.span() for match in _TRIPLES.finditer(text))
    if device:
        # Versions look like short dates: only what has a year of four digits counts as one.
        dates = find_dates(text, tokens, known=identifiers.dates)
        spans.extend((d.start, d.end) for d in dates if d.value and re.search(r"(?:19|20)\d{2}", text[d.start : d.end]))
        spans.extend(
            (start, end)
            for start, end, kind in find_patterns(text, tokens)
            if kind == "WEB" and not re.fullmatch(r"[\d.]+", text[start:end])
        )
        return spans
    spans.extend((found.start, found.end) for found in find_dates(text, tokens, known=identifiers.dates))
    spans.extend((start, end) for start, end, _ in find_patterns(text, tokens))
    spans.extend(find_old_ages(text, tokens))
    spans.extend(month_days(text, identifiers))
    return spans


def _spread(text: str, identifiers: Identifiers) -> list[tuple[int, int]]:
    """Known numbers written with other punctuation than the header's, inside longer runs too (T2 844 860)."""
    kept = [(at, c) for at, c in enumerate(text) if c.isalnum()]
    if sum(c.isdigit() for _, c in kept) < 5:
        return []
    compact = "".join(fold(c)[:1] or c for _, c in kept)
    spans = []
    for number in identifiers.spread_numbers():
        start = compact.find(number)
        while start >= 0:
            spans.append((kept[start][0], kept[start + len(number) - 1][0] + 1))
            start = compact.find(number, start + 1)
    return spans


def _judge_descriptor(tokens: list[Token], text: str) -> None:
    """Radiology of every language and plain words stay, but not those that are also names: short text gives no context."""
    allowed = allowed_flags(None)
    judge_words(tokens, text, allowed)
    names.mark_announced(tokens, allowed)
    for token in tokens:
        flags = token.flags
        # "May" and "Will" are the words in small letters, and names where a capital says so.
        capital = token.shape == CAPITALISED and len(token.text) > 2 and not token.opens and not token.loud
        if token.kind or flags & RADIOLOGY or not flags & NAME or (flags & FUNCTION and not capital):
            continue
        token.kind = "NAME"
    names.mark_ambiguous(tokens, allowed)
    names.mark_institutions(tokens, allowed)
    mark_linked(tokens)
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        if before is not None and before.kind == "NAME" and token.word in PARTICLES and not token.flags & RADIOLOGY:
            token.kind = "NAME"


def _judge_device(tokens: list[Token], identifiers: Identifiers) -> None:
    for place, token in enumerate(tokens):
        if token.kind or token.word in device_words() or (token.text.isdigit() and len(token.text) <= 3):
            continue
        if _DEVICE_CODE.match(token.text) and not _LONG_DIGITS.search(token.text):
            letters = fold(re.sub(r"\d+", " ", token.text)).split()
            # Four letters beside a number are a word of the trade, or somebody's login.
            if not any(part in identifiers.words or (len(part) > 3 and part not in device_words()) for part in letters):
                continue
        if _model_part(tokens, place):
            continue
        parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", token.text)
        if len(parts) > 1 and "".join(parts) == token.text:
            folded = [fold(part) for part in parts]
            if all(
                (part in device_words() or re.fullmatch(r"\d{1,4}", part)) and part not in identifiers.words
                for part in folded
            ):
                continue
        token.kind = "NAME"


def _model_part(tokens: list[Token], place: int) -> bool:
    """One or two capitals joined by a hyphen to a short code before or a number behind: DX-D 600, CR-IR 392, X-1."""
    token = tokens[place]
    if not (len(token.text) <= 2 and token.text.isascii() and token.text.isalpha() and token.text.isupper()):
        return False
    before = tokens[place - 1] if place else None
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    behind = before is not None and token.gap == "-" and before.word in device_words() and len(before.text) <= 3
    return behind or (after is not None and after.gap == "-" and after.text.isdigit() and len(after.text) <= 4)


def safe_code(text: str, identifiers: Identifiers) -> str:
    """A CS value that may stay: known codes and radiology words in the alphabet of PS3.5, none of them the
    patient's own."""
    value = text.strip(" \0")
    if not re.fullmatch(r"[A-Z0-9 _]{1,16}", value):
        # Lower case is common and harmless.
        upper = value.upper()
        if not re.fullmatch(r"[A-Z0-9 _]{1,16}", upper):
            return ""
        value = upper
    allowed = code_words()
    for part in re.split(r"[ _]+", value):
        word = fold(part)
        if word and word not in allowed and not _NUMBER.match(word) and not _ORDINAL.match(word):
            return ""
        if word in identifiers.words and (word not in allowed or (word in identifiers.names and len(word) >= 4)):
            return ""
    return value
