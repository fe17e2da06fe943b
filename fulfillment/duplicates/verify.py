"""The second look at two pictures that may be one: are they the same exposure, detail for detail?

Local features (SIFT, Lowe 2004; its patent ended in 2020) are matched in every polarity and mirrored or not, RANSAC finds the one
affine map that most of them agree on, the second picture is laid on the first by it, and fine detail (ribs' edges, vessels) is
correlated window by window. Chests are alike in the large and no two are alike in that detail, not even two radiographs of one
patient: breathing and pose move vessels against ribs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fulfillment.duplicates.picture import Picture, evened

VERSION: Final = "sift-affine-detail/1"

FEATURES: Final = 600
#: A pair is one radiograph from these on; docs/duplicates.md has what they were set on.
LEAST_INLIERS: Final = 10
CLEAR_DETAIL: Final = 0.69
LEAST_DETAIL: Final = 0.33
NEARLY_EQUAL: Final = 24
LEAST_OVERLAP: Final = 0.15

_FINE_FEATURE: Final = 4.5  # pixels at half size
_BEYOND_DOUBT: Final = 40
_EXACT_FIT: Final = 0.8
_RATIO: Final = 0.85
_TOLERANCE: Final = 3.5  # pixels of the small picture

Affine = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Features:
    """``picture`` as small_picture makes it; ``places`` float32 (n, 2); ``descriptors`` float32 (n, 128), unit length."""

    picture: Picture
    places: NDArray[np.float32]
    descriptors: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Verified:
    """``inliers``: features that agree on one map. ``detail``: median correlation of fine detail, -1 to 1.

    ``overlap``: share of the smaller picture that was compared. ``negative``, ``mirrored``: how the second lies to
    the first. ``matrix``: (2, 3), places of the first to places of the second, both as shares of their width and height; None where
    no map was found.
    """

    inliers: int
    detail: float
    overlap: float
    negative: bool = False
    mirrored: bool = False
    matrix: Affine | None = None

    def same(self, distance: int) -> bool:
        """Whether the two are one radiograph, their nearest hashes being this far apart.

        Two kinds of evidence that fail apart: what spoils fine detail (strong compression, noise) leaves the hashes alone, and what
        moves the hashes (cropping, turning) leaves the detail. So middling detail counts only beside nearly equal hashes.
        """
        needed = LEAST_DETAIL if distance <= NEARLY_EQUAL else CLEAR_DETAIL
        return self.inliers >= LEAST_INLIERS and self.detail >= needed and self.overlap >= LEAST_OVERLAP


def features(picture: Picture) -> Features:
    """Local features of a picture as ``small_picture`` makes it."""
    clear = _clear(picture)
    half = (max(1, round(clear.shape[1] / 2)), max(1, round(clear.shape[0] / 2)))
    # SIFT doubles what it is given: at half size its finest features are those of the picture itself.
    coarse = np.asarray(cv2.resize(clear, half, interpolation=cv2.INTER_AREA), np.uint8)
    sift = cv2.SIFT_create(contrastThreshold=0.02, edgeThreshold=12)  # type: ignore[attr-defined]
    found = _strongest(sift.detect(coarse, None))
    found, descriptors = sift.compute(coarse, found) if found else ([], None)
    if descriptors is None or not len(found):
        return Features(picture, np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))  # Arandjelovic 2012
    scale = np.array([clear.shape[1] / half[0], clear.shape[0] / half[1]])
    places = (np.array([one.pt for one in found]) + 0.5) * scale - 0.5
    return Features(picture, places.astype(np.float32), root.astype(np.float32))


def _strongest(found: Sequence[cv2.KeyPoint]) -> list[cv2.KeyPoint]:
    """A share for fine features and one for coarse: noise makes fine ones only, blur leaves coarse ones only."""
    fine = [one for one in found if one.size < _FINE_FEATURE]
    coarse = [one for one in found if one.size >= _FINE_FEATURE]
    kept = []
    for group in (fine, coarse):
        group.sort(key=lambda one: (-one.response, one.pt[1], one.pt[0], one.angle))
        kept += group[: FEATURES // 2]
    return kept


def _clear(picture: Picture) -> Picture:
    """Local contrast brought to one level, so that lungs give as many features as bones."""
    plane = cv2.GaussianBlur(evened(picture).astype(np.float32), (0, 0), 0.8)
    ground = cv2.GaussianBlur(plane, (0, 0), 16)
    detail = plane - ground
    spread = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), 24) + 16)
    return np.clip(128 + detail / spread * 45, 0, 255).astype(np.uint8)


def _posed(descriptors: NDArray[np.float32], *, negative: bool, mirrored: bool) -> NDArray[np.float32]:
    """The descriptors of the same places in the negative or mirrored picture: cells and directions change places.

    A negative turns a feature's own direction round, and its cells with it; a mirror reverses the cells across its
    direction and the sense of angles.
    """
    cells = descriptors.reshape(-1, 4, 4, 8)
    if negative:
        cells = cells[:, ::-1, ::-1, :]
    if mirrored:
        cells = cells[:, ::-1, :, :][..., (-np.arange(8)) % 8]
    return np.ascontiguousarray(cells.reshape(-1, 128))


def verify(one: Features, other: Features) -> Verified:
    """Compare two pictures in both polarities, mirrored or not; the best of the four is returned."""
    best = Verified(0, 0.0, 0.0)
    if min(len(one.places), len(other.places)) < 4:
        return best
    for negative in (False, True):
        for mirrored in (False, True):
            posed = _posed(one.descriptors, negative=negative, mirrored=mirrored)
            pairs = _matched(posed, other.descriptors)
            if len(pairs) < 4:
                continue
            found = _map(one.places[pairs[:, 0]], other.places[pairs[:, 1]], mirrored=mirrored)
            if found is None or found[1] <= best.inliers:
                continue
            matrix, inliers = found
            detail, overlap = _detail(one.picture, other.picture, matrix, negative=negative)
            best = Verified(inliers, detail, overlap, negative, mirrored, matrix)
        # A chest is nearly its own mirror image, so both are tried; the negative is not where this one fits exactly.
        if best.inliers >= _BEYOND_DOUBT and best.detail >= _EXACT_FIT:
            break
    if best.matrix is None:
        return best
    return replace(best, matrix=_in_shares(best.matrix, one.picture.shape, other.picture.shape))


def _matched(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.intp]:
    """Pairs (n, 2) whose best match is clearly better than the second best."""
    likeness = one @ other.T
    if likeness.shape[1] < 2:
        return np.zeros((0, 2), np.intp)
    two = np.argpartition(-likeness, 1, axis=1)[:, :2]
    near = np.take_along_axis(likeness, two, axis=1)
    first = np.where(near[:, 0] >= near[:, 1], two[:, 0], two[:, 1])
    close, next_ = near.max(axis=1), near.min(axis=1)
    # Unit vectors: the squared distance is 2 - 2 * likeness.
    clear = (1 - close) < _RATIO**2 * (1 - next_)
    mutual = likeness.argmax(axis=0)[first] == np.arange(len(one))
    kept = np.flatnonzero(clear & mutual)
    return np.stack([kept, first[kept]], axis=1)


def _map(one: NDArray[np.float32], other: NDArray[np.float32], *, mirrored: bool) -> tuple[Affine, int] | None:
    """The affine map that most pairs agree on and their number; None where there is none of a plausible kind."""
    cv2.setRNGSeed(7)
    matrix, inside = cv2.estimateAffine2D(
        one, other, method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE, maxIters=2000, confidence=0.999
    )
    if matrix is None:
        return None
    stretch = np.linalg.svd(matrix[:, :2], compute_uv=False)
    upright = np.linalg.det(matrix[:, :2]) > 0
    if upright == mirrored or not 0.25 < stretch[1] <= stretch[0] < 4 or stretch[0] > 1.35 * stretch[1]:
        return None
    kept = inside.ravel().astype(bool)
    # Places, not pairs: several features may sit on one corner.
    places = np.unique(np.round(one[kept] / 3).astype(np.int32), axis=0)
    return np.asarray(matrix, np.float64), len(places)


_FINE, _COARSE, _PATCH = 1.2, 5.0, 11.0


def _detail(one: Picture, other: Picture, matrix: Affine, *, negative: bool) -> tuple[float, float]:
    """Median correlation of fine detail over the windows in which there is any, and the overlap."""
    rows, columns = one.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(evened(other).astype(np.float32), matrix, (columns, rows), flags=flags)
    inside = cv2.warpAffine(np.ones(other.shape, np.float32), matrix, (columns, rows), flags=flags) > 0.999
    share = float(inside.sum()) / max(1, min(one.size, int(other.size / max(1e-6, abs(np.linalg.det(matrix[:, :2]))))))
    mine = _band(evened(one).astype(np.float32))
    yours = _band(np.asarray(laid, np.float32)) * (-1 if negative else 1)
    inside = cv2.erode(inside.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    both = _near(mine * yours)
    own, others = _near(mine * mine), _near(yours * yours)
    there = inside & (own > 1.0) & (others > 1.0)
    there = there[::3, ::3]
    if there.sum() < 400:
        return 0.0, share
    likeness = (both / np.sqrt(own * others + 1e-6))[::3, ::3]
    return float(np.median(likeness[there])), share


def _band(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), _FINE) - cv2.GaussianBlur(plane, (0, 0), _COARSE), np.float32)


def _near(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), _PATCH), np.float32)


def _in_shares(matrix: Affine, one: tuple[int, ...], other: tuple[int, ...]) -> Affine:
    """The map between pixel centres as a map between shares of width and height."""
    to_pixels = np.array([[one[1], 0, -0.5], [0, one[0], -0.5], [0, 0, 1]], np.float64)
    to_shares = np.array([[1 / other[1], 0, 0.5 / other[1]], [0, 1 / other[0], 0.5 / other[0]], [0, 0, 1]], np.float64)
    whole = np.vstack([matrix, [0, 0, 1]])
    return (to_shares @ whole @ to_pixels)[:2]
