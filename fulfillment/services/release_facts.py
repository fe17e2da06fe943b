"""What the package of a release says, from the database: facts, images block by block, what changed, what repeats.

Labels are those that stood when the release was prepared, so that a package that is built again, or in parts, says the same.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Max, Q, QuerySet
from django.urls import reverse

from fulfillment.labels.methods import known_method
from fulfillment.models import (
    NOT_OUT,
    Annotation,
    BatchStatus,
    DuplicateDecision,
    DuplicateHit,
    Fulfillment,
    Label,
    Release,
    ReleaseItem,
    ReleaseStatus,
    SourceFile,
    SourceFileStatus,
)
from fulfillment.release import (
    Made,
    PackageFacts,
    ReleasedImage,
    ReleasedLabel,
    ReleasedMark,
    Version,
    clusters,
    label_digests,
    relabelled,
)
from getdata.common import storage
from requests_app.models import Agreement
from requests_app.spec import DatasetSpec

#: Images that are in memory at once.
BLOCK = 200
ChangeRow = tuple[str, str, str, str]


def release_facts(release: Release, version: Version = Version()) -> PackageFacts:
    """The facts of the release. No person and no hospital is named outside the terms."""
    spec = release.request.current_version
    assert spec is not None  # a request with accepted images was opened
    batches = set(release.items.values_list("image__source__batch", flat=True).order_by().distinct())
    deliveries = release.items.values("image__source__batch__fulfillment").order_by().distinct()
    agreements = Agreement.objects.filter(offer__fulfillment__in=deliveries)
    withheld = (
        SourceFile.objects.filter(
            batch__in=batches,
            status__in=[SourceFileStatus.REJECTED, SourceFileStatus.QUARANTINED, SourceFileStatus.FAILED],
        )
        .exclude(reason="")
        .values_list("reason", flat=True)
        .order_by()
    )
    return PackageFacts(
        name=f"getdata-{release.request.slug}-v{release.number}",
        title=release.request.title,
        number=release.number,
        published_for=release.request.organization.name,
        date=release.created_at.date().isoformat(),
        spec=DatasetSpec.model_validate(spec.document),
        spec_version=spec.number,
        spec_sha256=spec.sha256,
        terms="\n---\n\n".join(sorted({agreement.text.strip() + "\n" for agreement in agreements})),
        withheld=Counter(withheld),
        version=version,
        address=settings.PUBLIC_URL.rstrip("/") + reverse("release_detail", args=[release.pk]),
    )


def images_of(release: Release) -> Iterator[tuple[ReleaseItem, ReleasedImage]]:
    """The images of the release in their order, a block in memory at a time."""
    sites, after = _sites(release), 0
    while block := _block(release, sites, release.items.filter(number__gt=after)):
        yield from block
        after = block[-1][0].number


def images_to_write(
    release: Release, made: Made, *, after: int = 0
) -> Iterator[tuple[ReleaseItem, ReleasedImage | None]]:
    """The images behind number ``after`` in their order, each with what is known of it where more is ``made`` of it than a copy."""
    sites = _sites(release)
    columns = ("release", "image", "number", "path", "sha256", "image__stored")
    rows = release.items.select_related("image").only(*columns).order_by("number")
    while block := list(rows.filter(number__gt=after)[:BLOCK]):
        more = _more_made_of([item.image_id for item in block], made)
        whole = _block(release, sites, release.items.filter(image__in=more)) if more else []
        known = {item.image_id: image for item, image in whole}
        for item in block:
            yield item, known.get(item.image_id)
        after = block[-1].number


def _more_made_of(images: list[Any], made: Made) -> set[Any]:
    if made == "labelled":
        return set(Label.objects.filter(image__in=images).values_list("image", flat=True).order_by().distinct())
    marks = Annotation.objects.filter(label__image__in=images)
    if made == "masked":
        marks = marks.exclude(mask="")
    return set(marks.values_list("label__image", flat=True).order_by().distinct())


def _block(
    release: Release, sites: dict[Any, str], rows: QuerySet[ReleaseItem]
) -> list[tuple[ReleaseItem, ReleasedImage]]:
    """The first of these items in their order, at most ``BLOCK``, with what is known of each."""
    items = rows.select_related("image__source__batch").prefetch_related("image__scores").order_by("number")[:BLOCK]
    labels = _labels([item.image_id for item in items], release.created_at)
    return [(item, _image(item, sites, labels.get(item.image_id, []), release.created_at)) for item in items]


def load_mask(key: str) -> bytes | None:
    """The bytes of a stored mask, or None where it is not there any more."""
    store = storage.released()
    return storage.get(store, key) if store.exists(key) else None


def _sites(release: Release) -> dict[Any, str]:
    """Fulfillment -> ``site-01``, counted over every delivery of the request: a site keeps its code later."""
    found: dict[Any, str] = {}
    codes: dict[Any, str] = {}
    rows = Fulfillment.objects.filter(request=release.request).order_by("created_at", "pk")
    for key, hospital in rows.values_list("pk", "hospital_id"):
        codes.setdefault(hospital, f"site-{len(codes) + 1:02}")
        found[key] = codes[hospital]
    return found


#: Columns of a label that are fields of ``ReleasedLabel`` under the same name.
_SAME = (
    "finding",
    "state",
    "reader",
    "readers",
    "board_certified",
    "blind_to_report",
    "adjudication",
    "is_consensus",
    "tool",
    "tool_version",
    "laterality",
)


def _labels(images: list[Any], at: datetime) -> dict[Any, list[ReleasedLabel]]:
    """Image -> its labels, from tables that stand in accepted batches: a returned table says nothing any more."""
    # Values in place of models: a release has many labels, and nothing else of them is needed.
    rows = (
        Label.objects.filter(
            Q(superseded_by=None) | Q(superseded_by__created_at__gt=at),
            image__in=images,
            created_at__lte=at,
            table__status=SourceFileStatus.PASSED,
            batch__status=BatchStatus.ACCEPTED,
        )
        .order_by("finding", "state", "method", "reader", "row", "pk")
        .values_list("pk", "image_id", "method", *_SAME)
    )
    marks: dict[Any, list[ReleasedMark]] = {}
    shapes = Annotation.objects.filter(label__image__in=images).order_by("label", "number")
    for owner, *shape in shapes.values_list("label_id", "kind", "box", "points", "mask"):
        marks.setdefault(owner, []).append(ReleasedMark(*shape))
    found: dict[Any, list[ReleasedLabel]] = {}
    for pk, image, method, *same in rows:
        named = dict(zip(_SAME, same, strict=True))
        label = ReleasedLabel(source=known_method(method), marks=tuple(marks.get(pk, ())), **named)
        found.setdefault(image, []).append(label)
    return found


def _image(item: ReleaseItem, sites: dict[Any, str], labels: list[ReleasedLabel], at: datetime) -> ReleasedImage:
    image = item.image
    score = next((one for one in image.scores.all() if one.created_at <= at), None)
    return ReleasedImage(
        path=item.path,
        sha256=item.sha256,
        site=sites[image.source.batch.fulfillment_id],
        facts=image.facts,
        quality_version=score.version if score else "",
        quality_total=score.total if score else None,
        quality_components=score.components if score else {},
        masks=len(image.masks),
        labels=labels,
        deid=image.deid_record,
        size=image.size,
    )


# --- what repeats ------------------------------------------------------------------------------------------------------


def duplicate_clusters(release: Release) -> dict[str, str]:
    """Image id -> group of confirmed copies within the release; pairs that a reviewer called different are none."""
    inside = release.items.values("image")
    hits = DuplicateHit.objects.filter(image__in=inside, other__in=inside)
    newest = hits.annotate(newest=Max("decisions__created_at")).exclude(newest=None).values_list("pk", "newest")
    different = {
        hit
        for hit, moment in newest
        if DuplicateDecision.objects.filter(
            hit=hit, created_at=moment, decision=DuplicateDecision.Decision.DIFFERENT
        ).exists()
    }
    pairs = hits.order_by("pk").values_list("pk", "image__sop_instance_uid", "other__sop_instance_uid")
    return clusters((one, other) for pk, one, other in pairs.iterator() if pk not in different)


# --- what changed ------------------------------------------------------------------------------------------------------


def changes_since(release: Release, labels: Path) -> tuple[Version, Callable[[], Iterator[ChangeRow]]]:
    """What changed since the release before, counted and row by row. ``labels`` is this release's table of labels as CSV."""
    before = (
        release.request.releases.filter(number__lt=release.number)
        .exclude(status__in=NOT_OUT)
        .order_by("-number")
        .first()
    )
    if before is None:
        return Version(), lambda: iter(())
    now, then = release.items.values("image"), before.items.values("image")
    added = release.items.exclude(image__in=then).order_by("number")
    removed = before.items.exclude(image__in=now).select_related("image__source__batch").order_by("number", "path")
    both = release.items.filter(image__in=then).order_by("number")
    with labels.open(encoding="utf-8", newline="") as lines:
        said_now = label_digests(csv.DictReader(lines))
    said_then = label_digests(_rows_of(before, "data/metadata/labels.csv"))
    uids = both.values_list("image__sop_instance_uid", flat=True)
    changed = set(relabelled(said_then, said_now, uids.iterator()))
    version = Version(
        number=before.number,
        withdrawn=before.status == ReleaseStatus.WITHDRAWN,
        added=added.count(),
        removed=removed.count(),
        relabelled=len(changed),
        reasons=Counter(_reason(item) for item in removed.iterator(chunk_size=1000)),
    )

    def rows() -> Iterator[ChangeRow]:
        for uid, path in added.values_list("image__sop_instance_uid", "path").iterator():
            yield uid, path, "added", ""
        for item in removed.iterator(chunk_size=1000):
            yield item.image.sop_instance_uid, item.path, "removed", _reason(item)
        for uid, path in both.values_list("image__sop_instance_uid", "path").iterator():
            if uid in changed:
                yield uid, path, "relabelled", ""

    return version, rows


def _reason(item: ReleaseItem) -> str:
    source = item.image.source
    if source.status == SourceFileStatus.WITHDRAWN:
        return "withdrawn"
    if source.status == SourceFileStatus.QUARANTINED:
        return "returned"
    if source.status != SourceFileStatus.PASSED:
        return "not_passed"
    return "other" if source.batch.status == BatchStatus.ACCEPTED else "batch_not_accepted"


def _rows_of(release: Release, path: str) -> Iterator[dict[str, str]]:
    """The rows of a table that was released, read from its archive."""
    file = release.files.filter(path=path).first()
    if file is None:
        return
    blocks = storage.read_range(storage.released(), release.archive, file.offset, file.offset + file.size)
    for row in csv.DictReader(_lines(blocks)):
        # Packages of before 2026-12 named the image by this column.
        yield {**row, "image_id": row.get("image_id") or row.get("sop_instance_uid") or ""}


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    """Lines of UTF-8 text with their ends."""
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line.decode() + "\n"
    if rest:
        yield rest.decode()
