"""Releases: prepared by one reviewer, built by a worker, published by another reviewer, granted, downloaded, withdrawn."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import Count, Max
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import (
    AccessGrant,
    BatchStatus,
    DownloadEvent,
    Image,
    Release,
    ReleaseItem,
    ReleaseStatus,
    SourceFile,
    SourceFileStatus,
)
from fulfillment.release import Entry, PackageFacts, ReleasedImage, ReleasedLabel, documents, write_bag
from fulfillment.release.bag import DamagedEntry
from fulfillment.release.pictures import as_png
from fulfillment.services.independence import require_independent
from fulfillment.services.reviews import members_with
from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can, require_staff
from getdata.audit.chain import record
from getdata.common import storage
from getdata.common.problems import CannotDo
from getdata.common.queue import enqueue
from getdata.common.states import transition
from getdata.notifications.services import notify
from requests_app.models import DatasetRequest
from requests_app.spec import DatasetSpec, ImageFormat

logger = logging.getLogger("getdata.releases")
DEFAULT_GRANT_DAYS = 365


def accepted_images(request: DatasetRequest) -> Any:
    """The images of the request's accepted batches, in a fixed order."""
    return (
        Image.objects.live()
        .filter(source__batch__fulfillment__request=request, source__batch__status=BatchStatus.ACCEPTED)
        .select_related("series__study__patient", "source__batch__fulfillment")
        .order_by("source__batch__fulfillment__created_at", "source__batch__number", "source__number")
    )


def parties_of(request: DatasetRequest) -> list[Organization]:
    """The organization that asked and every hospital that delivers to it."""
    return [request.organization, *Organization.objects.filter(fulfillments__request=request).distinct()]


def prepare_release(*, request: DatasetRequest, actor: User) -> Release:
    """Collect every accepted image into a draft release and have a worker build its package."""
    require_independent(actor, *parties_of(request))
    with transaction.atomic():
        # Locks the request's row, so that two reviewers cannot take the same number.
        request = DatasetRequest.objects.select_for_update().get(pk=request.pk)
        if request.releases.filter(status=ReleaseStatus.DRAFT).exists():
            raise CannotDo(
                "A release of this request is already being prepared.",
                remedy="Publish that one first.",
                code="draft_exists",
            )
        images = list(accepted_images(request))
        if not images:
            raise CannotDo("No image of this request was accepted yet.", remedy="Review a batch first.", code="no_images")
        number = (request.releases.aggregate(n=Max("number"))["n"] or 0) + 1
        release = Release.objects.create(request=request, number=number, prepared_by=actor)
        ReleaseItem.objects.bulk_create(
            ReleaseItem(release=release, image=image, path=_path(image), sha256=image.output_sha256) for image in images
        )
        record(
            verb="release.prepared",
            target=release,
            actor=actor,
            organization_id=request.organization_id,
            data={"images": len(images), "number": number},
        )
        enqueue("fulfillment.build_release_task", str(release.pk))
    return release


def build_release(pk: object) -> None:
    """Write the package to storage and note its digest. Does nothing when it is built already; safe to repeat."""
    release = Release.objects.select_related("request__organization").get(pk=pk)
    if release.is_built or release.status != ReleaseStatus.DRAFT:
        return
    Path(settings.STAGING).mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.STAGING, prefix="release-", suffix=".zip") as handle:
        facts, images = _describe(release)
        try:
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
        except DamagedEntry:
            logger.exception("release.damaged", extra={"release": str(release.pk)})
            Release.objects.filter(pk=release.pk, archive="").update(problem="A stored image no longer has its bytes.")
            return
        handle.flush()
        size = handle.tell()
        handle.seek(0)
        digest = hashlib.file_digest(handle, "sha256").hexdigest()  # type: ignore[arg-type]
        handle.seek(0)
        key = f"releases/{release.pk}/{facts.name}.zip"
        storage.released().save(key, File(handle))
    with transaction.atomic():
        noted = Release.objects.filter(pk=release.pk, archive="", status=ReleaseStatus.DRAFT).update(
            archive=key, archive_size=size, archive_sha256=digest, manifest=built.manifest, problem=""
        )
        if noted:
            record(
                verb="release.built",
                target=release,
                organization_id=release.request.organization_id,
                data={"sha256": digest, "bytes": size, "files": len(built.manifest)},
            )
            others = User.objects.filter(staff_role__in=["reviewer", "administrator"]).exclude(pk=release.prepared_by_id)
            notify(
                event="release.waits",
                users=others,
                text=f"Release {release.number} of “{release.request.title}” waits for a second person.",
                url=reverse("release_detail", args=[release.pk]),
            )


