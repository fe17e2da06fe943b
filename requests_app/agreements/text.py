"""Assembling the text that both parties sign from versioned clauses (``forms.json``, ``clauses/``).

The text is a function of the frozen specification, the offer, what is accepted of it, the parties, the legal class and the
role under data protection law alone (no clock, no random), so drawing it again gives the same bytes and the same hash. A
form and a clause never change once used: a new wording is a new file. What people wrote goes in on one line each, so that
no purpose or term can look like a clause of the form.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from django.template import Context, Engine, Library, Template

from requests_app.agreements import law
from requests_app.models import Offer
from requests_app.offer_table import deviations_of
from requests_app.spec import (
    DatasetSpec,
    DatesHandling,
    Sharing,
    canonical_json,
    check_lines,
    demands,
    describe_line,
    summarise,
)

FORM = "data-use-2"

_library = Library()


@_library.filter
def line(text: object) -> str:
    """What a person wrote, on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in str(text)).split())


@_library.filter
def whole(number: int) -> str:
    return f"{number:,}"


@dataclass(frozen=True)
class Drawn:
    """The assembled text, its SHA-256 (hex, over UTF-8), what the data are in law, and what it was assembled for."""

    text: str
    sha256: str
    legal_class: str
    basis: str
    gdpr_role: str


@cache
def _engine() -> Engine:
    engine = Engine(autoescape=False)
    engine.template_libraries["agreement"] = _library
    engine.template_builtins.append(_library)
    return engine


@cache
def _clause(name: str) -> Template:
    path = resources.files("requests_app.agreements").joinpath("clauses", f"{name}.txt")
    return _engine().from_string(path.read_text("utf-8"))


@cache
def _form(name: str) -> dict[str, Any]:
    text = resources.files("requests_app.agreements").joinpath("forms.json").read_text("utf-8")
    return dict(json.loads(text)[name])


def agreement_text(offer: Offer, *, basis: str = "", gdpr_role: str = "") -> Drawn:
    """The agreement for one offer, from the specification version that the offer was made for.

    ``basis`` is a key of ``law.CLASSES`` (by default the class that fits), ``gdpr_role`` one of ``law.ROLES`` (by default
    "independent" where data protection law of Europe concerns a party).
    """
    spec = DatasetSpec.model_validate(offer.spec_version.document)
    asker, hospital = offer.request.organization, offer.hospital
    basis = basis or law.suggested_class(spec)
    if not gdpr_role and (law.law_of(hospital.country) or law.law_of(asker.country)):
        gdpr_role = "independent"
    form = _form(FORM)
    chosen = [
        (clause["key"], clause["title"], name)
        for clause in form["clauses"]
        if (name := _text_of(clause, basis, gdpr_role))
    ]
    context = _context(offer, spec)
    context |= {
        "basis": basis,
        "gdpr": gdpr_role,
        "transfer": law.transfer(spec, hospital.country, asker.country),
        "outside": law.outside(spec, hospital.country, asker.country),
        "only_us": ["US"],
        "concern_names": law.concern_names(),
        "n": {key: number for number, (key, _, _) in enumerate(chosen, 1)},
    }
    parts = [form["title"]]
    for number, (_, title, name) in enumerate(chosen, 1):
        parts += [f"{number}. {title}", _rendered(name, context)]
    for annex in form["annexes"]:
        parts += [annex["title"], _rendered(annex["text"], context)]
    text = "\n\n".join(parts) + "\n"
    legal_class = "limited data set" if basis == "limited_data_set" else "de-identified"
    return Drawn(text, hashlib.sha256(text.encode()).hexdigest(), legal_class, basis, gdpr_role)


def _text_of(clause: dict[str, Any], basis: str, gdpr_role: str) -> str:
    """The clause's text for this agreement, or nothing."""
    if basis not in clause.get("classes", [basis]) or (clause.get("with_gdpr") and not gdpr_role):
        return ""
    if "by_class" in clause:
        return str(clause["by_class"][basis])
    if "by_role" in clause:
        return str(clause["by_role"].get(gdpr_role, ""))
    return str(clause["text"])


def _context(offer: Offer, spec: DatasetSpec) -> dict[str, Any]:
    names = {demand.check_id: demand for demand in demands(spec)}
    counts = [(names[key], count) for key, count in sorted(offer.counted_cells.items()) if key in names]
    document = canonical_json(spec)
    return {
        "asker": offer.request.organization,
        "hospital": offer.hospital,
        "request": offer.request,
        "version": offer.spec_version,
        "offer": offer,
        "counts": [{"text": demand.text, "unit": demand.unit.value, "count": count} for demand, count in counts],
        "deviations": deviations_of(offer, spec),
        "spec": spec,
        "dates": spec.deidentification.dates.value,
        "shifted": spec.deidentification.dates is DatesHandling.SHIFTED,
        "sharing": spec.terms.sharing.plain,
        "shared_further": spec.terms.sharing in (Sharing.COLLABORATORS, Sharing.PUBLIC),
        "public": spec.terms.sharing is Sharing.PUBLIC,
        "use": spec.purpose.intended_use.plain if spec.purpose.intended_use else "not stated",
        "summary": summarise(spec),
        "lines": [
            {"level": entry.level.value, "check_id": entry.check_id, "text": describe_line(entry.line)}
            for entry in check_lines(spec)
        ],
        "spec_json": document,
        "spec_bytes": len(document.encode()),
    }


def _rendered(name: str, context: dict[str, Any]) -> str:
    """No trailing spaces, at most one blank line in a row."""
    kept: list[str] = []
    for row in (row.rstrip() for row in _clause(name).render(Context(context, autoescape=False)).split("\n")):
        if row or (kept and kept[-1]):
            kept.append(row)
    return "\n".join(kept).strip()
