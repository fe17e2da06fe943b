"""Building the package of a draft release: one worker at a time, safe to repeat, never stuck without a word."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from fulfillment.labels.methods import known_method
from fulfillment.models import (
    BatchStatus,
    Fulfillment,
    Label,
    Release,
    ReleaseFile,
    ReleaseItem,
    ReleaseStatus,
    SourceFile,
    SourceFileStatus,
)
from fulfillment.release import (
    Built,
    DamagedEntry,
    Entry,
    PackageFacts,
    ReleasedImage,
    ReleasedLabel,
    ReleasedMark,
    as_png,
    documents,
    label_files,
    objects_of,
    write_bag,
)
from fulfillment.services.certificates import release_certificates
from fulfillment.services.release_reports import report_documents
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common import storage
from getdata.common.queue import enqueue
from getdata.notifications.services import notify
from requests_app.models import Agreement
from requests_app.spec import DatasetSpec, ImageFormat

logger = logging.getLogger("getdata.releases")
BUILD_TASK = "fulfillment.build_release_task"
#: A little more than the task's time limit: then the worker that held it is certainly gone.
LEASE = timedelta(seconds=3700)
MAX_BUILD_ATTEMPTS = 3
#: How long the first bell may take before the sweeper rings again.
PATIENCE = timedelta(minutes=2)


def build_release(pk: UUID | str) -> None:
    """Write the package to storage and note its digest. Does nothing when it is built or another worker is at it."""
    if not _take(pk):
        return
    release = Release.objects.select_related("request__organization").get(pk=pk)
    try:
        _build(release)
    except DamagedEntry:
        logger.exception("release.damaged", extra={"release": str(pk)})
        _give_up(pk, "A stored image no longer has the bytes it had when it was accepted.")
    except Exception:
        # Whatever broke (an outage, a bug), the people who wait must see it: a draft never stays "being built".
        logger.exception("release.broke", extra={"release": str(pk)})
        # Before the last attempt the sweeper rings again.
        last = release.build_attempts >= MAX_BUILD_ATTEMPTS
        _give_up(pk, "Something on our side went wrong while the package was built." if last else "")


def _take(pk: UUID | str) -> bool:
    """Hold the draft for this worker, by compare-and-swap."""
    now = timezone.now()
    free = Release.objects.filter(pk=pk, status=ReleaseStatus.DRAFT, archive="", problem="").filter(
        Q(build_lease_until=None) | Q(build_lease_until__lt=now)
    )
    return bool(free.update(build_lease_until=now + LEASE, build_attempts=F("build_attempts") + 1))


def _give_up(pk: UUID | str, problem: str) -> None:
    Release.objects.filter(pk=pk, archive="").update(problem=problem, build_lease_until=None)


def ring_for_unbuilt() -> int:
    """Ring again for drafts whose bell was lost or whose worker died. Returns how many were rung for."""
    now = timezone.now()
    waiting = Release.objects.filter(
        Q(build_lease_until=None) | Q(build_lease_until__lt=now),
        status=ReleaseStatus.DRAFT,
        archive="",
        problem="",
        created_at__lt=now - PATIENCE,
    )
    worn_out = waiting.filter(build_attempts__gte=MAX_BUILD_ATTEMPTS)
    worn_out.update(problem="The worker that builds this package was stopped more than once.", build_lease_until=None)
    keys = list(waiting.values_list("pk", flat=True))
    with transaction.atomic():
        for pk in keys:
            enqueue(BUILD_TASK, str(pk))
    return len(keys)


def _build(release: Release) -> None:
    if release.items.exclude(
        image__source__status=SourceFileStatus.PASSED, image__source__batch__status=BatchStatus.ACCEPTED
    ).exists():
        _give_up(release.pk, "Images of this release were withdrawn or returned since it was prepared.")
        return
    Path(settings.STAGING).mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=settings.STAGING, prefix="release-", suffix=".zip") as handle:
        facts, images = describe(release)
        built = write_bag(
            handle,  # type: ignore[arg-type]
            name=facts.name,
            entries=_entries(release, facts, images),
            info={
                "Source-Organization": "GetDATA",
                "External-Identifier": facts.name,
                "External-Description": facts.title,
                "Bagging-Date": facts.date,
            },
        )
        handle.flush()
        size = handle.tell()
        handle.seek(0)
        digest = hashlib.file_digest(handle, "sha256").hexdigest()  # type: ignore[arg-type]
        handle.seek(0)
        key = f"releases/{release.pk}/{facts.name}.zip"
        storage.released().save(key, File(handle))
    if not _note_built(release, key, size, digest, built):
        storage.released().delete(key)  # the draft was discarded meanwhile


def _note_built(release: Release, key: str, size: int, digest: str, built: Built) -> bool:
    with transaction.atomic():
        noted = Release.objects.filter(pk=release.pk, archive="", status=ReleaseStatus.DRAFT).update(
            archive=key,
            archive_size=size,
            archive_sha256=digest,
            problem="",
            build_lease_until=None,
        )
        if not noted:
            return Release.objects.filter(pk=release.pk, archive=key).exists()
        ReleaseFile.objects.filter(release=release).delete()
        ReleaseFile.objects.bulk_create(
            (ReleaseFile(release=release, **asdict(file)) for file in built.files), batch_size=1000
        )
        record(
            verb="release.built",
            target=release,
            organization_id=release.request.organization_id,
            data={"sha256": digest, "bytes": size, "files": len(built.files)},
        )
        others = User.objects.filter(is_active=True).exclude(staff_role=User.StaffRole.NONE)
        notify(
            event="release.waits",
            users=others.exclude(pk=release.prepared_by_id),
            text=f"Release {release.number} of “{release.request.title}” waits for a second person.",
            url=reverse("release_detail", args=[release.pk]),
        )
    return True


# --- what the package says -------------------------------------------------------------------------------------------


def describe(release: Release) -> tuple[PackageFacts, list[ReleasedImage]]:
    """The facts of the release and of each image in it. No person and no hospital is named outside the terms."""
    version = release.request.current_version
    assert version is not None  # a request with accepted images was opened
    items = list(release.items.select_related("image__source__batch").prefetch_related("image__scores"))
    fulfillments = {item.image.source.batch.fulfillment_id for item in items}
    agreements = Agreement.objects.filter(offer__fulfillment__in=fulfillments)
    withheld = (
        SourceFile.objects.filter(
            batch__in={item.image.source.batch_id for item in items},
            status__in=[SourceFileStatus.REJECTED, SourceFileStatus.QUARANTINED, SourceFileStatus.FAILED],
        )
        .exclude(reason="")
        .values_list("reason")
        .order_by()
    )
    reasons: dict[str, int] = {}
    for (reason,) in withheld:
        reasons[reason] = reasons.get(reason, 0) + 1
    facts = PackageFacts(
        name=f"getdata-{release.request.slug}-v{release.number}",
        title=release.request.title,
        number=release.number,
        published_for=release.request.organization.name,
        date=release.created_at.date().isoformat(),
        spec=DatasetSpec.model_validate(version.document),
        spec_version=version.number,
        spec_sha256=version.sha256,
        terms="\n---\n\n".join(sorted({agreement.text.strip() + "\n" for agreement in agreements})),
        changes=_changes(release),
        withheld=reasons,
    )
    sites, labels = _sites(release), _labels(release)
    return facts, [_image(item, sites, labels) for item in items]


def _sites(release: Release) -> dict[Any, str]:
    """Fulfillment -> ``site-01``, counted over every delivery of the request: a site keeps its code later."""
    found: dict[Any, str] = {}
    codes: dict[Any, str] = {}
    rows = Fulfillment.objects.filter(request=release.request).order_by("created_at", "pk")
    for key, hospital in rows.values_list("pk", "hospital_id"):
        codes.setdefault(hospital, f"site-{len(codes) + 1:02}")
        found[key] = codes[hospital]
    return found


def _labels(release: Release) -> dict[Any, list[ReleasedLabel]]:
    """Image -> its labels, from tables that stand in accepted batches: a returned table says nothing any more."""
    rows = (
        Label.objects.standing()
        .filter(
            image__release_items__release=release,
            batch__status=BatchStatus.ACCEPTED,
        )
        .order_by("image", "finding", "state", "method", "reader")
    )
    found: dict[Any, list[ReleasedLabel]] = {}
    for label in rows.prefetch_related("annotations").iterator(chunk_size=2000):
        found.setdefault(label.image_id, []).append(
            ReleasedLabel(
                finding=label.finding,
                state=label.state,
                source=known_method(label.method),
                reader=label.reader,
                readers=label.readers,
                board_certified=label.board_certified,
                blind_to_report=label.blind_to_report,
                adjudication=label.adjudication,
                is_consensus=label.is_consensus,
                tool=label.tool,
                tool_version=label.tool_version,
                laterality=label.laterality,
                marks=tuple(
                    ReleasedMark(mark.kind, mark.box, mark.points, mark.mask) for mark in label.annotations.all()
                ),
            )
        )
    return found


def _mask(key: str) -> bytes | None:
    """The bytes of a stored mask, or None where it is not there any more."""
    store = storage.released()
    return storage.get(store, key) if store.exists(key) else None


def _changes(release: Release) -> list[str]:
    now = set(release.items.values_list("image_id", flat=True))
    previous = (
        release.request.releases.filter(number__lt=release.number)
        .exclude(status=ReleaseStatus.DRAFT)
        .order_by("-number")
        .first()
    )
    if previous is None:
        return [f"First release: {_images(len(now))}."]
    before = set(previous.items.values_list("image_id", flat=True))
    lines = [
        f"{_images(len(now - before))} added since release {previous.number}.",
        f"{_images(len(before - now))} removed.",
    ]
    if previous.status == ReleaseStatus.WITHDRAWN:
        lines.append(f"Release {previous.number} was withdrawn.")
    return lines


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"


def _image(item: ReleaseItem, sites: dict[Any, str], labels: dict[Any, list[ReleasedLabel]]) -> ReleasedImage:
    image = item.image
    score = next(iter(image.scores.all()), None)
    return ReleasedImage(
        path=item.path,
        sha256=item.sha256,
        site=sites[image.source.batch.fulfillment_id],
        facts=image.facts,
        quality_version=score.version if score else "",
        quality_total=score.total if score else None,
        quality_components=score.components if score else {},
        masks=len(image.masks),
        labels=labels.get(image.pk, []),
        deid=image.deid_record,
    )


def _entries(release: Release, facts: PackageFacts, images: list[ReleasedImage]) -> Iterator[Entry]:
    for path, data in {**documents(facts, images), **release_certificates(release)}.items():
        yield Entry(path, lambda data=data: data)  # type: ignore[misc]
    for path, data in label_files(facts.spec, images, _mask):
        yield Entry(path, lambda data=data: data)  # type: ignore[misc]
    for image in images:  # the objects of one image at a time
        for path, data in objects_of(image, facts.spec, _mask):
            yield Entry(path, lambda data=data: data)  # type: ignore[misc]
    for path, data in report_documents(release, facts.spec).items():
        yield Entry(path, lambda data=data: data)  # type: ignore[misc]
    wanted = [form for form in facts.spec.delivery.image_formats if form != ImageFormat.DICOM]
    for item in release.items.select_related("image").iterator(chunk_size=200):
        key = item.image.stored
        yield Entry(item.path, lambda key=key: storage.get(storage.released(), key), item.sha256)  # type: ignore[misc]
        for form in wanted:
            path = f"{form.value}/{item.path.removeprefix('dicom/').removesuffix('.dcm')}.png"
            yield Entry(path, lambda key=key, form=form: as_png(storage.get(storage.released(), key), form))  # type: ignore[misc]
