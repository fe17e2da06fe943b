"""What the audit's models are given: the table's columns as numbers, and parts of pictures that hold no diagnosis."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fulfillment.audits.cohort import MISSING, Cohort
from fulfillment.audits.thresholds import MOST_CATEGORIES, RARE
from fulfillment.duplicates.files import Unreadable, grey, read_pixels

Matrix = NDArray[np.float64]
Vector = NDArray[np.float32]
SIDE: Final = 32
RING: Final = 3
CORNER: Final = 0.25
_CORNER_SIDE: Final = 64
_BLOCKS: Final = 8
CORNER_NAMES: Final = ("upper left", "upper right", "lower left", "lower right")
#: How much brighter than all around it a marker is, and how much of a corner it covers.
MARKER_CONTRAST: Final = 0.3
MARKER_LEAST: Final = 0.002
MARKER_MOST: Final = 0.15
COMPONENTS: Final = 96
#: Columns of the metadata beyond this number are not given to the model, so that it does not learn noise by heart.
MOST_FEATURES: Final = 300


@dataclass(frozen=True, slots=True)
class Picture:
    """The parts of one picture, as rows of numbers from 0 to 1. ``whole`` serves the search for label noise only.

    ``marker`` names the corners, as seen, in which something small and bright stands out: "none", "upper left" and so on.
    """

    whole: Vector
    corners: Vector
    thumbnail: Vector
    marker: str = ""


def picture_of(plane: NDArray[np.generic], *, inverted: bool = False) -> Picture:
    """The parts of a picture of grey values (rows, columns). ``inverted``: low values are bright (MONOCHROME1)."""
    array = np.asarray(plane)
    if array.ndim != 2 or min(array.shape) < 8:
        raise Unreadable("It is smaller than 8 pixels on a side. Leave it out.")
    bits: Vector = array.astype(np.float32)
    if array.dtype == np.uint8:
        bits = bits / np.float32(255)
    else:
        low, high = (float(end) for end in np.percentile(bits[:: max(1, len(bits) // 512)], (0.1, 99.9)))
        bits = np.clip((bits - low) / max(high - low, 1e-6), 0, 1)
    if inverted:
        bits = 1 - bits
    whole = _resized(bits, SIDE)
    small = [_small(part) for part in _corners(bits)]
    corners = np.concatenate([_corner(part) for part in small])
    thumbnail = _resized(bits, 8)
    return Picture(whole.ravel(), corners.astype(np.float32), thumbnail.ravel(), _marker(small))


def read_picture(path: Path) -> Picture | str:
    """The parts of a file's picture, or why there are none: cause and cure."""
    try:
        pixels = read_pixels(path)
        if pixels.dataset is None:
            return picture_of(pixels.plane)
        return picture_of(
            pixels.plane, inverted=str(pixels.dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1"
        )
    except Unreadable as refusal:
        return str(refusal)


def picture_in_png(data: bytes) -> Picture | None:
    """The parts of a picture in a PNG, as it is shown; None where it holds none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            plane = np.asarray(picture.convert("L"))
        return picture_of(plane)
    except (OSError, SyntaxError, Unreadable):  # Pillow says SyntaxError of a broken PNG
        return None


def picture_in(plane: NDArray[Any]) -> Picture:
    """The parts of a picture as it is shown, colours as grey."""
    return picture_of(grey(np.asarray(plane)))


def _resized(bits: Vector, side: int) -> Vector:
    return np.asarray(cv2.resize(bits, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def _corners(bits: Vector) -> list[Vector]:
    high, wide = (max(2, round(CORNER * length)) for length in bits.shape)
    return [bits[:high, :wide], bits[:high, -wide:], bits[-high:, :wide], bits[-high:, -wide:]]


def _small(part: Vector) -> Vector:
    how = cv2.INTER_AREA if max(part.shape) > _CORNER_SIDE else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(part, (_CORNER_SIDE, _CORNER_SIDE), interpolation=how), np.float32)


def _marker(corners: list[Vector]) -> str:
    """The corners that hold something brighter than all around it and smaller than a fifth of the corner's side: a letter, an
    arrow, a name. Edges of the body are larger and stay."""
    kernel = np.ones((_CORNER_SIDE // 4, _CORNER_SIDE // 4), np.uint8)
    names = []
    for name, corner in zip(CORNER_NAMES, corners, strict=True):
        smooth = cv2.GaussianBlur(corner, (3, 3), 0)
        stands_out = cv2.morphologyEx(smooth, cv2.MORPH_TOPHAT, kernel) > MARKER_CONTRAST
        if MARKER_LEAST <= float(stands_out.mean()) <= MARKER_MOST:
            names.append(name)
    return ", ".join(names) or "none"


def _corner(small: Vector) -> Vector:
    """A corner as mean and brightest value of 8 x 8 blocks, and what a marker does to it wherever it stands."""
    blocks = small.reshape(_BLOCKS, _CORNER_SIDE // _BLOCKS, _BLOCKS, _CORNER_SIDE // _BLOCKS)
    across, down = np.abs(np.diff(small, axis=1)), np.abs(np.diff(small, axis=0))
    summary = [
        small.mean(), small.std(), small.max(), small.min(), np.percentile(small, 99), np.percentile(small, 1),
        float((small > 0.9).mean()), float((small < 0.05).mean()), across.max(), down.max(),
        float((across > 0.25).mean()), float((down > 0.25).mean()),
    ]  # fmt: skip
    return np.concatenate([blocks.mean(axis=(1, 3)).ravel(), blocks.max(axis=(1, 3)).ravel(), np.array(summary)])


# --- the parts, as matrices -----------------------------------------------------------------------------------------


def border_mask() -> NDArray[np.bool_]:
    """The outer tenth of the picture on each side."""
    mask = np.ones((SIDE, SIDE), dtype=bool)
    mask[RING:-RING, RING:-RING] = False
    return mask.ravel()


def surround_mask() -> NDArray[np.bool_]:
    """All but the middle: half of the height and of the width are blacked out."""
    mask = np.ones((SIDE, SIDE), dtype=bool)
    mask[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4] = False
    return mask.ravel()


def matrix(pictures: list[Picture | None], part: str) -> Matrix:
    """One row an image: the part's principal components, at most ``COMPONENTS``; NaN where there is no picture. ``part``: border,
    surround, corners, thumbnail, whole.

    The components are made without the labels, from all pictures, so they hold nothing that a fold should not know.
    """
    there = [place for place, picture in enumerate(pictures) if picture is not None]
    rows: Matrix = np.array([_part(picture, part) for picture in pictures if picture is not None], dtype=np.float64)
    if len(rows) < 2:
        return np.full((len(pictures), 0), np.nan)
    spread = rows.std(axis=0)
    lively = spread > 1e-6
    rows = (rows[:, lively] - rows[:, lively].mean(axis=0)) / spread[lively]
    if min(rows.shape) > COMPONENTS:
        _, directions = np.linalg.eigh(rows.T @ rows)
        rows = rows @ directions[:, -COMPONENTS:]
    found = np.full((len(pictures), rows.shape[1]), np.nan)
    found[there] = rows
    return found


_BORDER, _SURROUND = border_mask(), surround_mask()


def _part(picture: Picture, part: str) -> Vector:
    if part == "border":
        return picture.whole[_BORDER]
    if part == "surround":
        return picture.whole[_SURROUND]
    return {"corners": picture.corners, "thumbnail": picture.thumbnail, "whole": picture.whole}[part]


def metadata(cohort: Cohort) -> tuple[Matrix, list[str]]:
    """Every column of the table as 0 and 1, a column a category, and the age itself; and which columns those are.

    What is not stated is a category. Rare categories are one. Vendor is left out where the device says it.
    """
    blocks, used = [], []
    wide = 0
    for one in cohort.columns.values():
        sizes = np.bincount(cohort.patient * 0 + one.codes, minlength=len(one.categories))
        own = [at for at in np.argsort(-sizes, kind="stable") if sizes[at] >= RARE][:MOST_CATEGORIES]
        place = np.full(len(one.categories), len(own))
        place[own] = np.arange(len(own))
        count = len(own) + int((sizes[place == len(own)] > 0).any())
        if count < 2 or wide + count > min(MOST_FEATURES, max(60, cohort.images // 8)):
            continue
        block = np.zeros((cohort.images, count))
        block[np.arange(cohort.images), place[one.codes]] = 1
        blocks.append(block)
        used.append(one.title)
        wide += count
    if np.isfinite(cohort.age).sum() >= RARE:
        years = np.nan_to_num(cohort.age, nan=float(np.nanmedian(cohort.age)))
        blocks.append(((years - years.mean()) / max(float(years.std()), 1e-6))[:, None])
        used.append("Age")
    return (np.concatenate(blocks, axis=1) if blocks else np.zeros((cohort.images, 0))), used


__all__ = ["MISSING", "Picture", "matrix", "metadata", "picture_in", "picture_in_png", "picture_of", "read_picture"]
