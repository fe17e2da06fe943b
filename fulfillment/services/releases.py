"""Releases: prepared by one reviewer, published by another, withdrawn when something is wrong with them."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import (
    NOT_OUT,
    Batch,
    BatchStatus,
    Image,
    Release,
    ReleaseItem,
    ReleaseStatus,
)
from fulfillment.models.imaging import path_in_release
from fulfillment.services.freezes import what_stops_batch
from fulfillment.services.grants import downloads_for, live_grant, note_download
from fulfillment.services.independence import require_independent
from fulfillment.services.legal import require_lawful, standings
from fulfillment.services.release_building import (
    BUILD_TASK,
    MAX_BUILD_ATTEMPTS,
    build_release,
    discard_staged,
    ring_for_unbuilt,
)
from fulfillment.services.release_window import (
    approve,
    images_gone,
    make_live,
    parties_of,
    require_fit_to_leave,
    require_may_release,
    require_round,
    what_bars_releasing,
    window,
)
from fulfillment.services.reviews import members_with
from fulfillment.services.withdrawals import recall
from getdata.accounts.models import User
from getdata.accounts.permissions import require_staff
from getdata.audit.chain import record
from getdata.common import storage
from getdata.common.problems import CannotDo
from getdata.common.queue import enqueue
from getdata.common.states import transition
from getdata.notifications.services import notify
from requests_app.models import Agreement, DatasetRequest

__all__ = [
    "MAX_BUILD_ATTEMPTS",
    "accepted_images",
    "build_again",
    "build_release",
    "discard_release",
    "downloads_for",
    "images_gone",
    "live_grant",
    "note_download",
    "parties_of",
    "prepare_release",
    "publish_release",
    "ring_for_unbuilt",
    "what_bars_releasing",
    "withdraw_release",
]


def accepted_images(request: DatasetRequest) -> Any:
    """The images of the request's accepted batches, in a fixed order."""
    return (
        Image.objects.live()
        .filter(source__batch__fulfillment__request=request, source__batch__status=BatchStatus.ACCEPTED)
        .select_related("series__study__patient", "source__batch__fulfillment")
        .order_by("source__batch__fulfillment__created_at", "source__batch__number", "source__number")
    )


def prepare_release(*, request: DatasetRequest, actor: User) -> Release:
    """Collect every accepted image into a draft release and have a worker build its package.

    Raises ``CannotDo``, also where what the files keep does not fit the class that was agreed.
    """
    require_may_release(actor, request)
    with transaction.atomic():
        # Locks the request's row, so that two reviewers cannot take the same number.
        request = (
            DatasetRequest.objects.select_for_update(of=("self",)).select_related("organization").get(pk=request.pk)
        )
        if request.releases.filter(status__in=NOT_OUT).exists():
            raise CannotDo(
                "A release of this request is already being prepared.",
                remedy="Publish or discard that one first.",
                code="draft_exists",
            )
        images = accepted_images(request)
        if not images.exists():
            raise CannotDo(
                "No image of this request was accepted yet.", remedy="Review a batch first.", code="no_images"
            )
        _require_signed_terms(images)
        require_lawful(standings(images), read=False)
        _require_not_stopped(images)
        number = (request.releases.aggregate(n=Max("number"))["n"] or 0) + 1
        release = Release.objects.create(request=request, number=number, prepared_by=actor)
        count = _collect(release, images)
        record(
            verb="release.prepared",
            target=release,
            actor=actor,
            organization_id=request.organization_id,
            data={"images": count, "number": number},
        )
        enqueue(BUILD_TASK, str(release.pk))
    return release


def _collect(release: Release, images: Any) -> int:
    """One item an image, numbered by its path in the package: a patient's images lie together. Returns how many."""
    rows = images.order_by().values_list(
        "pk",
        "output_sha256",
        "series__study__patient__pseudonym",
        "series__study__study_instance_uid",
        "series__series_instance_uid",
        "sop_instance_uid",
    )
    found = sorted((path_in_release(*uids), digest, pk) for pk, digest, *uids in rows.iterator(chunk_size=2000))
    ReleaseItem.objects.bulk_create(
        (
            ReleaseItem(release=release, image_id=pk, number=number, path=path, sha256=digest)
            for number, (path, digest, pk) in enumerate(found, start=1)
        ),
        batch_size=1000,
    )
    return len(found)


def _require_signed_terms(images: Any) -> None:
    """No image leaves without the agreement it was delivered under."""
    offers = set(images.order_by().values_list("source__batch__fulfillment__offer", flat=True).distinct())
    signed = [
        agreement.offer_id
        for agreement in Agreement.objects.filter(offer__in=offers).prefetch_related("signatures")
        if len(agreement.signatures.all()) == 2
    ]
    if offers - set(signed):
        raise CannotDo(
            "Images of this request were delivered without an agreement that both parties signed.",
            remedy="Treat it as an incident: nothing of this request can be released before it is settled.",
            code="agreement_missing",
        )


