"""Looking for each image among all others, after it was stored: a task of its own, which the sweeper rings for again.

The rows are the truth: an image without a fingerprint, or with one that was never compared, is work to do. The index in a
process's memory is a cache of the rows. An image's own row is committed before it is looked for, so of two that come at the
same time at least the later one sees the other.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from PIL import Image as PillowImage

from fulfillment.duplicates import verify as second_look
from fulfillment.duplicates.fingerprint import VERSION, Fingerprint, Query, as_bytes, fingerprint, from_bytes
from fulfillment.duplicates.folder import between
from fulfillment.duplicates.index import Candidate, HashIndex
from fulfillment.duplicates.picture import Frame, NoPicture, Picture, framed_picture
from fulfillment.models import DuplicateHit, Image, ImageFingerprint
from getdata.common import storage
from getdata.common.queue import ring

logger = logging.getLogger("getdata.duplicates")
HIT_VERSION = f"{VERSION}+{second_look.VERSION}"

#: Candidates that are looked at: as many in a row as may prove different before the rest is left, and in all.
_PATIENCE, _MOST = 8, 60
#: Rows committed this far behind the newest are looked for again: a number is given before its row is committed.
_BEHIND = 2_000
_READ = 5_000
_SAVE_EVERY = 20_000


class _Cache:
    """The index of this process and how far it has read."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self.forget()

    def search(self, query: Query) -> list[Candidate]:
        """Candidates among every row that is committed now, nearest first."""
        with self._one_at_a_time:
            return self.caught_up().search([query])[0]

    def forget(self) -> None:
        """Begin anew at the next question."""
        self.index = HashIndex()
        self.mark = 0
        self.saved = 0
        self.recent: set[int] = set()
        self.fresh = True

    def caught_up(self) -> HashIndex:
        """The index with every row that is committed now."""
        last = ImageFingerprint.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        if last < self.mark:  # another database than before, or an older copy of it
            self.forget()
        if self.fresh:
            self.fresh = False
            self._load(last)
        rows = ImageFingerprint.objects.filter(version=VERSION)
        known = rows.filter(pk__gt=self.mark - _BEHIND, pk__lte=self.mark).values_list("pk", flat=True)
        late = [pk for pk in known if pk not in self.recent]
        if late:
            self._take(list(rows.filter(pk__in=late).values_list("pk", "hashes")))
        while True:
            batch = list(rows.filter(pk__gt=self.mark).order_by("pk").values_list("pk", "hashes")[:_READ])
            if not batch:
                break
            self._take(batch)
        self.recent = {pk for pk in self.recent if pk > self.mark - _BEHIND}
        if len(self.index) - self.saved >= _SAVE_EVERY:
            self.index.save(_cache_file(), self.mark)
            self.saved = len(self.index)
        return self.index

    def _take(self, batch: Sequence[tuple[int, bytes | memoryview[int]]]) -> None:
        self.index.add((pk, from_bytes(bytes(hashes))) for pk, hashes in batch if hashes)
        self.recent.update(pk for pk, _ in batch)
        self.mark = max(self.mark, *(pk for pk, _ in batch))

    def _load(self, last: int) -> None:
        """Begin with the file another run left, if the database is the one it was made from."""
        loaded = HashIndex.load(_cache_file())
        if loaded is None or loaded[1] > last:
            return
        index, mark = loaded
        row = ImageFingerprint.objects.filter(pk=mark, version=VERSION).values_list("hashes", flat=True).first()
        if row is None or (row and index.holds(mark, from_bytes(bytes(row))) is False):
            return
        self.index, self.mark, self.saved = index, mark, len(index)
        # What is near the mark may have come late: those rows are read again unless the index has them.
        self.recent = index.keys_above(mark - _BEHIND)


_cache = _Cache()
forget = _cache.forget


def _cache_file() -> Path:
    return Path(settings.VAR) / "duplicates" / "index.npz"


