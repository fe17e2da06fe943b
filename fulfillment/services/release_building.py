"""Building the package of a draft release: one worker at a time, in constant memory, going on where a killed one stopped."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import BatchStatus, Image, Release, ReleaseItem, ReleaseStatus, SourceFileStatus
from fulfillment.release import (
    BagWriter,
    DamagedEntry,
    Entry,
    PackageFacts,
    ReleasedImage,
    as_png,
    made_of,
    masks_of,
    objects_of,
    tag_entries,
)
from fulfillment.services.legal import release_standings, require_lawful, survey
from fulfillment.services.release_documents import document_entries
from fulfillment.services.release_facts import images_to_write, load_mask, release_facts
from fulfillment.services.release_ledger import FIRST_IMAGES, MAX_BUILD_ATTEMPTS, LeaseLost, Ledger, let_go, take
from fulfillment.services.release_reports import report_texts
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common import storage
from getdata.common.growing import GrowingObject, abandon, grow
from getdata.common.problems import CannotDo
from getdata.common.queue import enqueue
from getdata.notifications.services import notify
from requests_app.spec import ImageFormat

logger = logging.getLogger("getdata.releases")
BUILD_TASK = "fulfillment.build_release_task"
#: How long the first bell may take before the sweeper rings again.
PATIENCE = timedelta(minutes=2)
#: A worker's turn, well inside the task's time limit: then it rings for the next one.
TURN = timedelta(minutes=45)
#: Notes are written after so many entries or bytes: what is written again after a kill is at most that.
_ENTRIES, _BYTES = 500, 256 * 1024 * 1024


class TurnOver(Exception):
    """The worker's time is up; the package goes on in the next turn."""


def build_release(pk: UUID | str) -> None:
    """Write the package to storage and note its digest. Does nothing when it is built or another worker is at it."""
    token = take(pk)
    if token is None:
        return
    release = Release.objects.select_related("request__organization").get(pk=pk)
    try:
        _build(release, token)
    except TurnOver:
        let_go(pk, token)
        with transaction.atomic():
            enqueue(BUILD_TASK, str(pk))
    except LeaseLost:
        logger.info("release.lease_lost", extra={"release": str(pk)})
        if not Release.objects.filter(pk=pk).exists():  # the draft was discarded meanwhile
            discard_staged(release)
    except DamagedEntry:
        logger.exception("release.damaged", extra={"release": str(pk)})
        let_go(pk, token, "A stored image no longer has the bytes it had when it was accepted.")
    except Exception:
        # Whatever broke (an outage, a bug), the people who wait must see it: a draft never stays "being built".
        logger.exception("release.broke", extra={"release": str(pk)})
        # Before the last attempt the sweeper rings again.
        last = Release.objects.filter(pk=pk, build_attempts__gte=MAX_BUILD_ATTEMPTS).exists()
        let_go(pk, token, "Something on our side went wrong while the package was built." if last else "")


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


def images_written(release: Release) -> int:
    """How many images of a draft are in its package so far: for a page to say how far it is."""
    return release.files.filter(path__startswith=FIRST_IMAGES).count()


def discard_staged(release: Release) -> None:
    """Take away what was written of a package that nobody wants any more."""
    abandon(storage.released(), _key(release), token=str(release.build_state.get("upload", "")))
    for folder in _folders(release):
        shutil.rmtree(folder, ignore_errors=True)


def _key(release: Release) -> str:
    return f"releases/{release.pk}/getdata-{release.request.slug}-v{release.number}.zip"


def _folders(release: Release) -> list[Path]:
    return list(Path(settings.STAGING).glob(f"release-{release.pk}-*"))


