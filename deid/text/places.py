"""Places that have a shape: institutions by the words they end with, wards and units, flats and plots, initials of typists. For reports."""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Iterator

from deid.text.spelling import fold
from deid.text.tokens import Token
from deid.text.vocabulary import FUNCTION, GENERIC, classify, context_words

Span = tuple[int, int, str]

# Words that make a department and no name of a hospital: Chest Clinic, Heart Institute, Emergency Department.
_SPECIALTIES = context_words("specialties")
_WORD = r"(?:St\.|(?:[A-ZÀ-Þ][^\W\d_]*(?:['’.-][^\W\d_]+)*))"
_HEAD = (
    r"(?:Hospitals?|Clinics?|Infirmary|Sanatorium|Hospice|Medical\s(?:Center|Centre|Group|Practice|Associates)|Health\s(?:Center|Centre|System|Clinic|Services?|Trust|Campus)|"
    r"NHS\s(?:Foundation\s)?Trust|Foundation\sTrust|Healthcare|Health\sCare|Urgent\sCare|Assisted\sLiving|Senior\sLiving|Nursing\s(?:Home|Facility)|Care\s(?:Home|Center|Centre)|"
    r"Retirement\s(?:Home|Village|Community)|Rest\sHome|Teleradiology|Radiology(?:\s(?:Associates|Group|Partners|Consultants))?|Imaging(?:\s(?:Center|Centre|Associates|Partners))?|"
    r"Diagnostics?(?:\s(?:Center|Centre|Imaging|Clinic))?|Institute|Surgery|Manor|SNF|Rehab(?:ilitation)?(?:\s(?:Center|Centre|Hospital))?|"
    r"(?:Oncology|Pulmonary|Cardiology|Heart|Cancer|Chest|Lung|X-Ray|Scan|Sonography|Wellness|Dialysis|Surgical|Trauma|Family)\s(?:Center|Centre|Associates|Specialists|Consultants|Group)|"
    r"Occupational\sHealth|Family\s(?:Practice|Medicine)|Correctional\s(?:Facility|Infirmary|Center|Institution)|Polyclinic|Ysbyty|Lodge|Scans?|Labs?|Pathology)"
)
_INSTITUTION = re.compile(
    rf"(?<![^\W_]){_WORD}(?:(?:[ \t]+(?:of|the|for|and|&|de|del)){{0,2}}[ \t]+{_WORD}){{0,6}}?[ \t]+{_HEAD}(?![^\W_])"
)
_LOUD_LINE = re.compile(r"^[ \t]*((?:[A-Z][A-Z'’.&-]*|&)(?:[ \t](?:[A-Z][A-Z'’.-]*|&)){1,8})", re.MULTILINE)
_HEADS = context_words("heads")
_FOREIGN = re.compile(
    rf"\b(?:Ysbyty|Clinique|Hôpital|Ospedale|Ospital|Szpital|Nemocnice|Sykehus|Sjukhus|Ziekenhuis|Hospitalet|Kórház|CHU|CHR)(?:[ \t]+(?:des?|du|la|le|les|di|della|San|Santa|Saint|Sainte|St\.?)|[ \t]+{_WORD}){{1,5}}"  # noqa: E501
)

# Units that are one ward of one house, and any ward by its name.
_UNITS = re.compile(
    r"(?<![^\W_])(?:SICU|MICU|CCU|CVICU|CTICU|TICU|PACU|CSICU|NSICU|NICCU|PICU|CICU|BICU|HDU|CVU|SCBU|AMU|EAU|MAU|SAU|ITU)(?![^\W_])"
    r"|(?<![^\W_])(?:ICU|NICU|ED|ER|ITU|A&E|OR|Stepdown|Telemetry)(?=[ -]{1,2}(?:[A-Z]{1,2}-?)?\d)"
    r"|(?<=LOCATION: )(?:ICU|NICU|ED|ER|OR|A&E|IR)(?![^\W_])(?:-[A-Z]?\d{1,3})?|(?<![^\W_])(?:ED|ER|ICU|NICU|A&E)-[A-Z]?\d{1,3}(?![^\W_])|(?<=[Ll]oc: )[A-Z0-9]{2,5}(?![^\W_])|(?<=[Ll]oc:)[A-Z0-9]{2,5}(?![^\W_])"  # noqa: E501
)
_WARD = re.compile(
    r"(?<![^\W_])(?:[A-Z][a-z’']+[ ]){1,3}Ward(?![^\W_])(?:[ ]\d{1,3}[A-Z]?)?"
    r"|(?<![^\W_])(?:[A-Z][a-z]+[ ]){1,2}(?:Lab|Clinic|Theatre|Suite|Unit|Ward|Pod|Bay)[ ](?:\d{1,2}[A-Z]?|[A-Z])(?![^\W_])"
    r"|(?<![^\W_])\d{1,2}[ -](?:East|West|North|South|NE|NW|SE|SW)(?:[ -]\d{1,3})?(?![^\W_])|(?<![^\W_])[1-9]\d?(?:NW|NE|SW|SE)(?=[ /-]\d)(?:[ /-]\d{1,3})"  # noqa: E501
)
_NOT_A_WARD = re.compile(r"(?:The|This|From|On|In|Seen|Medical Student)\b")