def compare(image_pk: UUID | str) -> int:
    """Fingerprint the image if it has none, look for it among all others, keep confirmed pairs. Returns how many were new.

    Safe to call again at any time. Does nothing for an image that is gone or was withdrawn.
    """
    image = Image.objects.live().select_related("source__batch__fulfillment").filter(pk=image_pk).first()
    if image is None:
        return 0
    framed = _picture(image)
    kept, query = fingerprint(framed[0]) if framed is not None else (None, None)
    row, _ = ImageFingerprint.objects.update_or_create(
        image=image, defaults={"version": VERSION, "hashes": as_bytes(kept) if kept is not None else b""}
    )
    new = _look(image, row, framed, query) if framed is not None and query is not None else 0
    ImageFingerprint.objects.filter(pk=row.pk).update(compared_at=timezone.now())
    return new


def _picture(image: Image) -> tuple[Picture, Frame] | None:
    """The small picture of the preview and its place there; None where there is nothing to compare."""
    try:
        with PillowImage.open(io.BytesIO(storage.get(storage.previews(), image.preview))) as preview:
            return framed_picture(np.asarray(preview.convert("L")))
    except NoPicture:
        return None


def _look(image: Image, row: ImageFingerprint, framed: tuple[Picture, Frame], query: Query) -> int:
    candidates = [one for one in _cache.search(query) if one.key != row.pk][:_MOST]
    others = {
        each.pk: each
        for each in ImageFingerprint.objects.filter(
            pk__in=[one.key for one in candidates], image__source__status="passed"
        ).select_related("image")
    }
    known = set(DuplicateHit.objects.filter(Q(image=image) | Q(other=image)).values_list("image_id", "other_id"))
    mine = None
    hits: list[DuplicateHit] = []
    failed = 0
    for one in candidates:
        other = others.get(one.key)
        if other is None or not other.hashes or {(image.pk, other.image_id), (other.image_id, image.pk)} & known:
            continue
        if failed >= _PATIENCE:
            break
        theirs = _picture(other.image)
        if theirs is None:
            continue
        mine = mine or second_look.features(framed[0])
        hit = _confirmed(image, row, (mine, framed[1]), other, theirs, one, query)
        failed = 0 if hit else failed + 1
        hits += [hit] if hit else []
    DuplicateHit.objects.bulk_create(hits, ignore_conflicts=True)
    return len(hits)


def _confirmed(
    image: Image,
    row: ImageFingerprint,
    mine: tuple[second_look.Features, Frame],
    other: ImageFingerprint,
    theirs: tuple[Picture, Frame],
    candidate: Candidate,
    query: Query,
) -> DuplicateHit | None:
    stored: Fingerprint = from_bytes(bytes(other.hashes))
    distance = min(candidate.distance, between(query, stored))
    # The later of the two is the one that repeats; both workers of a pair that came together make the same row.
    later_is_mine = row.pk > other.pk
    yours = (second_look.features(theirs[0]), theirs[1])
    later, earlier = (mine, yours) if later_is_mine else (yours, mine)
    seen = second_look.verify(later[0], earlier[0])
    if not seen.same(distance):
        return None
    return DuplicateHit(
        image=image if later_is_mine else other.image,
        other=other.image if later_is_mine else image,
        kind="near",
        distance=distance,
        inliers=seen.inliers,
        negative=seen.negative,
        mirrored=seen.mirrored,
        placement=_between_previews(seen.matrix, later[1], earlier[1]),
        version=HIT_VERSION,
    )


def _between_previews(matrix: second_look.Affine | None, one: Frame, other: Frame) -> list[float]:
    """The map between the trimmed pictures as a map between the previews they were cut from, in shares."""
    if matrix is None:
        return []
    into = np.array([[1 / one[2], 0, -one[0] / one[2]], [0, 1 / one[3], -one[1] / one[3]], [0, 0, 1]])
    back = np.array([[other[2], 0, other[0]], [0, other[3], other[1]], [0, 0, 1]])
    whole = back @ np.vstack([matrix, [0, 0, 1]]) @ into
    return [round(float(value), 5) for value in whole[:2].ravel()]


def ring_for_uncompared(*, limit: int = 500) -> int:
    """Ring for images that were never compared: the bell was lost, or the worker died. Returns how many."""
    late = timezone.now() - timedelta(minutes=2)
    waiting = Image.objects.live().filter(
        Q(fingerprint=None) | Q(fingerprint__compared_at=None) | ~Q(fingerprint__version=VERSION), created_at__lt=late
    )
    keys = list(waiting.order_by("created_at").values_list("pk", flat=True)[:limit])
    for pk in keys:
        ring("fulfillment.compare_task", str(pk))
    return len(keys)
