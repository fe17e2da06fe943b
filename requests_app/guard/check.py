"""The guard over typed text: names, record numbers, telephone numbers, e-mails, dates of birth, accession numbers.

It reads a question or a message that somebody is about to post and says what in it might identify a person and why. A *hard*
finding (a number that is labelled as a record number, or has the form of one) has no place in such a text; a *soft* one may be
a mistake of the guard, so the person who wrote it may confirm it. It is a seat belt for honest people, not a wall: what it
finds nothing in may still name somebody, which is why texts can be hidden afterwards.

Sources: the 18 identifiers of 45 CFR 164.514(b)(2)(i); NHS numbers carry a check digit modulo 11 (NHS Data Dictionary).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from requests_app.guard.names import GIVEN_NAMES, NOT_SURNAMES

#: Longer texts are cut by the services before they get here; what lies beyond is not read.
MAX_LENGTH = 10_000


@dataclass(frozen=True)
class Finding:
    """One stretch ``start:end`` of the text, what it looks like, and what to do. ``severity`` is ``hard`` or ``soft``."""

    kind: str
    severity: str
    start: int
    end: int
    shown: str
    why: str
    remedy: str


@dataclass(frozen=True)
class _Rule:
    kind: str
    severity: str
    pattern: re.Pattern[str]
    why: str
    remedy: str
    holds: Callable[[re.Match[str]], bool] = lambda match: True


# Every quantifier is bounded, so that no text makes a search take longer than its length allows.
_LABEL = r"(?:[ \t]{0,3}(?:no\b\.?|nr\b\.?|number\b|num\b\.?|id\b|[#:=]){1,2}(?: is\b)?)"
_CODE = r"[ \t:#=.]{0,4}(?P<code>[A-Za-z]{0,4}[-/ ]?\d[\d\-/]{3,18}[A-Za-z]?)"
_DATE = (
    r"(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|(?:19|20)\d{2}-?\d{2}-?\d{2}"
    r"|\d{1,2}(?:st|nd|rd|th|\.)? [A-Za-zäéû]{3,9}\.?,? (?:19|20)\d{2}|[A-Za-z]{3,9}\.? \d{1,2},? (?:19|20)\d{2})"
)
_WORD = r"[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’\-]{1,30}"


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _is_nhs(match: re.Match[str]) -> bool:
    digits = [int(d) for d in _digits(match[0])]
    check = 11 - sum(d * (10 - i) for i, d in enumerate(digits[:9])) % 11
    return (0 if check == 11 else check) == digits[9]


def _is_ssn(match: re.Match[str]) -> bool:
    area, group, serial = match[0].split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _is_given(match: re.Match[str]) -> bool:
    first, last = match["first"], match["last"]
    return first.casefold() in GIVEN_NAMES and last.casefold() not in NOT_SURNAMES


def _is_phone(match: re.Match[str]) -> bool:
    return 8 <= len(_digits(match[0])) <= 15 and not re.fullmatch(r"(?:19|20)\d{2}-\d{2}-\d{2}", match[0].strip())


_RULES = (
    _Rule(
        "record number",
        "hard",
        # Words that mean nothing but a record number stand before it directly; everyday words need "no.", "ID" or "#" between.
        re.compile(
            r"\b(?:(?:MRN|medical record|PatientID|(?:Fall|Patienten)(?:nummer|[- ]?nr\.?)|IPP|NIP)" + _LABEL + "?"
            r"|(?:hospital|patient|pat\.?|case|chart|NHS|health (?:card|insurance)|insurance|member|dossier)(?:'s)?"
            + _LABEL
            + ")"
            + _CODE,
            re.IGNORECASE,
        ),
        "It reads like a patient's or case's number at a hospital.",
        "Leave the number out; say what it is about in general words.",
        lambda match: len(_digits(match["code"])) >= 4,
    ),
    _Rule(
        "accession number",
        "hard",
        re.compile(
            r"\b(?:(?:accession|AccessionNumber)\b" + _LABEL + "?|(?:acc|order)" + _LABEL + ")" + _CODE, re.IGNORECASE
        ),
        "It reads like the accession number of an examination.",
        "Leave the number out.",
        lambda match: len(_digits(match["code"])) >= 5,
    ),
    _Rule(
        "social security number",
        "hard",
        re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"),
        "It has the form of a social security number.",
        "Leave the number out.",
        _is_ssn,
    ),
    _Rule(
        "NHS number",
        "hard",
        re.compile(r"(?<![\d-])\d{3} \d{3} \d{4}(?![\d-])"),
        "It has the form and the check digit of an NHS number.",
        "Leave the number out.",
        _is_nhs,
    ),
    _Rule(
        "study or image identifier",
        "hard",
        re.compile(r"(?<![\d.])[0-2](?:\.\d{1,39}){5,20}(?!\.?\d)"),
        "It is a DICOM identifier, which leads back to one examination.",
        "Leave it out. Identifiers of the standard itself (1.2.840.10008…) may stay.",
        lambda match: not match[0].startswith("1.2.840.10008."),
    ),
    _Rule(
        "e-mail address",
        "soft",
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"),
        "It is an e-mail address: others would see it.",
        "Write through GetDATA instead; both sides are told.",
    ),
    _Rule(
        "date of birth",
        "soft",
        re.compile(
            r"\b(?:DOB|D\.O\.B\.?|date of birth|birth ?date|birthday|born|geb\.?|geboren|Geburtsdatum|née? le|nacid[oa]"
            r"|PatientBirthDate)\b.{0,12}?" + _DATE,
            re.IGNORECASE,
        ),
        "It reads like somebody's date of birth.",
        "Give an age or an age band instead.",
    ),
    _Rule(
        "telephone number",
        "soft",
        re.compile(
            r"(?<![\w.,/-])(?:\+\d{1,3}[ .-]?(?:\(0\))?[ .-]?(?:\(?\d{1,5}\)?[ ./-]?){2,5}"
            r"|\(?0\d{1,4}\)?[ ./-]\d{3,5}(?:[ ./-]?\d{2,5}){0,2}|\(\d{3}\) ?\d{3}-\d{4}|\d{3}[-. ]\d{3}[-. ]\d{4})(?![\w-])"
        ),
        "It reads like a telephone or fax number.",
        "Leave it out; write through GetDATA instead.",
        _is_phone,
    ),
    _Rule(
        "name",
        "soft",
        re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Herr|Frau|Mme|Sr|Sra|Señora?)\b\.? ?(?:[A-Z]\. ?)?{_WORD}"),
        "It reads like a person's name.",
        "Write “a patient” or the person's office instead.",
    ),
    _Rule(
        "name",
        "soft",
        re.compile(
            rf"\b(?i:patient(?:'s|’s)?(?: name)?|name of (?:the )?patient|PatientName)[ :=]{{1,3}}{_WORD}[, ]{{1,2}}{_WORD}"
        ),
        "It reads like a patient's name.",
        "Write “a patient” instead.",
    ),
    _Rule(
        "name",
        "soft",
        re.compile(r"\b[A-Z][A-Za-z'\-]{1,30}\^[A-Z][A-Za-z'\-]{0,30}(?:\^[A-Za-z'\-]{0,30}){0,3}"),
        "It is written as DICOM writes a patient's name.",
        "Leave it out.",
    ),
    _Rule(
        "name",
        "soft",
        re.compile(rf"\b(?P<first>{_WORD}) (?:[A-Z]\. )?(?P<last>{_WORD})"),
        "It reads like a person's name.",
        "Write the person's office instead, or leave it out.",
        _is_given,
    ),
    _Rule(
        "name",
        "soft",
        re.compile(rf"\b(?P<last>{_WORD}), ?(?P<first>{_WORD})"),
        "It reads like a person's name.",
        "Write the person's office instead, or leave it out.",
        _is_given,
    ),
    _Rule(
        "long number",
        "soft",
        re.compile(
            r"(?<![\w.,/+:#-])[A-Z]{0,3}\d{6,12}(?![\w/-])(?!,\d)"
            r"(?! ?(?:images?|patients?|studies|study|files?|series|px|µm|bytes)\b)"
        ),
        "A number this long may be a patient's or an examination's.",
        "Leave it out, or confirm that it is not one. Counts are clearer with a comma: 1,200,000.",
    ),
)


def check_text(text: str) -> list[Finding]:
    """What in ``text`` may identify a person, in the order of the text; hard findings win where two overlap."""
    text = text[:MAX_LENGTH]
    found: list[Finding] = []
    for finding in sorted(_all(text), key=lambda f: (f.severity != "hard", f.start - f.end)):
        if all(finding.end <= other.start or finding.start >= other.end for other in found):
            found.append(finding)
    return sorted(found, key=lambda finding: finding.start)


def is_hard(findings: list[Finding]) -> bool:
    """True when one of them cannot be confirmed away."""
    return any(finding.severity == "hard" for finding in findings)


def fingerprint(text: str) -> str:
    """Names the exact text that was warned about, so that a confirmation never covers words that came later."""
    return hashlib.sha256(text.strip().replace("\r\n", "\n").encode()).hexdigest()[:32]


def _all(text: str) -> Iterator[Finding]:
    for rule in _RULES:
        place = 0
        while match := rule.pattern.search(text, place):
            if rule.holds(match):
                start, end = match.span()
                yield Finding(rule.kind, rule.severity, start, end, match[0].strip(), rule.why, rule.remedy)
                place = max(match.end(), place + 1)
            else:  # a word further on, inside what did not hold, may begin a match of its own
                place = _next_word(text, match.start())


def _next_word(text: str, place: int) -> int:
    while place < len(text) and text[place].isalnum():
        place += 1
    return place + 1