_PIECE = r"(?:[A-Z][a-z’'.-]+|(?:[A-Z]{2,3}(?=[ ,]+\d))|\d{3,6}(?:[ -]\d{3,4})?|\d{1,4}[A-Za-z]?(?=[ ][A-Z][a-z])|[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2})"  # noqa: E501
_MORE = rf"(?:,?[ \t]+{_PIECE})"
_DWELLING = re.compile(
    rf"(?<![^\W_])(?:Flat|Plot|Shop|House|H\.?[ ]?No\.?|Door[ ]No\.?|D\.?[ ]No\.?|Villa|Quarter|Qtr|Unit|Apt\.?|Apartment|Suite|Lot|Box)[ ]*(?:No\.?[ ]*)?(?:\d[\w/-]*|[A-Z]-?\d*)(?=,[ ]|[ ][A-Z][a-z]+[ ](?:St|R|A|L|N|C|M)){_MORE}{{1,9}}"  # noqa: E501
    rf"|(?<![^\W_])\d{{1,2}}(?:st|nd|rd|th)[ ](?:Floor|Flr){_MORE}{{1,8}}"
    r"|(?<![^\W_])(?:Route|Highway|Hwy|Interstate|Autobahn|Motorway|Rte\.?|County[ ]Road|State[ ]Road)[ ](?:[A-Z]-?)?\d{1,4}(?:[ ](?:near|at|in|by)[ ](?:[A-Z][a-z]+[ ]?){1,2})?"  # noqa: E501
    rf"|(?<![^\W_])\d{{1,5}}[A-Za-z]?,?[ ](?:[A-Z][a-z’']+[ ]){{1,3}}(?:Parade|Esplanade|Marg|Nagar|Colony|Rise|Grove|Walk|Wharf|Gate|Row|Mews|Quay|Loop|Path|Bend|Crossing|Vale|View|Promenade|Strand|Chowk|Bazar|Bazaar)(?![^\W_]){_MORE}{{0,4}}"  # noqa: E501
    r"|(?<![^\W_])(?:[A-Z][a-z’']+[ ]){1,2}(?:Marg|Nagar|Colony|Chowk|Bazar|Bazaar|Chambers|Apartments|Towers|Heights|Estate)(?:,[ ][A-Z][a-z]+){1,3}"  # noqa: E501
)
_ISO_TIME = re.compile(r"(?<=\d)T[0-2]\d:?[0-5]\d(?::?[0-5]\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?(?![^\W_])")
# RJW/abc, OB:sp, JTW/mh: who spoke and who typed.
_TYPISTS = re.compile(r"(?<![^\W_])[A-Z]{2,4}\s?[/:]\s?[a-z]{2,3}(?=[ \t]*(?:\n|\Z|\d))")
_TYPED_BY = re.compile(
    r"(?<![^\W_])(?:TRANS|TR|T|D|Tech|Typed|Transcribed|Transcriptionist|Typist|Dictated|Initials|Init|By|Rad|RT)[ ]?:[ ]*([A-Z]{2,4}|[a-z]{2,4})(?=[ \t]*(?:\n|\Z|[./]|\d|[A-Z]:))"  # noqa: E501
)
_BABY = re.compile(
    r"(?<![^\W_])(?i:baby|babyboy|babygirl|infant|newborn)(?:[ -](?i:boy|girl|of|male|female|twin)(?:[ ][AB1-3])?)?(?=[ ]\[?(?:of[ ])?[A-Z])"  # noqa: E501
)
_AGED = re.compile(
    r"(?<![\d./-])(9\d|1[0-2]\d)(?=[ ]?(?:/[ ]?[MFmf]\b|y\b|yo\b|y/o\b|yrs?\b|[ ]?[-–][ ]?years?))|(?<=/)(9\d|1[0-2]\d)(?=[ ]?[yY]\b)"
)
_OLD_WORDS = re.compile(
    r"\b(?:ninety(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one[ -])?hundred(?:[ -](?:and[ -])?(?:one|two|three|four|five|six|seven|eight|nine|ten))?)(?=[ -]years?\b|[ -]yrs?\b|[ -]y/?o\b)",  # noqa: E501
    re.IGNORECASE,
)


