"""The raw measures behind the quality score. numpy and OpenCV only; stored values, never windowed ones.

Every measure is unchanged by inverting the grey scale and by a linear change of it, so polarity and window
do not move a score. Images are float32 (rows, columns) unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
PATCH = 512
# The outer part of a radiograph holds collimator edges, markers and air; the middle holds the patient.
MARGIN = 0.08


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of one image.

    short_side: pixels. band_ratio: log10 of the power in the top of the spectrum over that in its middle.
    acutance: fine gradient along strong edges, relative to the coarse one. noise: standard deviation of the
    finest detail in quiet areas, as a share of the grey range. levels: grey values in use between the 0.5 and
    99.5 percentile. comb: share of grey values skipped in between. clipped: share of the middle piled up at either
    end. blockiness: how much steps on an 8-pixel grid exceed the others. detail: spread of structures of 1/64 to
    1/8 of the image's side, as a share of the grey range.
    """

    short_side: int
    band_ratio: float
    acutance: float
    noise: float
    levels: int
    comb: float
    clipped: float
    blockiness: float
    detail: float


def middle(image: NDArray[np.generic], margin: float = MARGIN) -> NDArray[np.generic]:
    """The image without its outer margin (a view)."""
    rows, columns = image.shape
    top, left = int(rows * margin), int(columns * margin)
    return image[top : rows - top, left : columns - left]


def grey_range(values: NDArray[np.generic]) -> tuple[float, float]:
    """The 0.5 and 99.5 percentile of a sample of the pixels."""
    step = max(1, int(np.sqrt(values.size / 250_000)))
    low, high = np.percentile(values[::step, ::step], (0.5, 99.5))
    return float(low), float(high)


