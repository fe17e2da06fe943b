"""Which legal class an agreement may have, from what the policy keeps and where the parties are. Counsel confirms."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from requests_app.matching.capability import LegalClass
from requests_app.matching.needs import hipaa_classes
from requests_app.spec import DatasetSpec, DatesHandling

#: The classes an agreement is drawn up for, and the roles that the parties may have under data protection law.
CLASSES = {
    LegalClass.SAFE_HARBOR.value: "HIPAA Safe Harbor, 45 CFR 164.514(b)(2)",
    LegalClass.EXPERT_DETERMINATION.value: "HIPAA expert determination, 45 CFR 164.514(b)(1)",
    LegalClass.LIMITED_DATA_SET.value: "HIPAA limited data set, 45 CFR 164.514(e)",
}
ROLES = {
    "independent": "Each a controller of its own",
    "joint": "Joint controllers (Article 26)",
    "processor": "The hospital controller, the recipient its processor (Article 28)",
}


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a class or role cannot be, and the cure."""

    message: str
    remedy: str
    code: str


@cache
def regions() -> dict[str, Any]:
    """The lists of countries, with the day they were looked at."""
    text = resources.files("requests_app.agreements").joinpath("regions.json").read_text("utf-8")
    return dict(json.loads(text))


def suggested_class(spec: DatasetSpec) -> str:
    """The least burdensome class that fits what the policy keeps."""
    possible = hipaa_classes(spec)
    return next(name for name in CLASSES if name in possible)


def class_mismatch(spec: DatasetSpec, chosen: str) -> Mismatch | None:
    """None where the class fits what the policy keeps."""
    if chosen not in CLASSES:
        return Mismatch("There is no such legal class.", f"Choose one of {', '.join(CLASSES)}.", "unknown_legal_class")
    if chosen in hipaa_classes(spec):
        return None
    kept = spec.deidentification.dates is DatesHandling.KEPT
    what = "keeps dates as they were" if kept else "keeps shifted dates"
    if kept:
        cure = (
            "Draw it up as a limited data set, or post a request whose policy removes dates or cuts them to the year."
        )
    else:
        cure = (
            "Draw it up under an expert determination or as a limited data set, or post a request whose policy removes "
            "dates or cuts them to the year."
        )
    return Mismatch(
        f"The agreement would be {LegalClass(chosen).plain}, but the request's policy {what}.", cure, "class_mismatch"
    )


def law_of(country: str) -> str:
    """Whose data protection law a country has: eu, uk, swiss, or empty."""
    return "eu" if country in regions()["eea"] else {"GB": "uk", "CH": "swiss"}.get(country, "")


def outside(spec: DatasetSpec, hospital: str, recipient: str) -> list[str]:
    """Where data of a European hospital go that is neither under such a law nor held adequate; sorted."""
    if not law_of(hospital):
        return []
    places = {recipient, *spec.terms.countries} - {hospital}
    return sorted(place for place in places if not law_of(place) and place not in regions()["adequate"])


def transfer(spec: DatasetSpec, hospital: str, recipient: str) -> str:
    """The law whose transfer instrument is needed (eu, uk, swiss), or "none"."""
    return law_of(hospital) if outside(spec, hospital, recipient) else "none"


def role_mismatch(chosen: str, hospital: str, recipient: str) -> Mismatch | None:
    """None where the role is possible: needed where either party is in Europe, and only there."""
    concerned = bool(law_of(hospital) or law_of(recipient))
    if chosen and chosen not in ROLES:
        return Mismatch("There is no such role.", f"Choose one of {', '.join(ROLES)}.", "unknown_role")
    if chosen and not concerned:
        return Mismatch(
            "Neither party is in the EEA, the United Kingdom or Switzerland.",
            "Leave the role under data protection law out.",
            "role_not_needed",
        )
    return None


def concern_mismatch(spec: DatasetSpec, hospital: str, recipient: str) -> Mismatch | None:
    """None unless data of a US hospital would go to a country of concern (28 CFR 202.601)."""
    concern = set(regions()["countries_of_concern"])
    places = ({recipient} | set(spec.terms.countries)) & concern
    if hospital != "US" or not places:
        return None
    return Mismatch(
        f"28 CFR Part 202 forbids giving these data access to {', '.join(sorted(places))}.",
        "Only a request whose recipient and countries of use are elsewhere can be agreed with a hospital in the US.",
        "country_of_concern",
    )


def concern_names() -> str:
    """The countries of concern in words."""
    names = [name for name in regions()["countries_of_concern"].values() if name]
    return f"{', '.join(names[:-1])} and {names[-1]}"
