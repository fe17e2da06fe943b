"""Dates and times in prose: found in English, German, Spanish, French and Italian spelling, and moved like those of the header.

`find_dates` yields spans; `rewrite` gives the text that a date becomes under a policy, or None when it must be removed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from deid.text.patterns import at_digits
from deid.text.spelling import fold
from deid.text.tokens import CODE, DIGITS, Token

DateMode = Literal["remove", "shift", "year", "keep"]

_NAMES = {
    1: "january januar jänner enero janvier gennaio jan jän ene janv",
    2: "february februar feber febrero février fevrier febbraio feb févr fev",
    3: "march märz maerz marzo mars mar mär mrz",
    4: "april abril avril aprile apr abr avr",
    5: "may mai mayo maggio",
    6: "june juni junio juin giugno jun",
    7: "july juli julio juillet luglio jul juil",
    8: "august agosto août aout aug ago",
    9: "september septiembre setiembre septembre settembre sept sep set",
    10: "october oktober octubre octobre ottobre oct okt",
    11: "november noviembre novembre nov",
    12: "december dezember diciembre décembre decembre dicembre dec dez dic déc",
}
_MONTH_OF = {name: number for number, names in _NAMES.items() for name in names.split()}
_MONTH = "(?:" + "|".join(sorted(_MONTH_OF, key=len, reverse=True)) + r")\b"
_WEEKDAY = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tues?|wed|thurs?|thu|fri|sat|sun|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag"
    r"|lunes|martes|miércoles|jueves|viernes|sábado|domingo)\.?"
)
_YEAR = r"(?:(?:19|20)\d{2}|['’]\d{2}\b)"
_YEAR_OR_SHORT = (
    r"(?:(?:19|20)\d{2}|['’]?\d{2})(?![\d/:])(?!\s*(?:[cm]m|years?|yrs?|y\.?o|hours?|hrs?|minutes?|h\b|:\d|%))"
)
_ORD = r"(?:st|nd|rd|th|er|º)?"
_OF = r"[\s,./'’-]*(?:(?:of|de|del)\s+)?"
_I = re.IGNORECASE

_NUMERIC = re.compile(r"(?<![\d.,/-])(\d{1,4})(\s?[./-]\s?)(\d{1,2})(\s?[./-]\s?)(\d{4}|\d{2})(?!\d|[./-]\d)")
_DAY_MONTH = re.compile(
    rf"(?<!\d)(\d{{1,2}})({_ORD}\.?\s*(?:(?:of|de)\s+|[-/.])?\s*)({_MONTH})(?:\.?({_OF})({_YEAR_OR_SHORT}))?", _I
)
_MONTH_DAY = re.compile(
    rf"\b({_MONTH})(\.?[\s-]*(?:the\s+)?)(\d{{1,2}})(?![\d/.]\d|\d)(?!\s?[cm]m\b)({_ORD})(?:([\s,.-]+)({_YEAR_OR_SHORT}))?",
    _I,
)
_GLUED = re.compile(rf"(?<![^\W_])(\d{{1,2}})({_MONTH[:-2]})((?:19|20)?\d{{2}})(?![^\W_])", _I)
_MONTH_YEAR = re.compile(rf"\b(?:{_MONTH})\.?{_OF}{_YEAR}", _I)
_LONE_MONTH = re.compile(
    r"\b(?:January|February|September|October|November|December|July|August(?!\w)|Januar|Februar|März|Oktober|Dezember|[Ee]nero|[Ff]ebrero|[Ss]eptiembre|[Oo]ctubre|[Nn]oviembre|[Dd]iciembre"
    r"|JANUARY|FEBRUARY|SEPTEMBER|OCTOBER|NOVEMBER|DECEMBER|JULY|AUGUST)\b"
    r"|(?<=\bin )(?:May|March|April|June|Mai|Juni|Juli)\b|(?<=\bsince )(?:May|March|April|June|[A-Z][a-z]{2})\b(?=[\s.,])|(?<=\b(?:last|next|late) )(?:May|March|April|June)\b"  # noqa: E501
    r"|(?<=\b(?:early) )(?:May|March|April|June)\b"
)
_SHORT = re.compile(r"(?<![\d.,/-])(\d{1,2})([/.-])(\d{1,2})(?![\d%]|[./-]\d)")
_NUMBER_YEAR = re.compile(r"(?<![\d.,/-])(?:0?[1-9]|1[0-2])[/.-](?:19|20)\d{2}(?![\d/-])")
_COMPACT = re.compile(r"(?<!\d)(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)")
_LONE_YEAR = re.compile(
    r"(?<![\d.,/-])(?:19|20)\d{2}(?![\d/]|[.,-]\d|\s?(?:m[lL]|cc|g|mg|mcg|HU|pixels?|px|mGy|ms|units?|kg|x|×)\b)"
)
_THE_ORDINAL = re.compile(
    r"\b(?:on|since|until|by|of)\s+(the\s+\d{1,2}(?:st|nd|rd|th))\b(?!\s*(?:and|to|through|,)?\s*\d*(?:st|nd|rd|th)?\s*(?:left|right|posterior|anterior|lateral|rib|thoracic|vertebra|intercostal|costal|lumbar|"
    r"cervical|finger|toe|metatarsal|metacarpal|week|month|day|percentile|time|grade))",
    _I,
)
_HOLIDAY = re.compile(
    r"\b(?:(?:last|this|next)\s+)?(?:new year['’]?s(?:\s+(?:day|eve))?|christmas(?:\s+(?:day|eve))?|easter(?:\s+(?:sunday|monday))?|thanksgiving(?:\s+day)?|labor day|memorial day|independence day|halloween|boxing day|good friday"  # noqa: E501
    r"|midsummer['’]?s?(?:\s+(?:day|eve))?|heiligabend|silvester|neujahr|weihnachten|ostern|pfingsten|navidad|nochebuena|año nuevo|semana santa|fourth of july)(?:\s+(?:of\s+)?(?:19|20)\d{2})?\b"  # noqa: E501
    r"|\b(?:spring|summer|autumn|fall|winter)\s+(?:of\s+)?(?:19|20)\d{2}\b",
    _I,
)
_ROMAN = re.compile(r"(?<![\d.])\d{1,2}[-./](?:I{1,3}|IV|VI{0,3}|IX|XI{0,2})[-./](?:19|20)?\d{2}(?!\d)")
_ERA = re.compile(r"\b[HSTR]\d{1,2}\.\d{1,2}\.\d{1,2}\b")
_TIME = re.compile(
    r"(?<![\d:.])(?:[01]?\d|2[0-4])(?:[:h][0-5]\d(?::[0-5]\d)?(?!\d|:\d)(?:\s?[ap]\.?m\b\.?)?(?:\s?(?:uhr|hrs?|hours|h)\b)?|[.:]?(?:[0-5]\d)?\s?(?:[ap]\.m\.|[ap]m\b)|[.:][0-5]\d\s?(?:uhr|h|hrs?)\b"
    r"|[0-5]\d\s?(?:h|hrs?|hours|uhr)\b|\s?uhr\b)"
    r"|(?<=\bat )(?:[01]\d|2[0-3])[0-5]\d\b(?!\s?(?:ml|cc|mg|g)\b)|(?<=@ )(?:[01]\d|2[0-3])[0-5]\d\b",
    _I,
)
_CUE_BEFORE = re.compile(
    r"(?:\b(?:on|from|dated?|since|until|till|through|of|by|and|prior|compared (?:to|with)|versus|film|study|exam|examination|radiograph|x-?ray|cxr|ct|scan|vom|am|seit|zum|bis|del|día|el|de|fecha|desde|aware|seen|done|d:|t:)"  # noqa: E501
    r"|,)[\s:(]*\Z",
    _I,
)
_NOT_A_DATE_BEFORE = re.compile(
    r"(?:\b(?:image|view|grade|series|classification|profusion|score|scale|strength|murmur|ilo|stage|category|ratio|bed|room|station|zimmer|t|apgar|apgars|rib|level|type|page|reported)[\s:]*)\Z",
    _I,
)
_NOT_A_DATE_AFTER = re.compile(
    r"\s?(?:of\b|strength|pain|murmur|sec|views?|images?|x|mm|cm|ml|s\b|kv|m\b|h\b|inch|th\b|power|motor|systolic|lpm|french|fr\b|%|severity|lobes?|ribs?|\()",
    _I,
)


@dataclass(frozen=True)
class DateSpan:
    """A date or time in text; `kind` is "DATE" or "TIME". `parts` are (value, year digits) where day, month and year are known,
    `write` gives the moved date in the same style."""

    start: int
    end: int
    kind: str
    value: date | None = None
    write: Callable[[date], str] | None = None


_MONTH_WORDS = frozenset(fold(name) for name in _MONTH_OF)
_HOLIDAY_WORDS = frozenset(
    [
        "year",
        "years",
        "christmas",
        "easter",
        "thanksgiving",
        "labor",
        "memorial",
        "independence",
        "halloween",
        "boxing",
        "friday",
        "midsummer",
        "midsummers",
        "heiligabend",
        "silvester",
        "neujahr",
        "weihnachten",
        "ostern",
        "pfingsten",
        "navidad",
        "nochebuena",
        "ano",
        "semana",
        "fourth",
        "spring",
        "summer",
        "autumn",
        "fall",
        "winter",
    ]
)
_WEEKDAY_BEFORE = re.compile(rf"\b{_WEEKDAY},?\s+(?:el\s+|den\s+|the\s+)?\Z", _I)


def find_dates(
    text: str, tokens: list[Token], *, day_first: bool = False, known: frozenset[str] | set[str] = frozenset()
) -> Iterator[DateSpan]:
    """Dates and times of a text, unordered and possibly overlapping. `known` are the header's dates (YYYYMMDD): they settle
    which of two numbers is the month; then the text itself does, then `day_first`."""
    words = {token.word for token in tokens}
    months = words & _MONTH_WORDS
    if months == {"may"} and "May" not in text and "MAY" not in text:
        months = set()
    patterns: list[re.Pattern[str]] = [_LONE_MONTH] if months else []
    if words & _HOLIDAY_WORDS:
        patterns.append(_HOLIDAY)
    if any(token.shape >= DIGITS for token in tokens):
        yield from _with_digits(text, tokens, day_first, known)
        if months:
            patterns.append(_MONTH_YEAR)
            yield from _named(text)
    for pattern in patterns:
        yield from (DateSpan(m.start(), m.end(), "DATE") for m in pattern.finditer(text))


def _with_digits(
    text: str, tokens: list[Token], day_first: bool, known: frozenset[str] | set[str]
) -> Iterator[DateSpan]:
    numeric = list(at_digits(_NUMERIC, text, tokens))
    first = _order(numeric, day_first, known)
    for found in numeric:
        span = _numeric(found, first, known)
        if span:
            yield span
    for pattern in (_NUMBER_YEAR, _COMPACT, _LONE_YEAR, _ROMAN):
        yield from (DateSpan(m.start(), m.end(), "DATE") for m in at_digits(pattern, text, tokens))
    if any(token.shape == CODE for token in tokens):
        yield from _glued(text)
        yield from (DateSpan(m.start(), m.end(), "DATE") for m in _ERA.finditer(text))
        yield from (DateSpan(m.start(1), m.end(1), "DATE") for m in _THE_ORDINAL.finditer(text))
    for found in at_digits(_SHORT, text, tokens):
        if _short_is_date(text, found):
            end = found.end() + (found.group(2) == "." and text[found.end() : found.end() + 1] == ".")
            yield DateSpan(found.start(), end, "DATE")
    yield from (DateSpan(m.start(), m.end(), "TIME") for m in at_digits(_TIME, text, tokens))


def _named(text: str) -> Iterator[DateSpan]:
    for found in _DAY_MONTH.finditer(text):
        day, between, name, gap, year = found.groups()
        if not 1 <= int(day) <= 31 or (name == "may" and not year and "of" not in between):
            continue
        if name.islower() and not year and _MONTH_OF[name] and name in ("mar", "set", "dec", "sep", "ago", "jan"):
            continue
        yield _spelled(found, day, name, year, lambda d, m, y, b=between, g=gap: f"{d}{b}{m}{g or ' '}{y}")
    for found in _MONTH_DAY.finditer(text):
        name, between, day, ordinal, gap, year = found.groups()
        if not 1 <= int(day) <= 31 or (
            name.islower() and name in ("may", "march", "mar", "set", "dec", "sep", "ago", "mai", "mars") and not year
        ):
            continue
        del ordinal
        yield _spelled(found, day, name, year, lambda d, m, y, b=between, g=gap: f"{m}{b}{d}{g or ' '}{y}")


def _glued(text: str) -> Iterator[DateSpan]:
    """02JUN2019"""
    for found in _GLUED.finditer(text):
        day, name, year = found.groups()
        yield _spelled(found, day, name, year, lambda d, m, y: f"{d.zfill(2)}{m}{y}")


def _spelled(found: re.Match[str], day: str, name: str, year: str | None, style: Callable[..., str]) -> DateSpan:
    # A weekday belongs to its date; it stays right when the date moves by whole weeks.
    before = _WEEKDAY_BEFORE.search(found.string[max(0, found.start() - 24) : found.start()])
    lead = before.group() if before else ""
    start = found.start() - len(lead)
    digits = (year or "").lstrip("'’")
    value = _make(_full_year(digits), _MONTH_OF[name.lower().rstrip(".")], int(day)) if digits else None

    def write(moved: date) -> str:
        return lead + style(str(moved.day), _month_like(name, moved.month), f"{moved.year:04d}"[-len(digits) :])

    return DateSpan(start, found.end(), "DATE", value, write if value else None)


def _month_like(name: str, month: int) -> str:
    """The month's name in the language, length and case of `name`."""
    old = name.lower()
    place = _NAMES[_MONTH_OF[old]].split().index(old)
    names = _NAMES[month].split()
    if len(old) <= 4 and old not in ("june", "july", "juni", "juli", "mayo", "märz", "juin", "août", "mars", "mai"):
        new = next((n for n in names if len(n) == 3), names[0][:3])
    else:
        language = {"january": 0, "januar": 1, "jänner": 1}.get(old, min(place, 3))
        long = [n for n in names if len(n) > 3 or n in ("may", "mai")]
        new = long[min(language if not (month == 2 and language == 1) else 1, len(long) - 1)]
    return new.upper() if name.isupper() and len(name) > 1 else new.capitalize() if name[:1].isupper() else new


