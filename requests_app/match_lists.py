"""Matching answered for pages and API: requests for a hospital, and how many hospitals a request finds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from getdata.accounts.models import Organization
from requests_app.matching import Capability, Fit, Needs, fit, needs_of
from requests_app.models import CapabilityProfile, DatasetRequest, RequestStatus, SpecVersion
from requests_app.spec import DatasetSpec

#: Only so many of the newest open requests are compared with one hospital.
MOST_COMPARED = 500
#: Below this a count of hospitals is said as "fewer than 5": a smaller one could be a single hospital's answer.
SMALLEST_COUNT = 5


@dataclass(frozen=True)
class Match:
    """An open request and how well the hospital fits it."""

    request: DatasetRequest
    fit: Fit
    has_offer: bool


def requests_for(hospital: Organization, capability: Capability) -> list[Match]:
    """Open requests the hospital is not ruled out of, best fit first, then newest. One query for the list.

    The database leaves out its own requests, those past their deadline and all but the newest ``MOST_COMPARED``.
    """
    newest = SpecVersion.objects.filter(request=OuterRef("pk")).order_by("-number")
    found = (
        DatasetRequest.objects.filter(status=RequestStatus.OPEN)
        .exclude(organization=hospital)
        .filter(Q(deadline=None) | Q(deadline__gte=timezone.localdate()))
        .select_related("organization")
        .defer("draft")
        .annotate(
            spec_id=Subquery(newest.values("pk")[:1]),
            spec_sha=Subquery(newest.values("sha256")[:1]),
            country=F("organization__country"),
        )
        .order_by("-opened_at")[:MOST_COMPARED]
    )
    rows = list(found)
    unread = [row.spec_id for row in rows if (row.spec_sha, row.country) not in _read]
    documents = dict(SpecVersion.objects.filter(pk__in=unread).values_list("pk", "document")) if unread else {}
    offered = set(hospital.offers.live().values_list("request_id", flat=True))
    matches = []
    for row in rows:
        needs = _needs(row.spec_sha, row.country, documents.get(row.spec_id))
        if needs is None:
            continue
        found_fit = fit(needs, capability)
        if found_fit.is_match:
            matches.append(Match(row, found_fit, row.pk in offered))
    return sorted(matches, key=lambda match: match.fit.sort_key, reverse=True)


#: Needs by (hash of the specification, country of the recipient): a frozen specification never changes.
_read: dict[tuple[str, str], Needs] = {}
_MOST_KEPT = 5000


def _needs(sha: str | None, country: str, document: dict[str, Any] | None) -> Needs | None:
    if sha is None:
        return None
    known = _read.get((sha, country))
    if known is None and document is not None:
        if len(_read) >= _MOST_KEPT:
            _read.clear()
        known = _read[sha, country] = needs_of(DatasetSpec.model_validate(document), recipient_country=country)
    return known


@dataclass(frozen=True)
class Removal:
    """A condition, as it is said, and how many hospitals it removes."""

    label: str
    count: int

    @property
    def said(self) -> str:
        return said_count(self.count)


@dataclass(frozen=True)
class MatchCounts:
    """How many verified hospitals that state what they hold match a request, and what removes the others."""

    matching: int
    stated: int
    removals: tuple[Removal, ...]

    @property
    def said(self) -> str:
        """ "14 verified hospitals match", or "Fewer than 5 verified hospitals match"."""
        count = said_count(self.matching)
        return f"{count[:1].upper()}{count[1:]} verified hospitals match"


def said_count(count: int) -> str:
    """The number, or "fewer than 5" for everything below: nothing is told apart there, not even none."""
    return f"{count:,}" if count >= SMALLEST_COUNT else f"fewer than {SMALLEST_COUNT}"


def match_counts(spec: DatasetSpec, asker: Organization) -> MatchCounts:
    """Compare ``spec`` with every profile of the market. A hospital that several conditions remove counts in each."""
    needs = needs_of(spec, recipient_country=asker.country)
    profiles = CapabilityProfile.objects.of_the_market().exclude(hospital=asker)
    removed: Counter[str] = Counter()
    matching = stated = 0
    for document in profiles.values_list("document", flat=True).iterator(chunk_size=2000):
        stated += 1
        result = fit(needs, Capability.model_validate(document))
        matching += result.is_match
        removed.update({need.label for need in result.removed})
    # Counts that are not told apart are not told apart by their order either.
    ranked = sorted(removed.items(), key=lambda item: (-item[1] if item[1] >= SMALLEST_COUNT else 0, item[0]))
    return MatchCounts(matching, stated, tuple(Removal(label, count) for label, count in ranked[:5]))