def band_ratio(image: Image) -> float:
    """log10 of spectral power at 0.35 to 0.5 over that at 0.1 to 0.2 cycles a pixel, median of patches.

    An image enlarged by two has almost nothing in the upper band. Patches are placed on a 3 by 3 grid.
    """
    rows, columns = image.shape
    size = min(PATCH, rows, columns)
    window = np.hanning(size).astype(np.float32)
    window = np.outer(window, window).astype(np.float32)
    fy = np.fft.fftfreq(size)[:, None]
    fx = np.fft.rfftfreq(size)[None, :]
    radius = np.hypot(fy, fx)
    # The axes hold the grid noise of detectors and compression; they are left out.
    off_axis = (np.abs(fy) > 0.02) & (fx > 0.02)
    high = (radius > 0.35) & (radius < 0.5) & off_axis
    mid = (radius > 0.10) & (radius < 0.20) & off_axis
    ratios = []
    for y in (0.25, 0.5, 0.75):
        for x in (0.25, 0.5, 0.75):
            if (x == 0.5) != (y == 0.5):
                continue
            top = min(max(0, int(rows * y) - size // 2), rows - size)
            left = min(max(0, int(columns * x) - size // 2), columns - size)
            patch = image[top : top + size, left : left + size]
            power = np.abs(np.fft.rfft2((patch - patch.mean()) * window)) ** 2
            ratios.append(np.log10((power[high].mean() + 1e-12) / (power[mid].mean() + 1e-12)))
    return float(np.median(ratios))


def acutance(image: Image) -> float:
    """How steep strong edges are: the fine gradient projected on the coarse one, over the coarse one.

    Projecting makes noise cancel, as it has no preferred direction along an edge.
    """
    fine = cv2.GaussianBlur(image, (0, 0), 0.7)
    coarse = cv2.GaussianBlur(image, (0, 0), 3.0)
    coarse_x, coarse_y = _dx(coarse), _dy(coarse)
    strength = coarse_x * coarse_x + coarse_y * coarse_y
    inner = middle(strength)
    step = max(1, int(np.sqrt(inner.size / 250_000)))
    threshold = float(np.percentile(inner[::step, ::step], 95))
    chosen = strength >= max(threshold, 1e-12)
    top, left = int(image.shape[0] * MARGIN), int(image.shape[1] * MARGIN)
    keep = np.zeros_like(chosen)
    keep[top : image.shape[0] - top, left : image.shape[1] - left] = True
    chosen &= keep
    if not chosen.any():
        return 0.0
    along = _dx(fine)[chosen] * coarse_x[chosen] + _dy(fine)[chosen] * coarse_y[chosen]
    return float(along.sum() / strength[chosen].sum())


def _dx(image: Image) -> Image:
    return cv2.filter2D(image, cv2.CV_32F, np.array([[-0.5, 0, 0.5]], np.float32))


def _dy(image: Image) -> Image:
    return cv2.filter2D(image, cv2.CV_32F, np.array([[-0.5], [0], [0.5]], np.float32))


_LAPLACIAN_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def noise_level(image: Image, block: int = 32) -> float:
    """Standard deviation of the finest detail in the quieter quarter of blocks (Immerkaer 1996), in grey values.

    Blocks without any detail (burned-out, masked or padded) are left out: they are clipping, not calm.
    """
    response = np.abs(cv2.filter2D(image, cv2.CV_32F, _LAPLACIAN_DIFFERENCE))
    inner = middle(response)
    rows, columns = inner.shape[0] // block * block, inner.shape[1] // block * block
    if rows == 0 or columns == 0:
        return 0.0
    blocks = cv2.resize(inner[:rows, :columns], (columns // block, rows // block), interpolation=cv2.INTER_AREA)
    alive = blocks[blocks > 1e-6]
    if alive.size == 0:
        return 0.0
    return float(np.percentile(alive, 25) * np.sqrt(np.pi / 2) / 6)


def grey_levels(values: NDArray[np.integer]) -> tuple[int, float]:
    """Grey values in use between the 0.5 and 99.5 percentile, and the share of those between that are skipped."""
    low = int(values.min())
    counts = np.bincount((values.astype(np.int64) - low).ravel()) if values.dtype.itemsize > 2 else _count(values, low)
    below = np.cumsum(counts)
    total = int(below[-1])
    first = int(np.searchsorted(below, total * 0.005, side="right"))
    last = int(np.searchsorted(below, total * 0.995))
    used = counts[first : last + 1] > total * 1e-6
    levels = int(used.sum())
    span = last - first + 1
    return levels, float(1 - levels / span) if span > 0 else 0.0


def _count(values: NDArray[np.integer], low: int) -> NDArray[np.int64]:
    # A 16-bit image has at most 65,536 values: no wide copy is needed.
    shifted = values.astype(np.int32) - low if np.issubdtype(values.dtype, np.signedinteger) else values - low
    return np.bincount(shifted.ravel())


def clipped_share(image: Image) -> float:
    """Share of the middle of the image that is piled up at its darkest and brightest value.

    Of the mass in a thin slice at either end, what exceeds the slice beside it: a natural tail has none. The
    ends are the 0.05 and 99.95 percentile, so a burned-in marker does not hide the pile below it.
    """
    inner = middle(image, 0.15)
    low, high = (float(v) for v in np.percentile(inner[::2, ::2], (0.05, 99.95)))
    if high <= low:
        return 1.0
    width = max((high - low) * 0.004, 1e-6)
    total = 0.0
    for edge, sign in ((low, 1.0), (high, -1.0)):
        depth = (inner - edge) * sign
        piled = float(np.count_nonzero(depth <= width))
        beside = float(np.count_nonzero((depth > width) & (depth <= 2 * width)))
        total += max(0.0, piled - beside)
    return total / inner.size


def blockiness(image: Image) -> float:
    """How much steps at one phase of an 8-pixel grid exceed steps at the others, both directions.

    JPEG codes 8 by 8 blocks; the grid may be shifted by cropping, so the worst of the eight phases counts.
    """
    worst = 0.0
    for axis in (0, 1):
        step = np.abs(np.diff(image, axis=axis))
        if axis == 0:
            step = step.T
        usable = (step.shape[1] - 2) // 8 * 8
        if usable < 16:
            return 0.0
        scale = float(step.mean())
        if scale <= 0:
            continue
        limit = 4 * scale
        capped = np.minimum(step, limit)
        extra = capped[:, 1 : usable + 1] - 0.5 * (capped[:, :usable] + capped[:, 2 : usable + 2])
        phases = extra.mean(axis=0).reshape(-1, 8).mean(axis=0)
        top = int(phases.argmax())
        rest = np.delete(phases, [(top - 1) % 8, top, (top + 1) % 8])
        worst = max(worst, float(phases[top] - np.median(rest)) / scale)
    return worst


def detail_contrast(image: Image) -> float:
    """Spread of structures between 1/64 and 1/8 of the image's side, in grey values: ribs, vessels, hila."""
    rows, columns = image.shape
    scale = 256 / max(rows, columns)
    small = cv2.resize(
        image, (max(8, int(columns * scale)), max(8, int(rows * scale))), interpolation=cv2.INTER_AREA
    )
    band = cv2.GaussianBlur(small, (0, 0), 2.0) - cv2.GaussianBlur(small, (0, 0), 16.0)
    inner = middle(band, 0.12)
    low, high = np.percentile(inner, (10, 90))
    return float(high - low)


def measure(pixels: NDArray[np.integer]) -> Measures:
    """All measures of one grey-scale image of shape (rows, columns), any integer type."""
    image = pixels.astype(np.float32)
    low, high = grey_range(image)
    span = max(high - low, 1e-6)
    levels, comb = grey_levels(pixels)
    return Measures(
        short_side=min(pixels.shape),
        band_ratio=band_ratio(image),
        acutance=acutance(image),
        noise=noise_level(image) / span,
        levels=levels,
        comb=comb,
        clipped=clipped_share(image),
        blockiness=blockiness(image),
        detail=detail_contrast(image) / span,
    )
