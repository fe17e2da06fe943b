"""Who builds a package, and what of it is written: one worker at a time by a lease, each entry noted once its bytes are safe.

A worker that is killed leaves its lease to run out, its notes and the bytes: the next one goes on behind the last entry that was
noted. Entries are the same each time, so a worker that only slept and writes on does no harm; its notes are refused.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from itertools import chain
from time import monotonic
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from fulfillment.models import Release, ReleaseFile, ReleaseStatus
from fulfillment.release import Written
from getdata.common.growing import GrowingObject

#: How long a worker may be silent. It says that it lives every half minute.
LEASE = timedelta(minutes=5)
_ALIVE = 30.0
MAX_BUILD_ATTEMPTS = 3
#: Raise it when the bytes of packages change: one that was begun under another number begins anew.
LAYOUT = 1
#: Where the images begin: what comes before them is made anew unless all of it was written.
FIRST_IMAGES = "data/dicom/"
_PAYLOAD = "data/"


class LeaseLost(Exception):
    """Another worker has taken over, or the draft is gone."""


def take(pk: UUID | str) -> UUID | None:
    """Hold the draft for this worker, by compare-and-swap. Returns the token of the lease, None where there is nothing to do."""
    now, token = timezone.now(), uuid.uuid4()
    free = Release.objects.filter(pk=pk, status=ReleaseStatus.DRAFT, archive="", problem="").filter(
        Q(build_lease_until=None) | Q(build_lease_until__lt=now)
    )
    taken = free.update(build_lease_until=now + LEASE, build_attempts=F("build_attempts") + 1, build_token=token)
    return token if taken else None


def let_go(pk: UUID | str, token: UUID, problem: str = "") -> None:
    """End the lease; with ``problem`` the draft waits for a person."""
    Release.objects.filter(pk=pk, archive="", build_token=token).update(problem=problem, build_lease_until=None)


@dataclass
class Ledger:
    """What one worker knows of the package it builds. ``done``: paths from the last image on that are there already."""

    release: Release
    token: UUID
    done: set[str] = field(default_factory=set)
    _pending: list[Written] = field(default_factory=list)
    _said: float = 0.0

    def resume(self, growing: GrowingObject) -> tuple[int, int]:
        """Where writing goes on: the byte, and the number of the last image of which something is there (0: begin).

        Notes of bytes that are not there are taken away, and so are the bag's own files.
        """
        rows = self.release.files.all()
        same = self.release.build_state == {"layout": LAYOUT, "upload": growing.token}
        last = rows.filter(path__startswith=FIRST_IMAGES).order_by("-offset") if same else rows.none()
        kept = next((row for row in last.iterator() if row.offset + row.size <= growing.secured), None)
        item = self.release.items.filter(path=kept.path.removeprefix(_PAYLOAD)).first() if kept else None
        if kept is None or item is None:
            rows.delete()
            Release.objects.filter(pk=self.release.pk, build_token=self.token).update(
                build_state={"layout": LAYOUT, "upload": growing.token}
            )
            return 0, 0
        at = kept.offset + kept.size
        for row in rows.filter(offset__gte=kept.offset):
            if row.offset + row.size > growing.secured or not row.path.startswith(_PAYLOAD):
                rows.filter(offset__gte=row.offset).delete()
                break
            at = row.offset + row.size
            self.done.add(row.path)
        return at, item.number

    def note(self, written: Written) -> None:
        """An entry was written; it is kept in the table once its bytes are safe."""
        self._pending.append(written)

    @property
    def waiting(self) -> int:
        """How many entries are not noted yet."""
        return len(self._pending)

    def alive(self, *, quiet_for: timedelta = timedelta(0)) -> None:
        """Say that this worker lives, every half minute; before a long silence, how long it will be. Raises ``LeaseLost``."""
        if quiet_for or monotonic() - self._said > _ALIVE:
            self._renew(LEASE + quiet_for, grown=False)

    def secure(self, growing: GrowingObject) -> None:
        """Note what is safe. Raises ``LeaseLost``."""
        safe = growing.secure()
        self._note([file for file in self._pending if file.end <= safe])

    def secure_all(self) -> None:
        """The archive is in its place: everything is safe. Raises ``LeaseLost``."""
        self._note(self._pending)

    def _note(self, files: list[Written]) -> None:
        with transaction.atomic():
            self._renew(LEASE, grown=bool(files))  # holds the row: nobody takes over before the notes are there
            ReleaseFile.objects.bulk_create(
                (ReleaseFile(release_id=self.release.pk, **asdict(file)) for file in files), batch_size=1000
            )
        self._pending = self._pending[len(files) :]

    def _renew(self, lease: timedelta, *, grown: bool) -> None:
        held = Release.objects.filter(
            pk=self.release.pk, build_token=self.token, status=ReleaseStatus.DRAFT, archive=""
        )
        changes = {"build_attempts": 0} if grown else {}
        if not held.update(build_lease_until=timezone.now() + lease, **changes):
            raise LeaseLost
        self._said = monotonic()

    def files(self) -> Iterator[Written]:
        """Every entry so far, in its order."""
        rows = self.release.files.order_by("offset").values_list("path", "size", "sha256", "crc32", "offset")
        return chain((Written(*row) for row in rows.iterator(chunk_size=2000)), tuple(self._pending))

    def payload(self) -> Iterator[Written]:
        return (file for file in self.files() if file.path.startswith(_PAYLOAD))
