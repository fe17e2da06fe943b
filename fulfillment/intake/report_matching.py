"""Whether a report can be of the study it names: sex, age and projection that it says against what the images say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_SEX = (
    (
        "F",
        re.compile(
            r"\b(?:year[- ]old|yo|y/?o|yr old)[ -](?:\w+ ){0,2}?(?:female|woman|lady|girl)\b|\bsex:? ?f(?:emale)?\b",
            re.I,
        ),
    ),
    (
        "M",
        re.compile(
            r"\b(?:year[- ]old|yo|y/?o|yr old)[ -](?:\w+ ){0,2}?(?:male|man|gentleman|boy)\b|\bsex:? ?m(?:ale)?\b", re.I
        ),
    ),
    ("F", re.compile(r"\b(?:\d{1,2}[- ]?jährige (?:Patientin|Frau)|paciente femenina|mujer de \d{1,2} años)\b", re.I)),
    (
        "M",
        re.compile(
            r"\b(?:\d{1,2}[- ]?jähriger (?:Patient|Mann)|paciente masculino|(?:varón|hombre) de \d{1,2} años)\b", re.I
        ),
    ),
)
_AGE = re.compile(r"(?<![\d.,/-])(\d{1,2})(?=[- ](?:year|yr|yo\b|y/o|jährige|años))", re.I)
_LATERAL = re.compile(r"\b(?:pa|ap|frontal) (?:and|&|und|y) lat(?:eral)?\b|\b(?:two|2)[- ]views?\b", re.I)
_OTHER_AGE_YEARS = 5


def contradictions(
    text: str, images: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, str, str] | None, list[tuple[str, str, str]]]:
    """What makes the report somebody else's (code, cause, remedy) or None, and remarks that do not.

    `images` are `ImageFacts` documents of the study. The report's own identifiers are not in the images' headers if it is somebody
    else's, so such a report must not pass.
    """
    sexes = {str(facts.get("sex")) for facts in images if facts.get("sex") in ("F", "M")}
    said = {sex for sex, pattern in _SEX if pattern.search(text)}
    if len(sexes) == 1 and len(said) == 1 and sexes != said:
        return (
            "REPORT_OF_ANOTHER_SEX",
            "The report speaks of a patient of the other sex than the images do.",
            "Look whether the report belongs to this study; if the header is wrong, correct PatientSex and send the image again.",
        ), []
    ages = [float(facts["age_years"]) for facts in images if facts.get("age_years") is not None]
    found = _AGE.search(text)
    if found and ages:
        apart = min(abs(int(found.group(1)) - age) for age in ages)
        if apart > _OTHER_AGE_YEARS:
            return (
                "REPORT_OF_ANOTHER_AGE",
                "The patient's age in the report and in the images differ by more than five years.",
                "Look whether the report belongs to this study and is of the same date.",
            ), []
    views = {str(facts.get("view")) for facts in images}
    remarks = []
    if _LATERAL.search(text) and images and not views & {"LL", "LATERAL", "RL"}:
        remarks.append(
            (
                "LATERAL_NOT_HERE",
                "The report speaks of a lateral view, and the study came without one.",
                "Send the lateral image too if the request takes it; otherwise nothing.",
            )
        )
    return None, remarks
