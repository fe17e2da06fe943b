"""Masking in stored values: the local border's median, a small margin, and nothing above BitsStored (DEID.md,
section 6)."""

from __future__ import annotations

import numpy as np

from deid.pixels.decode import PixelForm, Samples
from deid.pixels.detector import Region

_RING = 6


def with_margin(region: Region, rows: int, columns: int) -> Region:
    """The region grown by a quarter of its short side (4 to 24 pixels), and a line of text by 0.6 of its height
    more at both ends, where letters are faint or cut; clipped to the image."""
    short, long = sorted((region.width, region.height))
    margin = int(min(24, max(4, round(0.25 * short))))
    further = margin + (int(min(60, round(0.6 * short))) if long >= 2 * short else 0)
    across, down = (further, margin) if region.width >= region.height else (margin, further)
    left, top = max(0, region.x - across), max(0, region.y - down)
    right, bottom = min(columns, region.x + region.width + across), min(rows, region.y + region.height + down)
    return Region(left, top, right - left, bottom - top, region.score, region.doubtful)


def fill_region(frame: Samples, region: Region, form: PixelForm) -> None:
    """Overwrite a rectangle of one frame, shape (rows, columns[, 3]), in place.

    The fill is the median of a ring around the rectangle, padding values left out, so it is a value the image
    has: right
    for MONOCHROME1 and signed values alike.
    """
    left, top, right, bottom = region.x, region.y, region.x + region.width, region.y + region.height
    outer = frame[max(0, top - _RING) : bottom + _RING, max(0, left - _RING) : right + _RING]
    ring = np.ones(outer.shape[:2], dtype=bool)
    ring[top - max(0, top - _RING) :, left - max(0, left - _RING) :][: bottom - top, : right - left] = False
    samples = outer[ring]
    if form.padding is not None and samples.ndim == 1:
        without = samples[samples != form.padding]
        samples = without if without.size else samples
    if not samples.size:
        samples = frame.reshape(-1, *frame.shape[2:])
    middle = np.sort(samples, axis=0)[samples.shape[0] // 2]
    frame[top:bottom, left:right] = middle