def _require_not_stopped(images: Any) -> None:
    """No image leaves whose batch or hospital an incident stops."""
    batches = images.order_by().values("source__batch")
    for batch in Batch.objects.filter(pk__in=batches).select_related("fulfillment"):
        stopped = what_stops_batch(batch)
        if stopped is not None:
            raise CannotDo(f"Batch {batch.number}: {stopped.message}", remedy=stopped.remedy, code=stopped.code)


def build_again(*, release: Release, actor: User) -> None:
    """Try once more to build a draft whose package failed."""
    require_staff(actor)
    with transaction.atomic():
        fresh = Release.objects.filter(pk=release.pk, status=ReleaseStatus.DRAFT, archive="").exclude(problem="")
        if not fresh.update(problem="", build_attempts=0, build_lease_until=None):
            raise CannotDo(
                "This package is built or being built.",
                remedy="Reload the page to see where it stands.",
                code="not_failed",
            )
        record(verb="release.build_again", target=release, actor=actor, organization_id=release.request.organization_id)
        enqueue(BUILD_TASK, str(release.pk))


def publish_release(*, release: Release, actor: User, seen: int | None = None) -> Release:
    """The second person's word: a built draft goes live, and is granted to the organization that asked, when the time in which
    it can be undone is over (``release_window``).

    ``seen`` is the round that the person's page showed: a page from before an undo decides nothing. Raises ``CannotDo`` or
    ``StaleState``.
    """
    require_may_release(actor, release.request)
    now = timezone.now()
    with transaction.atomic():
        # The row is locked, so that nothing is published that a colleague discards at the same moment.
        release = _locked_draft(release, "Only a draft can be published.")
        require_round(release, seen)
        if actor.pk == release.prepared_by_id:
            raise CannotDo(
                "You prepared this release.", remedy="A second reviewer must publish it.", code="second_person_needed"
            )
        if not release.is_built:
            raise CannotDo(
                release.problem or "The package is still being built.",
                remedy="Wait until it is built; this page says when." if not release.problem else "Build it again.",
                code="not_built",
            )
        require_fit_to_leave(release)
        approve(release=release, actor=actor, now=now)
        if not window():
            make_live(release.pk, now)
    return Release.objects.select_related("request__organization").get(pk=release.pk)


def discard_release(*, release: Release, actor: User) -> None:
    """Throw away a draft that was never published."""
    require_independent(actor, *parties_of(release.request))
    with transaction.atomic():
        draft = _locked_draft(release, "Only a draft can be discarded.")
        archive = draft.archive
        staged = copy(draft)
        record(verb="release.discarded", target=draft, actor=actor, organization_id=draft.request.organization_id)
        draft.delete()
    if archive:
        storage.released().delete(archive)
    else:
        discard_staged(staged)


def _locked_draft(release: Release, otherwise: str) -> Release:
    draft = (
        Release.objects.select_for_update(of=("self",))
        .select_related("request__organization")
        .filter(pk=release.pk, status=ReleaseStatus.DRAFT)
        .first()
    )
    if draft is None:
        raise CannotDo(otherwise, remedy="Reload the page to see where this release stands.", code="not_draft")
    return draft


def withdraw_release(*, release: Release, actor: User, reason: str) -> Release:
    """Withdraw a published release: its grants end at once, and everyone who holds it is told.

    Any member of staff may: stopping a release must not wait for an independent colleague.
    """
    require_staff(actor)
    reason = reason.strip()
    if not reason:
        raise CannotDo("Withdrawing needs a reason.", remedy="Say why, for the people who hold it.", code="no_reason")
    with transaction.atomic():
        withdrawn = transition(
            Release,
            release.pk,
            ReleaseStatus.PUBLISHED,
            ReleaseStatus.WITHDRAWN,
            actor=actor,
            changes={"status_note": reason},
        )
        grants = list(withdrawn.grants.filter(revoked_at=None).select_related("organization"))
        withdrawn.grants.filter(revoked_at=None).update(
            revoked_at=timezone.now(), revoked_by=actor, revoked_reason=reason
        )
        for grant in grants:
            record(verb="grant.revoked", target=grant, actor=actor, organization_id=grant.organization_id)
        holders = {user.pk: user for grant in grants for user in members_with(grant.organization, "download")}
        notify(
            event="release.withdrawn",
            users=holders.values(),
            text=f"Release {withdrawn.number} of “{withdrawn.request.title}” was withdrawn. Destroy your copies and attest it.",
            url=reverse("release_detail", args=[withdrawn.pk]),
        )
        recall(release=withdrawn, actor=actor, reason=reason)
    return withdrawn
