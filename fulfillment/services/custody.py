"""The custody ledger: what is written before a byte leaves, and who may read it."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from fulfillment.models import (
    AccessGrant,
    DownloadedFile,
    DownloadEvent,
    Release,
    ReleaseFile,
    ReleaseItem,
    WithdrawnImage,
)
from getdata.accounts.models import Organization, User
from getdata.audit.chain import record
from getdata.common.problems import CannotDo

#: Folder of the payload that holds the images themselves; what was made from one has its path in another folder.
_IMAGES = "dicom/"


def note_download(*, grant: AccessGrant, user: User, path: str, first_byte: int) -> DownloadEvent:
    """Write a download of the archive into the custody ledger before a byte leaves."""
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


def note_file(
    *, grant: AccessGrant, user: User, file: ReleaseFile, first_byte: int, size: int, session: str = ""
) -> DownloadedFile:
    """Write a file, or ``size`` bytes of it, into the ledger before a byte leaves.

    ``session`` is what one run of a program calls itself; without one, a day is a session. The audit log tells of the
    session when it begins; the ledger of every file in it.
    """
    event = _session(grant, user, session or timezone.now().date().isoformat())
    return DownloadedFile.objects.create(event=event, file=file, item=image_of(file), first_byte=first_byte, size=size)


def _session(grant: AccessGrant, user: User, session: str) -> DownloadEvent:
    known = DownloadEvent.objects.filter(grant=grant, user=user, session=session)
    found = known.first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            event = DownloadEvent.objects.create(grant=grant, user=user, path="", session=session)
            record(
                verb="release.pull_began",
                target=grant.release,
                actor=user,
                organization_id=grant.organization_id,
                data={"event": str(event.pk)},
            )
    except IntegrityError:
        return known.get()  # another connection of the same run was faster
    return event


def taken_back(release: Release) -> int:
    """How many images of the release were withdrawn since it was made."""
    return release.items.filter(image__taken_back__isnull=False).count()


def require_given_out(release: Release, file: ReleaseFile | None = None) -> None:
    """Nothing of what was withdrawn leaves: not the archive (``file`` None), no file made from such an image, no table or report
    that may speak of one. Raises ``CannotDo``."""
    gone = taken_back(release)
    if not gone:
        return
    item = image_of(file) if file is not None else None
    if item is not None and not WithdrawnImage.objects.filter(image=item.image_id).exists():
        return
    raise CannotDo(
        f"{gone:,} {'image' if gone == 1 else 'images'} of this release {'was' if gone == 1 else 'were'} withdrawn: only the "
        "files of other images are given out.",
        remedy="Take the next version of this release, and destroy your copies of what was withdrawn.",
        code="images_withdrawn",
    )


def image_of(file: ReleaseFile) -> ReleaseItem | None:
    """The image that a file is or was made from: its path but for the folder and the ending."""
    folder, _, rest = file.path.removeprefix("data/").partition("/")
    stem, _, _ = rest.rpartition(".")
    if not folder or "/" not in stem:
        return None
    return ReleaseItem.objects.filter(release_id=file.release_id, path=f"{_IMAGES}{stem}.dcm").first()


def ledger(*, release: Release, user: User) -> QuerySet[DownloadEvent]:
    """The ledger's lines that this person may read, newest first, each with ``files``, ``bytes`` and ``until``.

    Staff see all; an organization what its members took; a hospital every line in which an image of its own left, with
    ``own``: how many of its images. An archive holds all of them.
    """
    mine = Organization.objects.filter(memberships__user=user)
    lines = DownloadEvent.objects.filter(grant__release=release).select_related("user", "grant__organization")
    if not user.is_reviewer:
        held: Any = Q(grant__organization__in=mine)
        of_theirs = DownloadedFile.objects.filter(event=OuterRef("pk"), item__in=_owned(release, user))
        if _owned(release, user).exists():
            held |= ~Q(path="") | Exists(of_theirs)
        lines = lines.filter(held)
    return lines.annotate(
        taken=Count("files__file", distinct=True),
        bytes=Coalesce(Sum("files__size"), 0),
        until=Coalesce(Max("files__created_at"), F("created_at")),
    ).order_by("-created_at")


def _owned(release: Release, user: User) -> QuerySet[ReleaseItem]:
    """The images of the release that came from hospitals of this person."""
    mine = Organization.objects.filter(memberships__user=user)
    return release.items.filter(image__source__batch__fulfillment__hospital__in=mine)


def own_images(*, release: Release, user: User, lines: list[DownloadEvent]) -> dict[Any, int]:
    """Ledger line -> how many images of the person's hospitals left in it; those of whole archives are all there are."""
    owned = _owned(release, user)
    whole = owned.count()
    taken = dict(
        DownloadedFile.objects.filter(event__in=lines, item__in=owned)
        .values_list("event")
        .annotate(images=Count("item", distinct=True))
        .order_by()
    )
    return {line.pk: whole if line.path else taken.get(line.pk, 0) for line in lines}


def downloads_for(*, release: Release, user: User) -> QuerySet[DownloadEvent]:
    """The lines that staff and the organizations that hold the release see on its page; others see none there."""
    lines = ledger(release=release, user=user)
    mine = Organization.objects.filter(memberships__user=user)
    return lines if user.is_reviewer else lines.filter(grant__organization__in=mine)
