"""Questions about deliveries, answered from the rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Exists, Min, OuterRef, Q, QuerySet, Subquery

from fulfillment.batch_quality import BatchQuality
from fulfillment.duplicate_pairs import PairCounts, count_pairs
from fulfillment.meter import standing_labels
from fulfillment.models import (
    NOT_OUT,
    Batch,
    BatchStatus,
    DuplicateHit,
    Image,
    Label,
    Release,
    ReleaseItem,
    ReleaseStatus,
    SourceFile,
    SourceFileStatus,
    SourceKind,
)
from fulfillment.quality.overview import Raise
from getdata.accounts.models import Membership, User
from getdata.common.charts import Chart, bar_chart
from requests_app.models import DatasetRequest

#: Settled and not passed: these files need their hospital.
WITHHELD = (SourceFileStatus.REJECTED, SourceFileStatus.QUARANTINED, SourceFileStatus.FAILED)
RETURNED = "RETURNED_BY_REVIEWER"
#: Images of a release that its page shows.
SAMPLES = 6


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
    pairs: PairCounts
    views: Chart | None
    reasons: list[dict[str, Any]]
    raises: list[Raise]


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
        labels=standing_labels().filter(batch=batch, image__in=images).count(),
        unlinked_labels=standing_labels().filter(batch=batch).exclude(image__source__status="passed").count(),
        duplicates=list(
            DuplicateHit.objects.filter(image__in=images)
            .exclude(other__source__batch__fulfillment=batch.fulfillment_id)
            .select_related("image__source", "other__source__batch__fulfillment__hospital")[:50]
        ),
        pairs=count_pairs(batch),
        views=_bars(views, "Projections", "Projection"),
        reasons=withheld_reasons(batch),
        raises=BatchQuality(batch).raises,
    )


def _bars(counted: Counter[str], title: str, name: str) -> Chart | None:
    return bar_chart(counted.most_common(), title=title, unit="images", name=name) if counted else None


def left_aside(batch: Batch) -> list[dict[str, Any]]:
    """What was no image and is neither stored nor counted: message, count and the total, most frequent first."""
    aside = batch.files.filter(kind=SourceKind.ASIDE, status=SourceFileStatus.PASSED)
    found = aside.order_by().values("findings__0__message").annotate(count=Count("pk"))
    total = sum(row["count"] for row in found)
    rows = [{"message": row["findings__0__message"], "count": row["count"], "total": total} for row in found]
    return sorted(rows, key=lambda row: (-int(row["count"]), str(row["message"])))


def withheld_reasons(batch: Batch) -> list[dict[str, Any]]:
    """Why files of a batch were withheld: reason, count, and the cause and remedy in words, most frequent first."""
    withheld = batch.files.filter(status__in=WITHHELD).exclude(reason="")
    groups = withheld.order_by().values("reason").annotate(count=Count("pk"))
    return sorted(
        (_withheld_row(withheld, group["reason"], group["count"]) for group in groups),
        key=lambda row: (-int(row["count"]), str(row["reason"])),
    )


def _withheld_row(withheld: QuerySet[SourceFile], reason: str, count: int) -> dict[str, Any]:
    first = withheld.filter(reason=reason).order_by("number")[0]
    finding: dict[str, Any] = next((f for f in first.findings if f.get("code") == reason), {})
    cause, remedy = str(finding.get("message", "")), str(finding.get("remedy", ""))
    if reason == RETURNED and count > 1:
        cause = "A reviewer returned these files, each with a note of its own."
    return {"reason": reason, "count": count, "status": first.status, "cause": cause, "remedy": remedy}


def releasable_requests(limit: int = 25) -> list[dict[str, Any]]:
    """Requests with accepted images that no release holds (or only a withdrawn one), or whose release is to be made anew, and
    without a draft; longest waiting first.

    Finding them stops at the first such image of each; only those that are shown are counted.
    """
    held = ReleaseItem.objects.filter(image=OuterRef("pk")).exclude(release__status=ReleaseStatus.WITHDRAWN)
    accepted = Image.objects.live().filter(source__batch__status=BatchStatus.ACCEPTED).order_by()
    fresh = accepted.filter(~Exists(held))
    decided = Batch.objects.filter(fulfillment__request=OuterRef("pk"), status=BatchStatus.ACCEPTED)
    waiting = list(
        DatasetRequest.objects.exclude(releases__status__in=NOT_OUT)
        .filter(Exists(decided))
        .filter(Exists(fresh.filter(source__batch__fulfillment__request=OuterRef("pk"))) | Q(pk__in=_to_be_made_anew()))
        .select_related("organization")
        .annotate(since=Subquery(decided.order_by("decided_at").values("decided_at")[:1]))
        .order_by("since")[:limit]
    )
    request = "source__batch__fulfillment__request"
    counts = [
        dict(rows.filter(**{f"{request}__in": waiting}).values_list(request).annotate(n=Count("pk")))
        for rows in (fresh, accepted)
    ]
    return [
        {"request": row, "fresh": counts[0].get(row.pk, 0), "accepted": counts[1].get(row.pk, 0), "since": row.since}
        for row in waiting
    ]


def _to_be_made_anew() -> QuerySet[DatasetRequest]:
    """Requests whose newest published release holds images that were taken back since."""
    published = Release.objects.filter(request=OuterRef("pk"), status=ReleaseStatus.PUBLISHED).order_by("-number")
    newest = DatasetRequest.objects.annotate(newest=Subquery(published.values("pk")[:1]))
    gone = ReleaseItem.objects.filter(release=OuterRef("newest"), image__taken_back__isnull=False)
    return DatasetRequest.objects.filter(pk__in=newest.filter(Exists(gone)).values("pk"))


def release_breakdown(release: Release, user: User) -> dict[str, Any]:
    """What of a release this person may know: all of it, or for a hospital what came from it. Counts and charts."""
    images = Image.objects.visible_to(user).filter(release_items__release=release)
    views = Counter(view or "not stated" for view in images.values_list("view", flat=True))
    sexes = Counter(sex or "not stated" for sex in images.values_list("sex", flat=True))
    return {
        "images": sum(views.values()),
        "patients": images.values("series__study__patient").distinct().count(),
        "sites": images.values("source__batch__fulfillment__hospital").distinct().count(),
        "labels": standing_labels().filter(image__in=images, batch__status=BatchStatus.ACCEPTED).count(),
        "masked": images.exclude(masks=[]).count(),
        "views": _bars(views, "Projections", "Projection"),
        "sexes": _bars(sexes, "Sex", "Sex"),
    }


def release_samples(release: Release, user: User) -> list[dict[str, Any]]:
    """A few images of a release that this person may look at, each with its labels: marked ones first, then labelled ones."""
    images = Image.objects.visible_to(user).pictured_for(user).live().filter(release_items__release=release)
    labels = Label.objects.readable_by(user).standing().exclude(state="not_mentioned")
    said = labels.filter(image=OuterRef("pk")).order_by()
    chosen: list[Image] = []
    for rows in (said.filter(annotations__isnull=False), said):
        wanted = images.filter(Exists(rows)).exclude(pk__in=[image.pk for image in chosen]).select_related("source")
        chosen += wanted.order_by("pk")[: SAMPLES - len(chosen)]
    by_image: dict[Any, list[Label]] = {}
    for label in labels.filter(image__in=chosen).order_by("finding", "state", "reader"):
        by_image.setdefault(label.image_id, []).append(label)
    return [{"image": image, "labels": by_image.get(image.pk, [])} for image in chosen]


def release_batches(release: Release) -> QuerySet[Batch]:
    """The batches a release was made of, each with how many of its images are in it (``images``)."""
    return (
        Batch.objects.filter(files__image__release_items__release=release)
        .select_related("fulfillment__hospital", "reviewer")
        .annotate(images=Count("files__image", distinct=True))
        .order_by("fulfillment__created_at", "number")
    )


def sees_whole_release(release: Release, user: User) -> bool:
    """Staff and the organization that asked; a hospital sees what of its own a release holds, not the others'."""
    asked = release.request.organization_id
    return user.is_reviewer or Membership.objects.filter(user=user, organization=asked).exists()
