"""Identifiers that have a shape: web, phones, numbers, addresses, rooms, ages above 89. Everything here yields (start, end, kind)."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
_GROUPS = re.compile(r"(?<![\w.,])(?:\+\s?)?\(?\d{1,12}\)?(?:[ ]?[-/.][ ]?\(?\d{1,7}\)?|[ ]\(?\d{1,9}\)?(?=[\s.,;:)/-]|\Z)|\(?\)?\d{3,7}){1,9}(?:\s?(?:x|ext\.?|extension)\s?\d{1,6})?(?![\w%]|[.,]\d)", _I)
_CALL = re.compile(
    r"\b(?:pager|beeper|bleep|ext|extension|pgr|ph|phone|tel|telephone|teléfono|telefon|fax|mobile|móvil|cell|handy|voicemail|durchwahl|dw|call(?:ed)?|page|paged|contact|内線)\b\.?[\s:#]*(?:(?:no|number|at|on)\b\.?[\s:#]*)?"
    r"([#x+(]*\d[\d() ./-]{1,18}\d)|(?<![\w.])(x\d{1,2}-?\d{3,5}|#\d{3,})\b",
    _I,
)
_STRONG_LABEL = (
    r"mrn|mr\s?#|mr no|medical record|record no|rec no|patient id|pat\.? id|pid|acc|accession|acct|account|ssn|nhs|id|claim|encounter|csn|passport|pasaporte|visa|licen[sc]e|badge|policy|insurance|medicare|medicaid"
    r"|member|employee|serial|sn|s/n|ref|reg|tracking|confirmation|nhc|dni|nie|cpf|rg|ppsn|pps|fallnummer|fall-nr|pat-nr|vers|versicherungsnummer|colegiado|atestado|expediente|historia|case|order|specimen|barcode|vin|plate|va id|ni|rodne cislo"
)
_LABELLED = re.compile(
    rf"\b(?:{_STRONG_LABEL})(?![^\W_])[\s.:#/-]*(?:(?:no|number|num|nr|nº|n°|id|code|ref|is|card|soc|#)(?![^\W_])[\s.:#/-]*){{0,2}}((?:[A-Z]{{1,6}}[\s./-]?)?(?=[\w./-]*\d)(?!\d{{1,2}}(?:\.\d)?\s?(?:[cm]m|ml|kv|mas?)\b)[\w][\w./-]*(?:[ ]\d[\w./-]*){{0,6}})",
    _I,
)
_LOT = re.compile(r"\b(?:lot|batch|serial|sn|s/n|model no|plate)(?![^\W_])[\s.:#]*(?:(?:no|number|nr)\b[\s.:#]*)?((?=[\w/-]*\d)[\w/-]{3,}(?:\s\d{2,4}\b)?)", _I)
_PLATE = re.compile(r"\b(?:plate|kennzeichen|matrícula)\b[^.\n]{0,24}?[:\s]((?=[A-Z0-9 -]*\d)[A-Z0-9]{1,4}[ -]?[A-Z0-9]{2,5})\b")
_STREET_TYPE = r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|boulevard|blvd|place|pl|way|terrace|circle|cir|highway|hwy|parkway|pkwy|square|sq|close|crescent|row|alley|trail|green|mews|hill|gardens)"
_CAP = r"(?:[A-ZÀ-Þ][^\W\d_]*[.'’]?(?:[^\W\d_]+)?)"
_UNIT = r"(?:,?\s*(?:apt|apartment|suite|ste|unit|flat|floor|fl|#)\.?\s*[\w-]+)?"
_TOWN = rf"(?:,\s*{_CAP}(?:\s{_CAP}){{0,2}}(?!\s*:)){{0,2}}"
_POST = r"(?:,?\s*(?:[A-Z]{2}\s+)?\d{5}(?:-\d{4})?\b|,?\s*(?:[A-Z][a-z]+\s)?[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b)?"
_ADDRESS = (
    re.compile(rf"\b\d{{1,5}}[A-Za-z]?\s+(?:[NSEW]\.?\s+)?(?:{_CAP}\s+){{1,4}}?(?i:{_STREET_TYPE})\b\.?(?i:{_UNIT}){_TOWN}{_POST}"),
    re.compile(rf"\b(?:{_CAP}\s+){{1,2}}(?:Street|Road|Avenue|Lane|Boulevard|Blvd|Drive|St|Rd|Ave|Ln){_TOWN}{_POST}(?![\w'])"),
    re.compile(rf"\bP\.?\s?O\.?\s?Box\s+\d+{_TOWN}(?:,?\s*{_CAP}\s+[A-Z]{{2}}\s+\d{{5}})?{_POST}", _I),
    re.compile(rf"\b(?:Am|An der|Auf dem|Im|Zum)\s+{_CAP}\s+\d{{1,4}}[a-z]?\b(?:,?\s*\d{{4,5}}\s+{_CAP}(?:\s{_CAP})?)?"),
    re.compile(rf"\b(?:(?i:[^\W\d_]{{3,}}(?:straße|strasse|str\.))|[A-ZÄÖÜ][^\W\d_]{{2,}}(?:weg|allee|platz|gasse|ufer|damm|ring(?<!uring)(?<!ering)(?<!aring))|[A-ZÄÖÜ][^\W\d_]+er\s(?:Straße|Strasse|Str\.|Weg|Allee|Platz|Ring|Ufer|Damm))\s+\d{{1,4}}\s?[a-z]?\b(?:,?\s*(?:[A-Z]-)?\d{{4,5}}\s+{_CAP}(?:\s{_CAP})?)?"),
    re.compile(rf"\b(?:C/|Calle|Avda\.?|Avenida|Av\.|Plaza|Pza\.?|Paseo|Carretera|Ctra\.?|Camino|Ronda)\s*(?:(?:de|del|la|las|los|el)\s+)*{_CAP}(?:[\s-]+(?:de\s+|del\s+)?[\w-]+){{0,3}}?(?:\s*\d{{1,5}}|\s+s/n|\s+km\s+\d+)?(?:,\s*(?:piso\s*\d+|\d{{1,4}}º?\s*[A-Z]?|\d{{5}}\s+{_CAP}(?:\s{_CAP})?|{_CAP}))*"),
    re.compile(rf"\b\d{{1,4}}(?:\s?bis)?,?\s+(?:rue|avenue|boulevard|place|chemin|via|viale|rua)\s+(?:(?:de|des|du|la|le|l['’]|d['’])\s*)*{_CAP}(?:,?\s*\d{{5}}\s+{_CAP})?", _I),
    re.compile(rf"\b[A-Z]{{2}}\s+\d{{5}}(?:-\d{{4}})?\b|\b[A-Z]{{1,2}}\d[A-Z\d]?\s\d[A-Z]{{2}}\b|(?<!\d)\d{{5}}\s+{_CAP}(?=[.,\n]|\Z)"),
)
_ROOM = re.compile(
    r"\b(?:room|rm|bed|ward|zimmer|bett|cama|habitación|habitacion|hab|(?:[a-zäöü]+)?station|unit|isolette|bay|floor|piso|planta|pod|suite|avd|avdelning|itu bed|cubicle|stretcher|box)\.?\s*(?:no\.?|nr\.?|#)?\s*"
    r"((?:[A-Z]{1,4}[- ]?)?\d{1,4}[A-Z]?(?:[-/]\w{1,4})?(?:\s(?:West|East|North|South|[NSEW])\b)?|[A-Z]\d{0,2}\b)(?!\s?(?:view|cm|mm|hours?|days?|weeks?)\b)(?![\w.]\d)",
    _I,
)
_UNIT_NUMBER = re.compile(r"\b(?:MICU|SICU|CCU|ICU|NICU|PICU|CVICU|ED|Neo)[- ]?(\d{1,3}[A-Z]?)\b(?!\s?(?:views?|days?|hours?|cm|mm|st|nd|rd|th)\b)")
_AGE = re.compile(
    r"(?<![\d./-])(9\d|1[0-2]\d)(?=[\s-]*(?:years?|yrs?|yr|y\.?\s?o\b|y/o|jahre|jährig|años|a\.\s|ans)\b|\s?[MFmf]\b(?!\s?[mr]))|(?<=\baged )(9\d|1[0-2]\d)\b|(?<=\balter )(9\d|1[0-2]\d)\b|(?<=\bage )(9\d|1[0-2]\d)\b|(?<=\bage: )(9\d|1[0-2]\d)\b",
    _I,
)
_PLACEHOLDER = re.compile(r"\[(?:NAME|DATE|TIME|NUMBER|PHONE|WEB|ADDRESS|PLACE|LOCATION|REDACTED)\]|\b90\+")


def placeholders(text: str) -> list[tuple[int, int]]:
    """Spans that an earlier cleaning left: they stay as they are."""
    return [match.span() for match in _PLACEHOLDER.finditer(text)] if "[" in text or "90+" in text else []


def find_patterns(text: str) -> Iterator[Span]:
    """Spans of everything that has a shape of its own, unordered and possibly overlapping."""
    if "@" in text or "." in text or ":" in text or "\\" in text or "-" in text:
        yield from ((m.start(), m.end(), "WEB") for m in _WEB.finditer(text))
    for pattern in _ADDRESS:
        yield from ((m.start(), m.end(), "ADDRESS") for m in pattern.finditer(text))
    for found in _ROOM.finditer(text):
        if any(c.isdigit() for c in found.group(1)) or found.group(1).isupper():
            yield found.start(1), found.end(1), "LOCATION"
    if not any(c.isdigit() for c in text):
        return
    yield from ((m.start(1), m.end(1), "LOCATION") for m in _UNIT_NUMBER.finditer(text))
    for found in _CALL.finditer(text):
        group = 1 if found.group(1) else 2
        if sum(c.isdigit() for c in found.group(group)) >= 3:
            yield found.start(group), found.end(group), "PHONE"
    for found in _LABELLED.finditer(text):
        if sum(c.isdigit() for c in found.group(1)) >= 2:
            yield found.start(1), found.end(1), "NUMBER"
    yield from ((m.start(1), m.end(1), "NUMBER") for pattern in (_LOT, _PLATE) for m in pattern.finditer(text))
    for found in _GROUPS.finditer(text):
        yield from _group(found)


def _group(found: re.Match[str]) -> Iterator[Span]:
    """Digits in groups: seven and more are a phone or a record number, unless they read as measures."""
    value = found.group()
    digits = sum(c.isdigit() for c in value)
    if digits < 7 and not (digits >= 6 and re.search(r"\d{3}[-/]\d", value)):
        return
    pieces = re.findall(r"\d+", value)
    if all(len(piece) <= 3 for piece in pieces) and re.fullmatch(r"[\d ]+", value) and digits < 9:
        return  # 120 80 12: measures of a list
    yield found.start(), found.end(), "PHONE" if value.lstrip().startswith(("+", "(", "0")) or len(pieces[-1]) == 4 else "NUMBER"


def find_old_ages(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the number in ages above 89."""
    for found in _AGE.finditer(text):
        group = next(g for g in range(1, 6) if found.group(g))
        yield found.start(group), found.end(group)
