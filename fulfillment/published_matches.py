"""Images that a published set holds already: looked up by hash, asked of a reviewer, never told to another hospital.

A list has hashes and no pictures, so nothing can be laid over the image as for two images of the portal. A match by hash is
therefore a question to the reviewer, and its limits are narrower than those of a candidate that a second look follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery

from fulfillment.duplicates.fingerprint import VERSION, Query
from fulfillment.duplicates.index import Candidate
from fulfillment.fingerprint_cache import FingerprintCache
from fulfillment.models import (
    Batch,
    Image,
    PublishedDecision,
    PublishedHit,
    PublishedImage,
    PublishedSet,
    PublishedSetStatus,
)

#: One hash this near, or several within the second limit. docs/duplicates.md has what they find and what they do not mistake.
NEAR: Final = 32
NEAR_IF_SEVERAL: Final = 48
SEVERAL: Final = 2
#: Matches kept of one image: a picture that a set holds a hundred times needs no hundred questions.
_MOST: Final = 20


class _Lists:
    """The index over all lists. A list is written in one transaction, so its numbers become visible long after they were given,
    between those of another: when a list becomes ready, everything is read anew."""

    def __init__(self) -> None:
        self._cache = FingerprintCache(PublishedImage.objects.all)
        self._newest: datetime | None = None

    def search(self, query: Query, newest: datetime) -> list[Candidate]:
        if newest != self._newest:
            self._cache.forget()
            self._newest = newest
        return self._cache.search(query)

    def forget(self) -> None:
        self._newest = None


_lists = _Lists()
forget = _lists.forget
_DECISION = PublishedDecision.objects.filter(hit=OuterRef("pk")).order_by("-created_at").values("decision")[:1]


def newest_list() -> datetime | None:
    """When the last list became ready that images are compared with; None without any."""
    ready = PublishedSet.objects.filter(status=PublishedSetStatus.READY)
    newest: datetime | None = ready.aggregate(newest=Max("ready_at"))["newest"]
    return newest


def is_match(candidate: Candidate) -> bool:
    """Whether hashes alone are enough to ask a reviewer."""
    several = candidate.agreeing >= SEVERAL and candidate.distance <= NEAR_IF_SEVERAL
    return candidate.distance <= NEAR or several


def look_up(image: Image, query: Query | None) -> int:
    """Look for an image in every list that is ready, and keep what is new. Returns how many. Safe to repeat."""
    newest = newest_list()
    if newest is None:
        return 0
    ready = PublishedImage.objects.filter(published__status=PublishedSetStatus.READY)
    same = list(ready.filter(pixel_sha256=image.pixel_sha256).values_list("pk", "published")[:_MOST])
    exact, whole = [pk for pk, _ in same], {published for _, published in same}
    hits = [PublishedHit(image=image, listed_id=pk, kind="exact", version=VERSION) for pk in exact]
    found = [one for one in _lists.search(query, newest) if is_match(one)] if query is not None else []
    near = {one.key: one for one in found[:1000]}
    # Where a set holds the very pixels, what merely looks like them in the same set is no further question.
    standing = set(ready.filter(pk__in=list(near)).exclude(published__in=whole).values_list("pk", flat=True))
    hits += [
        PublishedHit(
            image=image,
            listed_id=key,
            kind="near",
            distance=one.distance,
            agreeing=one.agreeing,
            version=VERSION,
        )
        for key, one in near.items()
        if key in standing
    ][:_MOST]
    known = set(PublishedHit.objects.filter(image=image).values_list("listed_id", flat=True))
    new = [hit for hit in hits if hit.listed_id not in known]
    PublishedHit.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def matches() -> QuerySet[Any]:
    """Every match of an image that still stands with a list still compared with; ``decided``: the newest decision."""
    return (
        PublishedHit.objects.filter(image__source__status="passed", listed__published__status=PublishedSetStatus.READY)
        .select_related("image__source__batch__fulfillment__hospital", "listed__published")
        .annotate(decided=Subquery(_DECISION))
    )


def matches_of(batch: Batch) -> QuerySet[Any]:
    """The matches a reviewer of the batch looks at, undecided first."""
    rows = matches().filter(image__source__batch=batch)
    return rows.order_by(F("decided").asc(nulls_first=True), "image__source__number", "distance", "pk")


def count_by_set() -> Mapping[Any, int]:
    """Set -> images of the portal found in it."""
    rows = matches().order_by().values_list("listed__published").annotate(n=Count("image", distinct=True))
    return {key: n for key, n, *_ in rows.values_list("listed__published", "n")}


def images_not_looked_up() -> int:
    """Images that were not compared with the newest list yet."""
    newest = newest_list()
    if newest is None:
        return 0
    late = Q(fingerprint=None) | Q(fingerprint__looked_up_at=None) | Q(fingerprint__looked_up_at__lt=newest)
    return Image.objects.live().filter(late).count()
