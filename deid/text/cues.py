"""What only its neighbours give away: a day and month beside a time, an age behind "she is", people by what they do. For reports.

`find_beside` yields spans; `mark_doers` marks names by the words around them, when the other rules are through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from deid.text.identifiers import PARTICLES, Identifiers
from deid.text.tokens import CAPITALISED, CODE, DIGITS, LOWER, MIXED, UPPER, Token
from deid.text.vocabulary import EPONYM, FUNCTION, NAME, RADIOLOGY, context_words

Span = tuple[int, int, str]
_I = re.IGNORECASE

_THIS_MONTH = re.compile(
    r"(?<![^\W_])(?:\d{1,2}\.\s?d\.\s?[MJ]\.|\d{1,2}\s+de los corrientes|\d{1,2}\s+del (?:mes )?(?:corriente|pasado))",
    _I,
)
_SHORT_DATE = re.compile(r"(?<![\d.,/-])(\d{1,2})([./-])(\d{1,2})(?:\2(?:['’]?\d{2}(?:\d{2})?)|\2?)(?![\d%]|[./-]\d)")
_PERSON = r"(?:he|she|who|patient|pt|nan|mum|mother|father|gran|granny|grandmother|grandfather|wife|husband|lady|gentleman|man|woman|resident)"  # noqa: E501
_OLD = re.compile(
    rf"(?<![^\W_]){_PERSON}\s+(?:is|was|turned|turns|now|aged)\s+(?:now\s+)?(9\d|1[01]\d)(?!\d|[.,]\d|\s?(?:%|bpm|mm|cm|kg|lbs?|mg|on\b|to\b|/))"
    r"|(?<![\d.])(9\d|1[01]\d)-jährig\w*|(?:tiene|con)\s+(9\d|1[01]\d)\s+años",
    _I,
)
_CARET_NAME = re.compile(r"(?<![^\W_])[^\W\d_]{2,}(?:\^[^\W\d_]*)+")
_POSTCODE = re.compile(r"(?<![^\W_])[A-Z]\d[A-Z]\s?\d[A-Z]\d(?![^\W_])", _I)
_SMALL_ADDRESS = re.compile(
    r"(?<![^\W_])\d{1,5}[a-z]?\s+(?:[^\W\d_]{2,}\s+){1,3}(?:street|st|road|rd|avenue|ave|lane|ln|drive|court|ct|blvd|place|close|crescent|terrace)\b\.?"
    r"(?:\s+[nsew]\b)?(?:,?\s+(?:unit|apt|flat|suite|ste|no)\.?\s*\d+[a-z]?)?(?=\s|[,.;]|\Z)",
    _I,
)
_LIVES = re.compile(r"\b(?:lives?|living|resid(?:es|ing)|address|home|addr)\b[^.\n]{0,12}\Z", _I)


def find_beside(text: str, tokens: list[Token], *, dates: bool) -> Iterator[Span]:
    """Spans of the text. dates: whether dates are looked for."""
    if "^" in text:
        yield from ((m.start(), m.end(), "NAME") for m in _CARET_NAME.finditer(text))
    if not any(token.shape >= DIGITS for token in tokens):
        return
    if dates:
        yield from ((m.start(), m.end(), "DATE") for m in _THIS_MONTH.finditer(text))
        for found in _SHORT_DATE.finditer(text):
            if _day_and_month(found) and _among_dates(text, found):
                yield found.start(), found.end(), "DATE"
    yield from ((m.start(), m.end(), "ADDRESS") for m in _POSTCODE.finditer(text))
    for found in _SMALL_ADDRESS.finditer(text):
        if _LIVES.search(text[max(0, found.start() - 40) : found.start()]):
            yield found.start(), found.end(), "ADDRESS"


def find_ages_beside(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the number in ages above 89, where only the sentence says that it is one."""
    for found in _OLD.finditer(text):
        group = next(g for g in (1, 2, 3) if found.group(g))
        yield found.start(group), found.end(group)


def _day_and_month(found: re.Match[str]) -> bool:
    first, second = int(found.group(1)), int(found.group(3))
    return 1 <= min(first, second) <= 12 and 1 <= max(first, second) <= 31


_CLOCK_NEXT = re.compile(r",?\s(?:at\s)?(?:[01]?\d|2[0-3]):?[0-5]\d(?!\d)")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATE_NEXT = re.compile(rf"[,;]\s?(?:and\s)?\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}|[,;]\s?\d{{1,2}}\s?{_MONTH}", _I)
_DATE_BEFORE = re.compile(
    rf"(?:\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{1,2}}\s?{_MONTH}[a-z]*\s?\d{{0,4}})[,;]\s?\Z", _I
)
_SIGNED_BEFORE = re.compile(
    r"(?:\b(?:m\.?d|d\.?o|mbbs|frcr|frca|rt|rn|pa-?c?|np|np-c)\.?,?\s|\b(?:note|letter|film|films|study|report|visit|admission|dated?|vom|del|signed|dictated)\s+(?:of|from|on|dated)?\s?)\Z",
    _I,
)


def _among_dates(text: str, found: re.Match[str]) -> bool:
    """Day and month alone: beside a time of day, in a row of dates, behind a signature or "note of"."""
    before, after = text[max(0, found.start() - 24) : found.start()], text[found.end() : found.end() + 14]
    return bool(
        _CLOCK_NEXT.match(after)
        or _DATE_NEXT.match(after)
        or _DATE_BEFORE.search(before)
        or _SIGNED_BEFORE.search(before)
    )


