"""Assembling the text that both parties sign.

The text is a function of the frozen specification, the offer and the parties alone (no clock, no random), so drawing it
again gives the same bytes and the same hash. What people wrote goes in on one line each, so that no purpose or term can
look like a clause of the form.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from django.template import Context, Engine, Library, Template

from requests_app.models import Offer
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

FORM = "data_use_1.txt"

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
    """The assembled text, its SHA-256 (hex, over UTF-8), and the legal class that follows from what is kept."""

    text: str
    sha256: str
    legal_class: str


@cache
def _form() -> Template:
    engine = Engine(autoescape=False)
    engine.template_libraries["agreement"] = _library
    engine.template_builtins.append(_library)
    return engine.from_string(resources.files("requests_app.agreements").joinpath(FORM).read_text("utf-8"))


def agreement_text(offer: Offer) -> Drawn:
    """The agreement for one offer, from the specification version that the offer was made for."""
    version = offer.spec_version
    spec = DatasetSpec.model_validate(version.document)
    names = {demand.check_id: demand for demand in demands(spec)}
    counts = [(names[key], count) for key, count in sorted(offer.counted_cells.items()) if key in names]
    context = {
        "asker": offer.request.organization,
        "hospital": offer.hospital,
        "request": offer.request,
        "version": version,
        "offer": offer,
        "counts": [{"text": demand.text, "unit": demand.unit.value, "count": count} for demand, count in counts],
        "spec": spec,
        "limited": spec.deidentification.legal_class == "limited data set",
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
        "spec_bytes": len(canonical_json(spec).encode()),
    }
    text = _tidy(_form().render(Context(context, autoescape=False)))
    return Drawn(text, hashlib.sha256(text.encode()).hexdigest(), spec.deidentification.legal_class)


def _tidy(text: str) -> str:
    """No trailing spaces, at most one blank line in a row, one newline at the end."""
    kept: list[str] = []
    for row in (row.rstrip() for row in text.splitlines()):
        if row or (kept and kept[-1]):
            kept.append(row)
    return "\n".join(kept).strip() + "\n"
