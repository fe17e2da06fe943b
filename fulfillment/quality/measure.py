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

    short_side: pixels. information: bits a pixel above the noise. acutance: fine gradient along strong edges,
    relative to the coarse one. noise: standard deviation of the
    finest detail in quiet areas, as a share of the grey range. levels: grey values in use between the 0.5 and
    99.5 percentile. comb: share of grey values skipped in between. clipped: share of the middle piled up at either
    end. blockiness: how much steps on an 8-pixel grid exceed the others. detail: spread of structures of 1/64 to
    1/8 of the image's side, as a share of the grey range.
    """

    short_side: int
    information: float
    acutance: float
    noise: float
    levels: int
    comb: float
    clipped: float
    blockiness: float
    detail: float


def middle(image: Image, margin: float = MARGIN) -> Image:
    """The image without its outer margin (a view)."""
    rows, columns = image.shape
    top, left = int(rows * margin), int(columns * margin)
    return image[top : rows - top, left : columns - left]


def without_flat_border(pixels: NDArray[np.integer]) -> NDArray[np.integer]:
    """The image without the rows and columns of one single value at its edges (padding, masked margins).

    At least 64 pixels a side are left, so that an image that is all one value is measured as it is.
    """
    rows = np.flatnonzero(pixels.max(axis=1) != pixels.min(axis=1))
    columns = np.flatnonzero(pixels.max(axis=0) != pixels.min(axis=0))
    if rows.size == 0 or columns.size == 0:
        return pixels
    trimmed = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return trimmed if min(trimmed.shape) >= 64 else pixels


def grey_range(values: Image) -> tuple[float, float]:
    """The 0.5 and 99.5 percentile of a sample of the pixels."""
    step = max(1, int(np.sqrt(values.size / 250_000)))
    low, high = np.percentile(values[::step, ::step], (0.5, 99.5))
    return float(low), float(high)


# Detail below this share of the grey range is taken as invisible; it is about what 8 bits can hold.
NOISE_FLOOR = 0.003
ACUTANCE_SIDE = 1024
_BINS = np.linspace(0.02, 0.5, 25)


def spectrum(image: Image) -> NDArray[np.float64]:
    """Mean spectral power per pixel in 24 rings from 0.02 to 0.5 cycles a pixel, median of five patches."""
    rows, columns = image.shape
    size = min(PATCH, rows, columns)
    taper = np.hanning(size).astype(np.float32)
    window = np.outer(taper, taper)
    fy = np.fft.fftfreq(size)[:, None]
    fx = np.fft.rfftfreq(size)[None, :]
    # The axes hold the line noise of detectors and the grid of compression; they are left out.
    ring = np.digitize(np.hypot(fy, fx), _BINS) - 1
    ring[(np.abs(fy) <= 0.02) | (fx <= 0.02) | (ring >= 24)] = -1
    inside = ring >= 0
    sizes = np.maximum(np.bincount(ring[inside], minlength=24), 1)
    patches = []
    for y, x in ((0.25, 0.25), (0.25, 0.75), (0.5, 0.5), (0.75, 0.25), (0.75, 0.75)):
        top = min(max(0, int(rows * y) - size // 2), rows - size)
        left = min(max(0, int(columns * x) - size // 2), columns - size)
        patch = image[top : top + size, left : left + size]
        power = np.abs(np.fft.rfft2((patch - patch.mean()) * window)) ** 2 / float((window**2).sum())
        patches.append(np.bincount(ring[inside], power[inside], minlength=24) / sizes)
    return np.asarray(np.median(patches, axis=0), dtype=np.float64)


def information(image: Image, span: float, noise: float) -> float:
    """Bits a pixel that stand above the noise, over the area of the frequency plane (Shannon 1948).

    An image enlarged by two keeps a quarter of the plane, a blurred one its middle, a noisy one what the noise
    leaves. `noise` is the standard deviation as a share of `span`, taken as at least NOISE_FLOOR.
    """
    floor = max(noise, NOISE_FLOOR) ** 2
    power = spectrum(image) / span**2
    centres = (_BINS[1:] + _BINS[:-1]) / 2
    bits = np.log2(1 + np.maximum(power - floor, 0) / floor)
    return float((bits * centres).sum() / centres.sum())


def acutance(image: Image) -> float:
    """How steep strong edges are: the fine gradient projected on the coarse one, over the coarse one.

    About 1 where an edge is as soft as the coarse scale (2 pixels), towards 2 where it is sharp. Projecting
    makes noise cancel, as it has no preferred direction along an edge.
    """
    # At one common size, so that a large original is not called softer than its own reduced copy.
    scale = ACUTANCE_SIDE / min(image.shape)
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    fine, coarse = _blur(image, 0.5), _blur(image, 2.0)
    coarse_x, coarse_y = middle(_dx(coarse)), middle(_dy(coarse))
    strength = coarse_x * coarse_x + coarse_y * coarse_y
    step = max(1, int(np.sqrt(strength.size / 250_000)))
    threshold = float(np.percentile(strength[::step, ::step], 99))
    chosen = strength >= max(threshold, 1e-12)
    if not chosen.any():
        return 0.0
    along = middle(_dx(fine))[chosen] * coarse_x[chosen] + middle(_dy(fine))[chosen] * coarse_y[chosen]
    return float(along.sum() / strength[chosen].sum())


def _dx(image: Image) -> Image:
    return np.asarray(cv2.filter2D(image, cv2.CV_32F, np.array([[-0.5, 0, 0.5]], np.float32)), dtype=np.float32)


def _dy(image: Image) -> Image:
    return np.asarray(cv2.filter2D(image, cv2.CV_32F, np.array([[-0.5], [0], [0.5]], np.float32)), dtype=np.float32)


def _blur(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)


_LAPLACIAN_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def noise_level(image: Image, block: int = 32) -> float:
    """Standard deviation of the finest detail in the quieter quarter of blocks (Immerkaer 1996), in grey values.

    Blocks without any detail (burned-out, masked or padded) are left out: they are clipping, not calm.
    """
    response: Image = np.abs(np.asarray(cv2.filter2D(image, cv2.CV_32F, _LAPLACIAN_DIFFERENCE), dtype=np.float32))
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
        # Every second line is enough for a mean over a million steps.
        lines = image[::2] if axis == 1 else image[:, ::2].T
        step = np.abs(np.diff(lines, axis=1))
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
        # Resampling by 4:3 repeats every four pixels and is not a JPEG grid, which repeats every eight.
        beside = max(float(np.median(rest)), float(phases[(top + 4) % 8]))
        worst = max(worst, (float(phases[top]) - beside) / scale)
    return worst


def detail_contrast(image: Image) -> float:
    """Spread of structures between 1/64 and 1/8 of the image's side, in grey values: ribs, vessels, hila."""
    rows, columns = image.shape
    scale = 256 / max(rows, columns)
    size = (max(8, int(columns * scale)), max(8, int(rows * scale)))
    small: Image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    band = _blur(small, 2.0) - _blur(small, 16.0)
    inner = middle(band, 0.12)
    low, high = np.percentile(inner, (10, 90))
    return float(high - low)


def measure(pixels: NDArray[np.integer]) -> Measures:
    """All measures of one grey-scale image of shape (rows, columns), any integer type."""
    pixels = without_flat_border(pixels)
    image = pixels.astype(np.float32)
    low, high = grey_range(image)
    span = max(high - low, 1e-6)
    levels, comb = grey_levels(pixels)
    noise = noise_level(image) / span
    return Measures(
        short_side=min(pixels.shape),
        information=information(image, span, noise),
        acutance=acutance(image),
        noise=noise,
        levels=levels,
        comb=comb,
        clipped=clipped_share(image),
        blockiness=blockiness(image),
        detail=detail_contrast(image) / span,
    )
