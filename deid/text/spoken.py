"""Dates, times, ages and phone numbers as people say them: weekdays, "the 23rd", "half past four", "in her nineties", digits in words."""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int, str]
_I = re.IGNORECASE

_WEEKDAY = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weds|tues|thurs|montags?|dienstags?|mittwochs?|donnerstags?|freitags?|samstags?|sonntags?|sonnabends?"
    r"|lunes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo)\b(?:,? the \d{1,2}(?:st|nd|rd|th)| el \d{1,2}(?! \w{2,}grad)|,? (?:den|dem) \d{1,2}\.)?",  # noqa: E501
    _I,
)
_SHORT_WEEKDAY = re.compile(
    r"(?<![^\W_])(?:Mon|Tue|Wed|Thu|Thur|Fri|Sat|Sun|MON|TUE|WED|THU|FRI|SAT|SUN|Mo|Di|Mi|Do|Fr|Sa|So)\.?,?(?=[ ](?:the[ ])?\d{1,2}(?:st|nd|rd|th|[./:]|[ ](?:[AaPp]\.?[Mm]|[A-Z][a-z]{2})))"  # noqa: E501
    r"|(?<=\b[Oo]n )(?:Mon|Tue|Wed|Thu|Thur|Fri|Sat|Sun|MON|TUE|WED|THU|FRI|SAT|SUN)\b|(?<=\b[Ll]ast )(?:Mon|Tue|Wed|Thu|Thur|Fri|Sat|Sun|mon|tue|wed|thu|fri|sat|sun)\b"  # noqa: E501
)
_NOT_A_DAY = r"(?!\s*(?:,|and|to|through|&|-)?\s*(?:\d*(?:st|nd|rd|th)\s)?\s*(?:left|right|posterior|anterior|lateral|ribs?|thoracic|vertebra|inter|costal|lumbar|cervical|finger|toe|meta|week|month|day\b|percentile|time|grade|floor|centile|trimester|decade|generation|year|birthday|edition|line|view|attempt))"  # noqa: E501
_ORDINAL_DAY = re.compile(
    rf"\b(?:on|since|until|till|by|of|from|dated?|for)\s+(?:the\s+)?((?:[12]?\d|3[01])(?:st|nd|rd|th))\b{_NOT_A_DAY}|\bthe\s+((?:1[3-9]|2\d|3[01])(?:st|nd|rd|th))\b{_NOT_A_DAY}"
    r"|(?<![\w.])((?:[12]?\d|3[01])(?:st|nd|rd|th)\s+(?:inst|ult|prox)\.?)(?![^\W_])",
    _I,
)
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|m[äa]r|mai|okt|dez|ene|abr|ago|dic)[a-zäéñ]*"
_RANGE = re.compile(
    rf"(?<![\d.])(\d{{1,2}}(?:st|nd|rd|th|\.)?)\s?(?:[-–]|to|bis|al?)\s?(?=\d{{1,2}}(?:st|nd|rd|th|\.)?\s?(?:of\s|de\s)?{_MONTHS}\b)",
    _I,
)
_DAY_DOT = re.compile(r"(?<![\d.,])(0?[1-9]|[12]\d|3[01])\.\s?(0?[1-9]|1[0-2])\.(?![\d])")
_DAY_DOT_CUE = re.compile(r"(?:\b(?:am|vom|seit|bis|zum|ab|und|der|dem|den|von|on|dated?|from|of|since)|[,(])\s*\Z", _I)

