"""Questions about pairs of images that are one picture: what a reviewer sees, and what the hospital sees of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from fulfillment.conformance.finding import Finding
from fulfillment.models import Batch, DuplicateDecision, DuplicateHit, Image, SourceFile

_DECISION = DuplicateDecision.objects.filter(hit=OuterRef("pk")).order_by("-created_at").values("decision")[:1]
_PASSED = "passed"


def pairs() -> QuerySet[Any]:
    """Every pair of which both images still stand, with ``decided``: the newest decision, or None."""
    return (
        DuplicateHit.objects.filter(image__source__status=_PASSED, other__source__status=_PASSED)
        .select_related(
            "image__source__batch__fulfillment__hospital",
            "image__source__batch__fulfillment__request",
            "other__source__batch__fulfillment__hospital",
            "other__source__batch__fulfillment__request",
        )
        .annotate(decided=Subquery(_DECISION))
    )


def pairs_of(batch: Batch) -> QuerySet[Any]:
    """The pairs a reviewer of the batch looks at, undecided first. Staff only: they cross hospitals."""
    return (
        pairs()
        .filter(Q(image__source__batch=batch) | Q(other__source__batch=batch))
        .order_by(F("decided").asc(nulls_first=True), "image__source__number", "other__source__number", "pk")
    )


@dataclass(frozen=True)
class PairCounts:
    """Pairs of a batch: all, those not decided, those that cross into another delivery; images not compared yet."""

    total: int
    undecided: int
    elsewhere: int
    uncompared: int


def count_pairs(batch: Batch) -> PairCounts:
    rows = [
        (decided, one != other)
        for decided, one, other in pairs_of(batch).values_list(
            "decided", "image__source__batch__fulfillment", "other__source__batch__fulfillment"
        )
    ]
    waiting = Image.objects.live().filter(source__batch=batch)
    return PairCounts(
        total=len(rows),
        undecided=sum(decided is None for decided, _ in rows),
        elsewhere=sum(crosses for _, crosses in rows),
        uncompared=waiting.filter(Q(fingerprint=None) | Q(fingerprint__compared_at=None)).count(),
    )


def is_within_one_delivery(hit: DuplicateHit) -> bool:
    """Whether the hospital may be told of the pair: both images are its own, for one request."""
    return hit.image.source.batch.fulfillment_id == hit.other.source.batch.fulfillment_id


@dataclass(frozen=True)
class Twin:
    """A pair as its hospital reads it."""

    hit: DuplicateHit
    message: str
    remedy: str


def own_twins(batch: Batch) -> list[Twin]:
    """Pairs of this batch with itself or another batch of the same delivery, in words for the hospital.

    Nothing that another hospital holds, and nothing of another delivery; not what a reviewer found to be different.
    """
    rows = (
        pairs()
        .filter(
            Q(image__source__batch=batch) | Q(other__source__batch=batch),
            image__source__batch__fulfillment=batch.fulfillment_id,
            other__source__batch__fulfillment=batch.fulfillment_id,
        )
        .filter(Q(decided=None) | ~Q(decided=DuplicateDecision.Decision.DIFFERENT))
        .order_by("image__source__number", "other__source__number", "pk")
    )
    return [Twin(hit, _message(hit, batch), _remedy(hit)) for hit in rows[:200]]


def findings_by_file(files: Iterable[SourceFile]) -> dict[Any, list[dict[str, Any]]]:
    """File -> a finding for each near twin within its delivery that came before it, by the rule of ``own_twins``."""
    rows = (
        pairs()
        .filter(
            kind="near",
            image__source__in=[file.pk for file in files if file.status == _PASSED],
            image__source__batch__fulfillment=F("other__source__batch__fulfillment"),
        )
        .filter(Q(decided=None) | ~Q(decided=DuplicateDecision.Decision.DIFFERENT))
        .order_by("other__source__batch__number", "other__source__number")
    )
    found: dict[Any, list[dict[str, Any]]] = {}
    for hit in rows:
        message = _message(hit, hit.image.source.batch)
        finding = Finding("NEAR_DUPLICATE", "should", "", "PixelData", message, _remedy(hit))
        found.setdefault(hit.image.source_id, []).append(finding.as_dict())
    return found


def _message(hit: DuplicateHit, batch: Batch) -> str:
    first, later = hit.other.source, hit.image.source
    here = (
        f"File {later.number}" if later.batch_id == batch.pk else f"File {later.number} of batch {later.batch.number}"
    )
    there = (
        f"file {first.number}" if first.batch_id == batch.pk else f"file {first.number} of batch {first.batch.number}"
    )
    return f"{here} is the same picture as {there}{_how(hit)}."


def _how(hit: DuplicateHit) -> str:
    """In what the two differ, as far as it is known: size, crop, polarity, mirror."""
    ways = []
    if hit.mirrored:
        ways.append("mirrored")
    if hit.negative:
        ways.append("with its grey scale turned round")
    one, other = hit.image.facts, hit.other.facts
    if one.get("rows") and other.get("rows") and (one["rows"], one["columns"]) != (other["rows"], other["columns"]):
        ways.append("at another size")
    return f", {' and '.join(ways)}" if ways else ""


def _remedy(hit: DuplicateHit) -> str:
    return "Keep one: withdraw the other, or the smaller of the two. If they are two exposures, leave them; a reviewer looks."