def _full_year(digits: str) -> int:
    return int(digits) if len(digits) == 4 else 2000 + int(digits) if int(digits) < 50 else 1900 + int(digits)


def _make(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _order(numeric: list[re.Match[str]], day_first: bool, known: frozenset[str] | set[str]) -> bool:
    """Whether days come before months: the header's dates, then a number above 12, then the language."""
    for found in numeric:
        a, b, c = found.group(1), found.group(3), found.group(5)
        if len(a) > 2:
            continue
        year = _full_year(c)
        us, eu = _make(year, int(a), int(b)), _make(year, int(b), int(a))
        if us and eu and us != eu and known:
            us_known, eu_known = us.strftime("%Y%m%d") in known, eu.strftime("%Y%m%d") in known
            if us_known != eu_known:
                return eu_known
    for found in numeric:
        if len(found.group(1)) <= 2:
            if 12 < int(found.group(1)) <= 31:
                return True
            if 12 < int(found.group(3)) <= 31:
                return False
    return day_first or any("." in found.group(2) for found in numeric)


def _numeric(found: re.Match[str], day_first: bool, known: frozenset[str] | set[str]) -> DateSpan | None:
    a, sep, b, sep2, c = found.groups()
    if sep.strip() != sep2.strip():
        return None
    if len(a) == 4:
        orders = [("y", "m", "d"), ("y", "d", "m")] if len(c) == 2 else []
    elif len(a) == 3:
        return None
    else:
        orders = [("d", "m", "y"), ("m", "d", "y")] if day_first else [("m", "d", "y"), ("d", "m", "y")]
        if len(c) == 2 and len(a) == 2 and int(c) <= 31:
            orders.append(("y", "m", "d"))
    fields = (a, b, c)
    candidates = []
    for order in orders:
        values = dict(zip(order, fields, strict=True))
        value = _make(_full_year(values["y"]), int(values["m"]), int(values["d"]))
        if value:
            candidates.append((order, value))
    if not candidates:
        return None
    order, value = next((c for c in candidates if c[1].strftime("%Y%m%d") in known), candidates[0])

    def write(moved: date, order: tuple[str, ...] = order) -> str:
        made = []
        for part, original in zip(order, fields, strict=True):
            number = {"y": f"{moved.year:04d}"[-len(original) :], "m": str(moved.month), "d": str(moved.day)}[part]
            made.append(number if part == "y" or len(original) < 2 else number.zfill(2))
        return f"{made[0]}{sep}{made[1]}{sep2}{made[2]}"

    return DateSpan(found.start(), found.end(), "DATE", value, write)


def _short_is_date(text: str, found: re.Match[str]) -> bool:
    """Whether 3/4 or 23.1. is a day and a month rather than a fraction, a ratio or a measure."""
    a, sep, b = int(found.group(1)), found.group(2), int(found.group(3))
    if not ((1 <= a <= 12 and 1 <= b <= 31) or (1 <= a <= 31 and 1 <= b <= 12)):
        return False
    before, after = text[max(0, found.start() - 24) : found.start()], text[found.end() : found.end() + 12]
    if _NOT_A_DATE_BEFORE.search(before) or _NOT_A_DATE_AFTER.match(after):
        return False
    cue = bool(_CUE_BEFORE.search(before))
    if sep == "-":
        return False
    if sep == ".":
        return text[found.end() : found.end() + 1] == "." and bool(
            re.search(r"(?:vom|am|zum|seit|bis|den|del)\s\Z", before, _I)
        )
    if (a <= b <= 6 or a == b) and not re.search(
        r"\b(?:on|from|dated?|since|until|d:|t:|film of|study of|vom|am)[\s:]*\Z", before, _I
    ):
        return False
    return cue or b > 6 or a > b


def rewrite(span: DateSpan, mode: DateMode, shift_days: int, *, birth: bool) -> str | None:
    """What a date becomes: moved back by `shift_days`, its year, or None to have it removed. Times and dates without a year
    cannot be moved: they are removed unless the mode is "keep"."""
    if birth or span.kind != "DATE" or span.value is None:
        return None
    if mode == "year":
        return f"{span.value.year:04d}"
    if mode == "shift" and span.write:
        try:
            return span.write(span.value - timedelta(days=shift_days))
        except OverflowError:
            return None
    return None
