"""Cleaning of short text (DEID.md, section 4): identifiers, patterns, then only words that a vocabulary knows."""

from __future__ import annotations

import re
import unicodedata

from deid.text.identifiers import Identifiers
from deid.text.vocabulary import code_words, device_words, fold, radiology_words

_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|janv|févr|mars|avr|mai|juin|juil|août|mär|okt|dez|ene|abr|ago|dic)[a-zéû]*"  # noqa: E501
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"[\w.+'-]+@[\w.-]+",  # e-mail
        r"\b(?:https?|ftp)://\S+|\bwww\.\S+|\b[\w-]+\.(?:com|org|net|edu|gov|de|fr|uk|ch|at|nl|es|it)\b\S*",  # addresses of the web
        r"\b\d{1,3}(?:\.\d{1,3}){3}\b",  # IP
        r"\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b",  # 12/03/1950, 1950-03-12, and SSN-like groups
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?[ .-]*{_MONTHS}[ .,-]*\d{{2,4}}\b",
        rf"\b{_MONTHS}[ .-]*\d{{1,2}}(?:st|nd|rd|th)?[ .,-]+\d{{2,4}}\b",
        r"\b\d{1,2}[:h]\d{2}(?:[:m]\d{2})?\b",  # clock times
        r"\+?\(?\d{2,4}\)?(?:[ ./-]\d{2,4}){2,}\b",  # phones
        r"\b[a-z]{0,3}\d{1,4}(?:[ .-]\d{3}){2,}\b",  # long numbers in groups of three
        r"\b(?:dr|prof|doctor|mr|mrs|ms|miss|sir|herr|frau|mme|monsieur|madame|sra|sr|dra|phys|physician|tech|technologist"
        r"|mta|rt\(r\)|md|operator|referring|ref|attn|attending|nurse)\b[.:]*[ \t]+(?:[a-z]\.[ \t]*)*[^\W\d_][\w'’-]*(?:[ \t]+[^\W\d_]\.)?",  # noqa: E501
        r"\b(?:mrn|pid|acc|accession|ssn|nhs|id|dob|d\.o\.b|born|geb|tel|phone|fax|room|rm|case|no|nr)\b[ .:#]*[\w-]*\d[\w-]*",
    )
)
# Versions look like short dates, so in device text only what has a year of four digits counts as one.
_DEVICE_PATTERNS = (
    *_PATTERNS[:3],
    re.compile(
        r"(?<!\d)\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d{2}(?!\d)|(?<!\d)(?:19|20)\d{2}[./-]\d{1,2}[./-]\d{1,2}(?!\d)"
    ),
    *_PATTERNS[4:6],
)
_TOKEN = re.compile(r"[^\W_]+", re.UNICODE)
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NUMBER = re.compile(r"\d{1,3}\Z")
_MEASURE = re.compile(r"\d{1,3}(?:kvp?|mas?|mm|cm|ms|m|x|x\d{1,3}|inch|in|um|bit|s|sec|yr|y|vw|v)\Z", re.IGNORECASE)
_ORDINAL = re.compile(r"(?:[tcl]\d{1,2}|\d(?:st|nd|rd|th))\Z", re.IGNORECASE)
_DEVICE_CODE = re.compile(r"(?=[^\W_]*\d)[^\W_]{1,10}\Z")
_ODD = re.compile(r"[^\w \t\r\n./,:;()+&\-^*%<>=\[\]'\"#?!°²]")
_KEPT_SEPARATORS = re.compile(r"[ ./,:;()+&\-\^_]{1,3}\Z")


def clean_text(text: str, identifiers: Identifiers, *, device: bool = False) -> str:
    """What of a text may stay; empty when nothing may.

    device: maker, model and software version, where the vocabulary is wider and codes with digits may stay.
    Works on whole words: a patient called Hilliard does not eat "Hilar".
    """
    text = unicodedata.normalize("NFC", text).replace("\0", " ").strip()
    whole = text
    for phrase in identifiers.phrases():
        bounded = rf"(?<![^\W_]){re.escape(phrase)}(?![^\W_])"
        text = re.sub(bounded, " \x1f ", text, flags=re.IGNORECASE)
    text = _without_spread_numbers(text, identifiers)
    for pattern in _DEVICE_PATTERNS if device else _PATTERNS:
        text = pattern.sub(" \x1f ", text)
    kept: list[tuple[int, int, str]] = []
    tokens = list(_TOKEN.finditer(text))
    for found in tokens:
        word = _judge(found.group(), identifiers, device)
        if word:
            kept.append((found.start(), found.end(), word))
    if len(kept) == len(tokens) and text == whole and not _ODD.search(text):
        return text
    pieces: list[str] = []
    previous_end = None
    for start, end, word in kept:
        if previous_end is not None:
            between = text[previous_end:start]
            pieces.append(between if _KEPT_SEPARATORS.match(between) else " ")
        pieces.append(word)
        previous_end = end
    return "".join(pieces).strip()


def _without_spread_numbers(text: str, identifiers: Identifiers) -> str:
    """The text without known numbers that are written with other punctuation than the header's (T2 844 860)."""
    kept = [(at, c) for at, c in enumerate(text) if c.isalnum()]
    if sum(c.isdigit() for _, c in kept) < 5:
        return text
    compact = "".join(fold(c)[:1] or c for _, c in kept)
    for number in identifiers.spread_numbers():
        start = compact.find(number)
        while start >= 0:
            first, last = kept[start][0], kept[start + len(number) - 1][0]
            text = text[:first] + "\x1f" * (last + 1 - first) + text[last + 1 :]
            start = compact.find(number, start + 1)
    return text


def _judge(token: str, identifiers: Identifiers, device: bool) -> str:
    """The token, or what of it may stay, or nothing."""
    word = fold(token)
    if word in identifiers.words:
        return ""
    vocabulary = device_words() if device else radiology_words()
    if word in vocabulary:
        return token
    if _NUMBER.match(token) or _MEASURE.match(token) or _ORDINAL.match(token):
        return token
    if device and _DEVICE_CODE.match(token) and not re.search(r"\d{6,}", token):
        letters = fold(re.sub(r"\d+", " ", token)).split()
        return "" if any(part in identifiers.words for part in letters) else token
    parts = _CAMEL.findall(token)
    if len(parts) > 1 and "".join(parts) == token:
        folded = [fold(part) for part in parts]
        if all((part in vocabulary or _NUMBER.match(part)) and part not in identifiers.words for part in folded):
            return token
    return ""


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
