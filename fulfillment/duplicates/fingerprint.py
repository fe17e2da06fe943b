"""What is kept of an image to find it again: PDQ hashes of fixed crops, and of patches where the content itself says.

A hash of the whole picture loses it after a crop, a shift or a rotation. So every image has two sets of hashes.

*Crops*: PDQ of five centre crops. They find a picture again whose fine structure was changed (CLAHE, strong noise).

*Anchors*: blobs of the scale space (Lowe 2004) have a place, a size and a direction that move with the content. The patch around
each, laid straight by them, is hashed like a PDQ. The hash stays the same wherever the blob went: crop from one side,
screenshot, shift, any rotation.

Compared is only like with like. Polarity is taken out of anchors (each blob is made a bright one); crops are asked for in both.
Mirrored pictures and quarter turns cost no second look at pixels, as the DCT of one is that of the other with signs and axes
exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fulfillment.duplicates.pdq import BYTES, DIHEDRAL, GRID, bits, coefficients, turned
from fulfillment.duplicates.picture import Picture, evened

#: Stored hashes compare only within one version.
VERSION: Final = "pdq-crops-anchors/1"

CROPS: Final = (1.0, 0.9, 0.8, 0.7, 0.6)
ANCHORS: Final = 16
_ANCHOR_SIDE: Final = 160  # anchors are looked for at this size: coarse blobs only, which survive resizing and noise
_SMALLEST_BLOB: Final = 6.0
_REACH: Final = 5.0  # side of the patch in diameters of its blob
_PATCH: Final = 32

Hashes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """``crops``: uint8 (5, 32). ``anchors``: uint8 (n, 32), n up to 16, strongest first; n is 0 where nothing stands out."""

    crops: Hashes
    anchors: Hashes


@dataclass(frozen=True, eq=False)
class Query:
    """What to ask for to find the image in every polarity and position. Rows as in ``Fingerprint``, many of each."""

    crops: Hashes
    anchors: Hashes


def fingerprint(picture: Picture) -> tuple[Fingerprint, Query]:
    """Hashes to keep and hashes to ask for, of a picture as ``small_picture`` makes it. Deterministic."""
    even = evened(picture)
    crops = coefficients(_crops(even))
    anchors = coefficients(_anchors(even))
    asked = []
    for way in DIHEDRAL:
        # A quarter turn together with a crop is left to the anchors.
        block = turned(crops if way in ("upright", "mirrored") else crops[:1], way)
        asked += [bits(block), bits(-block)]
    both = np.concatenate([bits(anchors), bits(turned(anchors, "upside down"))])
    return Fingerprint(bits(crops), bits(anchors)), Query(np.concatenate(asked), both)


def _crops(picture: Picture) -> NDArray[np.float32]:
    """The centre crops, smoothed and sampled at 64 x 64."""
    rows, columns = picture.shape
    source = picture.astype(np.float32)
    return np.stack([_laid_out(_tent(source, kept), kept * columns, kept * rows, GRID) for kept in CROPS])


def _tent(source: NDArray[np.float32], kept: float) -> NDArray[np.float32]:
    """The smoothing of PDQ for a crop of this share."""
    rows, columns = source.shape
    box = (max(1, -(-round(columns * kept) // (2 * GRID))), max(1, -(-round(rows * kept) // (2 * GRID))))
    once = cv2.blur(source, box, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.blur(once, box, borderType=cv2.BORDER_REPLICATE), np.float32)


def _laid_out(smooth: NDArray[np.float32], wide: float, high: float, grid: int) -> NDArray[np.float32]:
    """A centred part of the picture on a square grid."""
    rows, columns = smooth.shape
    x, y = wide / grid, high / grid
    middle = (grid - 1) / 2
    matrix = np.array(
        [[x, 0, (columns - 1) / 2 - x * middle], [0, y, (rows - 1) / 2 - y * middle]],
        np.float32,
    )
    return _warped(smooth, matrix, grid)


def _warped(source: NDArray[np.float32], matrix: NDArray[np.float32], grid: int) -> NDArray[np.float32]:
    out = cv2.warpAffine(
        source, matrix, (grid, grid), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(out, np.float32)


def _anchors(picture: Picture) -> NDArray[np.float32]:
    """Patches around the strongest blobs, (n, 64, 64), laid straight and made bright on dark."""
    scale = _ANCHOR_SIDE / max(picture.shape)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    coarse = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    source = coarse.astype(np.float32)
    smoothed: dict[float, NDArray[np.float32]] = {}
    patches = []
    for blob in _blobs(coarse):
        half = _REACH * blob.size / 2
        sigma = round(max(0.5, half / _PATCH) * 8) / 8
        if sigma not in smoothed:
            smoothed[sigma] = np.asarray(cv2.GaussianBlur(source, (0, 0), sigma), np.float32)
        angle, step = np.deg2rad(blob.angle), 2 * half / GRID
        cosine, sine = step * np.cos(angle), step * np.sin(angle)
        middle = (GRID - 1) / 2
        matrix = np.array(
            [
                [cosine, -sine, blob.pt[0] - middle * (cosine - sine)],
                [sine, cosine, blob.pt[1] - middle * (sine + cosine)],
            ],
            np.float32,
        )
        patch = _warped(smoothed[sigma], matrix, GRID)
        # A negative turns every gradient round: the patch of a dark blob is that of the bright one, negated and half turned.
        patches.append(patch if _is_bright(patch) else 255 - patch[::-1, ::-1])
    return np.stack(patches) if patches else np.zeros((0, GRID, GRID), np.float32)


def _blobs(coarse: Picture) -> list[cv2.KeyPoint]:
    """Blobs of a good size whose patch lies mostly inside, strongest first; ties in reading order."""
    rows, columns = coarse.shape
    found = []
    sift = cv2.SIFT_create(contrastThreshold=0.005, edgeThreshold=15)  # type: ignore[attr-defined]
    for blob in sift.detect(coarse, None):
        reach = _REACH * blob.size
        near, x, y = 0.3 * reach, blob.pt[0], blob.pt[1]
        inside = near < x < columns - near and near < y < rows - near
        if blob.size >= _SMALLEST_BLOB and inside and 1.2 * reach < min(rows, columns):
            found.append(blob)
    found.sort(key=lambda blob: (-blob.response * blob.size, blob.pt[1], blob.pt[0], blob.angle))
    return found[:ANCHORS]


def _weights() -> NDArray[np.float32]:
    """A bright spot of the blob's size against its surroundings."""
    place = np.arange(GRID) - (GRID - 1) / 2
    square = place[:, None] ** 2 + place[None, :] ** 2
    radius = GRID / (2 * _REACH)
    inner, outer = np.exp(-square / (2 * radius**2)), np.exp(-square / (2 * (1.6 * radius) ** 2))
    return np.asarray(inner / inner.sum() - outer / outer.sum(), np.float32)


_SPOT: Final = _weights()


def _is_bright(patch: NDArray[np.float32]) -> bool:
    return float((patch * _SPOT).sum()) >= 0


def as_bytes(print_: Fingerprint) -> bytes:
    """The hashes one after another, crops first: (5 + n) x 32 bytes."""
    return print_.crops.tobytes() + print_.anchors.tobytes()


def from_bytes(data: bytes) -> Fingerprint:
    """The reverse of ``as_bytes``. Raises ValueError where the length does not fit."""
    rows, rest = divmod(len(data), BYTES)
    if rest or not len(CROPS) <= rows <= len(CROPS) + ANCHORS:
        raise ValueError(f"{len(data)} bytes are no fingerprint of this version")
    table = np.frombuffer(data, np.uint8).reshape(rows, BYTES)
    return Fingerprint(table[: len(CROPS)].copy(), table[len(CROPS) :].copy())