def publish_release(*, release: Release, actor: User) -> Release:
    """Publish a built release and grant it to the organization that asked. A second person must do it."""
    require_independent(actor, *parties_of(release.request))
    if actor.pk == release.prepared_by_id:
        raise CannotDo(
            "You prepared this release.", remedy="A second reviewer must publish it.", code="second_person_needed"
        )
    if not release.is_built:
        raise CannotDo(
            release.problem or "The package is still being built.",
            remedy="Wait until it is built; this page says when.",
            code="not_built",
        )
    gone = release.items.exclude(image__source__status=SourceFileStatus.PASSED).count()
    if gone:
        raise CannotDo(
            f"{gone} image(s) of this release were withdrawn or returned since it was prepared.",
            remedy="Discard this draft and prepare the release again.",
            code="images_gone",
        )
    months = _spec(release).terms.retention_months
    expires = timezone.now() + timedelta(days=30 * months if months else DEFAULT_GRANT_DAYS)
    with transaction.atomic():
        published = transition(
            Release,
            release.pk,
            ReleaseStatus.DRAFT,
            ReleaseStatus.PUBLISHED,
            actor=actor,
            changes={"published_by": actor, "published_at": timezone.now()},
        )
        organization = release.request.organization
        grant = AccessGrant.objects.create(
            release=published, organization=organization, granted_by=actor, expires_at=expires
        )
        record(verb="grant.made", target=grant, actor=actor, organization_id=organization.pk)
        notify(
            event="release.published",
            users=members_with(organization, "download"),
            text=f"Release {release.number} of “{release.request.title}” is ready.",
            url=reverse("release_detail", args=[release.pk]),
        )
    return published


def discard_release(*, release: Release, actor: User) -> None:
    """Remove a draft that was never published; its images stay. The audit log keeps that it existed."""
    require_staff(actor)
    with transaction.atomic():
        removed = Release.objects.select_for_update().filter(pk=release.pk, status=ReleaseStatus.DRAFT).first()
        if removed is None:
            raise CannotDo("Only a draft can be discarded.", remedy="Withdraw a published release instead.", code="not_draft")
        record(verb="release.discarded", target=removed, actor=actor, organization_id=release.request.organization_id)
        removed.delete()
    if release.archive:
        storage.released().delete(release.archive)


def withdraw_release(*, release: Release, actor: User, reason: str) -> Release:
    """Withdraw a published release: its grants end at once."""
    require_staff(actor)
    if not reason.strip():
        raise CannotDo("Withdrawing needs a reason.", remedy="Say why, for the people who hold it.", code="no_reason")
    with transaction.atomic():
        withdrawn = transition(
            Release,
            release.pk,
            ReleaseStatus.PUBLISHED,
            ReleaseStatus.WITHDRAWN,
            actor=actor,
            changes={"status_note": reason.strip()},
        )
        withdrawn.grants.filter(revoked_at=None).update(revoked_at=timezone.now(), revoked_reason=reason.strip())
    return withdrawn


def live_grant(*, release: Release, user: User) -> AccessGrant | None:
    """The grant under which this person may download the release now, or None."""
    if release.status != ReleaseStatus.PUBLISHED:
        return None
    for grant in release.grants.filter(revoked_at=None).select_related("organization"):
        if grant.is_live and can(user, "download", grant.organization):
            return grant
    return None


def note_download(*, grant: AccessGrant, user: User, path: str, first_byte: int) -> DownloadEvent:
    """Write the download into the custody ledger before a byte leaves."""
    with transaction.atomic():
        event = DownloadEvent.objects.create(grant=grant, user=user, path=path, first_byte=first_byte)
        record(
            verb="release.downloaded",
            target=grant.release,
            actor=user,
            organization_id=grant.organization_id,
            data={"first_byte": first_byte},
        )
    return event


