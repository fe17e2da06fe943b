"""Questions about deliveries, answered from the rows."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Avg, Count, Max, Min, Q, QuerySet

from fulfillment.conformance import ImageFacts, fill_quotas
from fulfillment.models import Batch, BatchStatus, DuplicateHit, Image, Label, Release, ReleaseStatus, SourceFile
from getdata.common.charts import Chart, bar_chart
from requests_app.models import DatasetRequest, Offer, OfferStatus, SpecVersion
from requests_app.progress import MeterRow
from requests_app.spec import DatasetSpec

_METER_SECONDS = 300


def request_meter(request: DatasetRequest) -> list[MeterRow]:
    """Needed, offered, received and accepted for every counted line of the request's open specification.

    Received counts images that passed and were not withdrawn, in any batch but a rejected one, pooled over hospitals.
    The result is kept until a row it is counted from changes.
    """
    version = request.current_version
    if version is None:
        return []
    images = Image.objects.live().filter(source__batch__fulfillment__request=request)
    images = images.exclude(source__batch__status=BatchStatus.REJECTED)
    offers = Offer.objects.filter(request=request, status__in=[OfferStatus.SUBMITTED, OfferStatus.ACCEPTED])
    state = images.aggregate(
        n=Count("pk"),
        last=Max("source__settled_at"),
        accepted=Count("pk", filter=Q(source__batch__status=BatchStatus.ACCEPTED)),
    )
    labels = Label.objects.filter(batch__fulfillment__request=request).aggregate(n=Count("pk"), last=Max("created_at"))
    promised = list(offers.order_by("pk").values_list("pk", "images"))
    key = f"meter:{request.pk}:{version.number}:{_fingerprint(state, labels, promised)}"
    rows: list[MeterRow] | None = cache.get(key)
    if rows is None:
        rows = _count(version, images, list(offers))
        cache.set(key, rows, _METER_SECONDS)
    return rows


def _fingerprint(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def facts_of(images: Iterable[Image]) -> list[ImageFacts]:
    """Each image's facts together with what the portal knows beside it: its hospital and its labels."""
    images = list(images)
    labels: dict[Any, dict[str, str]] = defaultdict(dict)
    for image_id, finding, state in Label.objects.filter(image__in=images).values_list("image_id", "finding", "state"):
        labels[image_id][finding] = state
    return [
        ImageFacts.from_dict(image.facts).with_context(
            site=str(image.source.batch.fulfillment.hospital_id), labels=labels.get(image.pk)
        )
        for image in images
    ]


def _count(version: SpecVersion, images: QuerySet[Image], offers: list[Offer]) -> list[MeterRow]:
    spec = DatasetSpec.model_validate(version.document)
    rows = list(images.select_related("source__batch__fulfillment"))
    facts = facts_of(rows)
    received = fill_quotas(facts, spec)
    accepted = fill_quotas(
        [fact for fact, image in zip(facts, rows, strict=True) if image.source.batch.status == BatchStatus.ACCEPTED], spec
    )
    return [
        MeterRow(
            check_id=line.check_id,
            label=line.text[:1].upper() + line.text[1:],
            needed=line.needed,
            offered=_offered(line.check_id, offers),
            received=line.received,
            accepted=done.received,
            unit=line.unit,
        )
        for line, done in zip(received, accepted, strict=True)
    ]


def _offered(check_id: str, offers: list[Offer]) -> int:
    if check_id == "cohort.images":
        return sum(offer.images for offer in offers)
    if check_id == "cohort.patients":
        return sum(offer.patients for offer in offers)
    return sum(int(offer.cells.get(check_id, 0)) for offer in offers)


@dataclass(frozen=True)
class ReviewSummary:
    """What a reviewer sees first about a batch."""

    images: int
    patients: int
    masked: int
    to_look_at: int
    quality_mean: float | None
    quality_worst: float | None
    labels: int
    unlinked_labels: int
    duplicates: list[DuplicateHit]
    views: Chart | None
    reasons: list[dict[str, Any]]


def review_summary(batch: Batch) -> ReviewSummary:
    """Counts, quality, labels and duplicates of one batch."""
    images = Image.objects.live().filter(source__batch=batch)
    scores = images.aggregate(mean=Avg("scores__total"), worst=Min("scores__total"))
    views = Counter(image or "not stated" for image in images.values_list("view", flat=True))
    return ReviewSummary(
        images=images.count(),
        patients=images.values("series__study__patient").distinct().count(),
        masked=images.exclude(masks=[]).count(),
        to_look_at=images.exclude(review_reasons=[]).count(),
        quality_mean=scores["mean"],
        quality_worst=scores["worst"],
        labels=batch.labels.filter(image__isnull=False).count(),
        unlinked_labels=batch.labels.filter(image=None).count(),
        duplicates=list(
            DuplicateHit.objects.filter(image__source__batch=batch).select_related(
                "image__source", "other__source__batch__fulfillment__hospital"
            )[:50]
        ),
        views=bar_chart(views.most_common(), title="Projections", unit="images", name="Projection") if views else None,
        reasons=withheld_reasons(batch),
    )


def withheld_reasons(batch: Batch) -> list[dict[str, Any]]:
    """Why files of a batch were withheld: reason, count, and the cause and remedy in words, most frequent first."""
    files: dict[str, list[SourceFile]] = defaultdict(list)
    for file in batch.files.exclude(reason="").exclude(status__in=["withdrawn", "received", "processing"]):
        files[file.reason].append(file)
    rows = []
    for reason, members in files.items():
        finding: dict[str, Any] = next((f for f in members[0].findings if f.get("code") == reason), {})
        rows.append(
            {
                "reason": reason,
                "count": len(members),
                "status": members[0].status,
                "cause": finding.get("message", ""),
                "remedy": finding.get("remedy", ""),
            }
        )
    return sorted(rows, key=lambda row: (-int(row["count"]), str(row["reason"])))


def releasable_requests() -> list[dict[str, Any]]:
    """Requests with accepted images that no release holds yet and no draft release."""
    waiting = (
        DatasetRequest.objects.filter(
            fulfillments__batches__status=BatchStatus.ACCEPTED,
            fulfillments__batches__files__status="passed",
            fulfillments__batches__files__image__isnull=False,
        )
        .exclude(releases__status=ReleaseStatus.DRAFT)
        .distinct()
    )
    rows = []
    for request in waiting.select_related("organization"):
        accepted = Image.objects.live().filter(
            source__batch__fulfillment__request=request, source__batch__status=BatchStatus.ACCEPTED
        )
        fresh = accepted.exclude(release_items__release__request=request).count()
        if fresh:
            rows.append({"request": request, "fresh": fresh, "accepted": accepted.count()})
    return rows


def release_breakdown(release: Release) -> dict[str, Any]:
    """What a release holds: views, sexes, sites, patients, as charts and counts."""
    images = Image.objects.filter(release_items__release=release)
    views = Counter(view or "not stated" for view in images.values_list("view", flat=True))
    sexes = Counter(sex or "not stated" for sex in images.values_list("sex", flat=True))
    return {
        "patients": images.values("series__study__patient").distinct().count(),
        "sites": images.values("source__batch__fulfillment__hospital").distinct().count(),
        "labels": Label.objects.filter(image__release_items__release=release).count(),
        "masked": images.exclude(masks=[]).count(),
        "views": bar_chart(views.most_common(), title="Projections", unit="images", name="Projection") if views else None,
        "sexes": bar_chart(sexes.most_common(), title="Sex", unit="images", name="Sex") if sexes else None,
    }
