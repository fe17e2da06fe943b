"""Looking for each image among all others, after it was stored: a task of its own, which the sweeper rings for again.

The rows are the truth: an image without a fingerprint, or with one that was never compared, is work to do. The index in a
process's memory is a cache of the rows. An image's own row is committed before it is looked for, so of two that come at the
same time at least the later one sees the other.
"""

from __future__ import annotations

import io
import logging
from datetime import timedelta
from uuid import UUID

import numpy as np
from django.db.models import Q
from django.utils import timezone
from PIL import Image as PillowImage

from fulfillment import published_matches
from fulfillment.duplicates import verify as second_look
from fulfillment.duplicates.fingerprint import VERSION, Fingerprint, Query, as_bytes, fingerprint, from_bytes
from fulfillment.duplicates.folder import between
from fulfillment.duplicates.index import Candidate
from fulfillment.duplicates.picture import Frame, NoPicture, Picture, framed_picture
from fulfillment.fingerprint_cache import FingerprintCache
from fulfillment.models import DuplicateHit, Image, ImageFingerprint
from getdata.common import storage
from getdata.common.queue import ring

logger = logging.getLogger("getdata.duplicates")
HIT_VERSION = f"{VERSION}+{second_look.VERSION}"

#: Candidates that are looked at: as many in a row as may prove different before the rest is left, and in all.
_PATIENCE, _MOST = 8, 60


_cache = FingerprintCache(ImageFingerprint.objects.all, "index.npz")
forget = _cache.forget


def compare(image_pk: UUID | str) -> int:
    """Fingerprint the image if it has none, look for it among all others and in the lists of published sets. Returns how many
    pairs and matches were new.

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
    began = timezone.now()  # a list that becomes ready while we look is looked through again
    new = _look(image, row, framed, query) if framed is not None and query is not None else 0
    new += published_matches.look_up(image, query)
    ImageFingerprint.objects.filter(pk=row.pk).update(compared_at=timezone.now(), looked_up_at=began)
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
    """Ring for images that were never compared (the bell was lost, the worker died) or not with the newest list of a published
    set. Returns how many."""
    late = timezone.now() - timedelta(minutes=2)
    to_do = Q(fingerprint=None) | Q(fingerprint__compared_at=None) | ~Q(fingerprint__version=VERSION)
    if (newest := published_matches.newest_list()) is not None:
        to_do |= Q(fingerprint__looked_up_at=None) | Q(fingerprint__looked_up_at__lt=newest)
    waiting = Image.objects.live().filter(to_do, created_at__lt=late)
    keys = list(waiting.order_by("created_at").values_list("pk", flat=True)[:limit])
    for pk in keys:
        ring("fulfillment.compare_task", str(pk))
    return len(keys)
