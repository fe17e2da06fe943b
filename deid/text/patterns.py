"""Identifiers that have a shape: web, phones, numbers, addresses, rooms, ages above 89. Everything here yields (start, end, kind)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deid.text.tokens import CODE, DIGITS, Token

Span = tuple[int, int, str]
_I = re.IGNORECASE

_WEB = re.compile(
    r"[^\s<>()\[\],;]+@[^\s<>()\[\],;]*[^\W_]"
    r"|\b(?:https?|ftp|file)://[^\s<>)\]]+|\bwww\.[^\s<>)\],;]+"
    r"|(?<![^\W_@.])(?:[^\W_]|-)+(?:\.(?:[^\W_]|-)+)*\.(?:com|org|net|edu|gov|info|local|eu|de|fr|uk|ch|at|nl|es|it|eus|cat|ie|se|no|dk|pl|br|mx|ar|ca|au|jp|in)\b(?:/[^\s)]*)?(?![.][a-z])"
    r"|\\\\[\w$.-]+(?:\\[\w$.-]+)+"
    r"|(?<!\w)@\w{3,}"
    r"|(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?(?![\d.]*\d)"
    r"|(?<![^\W_])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![^\W_])",
    _I,
)
_GROUPS = re.compile(
    r"(?<![\w.,])(?:\+\s?)?\(?\d{1,12}\)?(?:[ ]?[-/.][ ]?\(?\d{1,7}\)?|[ ]\(?\d{1,9}\)?(?=[\s.,;:)/-]|\Z)|\(?\)?\d{3,7}){1,9}(?:\s?(?:x|ext\.?|extension)\s?\d{1,6})?(?![\w%]|[.,]\d)",  # noqa: E501
    _I,
)
_CALL = re.compile(
    r"\b(?:pager|beeper|bleep|ext|extension|pgr|ph|phone|tel|telephone|teléfono|telefon|fax|mobile|móvil|cell|handy|voicemail|durchwahl|dw|call(?:ed)?|page|paged|contact|内線)\b\.?[\s:#]*(?:(?:no|number|at|on)\b\.?[\s:#]*)?"
    r"([#x+(]*\d[\d() ./-]{1,18}\d)|(?<![\w.])(x\d{1,2}-?\d{3,5}|#\d{3,}(?:[ .-]\d{3,})*)\b",
    _I,
)
_STRONG_LABEL = (
    r"mrn|mr\s?#|mr no|medical record|record no|rec no|patient id|pat\.? id|pid|acc|accession|acct|account|ssn|nhs|id|claim|encounter|csn|passport|pasaporte|visa|licen[sc]e|badge|policy|insurance|medicare|medicaid"  # noqa: E501
    r"|member|employee|serial|sn|s/n|ref|reg|tracking|confirmation|nhc|dni|nie|cpf|rg|ppsn|pps|fallnummer|fall-nr|pat-nr|vers|versicherungsnummer|colegiado|atestado|expediente|historia|case|order|specimen|barcode|vin|plate|va id|ni|rodne cislo"  # noqa: E501
)
_LABELLED = re.compile(
    rf"\b(?:{_STRONG_LABEL})(?![^\W_])[\s.:#/-]*(?:(?:no|number|num|nr|nº|n°|id|code|ref|is|card|soc|#)(?![^\W_])[\s.:#/-]*){{0,2}}((?:[A-Z]{{1,6}}[\s./-]?)?(?=[\w./-]*\d)(?!\d{{1,2}}(?:\.\d)?\s?(?:[cm]m|ml|kv|mas?)\b)[\w][\w./-]*(?:[ ]\d[\w./-]*){{0,6}})",  # noqa: E501
    _I,
)
_LOT = re.compile(
    r"\b(?:lot|batch|serial|sn|s/n|model no|plate)(?![^\W_])[\s.:#]*(?:(?:no|number|nr)\b[\s.:#]*)?((?=[\w/-]*\d)[\w/-]{3,}(?:\s\d{2,4}\b)?)",  # noqa: E501
    _I,
)
_PLATE = re.compile(
    r"\b(?:plate|kennzeichen|matrícula)\b[^.\n]{0,24}?[:\s]((?=[A-Z0-9 -]*\d)[A-Z0-9]{1,4}[ -]?[A-Z0-9]{2,5})\b"
)
_STREET_TYPE = r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|boulevard|blvd|place|pl|way|terrace|circle|cir|highway|hwy|parkway|pkwy|square|sq|close|crescent|row|alley|trail|green|mews|hill|gardens)"  # noqa: E501
_CAP = r"(?:[A-ZÀ-Þ][^\W\d_]*[.'’]?(?:[^\W\d_]+)?)"
_UNIT = r"(?:,?\s*(?:apt|apartment|suite|ste|unit|flat|floor|fl|#)\.?\s*[\w-]+)?"
_TOWN = rf"(?:,\s*{_CAP}(?:[ ]{_CAP}){{0,2}}(?!\s*:)){{0,2}}"
_POST = r"(?:,?\s*(?:[A-Z]{2}\s+)?\d{5}(?:-\d{4})?\b|,?\s*(?:[A-Z][a-z]+\s)?[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b)?"
_ADDRESS = (
    re.compile(
        rf"\b\d{{1,5}}(?!\s?(?:(?i:cm|mm|ml|cc|kv|mas|x|views?|days?|weeks?|months?|years?)\b))[A-Za-z]?\s+(?:[NSEW]\.?\s+)?(?:{_CAP}[ ]+){{1,4}}?(?i:{_STREET_TYPE})\b\.?(?i:{_UNIT}){_TOWN}{_POST}"  # noqa: E501
    ),
    re.compile(
        rf"\b(?:{_CAP}[ ]+){{1,2}}(?:Street|Road|Avenue|Lane|Boulevard|Blvd|Drive|St|Rd|Ave|Ln){_TOWN}{_POST}(?![\w'])"
    ),
    re.compile(rf"\bP\.?\s?O\.?\s?Box\s+\d+{_TOWN}(?:,?\s*{_CAP}\s+[A-Z]{{2}}\s+\d{{5}})?{_POST}", _I),
    re.compile(
        rf"\b(?:Am|An der|Auf dem|Im|Zum)\s+{_CAP}\s+\d{{1,4}}[a-z]?\b(?:,?\s*\d{{4,5}}\s+{_CAP}(?:[ ]{_CAP})?)?"
    ),
    re.compile(
        rf"\b(?:(?i:[^\W\d_]{{3,}}(?:straße|strasse|str\.))|[A-ZÄÖÜ][^\W\d_]{{2,}}(?:weg|allee|platz|gasse|ufer|damm|ring(?<!uring)(?<!ering)(?<!aring))|[A-ZÄÖÜ][^\W\d_]+er\s(?:Straße|Strasse|Str\.|Weg|Allee|Platz|Ring|Ufer|Damm))\s+\d{{1,4}}\s?[a-z]?\b(?:,?\s*(?:[A-Z]-)?\d{{4,5}}\s+{_CAP}(?:[ ]{_CAP})?)?"  # noqa: E501
    ),
    re.compile(
        rf"\b(?:Carretera|Ctra\.?|Autovía|Autopista)[ ]+[A-Z]{{1,3}}-\d{{1,4}}(?:,?[ ]+km\.?[ ]*\d+)?|"
        rf"\b(?:C/|Calle|Avda\.?|Avenida|Av\.|Plaza|Pza\.?|Paseo|Carretera|Ctra\.?|Camino|Ronda)\s*(?:(?:de|del|la|las|los|el)\s+)*{_CAP}(?:[\s-]+(?:de\s+|del\s+)?[\w-]+){{0,3}}?(?:\s*\d{{1,5}}|\s+s/n|\s+km\s+\d+)?(?:,\s*(?:piso\s*\d+|\d{{1,4}}º?\s*[A-Z]?|\d{{5}}\s+{_CAP}(?:[ ]{_CAP})?|{_CAP}))*"  # noqa: E501
    ),
    re.compile(
        rf"\b\d{{1,4}}(?:\s?bis)?,?\s+(?:rue|avenue|boulevard|place|chemin|via|viale|rua)\s+(?:(?:de|des|du|la|le|l['’]|d['’])\s*)*{_CAP}(?:,?\s*\d{{5}}\s+{_CAP})?",
        _I,
    ),
    re.compile(
        rf"\b[A-Z]{{2}}\s+\d{{5}}(?:-\d{{4}})?\b|\b[A-Z]{{1,2}}\d[A-Z\d]?\s\d[A-Z]{{2}}\b|(?<!\d)\d{{5}}\s+{_CAP}(?=[.,\n]|\Z)"
    ),
)
_ROOM = re.compile(
    r"\b(?:room|rm|bed|ward|zimmer|bett|cama|habitación|habitacion|hab|(?:[a-zäöü]+)?station|unit|isolette|bay|floor|piso|planta|pod|suite|avd|avdelning|itu bed|cubicle|stretcher|box|resus|theatre)\.?\s*(?:no\.?|nr\.?|#)?\s*"  # noqa: E501
    r"((?:[A-Z]{1,4}[- ]?)?\d{1,4}[A-Z]?(?:[-/]\w{1,4})?(?:\s(?:West|East|North|South|[NSEW])\b)?|[A-Z]\d{0,2}\b)(?!\s?(?:view|cm|mm|hours?|days?|weeks?)\b)(?![\w.]\d)",  # noqa: E501
    _I,
)
_UNIT_NUMBER = re.compile(
    r"\b(?:MICU|SICU|CCU|ICU|NICU|PICU|CVICU|ED|Neo)[- ]?(\d{1,3}[A-Z]?)\b(?!\s?(?:views?|days?|hours?|cm|mm|st|nd|rd|th)\b)"
)
_AGE = re.compile(
    r"(?<![\d./-])(9\d|1[0-2]\d)(?=[\s-]*(?:years?|yrs?|yr|y\.?\s?o\b|y/o|jahre|jährig\w*|años|a\.\s|ans)\b|\s?[MFmf]\b(?!\s?[mr]))|(?<=\baged )(9\d|1[0-2]\d)\b|(?<=\balter )(9\d|1[0-2]\d)\b|(?<=\bage )(9\d|1[0-2]\d)\b|(?<=\bage: )(9\d|1[0-2]\d)\b",  # noqa: E501
    _I,
)
_PLACEHOLDER = re.compile(r"\[(?:NAME|DATE|TIME|NUMBER|PHONE|WEB|ADDRESS|PLACE|LOCATION|REDACTED)\]|\b90\+")


def placeholders(text: str) -> list[tuple[int, int]]:
    """Spans that an earlier cleaning left: they stay as they are."""
    return [match.span() for match in _PLACEHOLDER.finditer(text)] if "[" in text or "90+" in text else []


_CALL_WORDS = frozenset(
    [
        "pager",
        "beeper",
        "bleep",
        "ext",
        "extension",
        "pgr",
        "ph",
        "phone",
        "tel",
        "telephone",
        "telefono",
        "telefon",
        "fax",
        "mobile",
        "movil",
        "cell",
        "handy",
        "voicemail",
        "durchwahl",
        "dw",
        "call",
        "called",
        "page",
        "paged",
        "contact",
        "内線",
    ]
)
_LABEL_WORDS = frozenset(re.sub(r"[^a-z]+", " ", _STRONG_LABEL.replace("[sc]", "s").replace(r"\s", " ")).split()) | {
    "license",
    "licence",
    "mr",
    "s",
}
_LOT_WORDS = frozenset(["lot", "batch", "serial", "sn", "s", "model", "plate"])
_PLATE_WORDS = frozenset(["plate", "kennzeichen", "matricula"])
_ROOM_WORDS = frozenset(
    [
        "room",
        "rm",
        "bed",
        "ward",
        "zimmer",
        "bett",
        "cama",
        "habitacion",
        "hab",
        "station",
        "unit",
        "isolette",
        "bay",
        "floor",
        "piso",
        "planta",
        "pod",
        "suite",
        "avd",
        "avdelning",
        "itu",
        "cubicle",
        "stretcher",
        "box",
        "resus",
        "theatre",
    ]
)
_UNIT_WORDS = re.compile(r"(?:micu|sicu|ccu|n?icu|picu|cvicu|ed|neo)\d{0,3}[a-z]?\Z")
_STREET_WORDS = frozenset(["street", "road", "avenue", "lane", "boulevard", "blvd", "drive", "st", "rd", "ave", "ln"])
_STREET_ENDS = ("strasse", "straße", "str", "weg", "allee", "platz", "gasse", "ufer", "damm", "ring")
_CALLE_WORDS = frozenset(
    ["c", "calle", "avda", "avenida", "av", "plaza", "pza", "paseo", "carretera", "ctra", "camino", "ronda"]
)
_CHUNK = re.compile(r"\S+")


def at_digits(pattern: re.Pattern[str], text: str, tokens: list[Token], lead: int = 0) -> Iterator[re.Match[str]]:
    """Matches of a pattern that begins with a digit (or up to `lead` signs before it), tried only where digits begin."""
    end = 0
    for token in tokens:
        if token.shape < DIGITS or token.start < end:
            continue
        for start in range(token.start - lead, token.start + 1) if lead else (token.start,):
            if start < end:
                continue
            found = pattern.match(text, start)
            if found:
                yield found
                end = found.end()
                break
        else:
            if token.shape == CODE and not token.text[0].isdigit():
                for place, char in enumerate(token.text):
                    if char.isdigit():
                        found = pattern.match(text, token.start + place)
                        if found:
                            yield found
                            end = found.end()
                        break


def _at_words(
    pattern: re.Pattern[str], text: str, tokens: list[Token], words: frozenset[str]
) -> Iterator[re.Match[str]]:
    end = 0
    for token in tokens:
        if token.word in words and token.start >= end:
            found = pattern.match(text, token.start)
            if found:
                end = found.end()
                yield found


def find_patterns(text: str, tokens: list[Token]) -> Iterator[Span]:
    """Spans of everything that has a shape of its own, unordered and possibly overlapping. `tokens` of the same text say where
    a pattern can begin at all, which is what makes the search fast."""
    for chunk in _CHUNK.finditer(text):
        piece = chunk.group()
        if (
            "@" in piece
            or "." in piece[1:-1]
            or piece.count(":") >= 2
            or "://" in piece
            or "\\" in piece
            or piece.count("-") >= 5
        ):
            yield from ((m.start() + chunk.start(), m.end() + chunk.start(), "WEB") for m in _WEB.finditer(piece))
    yield from _addresses(text, tokens)
    for token in tokens:
        if token.word in _ROOM_WORDS or token.word.endswith("station"):
            found = _ROOM.match(text, token.start)
            if found and (any(c.isdigit() for c in found.group(1)) or found.group(1).isupper()):
                yield found.start(1), found.end(1), "LOCATION"
        if _UNIT_WORDS.match(token.word):
            found = _UNIT_NUMBER.match(text, token.start)
            if found:
                yield found.start(1), found.end(1), "LOCATION"
    if not any(token.shape >= DIGITS for token in tokens):
        return
    calls = list(_at_words(_CALL, text, tokens, _CALL_WORDS))
    if "#" in text or any(token.shape == CODE and token.text[0] in "xX" for token in tokens):
        calls.extend(_CALL.finditer(text))
    for found in calls:
        group = 1 if found.group(1) else 2
        if sum(c.isdigit() for c in found.group(group)) >= 3:
            yield found.start(group), found.end(group), "PHONE"
    for found in _at_words(_LABELLED, text, tokens, _LABEL_WORDS):
        if sum(c.isdigit() for c in found.group(1)) >= 2:
            yield found.start(1), found.end(1), "NUMBER"
    for pattern, words in ((_LOT, _LOT_WORDS), (_PLATE, _PLATE_WORDS)):
        yield from ((m.start(1), m.end(1), "NUMBER") for m in _at_words(pattern, text, tokens, words))
    for found in at_digits(_GROUPS, text, tokens, lead=2):
        yield from _group(found)


def _addresses(text: str, tokens: list[Token]) -> Iterator[Span]:
    """Streets, post-office boxes and postcodes; each pattern only where its words stand."""
    words = {token.word for token in tokens}
    digits = any(token.shape >= DIGITS for token in tokens)
    found: list[re.Match[str]] = []
    if digits:
        found.extend(at_digits(_ADDRESS[0], text, tokens))
        found.extend(at_digits(_ADDRESS[6], text, tokens))
        if "box" in words:
            found.extend(_ADDRESS[2].finditer(text))
        if words & {"am", "an", "auf", "im", "zum"}:
            found.extend(_ADDRESS[3].finditer(text))
        if any(word.endswith(_STREET_ENDS) for word in words):
            found.extend(_ADDRESS[4].finditer(text))
        if any(token.shape == CODE or len(token.text) == 5 for token in tokens):
            found.extend(_ADDRESS[7].finditer(text))
    if words & _STREET_WORDS:
        found.extend(_ADDRESS[1].finditer(text))
    if words & _CALLE_WORDS:
        found.extend(_ADDRESS[5].finditer(text))
    yield from ((m.start(), m.end(), "ADDRESS") for m in found)


def _group(found: re.Match[str]) -> Iterator[Span]:
    """Digits in groups: seven and more are a phone or a record number, unless they read as measures."""
    value = found.group()
    digits = sum(c.isdigit() for c in value)
    if digits < 7 and not (digits >= 6 and re.search(r"\d{3}[-/]\d", value)):
        return
    pieces = re.findall(r"\d+", value)
    if all(len(piece) <= 3 for piece in pieces) and re.fullmatch(r"[\d ]+", value) and digits < 9:
        return  # 120 80 12: measures of a list
    yield (
        found.start(),
        found.end(),
        "PHONE" if value.lstrip().startswith(("+", "(", "0")) or len(pieces[-1]) == 4 else "NUMBER",
    )


def find_old_ages(text: str, tokens: list[Token]) -> Iterator[tuple[int, int]]:
    """Spans of the number in ages above 89."""
    for found in at_digits(_AGE, text, tokens):
        group = next(g for g in range(1, 6) if found.group(g))
        yield found.start(group), found.end(group)
