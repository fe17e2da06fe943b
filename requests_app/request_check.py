"""What a reviewer looks at before a request is opened: each check with its evidence beside it, and what the portal could see itself.

``state`` is *yes* (the portal saw that it holds), *no* (it does not, and opening is refused or must be) or *look* (a person judges).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone

from getdata.accounts.countries import country_name
from getdata.accounts.permissions import confirmed_addresses, role_in
from requests_app.agreements import law
from requests_app.guard.check import check_text
from requests_app.match_lists import SMALLEST_COUNT, match_counts
from requests_app.models import DatasetRequest
from requests_app.spec import DatasetSpec
from requests_app.spec.reading import Checked

#: Less time than this between opening and deadline is said.
_SHORT = 30


@dataclass(frozen=True)
class Point:
    """One check: its question, the evidence, what the portal makes of it, and the page that shows more."""

    key: str
    title: str
    evidence: str
    state: str
    page: str = ""
    link: str = ""


def points_of(item: DatasetRequest, checked: Checked) -> list[Point]:
    """Every check of a submitted request, in the order in which a reviewer reads."""
    found = [*_who(item)]
    if checked.spec is not None:
        found += [*_why(checked.spec), *_what(item, checked.spec), _words(checked.spec)]
    blocking = len(checked.blocking)
    evidence = (
        f"{blocking} to mend, listed at your decision" if blocking else "The linter found nothing that blocks posting."
    )
    found.append(Point("lint", "It can be met as it is written", evidence, "no" if blocking else "yes"))
    return found


def _who(item: DatasetRequest) -> Iterator[Point]:
    asker, writer = item.organization, item.created_by
    page = reverse("organization_detail", args=[asker.slug])
    when = f", {asker.decided_at:%-d %B %Y}" if asker.decided_at else ""
    yield Point(
        "organization",
        "The organization that asks is verified",
        f"{asker.name}, {country_name(asker.country)}: {asker.get_status_display().lower()}{when}",
        "yes" if asker.is_verified else "no",
        page,
        "Its evidence",
    )
    role = role_in(writer, asker).replace("_", " ")
    confirmed = bool(confirmed_addresses(writer))
    said = f"{writer}, {role or 'not a member any more'}; address {'confirmed' if confirmed else 'not confirmed'}"
    yield Point(
        "writer", "Whoever wrote it may speak for it", said, "yes" if role and confirmed and writer.is_active else "no"
    )


def _why(spec: DatasetSpec) -> Iterator[Point]:
    purpose = spec.purpose.description
    yield Point(
        "purpose",
        "The purpose is one that a hospital and an ethics board can judge",
        purpose or "No purpose is written.",
        "look" if purpose else "no",
    )
    ethics = spec.terms.ethics_approval
    yield Point(
        "ethics",
        "Ethics approval, or why none is needed",
        ethics or "Nothing is said. Ask for a number or a reason.",
        "look" if ethics else "no",
    )


def _what(item: DatasetRequest, spec: DatasetSpec) -> Iterator[Point]:
    kept = spec.deidentification.legal_class
    yield Point(
        "class",
        "What is kept fits the purpose",
        f"Legal class: {kept}. " + ("A data use agreement comes with it." if kept == "limited data set" else ""),
        "look",
    )
    concern = set(law.regions()["countries_of_concern"])
    named = [country for country in (item.organization.country, *spec.terms.countries) if country in concern]
    places = (
        ", ".join(country_name(one) for one in spec.terms.countries)
        or f"{country_name(item.organization.country)} alone"
    )
    yield Point(
        "countries",
        "No country of concern (28 CFR 202)",
        f"Used in {places}." + (f" Of concern: {', '.join(map(country_name, named))}." if named else ""),
        "no" if named else "yes",
    )
    if spec.delivery.deadline:
        left = (spec.delivery.deadline - timezone.localdate()).days
        late = "It is over." if left < 0 else f"{left:,} days are left."
        yield Point(
            "deadline", "There is time to deliver", late, "no" if left < 0 else "yes" if left >= _SHORT else "look"
        )
    counts = match_counts(spec, item.organization)
    removed = "; ".join(f"“{removal.label}” removes {removal.said}" for removal in counts.removals[:3])
    yield Point(
        "matches",
        "Somebody can fill it",
        f"{counts.said}.{' ' + removed[0].upper() + removed[1:] + '.' if removed else ''}",
        "yes" if counts.matching >= SMALLEST_COUNT else "look",
    )


def _words(spec: DatasetSpec) -> Point:
    """Free text of a request is public: it must not hold a record number or a person's name."""
    texts = [spec.title, spec.purpose.description, spec.terms.ethics_approval, spec.terms.attribution, spec.terms.other]
    kinds = sorted({found.kind.replace("_", " ") for text in texts for found in check_text(text)})
    return Point(
        "words",
        "Its texts name nobody and hold no record number",
        f"Looks like: {', '.join(kinds)}. Read the texts." if kinds else "The guard found nothing that looks like one.",
        "look" if kinds else "yes",
    )