_HOUR = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_STUNDE = r"(?:eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf)"
_HORA = r"(?:una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce)"
_TIME = re.compile(
    rf"\bhalf[ -](?:past[ -])?{_HOUR}\b(?![ -](?:cm|centimet|mill|view|dose|life|hour|day|week))|\b(?:a )?(?:quarter|ten|twenty|five|twenty-five) (?:past|to|after|before) {_HOUR}\b|\b{_HOUR} o['’]?clock\b"  # noqa: E501
    rf"|\b(?:at|around|about|before|after|by) {_HOUR}[ -](?:thirty|fifteen|twenty|forty(?:[- ]five)?|ten|fifty)(?: ?[ap]\.?m\.?)?\b|\b{_HOUR} ?[ap]\.m\.|\b{_HOUR} (?:in the (?:morning|afternoon|evening)|at night)\b"  # noqa: E501
    rf"|\bhalb {_STUNDE}\b|\b(?:dreiviertel|viertel(?: (?:nach|vor))?) {_STUNDE}\b|\b{_STUNDE} Uhr\b|\b(?:kurz )?(?:nach|vor|gegen|um) {_STUNDE} Uhr\b"  # noqa: E501
    rf"|\ba las? {_HORA}(?: y (?:media|cuarto|diez|veinte|cinco)| menos (?:cuarto|diez|veinte|cinco)| en punto)?(?: de la (?:tarde|mañana|noche|madrugada))?\b",  # noqa: E501
    _I,
)
_AGE = re.compile(
    r"\b(?:nona|cente)narian\b|\b(?:nona|cente)genari[oa]\b|\b(?:in|into|well into) (?:his|her|their|the) (?:late |early |mid[- ])?(?:nineties|90['’]?s)\b|\bneunziger(?:in)?\b"  # noqa: E501
    r"|\b(?:aged?|alter|edad|age of|turned|now) ?(?:of |von |de )?:? ?(?:ninety|one hundred|a hundred)(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?\b"  # noqa: E501
    r"|\b(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)?(?:und)?(?:neunzig|hundert)jährig\w*|\b(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)undneunzig(?= Jahre?)"  # noqa: E501
    r"|\bnoventa(?: y (?:uno?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve))?(?= años)|\bcien(?:to \w+)?(?= años)",
    _I,
)
_AGE_DIGITS = re.compile(
    r"(?<![\d./-])(9\d|1[0-2]\d)(?=(?:[ -]?(?:year|yr|yo\b|y/o|y\.o|jähr|Jahre|años|anos|J\.|a\.))|[ ]?(?:years?|yrs?) (?:young|of age))"  # noqa: E501
    r"|(?<=\b[Aa]ge )(9\d|1[0-2]\d)\b|(?<=\b[Aa]ge: )(9\d|1[0-2]\d)\b|(?<=\bAGE )(9\d|1[0-2]\d)\b|(?<=\bAGE: )(9\d|1[0-2]\d)\b|(?<=\bedad )(9\d|1[0-2]\d)\b|(?<=\bEdad: )(9\d|1[0-2]\d)\b|(?<=\bturned )(9\d|1[0-2]\d)\b"  # noqa: E501
    r"|(?<=\bAlter: )(9\d|1[0-2]\d)\b|(?<=\baged )(9\d|1[0-2]\d)\b"
)
_AGE_AT_ALL = re.compile(r"ninet|hund|nonag|nonar|centen|neunz|novent|cien|90", _I)
_OLD_DIGITS = re.compile(r"9\d|1[0-2]\d")
_DIGIT_WORD = r"(?:zero|oh|nought|one|two|three|four|five|six|seven|eight|nine|double|triple|null|eins|zwo|zwei|drei|vier|fünf|sechs|sieben|acht|neun|cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)"  # noqa: E501
_SPOKEN_NUMBER = re.compile(rf"\b{_DIGIT_WORD}(?:[ ,-]{{1,2}}{_DIGIT_WORD}){{4,}}\b", _I)


def find_spoken(text: str, language: str) -> Iterator[Span]:
    """Spans of dates, times and numbers that stand in words."""
    for pattern in (_WEEKDAY, _SHORT_WEEKDAY):
        yield from ((m.start(), m.end(), "DATE") for m in pattern.finditer(text))
    for found in _ORDINAL_DAY.finditer(text):
        group = next(g for g in (1, 2, 3) if found.group(g))
        yield found.start(group), found.end(group), "DATE"
    yield from ((m.start(), m.end(), "DATE") for m in _RANGE.finditer(text))
    for found in _DAY_DOT.finditer(text):
        if language == "de" or _DAY_DOT_CUE.search(text[max(0, found.start() - 12) : found.start()]):
            yield found.start(), found.end(), "DATE"
    yield from ((m.start(), m.end(), "TIME") for m in _TIME.finditer(text))
    yield from ((m.start(), m.end(), "PHONE") for m in _SPOKEN_NUMBER.finditer(text))


def find_spoken_ages(text: str) -> Iterator[tuple[int, int]]:
    """Spans of ages above 89 in words or beside a word for age."""
    # The long patterns are tried only where one of their words or numbers stands.
    if _AGE_AT_ALL.search(text):
        yield from (m.span() for m in _AGE.finditer(text))
    if _OLD_DIGITS.search(text):
        yield from (m.span() for m in _AGE_DIGITS.finditer(text))


def find_own_days(text: str, dates: set[str]) -> Iterator[Span]:
    """The header's own days written without their year, in either order: 3/14, 14.3, 3-14."""
    own = {(int(day[4:6]), int(day[6:8])) for day in dates if len(day) == 8 and day.isdigit()}
    if not own:
        return
    for found in re.finditer(r"(?<![\w./-])(\d{1,2})[-/.](\d{1,2})(?![\w%]|[./-]\d)", text):
        one, other = int(found.group(1)), int(found.group(2))
        if (one, other) in own or (other, one) in own:
            yield found.start(), found.end(), "DATE"