def find_places(text: str, tokens: list[Token]) -> Iterator[Span]:
    """Spans of institutions, wards, dwellings and typists' initials, unordered."""
    for found in _INSTITUTION.finditer(text):
        start = _telling_start(text, found)
        if start is not None:
            yield start, found.end(), "PLACE"
    yield from ((m.start(), m.end(), "PLACE") for m in _FOREIGN.finditer(text))
    for found in _LOUD_LINE.finditer(text):
        yield from _loud(found)
    yield from ((m.start(), m.end(), "LOCATION") for m in _UNITS.finditer(text))
    for found in _WARD.finditer(text):
        if not _NOT_A_WARD.match(found.group()):
            yield found.start(), found.end(), "LOCATION"
    yield from ((m.start(), m.end(), "ADDRESS") for m in _DWELLING.finditer(text))
    yield from ((m.start(), m.end(), "TIME") for m in _ISO_TIME.finditer(text))
    yield from ((m.start(), m.end(), "NAME") for m in _TYPISTS.finditer(text))
    yield from ((m.start(), m.end(), "NAME") for m in _BABY.finditer(text))
    for found in _TYPED_BY.finditer(text):
        word = found.group(1)
        if not classify(fold(word)) or word.islower():
            yield found.start(1), found.end(1), "NAME"


def find_written_ages(text: str) -> Iterator[tuple[int, int]]:
    """Spans of ages above 89 that are written out or stand before a sex (98/M, ninety-three years)."""
    for found in _AGED.finditer(text):
        yield found.span()
    for found in _OLD_WORDS.finditer(text):
        if fold(found.group()) != "ninety":
            yield found.span()


def _telling_start(text: str, found: re.Match[str]) -> int | None:
    """Where the institution's name begins: at the first word behind those that only make a department; None where no word tells."""
    words = [(m.start() + found.start(), fold(m.group())) for m in re.finditer(r"[^\W_]+", found.group())]
    telling = [
        (start, word) for start, word in words if word not in _SPECIALTIES and not classify(word) & (GENERIC | FUNCTION)
    ]
    heads = {fold(w) for w in re.findall(r"[^\W_]+", found.group())[-2:]}
    telling = [
        (start, word)
        for start, word in telling
        if word not in _HEADS and not (word in heads and classify(word) & GENERIC)
    ]
    if not telling:
        return None
    first = telling[0][0]
    if (
        len(telling) == 1
        and _opens(text, first)
        and classify(telling[0][1])
        and words[0][0] == first
        and len(words) <= 3
    ):
        # "Repeat Imaging", "Normal Radiology": one known word that only begins its sentence.
        return None
    kept = [
        start
        for start, word in words
        if start < first and word in ("saint", "st", "the", "royal", "north", "south", "east", "west", "new", "old")
    ]
    return kept[-1] if kept else first


def _opens(text: str, start: int) -> bool:
    before = text[max(0, start - 3) : start]
    return not before.strip() or "\n" in before or before.rstrip()[-1:] in ".:;!?"


def _loud(found: re.Match[str]) -> Iterator[Span]:
    """A line in capitals that begins with a name and ends with Hospital, Centre ...: the letterhead."""
    words = list(re.finditer(r"[^\W_]+", found.group(1)))
    last = next((place for place in range(len(words) - 1, 0, -1) if fold(words[place].group()) in _HEADS), None)
    if last is None:
        return
    telling = [
        w
        for w in words[:last]
        if fold(w.group()) not in _SPECIALTIES and not classify(fold(w.group())) & (GENERIC | FUNCTION)
    ]
    if telling and len(words[: last + 1]) <= 7 and telling[0].start() == words[0].start():
        yield found.start(1), found.start(1) + words[last].end(), "PLACE"