def _build(release: Release, token: UUID) -> None:
    if release.items.exclude(
        image__source__status=SourceFileStatus.PASSED, image__source__batch__status=BatchStatus.ACCEPTED
    ).exists():
        let_go(release.pk, token, "Images of this release were withdrawn or returned since it was prepared.")
        return
    ledger = Ledger(release, token)
    try:
        survey(Image.objects.filter(release_items__release=release), ledger.alive)
        require_lawful(release_standings(release), read=True)
    except CannotDo as refusal:
        let_go(release.pk, token, f"{refusal.message} {refusal.remedy}"[:200])
        return
    for left in _folders(release):  # of a worker that was killed
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(settings.STAGING) / f"release-{release.pk}-{token}"
    folder.mkdir(parents=True, mode=0o700)
    try:
        _write(release, ledger, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(release: Release, ledger: Ledger, folder: Path) -> None:
    facts = release_facts(release)
    upload = str(release.build_state.get("upload", ""))
    growing = grow(storage.released(), _key(release), token=upload, expected=_expected(release, facts))
    at, reached = ledger.resume(growing)
    earlier = growing.so_far(at)
    with BagWriter(growing, facts.name, at=at) as bag:
        bag.skip(_told(earlier, ledger) if earlier is not None else ())
        growing.begin(at)
        entries = _payload(release, facts, ledger, folder, reached)
        _add_all(bag, entries, ledger, growing, folder_name="data/")
        tags = tag_entries(_info(facts), ledger.payload, folder)
        _add_all(bag, tags, ledger, growing)
        digest = bag.close(ledger.files())
        size = bag.at
    growing.finish()
    if earlier is None:  # what was there could not be read before
        digest = _digest_of(_key(release), size, ledger)
    _note_built(release, ledger, size, digest)


def _add_all(
    bag: BagWriter, entries: Iterator[Entry], ledger: Ledger, growing: GrowingObject, *, folder_name: str = ""
) -> None:
    """Write entries but for those that are there, noting them as it goes. Raises ``TurnOver`` and ``LeaseLost``."""
    began = monotonic()
    noted_at = bag.at
    may_stop = bool(ledger.done)  # documents are made in one turn: without an image there is nothing to go on from
    for entry in entries:
        path = f"{folder_name}{entry.path}"
        if path in ledger.done:
            continue
        ledger.note(bag.add(Entry(path, entry.read, entry.sha256)))
        ledger.alive()
        may_stop |= path.startswith(FIRST_IMAGES)
        if ledger.waiting >= _ENTRIES or bag.at - noted_at >= _BYTES:
            ledger.secure(growing)
            noted_at = bag.at
            if may_stop and monotonic() - began > TURN.total_seconds():
                raise TurnOver
    ledger.secure(growing)


def _payload(release: Release, facts: PackageFacts, ledger: Ledger, folder: Path, reached: int) -> Iterator[Entry]:
    """What is below ``data/``, in its order: documents, then each image with what belongs to it, then reports."""
    if not reached:
        yield from document_entries(release, facts, folder, ledger.alive)
    forms: list[ImageFormat] = [form for form in facts.spec.delivery.image_formats if form != ImageFormat.DICOM]
    for item, image in images_to_write(release, made_of(facts.spec), after=max(0, reached - 1)):
        yield from _of_image(item, image, facts, forms)
    yield from report_texts(release, facts.spec)


def _of_image(
    item: ReleaseItem, image: ReleasedImage | None, facts: PackageFacts, forms: list[ImageFormat]
) -> Iterator[Entry]:
    """The image, its PNGs, its labels as DICOM objects and its masks. Its bytes are read once.

    ``image`` is None where there is nothing to make of what is known of it.
    """
    key = item.image.stored
    held: list[bytes] = []

    def stored() -> bytes:
        if not held:
            held.append(storage.get(storage.released(), key))
        return held[0]

    yield Entry(item.path, stored, item.sha256)
    for form in forms:
        path = f"{form.value}/{item.path.removeprefix('dicom/').removesuffix('.dcm')}.png"
        yield Entry(path, lambda form=form: as_png(stored(), form))  # type: ignore[misc]
    if image is None:
        return
    for path, data in objects_of(image, facts.spec, load_mask, facts.date):
        yield Entry(path, lambda data=data: data)  # type: ignore[misc]
    for path, data in masks_of(image, facts.spec.taxonomy(), load_mask):
        yield Entry(path, lambda data=data: data)  # type: ignore[misc]


def _info(facts: PackageFacts) -> dict[str, str]:
    return {
        "Source-Organization": "GetDATA",
        "External-Identifier": facts.name,
        "External-Description": facts.title,
        "Bagging-Date": facts.date,
    }


def _expected(release: Release, facts: PackageFacts) -> int:
    """About how large the package will be: the same each time."""
    images = release.items.aggregate(bytes=Sum("image__size"))["bytes"] or 0
    return int(images) * len({ImageFormat.DICOM, *facts.spec.delivery.image_formats}) + 64 * 1024 * 1024


def _told(blocks: Iterator[bytes], ledger: Ledger) -> Iterator[bytes]:
    for block in blocks:
        ledger.alive()
        yield block


def _digest_of(key: str, size: int, ledger: Ledger) -> str:
    digest = hashlib.sha256()
    for block in _told(storage.read_range(storage.released(), key, 0, size), ledger):
        digest.update(block)
    return digest.hexdigest()


def _note_built(release: Release, ledger: Ledger, size: int, digest: str) -> None:
    try:
        with transaction.atomic():
            ledger.secure_all()
            Release.objects.filter(pk=release.pk, build_token=ledger.token).update(
                archive=_key(release),
                archive_size=size,
                archive_sha256=digest,
                problem="",
                build_lease_until=None,
                build_token=None,
                build_state={},
            )
            files = release.files.count()
            _tell(release, digest, size, files)
    except LeaseLost:
        if not Release.objects.filter(pk=release.pk).exists():
            storage.released().delete(_key(release))
        raise


def _tell(release: Release, digest: str, size: int, files: int) -> None:
    record(
        verb="release.built",
        target=release,
        organization_id=release.request.organization_id,
        data={"sha256": digest, "bytes": size, "files": files},
    )
    others = User.objects.filter(is_active=True).exclude(staff_role=User.StaffRole.NONE)
    notify(
        event="release.waits",
        users=others.exclude(pk=release.prepared_by_id),
        text=f"Release {release.number} of “{release.request.title}” waits for a second person.",
        url=reverse("release_detail", args=[release.pk]),
    )