# What people do and machines or findings do not.
_DOES = context_words("doings")
_IS = frozenset(["is", "was"])
_TOLD = context_words("told")
_BY = frozenset(["by", "per", "w", "with", "von", "durch", "por", "dr"])
_ENDS = re.compile(r"\s*[.,;:/)\n]|\s*\Z|\s(?=(?:at|in|on|via|from|and|x?\d)\b)")


def mark_doers(tokens: list[Token], text: str) -> None:
    """People whose names are words: told, paged, signing, standing between a name's parts, named elsewhere as a name."""
    for place, token in enumerate(tokens):
        if token.kind:
            continue
        if _told(tokens, place, text) or _does(tokens, place) or _within(tokens, place):
            token.kind = "NAME"
    _named_elsewhere(tokens)


def _may_be_name(token: Token) -> bool:
    return bool(token.flags & NAME) and len(token.text) > 1 and token.shape not in (DIGITS, CODE)


def _told(tokens: list[Token], place: int, text: str) -> bool:
    """Behind "neighbour", "Reader:", "d/w": a word that is a name elsewhere, with nothing that makes it an adjective."""
    token = tokens[place]
    if not place or not _may_be_name(token) or "\n" in token.gap:
        return False
    cue = tokens[place - 1]
    initial = len(cue.text) == 1 and cue.text.isalpha() and token.gap in (".", ". ") and place > 1
    if initial:
        cue = tokens[place - 2]
    if token.flags & (RADIOLOGY | FUNCTION) and not initial:
        return False
    strong = cue.word in _TOLD and token.gap.strip() in ("", ":", ".", "/")
    weak = cue.word in _BY and token.gap.strip() in ("", ".")
    if not (strong or weak) or not _ENDS.match(text, token.end):
        return False
    if token.shape == LOWER and not initial and not strong:
        return cue.word != "with" and bool(_ENDS.match(text, token.end))
    if initial:
        tokens[place - 1].kind = "NAME"
    return True


def _does(tokens: list[Token], place: int) -> bool:
    """Opening a sentence before what only people do (Bill drove, Do reviewed), or "is a 60 y.o."."""
    token = tokens[place]
    if not token.opens or not _may_be_name(token) or place + 1 >= len(tokens):
        return False
    after = tokens[place + 1]
    if after.gap != " ":
        return False
    if after.word in _DOES and not token.flags & RADIOLOGY:
        return True
    return (
        token.shape == CAPITALISED
        and after.word in _IS
        and place + 3 < len(tokens)
        and tokens[place + 2].word in ("a", "an")
        and tokens[place + 3].shape == DIGITS
    )


def _within(tokens: list[Token], place: int) -> bool:
    """Between or beside a name's parts: h. in tigist h. abebe, DOE in DOE-SMYTHE, al- in al-Sayed, Abd El-."""
    token = tokens[place]
    before = tokens[place - 1] if place else None
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    left = before is not None and before.kind == "NAME" and token.gap in (" ", ". ", "-", ".", "-'", " '")
    right = after is not None and after.kind == "NAME" and after.gap in (" ", ". ", "-", ".", "’", "'")
    if len(token.text) == 1 and token.text.isalpha():
        return left and right
    if token.word in PARTICLES or token.word in _MORE_PARTICLES:
        return (left and right) or (right and after is not None and after.gap == "-" and token.word in _MORE_PARTICLES)
    if token.shape not in (CAPITALISED, UPPER, MIXED) or token.flags & EPONYM:
        return False
    hyphen_left = left and token.gap == "-" and before is not None and before.shape in (CAPITALISED, UPPER, MIXED)
    hyphen_right = right and after is not None and after.gap == "-" and after.shape in (CAPITALISED, UPPER, MIXED)
    return (hyphen_left or hyphen_right) and len(token.text) > 1 and token.word not in ("post", "pre", "non", "x", "ct")


_MORE_PARTICLES = context_words("particles")
_ACTS = context_words("acts")


def _named_elsewhere(tokens: list[Token]) -> None:
    """Mr. Long ... Long also smokes: a word that stood as a name, again where a person stands."""
    known = {token.word for token in tokens if token.kind == "NAME" and len(token.text) > 2 and token.shape != LOWER}
    if not known:
        return
    for place, token in enumerate(tokens):
        if token.kind or token.word not in known or token.shape not in (CAPITALISED, UPPER) or place + 1 >= len(tokens):
            continue
        after = tokens[place + 1]
        if after.gap == " " and after.word in _ACTS | _DOES:
            token.kind = "NAME"


def mark_institution_parts(tokens: list[Token], identifiers: Identifiers) -> None:
    """NORTHGATE DIST HOSP for Northgate District Hospital: shortened words of a header's phrase beside one that goes."""
    for phrase in identifiers.places:
        words = phrase.split()
        for place, token in enumerate(tokens):
            if token.word not in words or not token.kind:
                continue
            at = words.index(token.word)
            for step in (1, -1):
                here, there = place + step, at + step
                while 0 <= here < len(tokens) and 0 <= there < len(words):
                    gap = tokens[here].gap if step > 0 else tokens[here + 1].gap
                    if "\n" in gap or len(gap) > 2 or not _shortens(tokens[here].word, words[there]):
                        break
                    tokens[here].kind = tokens[here].kind or "PLACE"
                    here, there = here + step, there + step


def _shortens(short: str, word: str) -> bool:
    """Whether `short` is the word, its beginning, or its first letter with some of the later ones in order (ctr, hosp, rgnl)."""
    if len(short) < 2 or short[0] != word[:1]:
        return False
    rest = iter(word)
    return all(letter in rest for letter in short)