def _path(image: Image) -> str:
    study = image.series.study
    return (
        f"dicom/{study.patient.pseudonym}/{study.study_instance_uid}/"
        f"{image.series.series_instance_uid}/{image.sop_instance_uid}.dcm"
    )


def _spec(release: Release) -> DatasetSpec:
    version = release.request.current_version
    assert version is not None  # a request with accepted images was opened
    return DatasetSpec.model_validate(version.document)


def _describe(release: Release) -> tuple[PackageFacts, list[ReleasedImage]]:
    version = release.request.current_version
    assert version is not None
    items = list(
        release.items.select_related("image__source__batch__fulfillment__offer__agreement").prefetch_related(
            "image__labels", "image__scores"
        )
    )
    sites: dict[Any, str] = {}
    for item in sorted(items, key=lambda item: str(item.image.source.batch.fulfillment.hospital_id)):
        sites.setdefault(item.image.source.batch.fulfillment.hospital_id, f"site-{len(sites) + 1:02}")
    withheld = (
        SourceFile.objects.filter(batch__in={item.image.source.batch_id for item in items})
        .exclude(reason="")
        .values_list("reason")
        .annotate(n=Count("pk"))
        .order_by()
    )
    agreements = {item.image.source.batch.fulfillment.offer.agreement for item in items}
    terms = "\n\n---\n\n".join(sorted(agreement.text for agreement in agreements))
    previous = release.request.releases.filter(number__lt=release.number).order_by("-number").first()
    facts = PackageFacts(
        name=f"getdata-{release.request.slug}-v{release.number}",
        title=release.request.title,
        number=release.number,
        published_for=release.request.organization.name,
        date=release.created_at.date().isoformat(),
        spec=_spec(release),
        spec_sha256=version.sha256,
        terms=terms + "\n",
        changes=_changes(release, previous),
        withheld=dict(withheld),
    )
    return facts, [_image(item, sites) for item in items]


def _changes(release: Release, previous: Release | None) -> list[str]:
    now = set(release.items.values_list("image_id", flat=True))
    if previous is None:
        return [f"First release: {len(now)} images."]
    before = set(previous.items.values_list("image_id", flat=True))
    return [f"{len(now - before)} images added since release {previous.number}.", f"{len(before - now)} images removed."]


def _image(item: ReleaseItem, sites: dict[Any, str]) -> ReleasedImage:
    image = item.image
    score = next(iter(image.scores.all()), None)
    return ReleasedImage(
        path=item.path,
        sha256=item.sha256,
        site=sites[image.source.batch.fulfillment.hospital_id],
        facts=image.facts,
        quality_version=score.version if score else "",
        quality_total=score.total if score else 0.0,
        quality_components=score.components if score else {},
        masks=len(image.masks),
        labels=[
            ReleasedLabel(label.finding, label.state, label.source_method, label.reader) for label in image.labels.all()
        ],
        deid=image.deid_record,
    )


def _entries(release: Release, facts: PackageFacts, images: list[ReleasedImage]) -> Iterator[Entry]:
    for path, data in documents(facts, images).items():
        yield Entry(path, lambda data=data: data)  # type: ignore[misc]
    wanted = [form for form in facts.spec.delivery.image_formats if form != ImageFormat.DICOM]
    for item in release.items.select_related("image").iterator(chunk_size=200):
        key = item.image.stored
        yield Entry(item.path, lambda key=key: storage.get(storage.released(), key), item.sha256)  # type: ignore[misc]
        for form in wanted:
            path = f"{form.value}/{item.path.removeprefix('dicom/').removesuffix('.dcm')}.png"
            yield Entry(path, lambda key=key, form=form: as_png(storage.get(storage.released(), key), form))  # type: ignore[misc]


def downloads_for(*, release: Release, user: User) -> Any:
    """The custody ledger of a release, for staff and for the organizations that hold it; others see nothing."""
    events = DownloadEvent.objects.filter(grant__release=release).select_related("user", "grant__organization")
    if user.is_reviewer:
        return events
    return events.filter(grant__organization__memberships__user=user)
