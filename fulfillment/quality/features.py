"""Sixty-odd figures of one radiograph from which the components of the quality score are read. numpy and OpenCV only.

Every figure is unchanged by inverting the grey scale, by a linear change of it, and by a border of one value. Most are
logarithms, so that a ratio ("detail in busy places over detail in quiet ones") is a difference. What each family sees:

* ``bands``: how much structure of 1, 2, 4 and 8 pixels there is in quiet, middling and busy blocks;
* ``edges``: how steep the strongest edges are, along their own direction (noise cancels), and whether fine gradients prefer a
  direction, as motion makes them;
* ``grid``: steps that repeat every eight pixels, as JPEG leaves them;
* ``resampling``: a variance of second differences that repeats, as enlarging leaves it (Gallagher 2005);
* ``levels``: grey values in use; ``ends``: pixels piled up at the darkest and the brightest value;
* ``contrast``: spread of structures of ribs' and vessels' size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Figures = dict[str, float]

TILE = 320
TILES_A_SIDE = 3
# The outer part of a radiograph holds collimator edges, markers and air; the middle holds the patient.
MARGIN = 0.06
BLOCK = 16
# Traces that repeat over the whole picture are found in this much of its middle.
TRACE_SIDE = 1536
# A structure below this share of the grey range is nothing; 16 bits can hold about as little.
FLOOR = 2e-5
_SHARES = (3, 10, 25, 50, 75, 90, 98)
_DEAD = (1e-4, 5e-4, 2e-3)

_BINOMIAL = np.array([1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16], np.float32)
_LAPLACIAN_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6


def _spread_out(kernel: Image, step: int) -> Image:
    wide = np.zeros((len(kernel) - 1) * step + 1, np.float32)
    wide[::step] = kernel
    return wide


_SMOOTHING = tuple(_spread_out(_BINOMIAL, step) for step in (1, 2, 4))


def without_flat_border(pixels: NDArray[np.integer]) -> NDArray[np.integer]:
    """The image without the rows and columns of one single value at its edges: padding, masked margins, a frame round a frame.

    At least 64 pixels a side are left, so that an image that is all one value is measured as it is.
    """
    for _ in range(4):
        rows = np.flatnonzero(pixels.max(axis=1) != pixels.min(axis=1))
        columns = np.flatnonzero(pixels.max(axis=0) != pixels.min(axis=0))
        if rows.size == 0 or columns.size == 0:
            return pixels
        trimmed = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if trimmed.shape == pixels.shape or min(trimmed.shape) < 64:
            return pixels
        pixels = trimmed
    return pixels


def grey_range(pixels: NDArray[np.number]) -> float:
    """The distance from the 0.5 to the 99.5 percentile of a sample of the pixels, at least a millionth."""
    step = max(1, int(np.sqrt(pixels.size / 250_000)))
    low, high = np.percentile(pixels[::step, ::step], (0.5, 99.5))
    return max(float(high) - float(low), 1e-6)


def figures(pixels: NDArray[np.integer]) -> Figures:
    """All figures of one grey-scale image of shape (rows, columns), any integer type, borders already taken off."""
    pixels = narrow(pixels)
    span = grey_range(pixels)
    tiles = [tile.astype(np.float32) / np.float32(span) for tile in _tiles(pixels)]
    middle = _middle(pixels, TRACE_SIDE).astype(np.float32) / np.float32(span)
    found: Figures = {"side": float(np.log2(min(pixels.shape)))}
    found |= _bands(tiles)
    found |= _directions(tiles)
    found |= _edges(pixels, span)
    found |= _grid(middle)
    found |= _resampling(middle)
    found |= _levels(pixels)
    found |= _ends(pixels)
    found |= _contrast(pixels, span)
    return found


def narrow(pixels: NDArray[np.integer]) -> NDArray[np.integer]:
    """In a type that OpenCV resizes; values are only moved, never scaled, where they fit."""
    if pixels.dtype in (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.int16)):
        return pixels
    low = int(pixels.min())
    wide = pixels.astype(np.int64) - low
    # Nobody stores more than 16 bits of a radiograph; what claims to is brought down to them.
    return np.asarray(wide >> max(0, int(wide.max()).bit_length() - 16), dtype=np.uint16)


def _tiles(pixels: NDArray[np.integer]) -> Iterator[NDArray[np.integer]]:
    rows, columns = pixels.shape
    top, left = int(rows * MARGIN), int(columns * MARGIN)
    height, width = (rows - 2 * top) // TILES_A_SIDE, (columns - 2 * left) // TILES_A_SIDE
    high, wide = min(TILE, height), min(TILE, width)
    for i in range(TILES_A_SIDE):
        for j in range(TILES_A_SIDE):
            y = top + i * height + (height - high) // 2
            x = left + j * width + (width - wide) // 2
            yield pixels[y : y + high, x : x + wide]


def _middle(pixels: NDArray[np.integer], side: int) -> NDArray[np.integer]:
    rows, columns = pixels.shape
    high, wide = min(rows, side), min(columns, side)
    top, left = (rows - high) // 2, (columns - wide) // 2
    return pixels[top : top + high, left : left + wide]


def _blocks(values: Image) -> NDArray[np.float32]:
    """Mean of the absolute values in each whole block."""
    rows, columns = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    if rows == 0 or columns == 0:
        return np.abs(values).mean(keepdims=True).ravel()
    whole = np.abs(values[: rows * BLOCK, : columns * BLOCK])
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.float32).ravel()


def _bands(tiles: list[Image]) -> Figures:
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ("finest", "fine", "middle", "coarse")}
    for tile in tiles:
        found["finest"].append(_blocks(np.asarray(cv2.filter2D(tile, cv2.CV_32F, _LAPLACIAN_DIFFERENCE))))
        above = tile
        for name, kernel in zip(("fine", "middle", "coarse"), _SMOOTHING, strict=True):
            below = np.asarray(cv2.sepFilter2D(above, cv2.CV_32F, kernel, kernel), dtype=np.float32)
            found[name].append(_blocks(above - below))
            above = below
    result: Figures = {}
    for name, parts in found.items():
        blocks = np.concatenate(parts)
        for share, value in zip(_SHARES, np.percentile(blocks, _SHARES), strict=True):
            result[f"{name}_{share}"] = float(np.log(value + FLOOR))
        result[f"{name}_mean"] = float(np.log(blocks.mean() + FLOOR))
    finest = np.concatenate(found["finest"])
    for limit in _DEAD:
        result[f"dead_{limit:g}"] = float((finest < limit).mean())
    return result


def _directions(tiles: list[Image]) -> Figures:
    """Mean gradients along the two axes and the two diagonals, as they are and after a little smoothing."""
    sums = np.zeros((2, 4))
    for tile in tiles:
        soft = np.asarray(cv2.sepFilter2D(tile, cv2.CV_32F, _BINOMIAL, _BINOMIAL))
        for level, image in enumerate((tile, soft)):
            sums[level] += (
                np.abs(image[1:-1, 2:] - image[1:-1, :-2]).mean(),
                np.abs(image[2:, 1:-1] - image[:-2, 1:-1]).mean(),
                np.abs(image[2:, 2:] - image[:-2, :-2]).mean() / np.sqrt(2),
                np.abs(image[2:, :-2] - image[:-2, 2:]).mean() / np.sqrt(2),
            )
    result: Figures = {}
    for level, name in enumerate(("sharp", "soft")):
        logs = np.log(sums[level] / len(tiles) + FLOOR)
        result[f"{name}_axes"] = float(abs(logs[0] - logs[1]))
        result[f"{name}_diagonals"] = float(abs(logs[2] - logs[3]))
        result[f"{name}_weakest"] = float(logs.min())
        result[f"{name}_mean"] = float(logs.mean())
    return result


def _gradient(image: Image) -> tuple[Image, Image]:
    across, down = np.array([[-0.5, 0, 0.5]], np.float32), np.array([[-0.5], [0], [0.5]], np.float32)
    return np.asarray(cv2.filter2D(image, cv2.CV_32F, across)), np.asarray(cv2.filter2D(image, cv2.CV_32F, down))


def _steepness(image: Image, fine_sigma: float, coarse_sigma: float) -> float:
    """The fine gradient along the strongest hundredth of edges over the coarse one: 1 where soft, above it where sharp.

    Noise lifts both; what it lifts is read off the calmest third of the picture and taken off again.
    """
    fine, coarse = (
        np.asarray(cv2.GaussianBlur(image, (0, 0), s), dtype=np.float32) for s in (fine_sigma, coarse_sigma)
    )
    rows, columns = image.shape
    inner = np.s_[
        int(rows * MARGIN) : rows - int(rows * MARGIN), int(columns * MARGIN) : columns - int(columns * MARGIN)
    ]
    (fx, fy), (cx, cy) = ((x[inner], y[inner]) for x, y in (_gradient(fine), _gradient(coarse)))
    strength = cx * cx + cy * cy
    along = fx * cx + fy * cy
    calm, strong = np.percentile(strength[::3, ::3], (33, 99))
    edges, quiet = strength >= max(float(strong), 1e-14), strength <= float(calm)
    if not edges.any() or not quiet.any():
        return 0.0
    above = float(strength[edges].mean()) - float(strength[quiet].mean())
    return (float(along[edges].mean()) - float(along[quiet].mean())) / max(above, 1e-14)


def _edges(pixels: NDArray[np.integer], span: float) -> Figures:
    """Steepness of edges over 2, 4 and 8 pixels, at the image's own size, and over 2 at half of it."""
    own = _middle(pixels, 1024).astype(np.float32) / np.float32(span)
    rows, columns = pixels.shape
    half: NDArray[Any] = cv2.resize(pixels, (max(8, columns // 2), max(8, rows // 2)), interpolation=cv2.INTER_AREA)
    half_size = _middle(half, 768).astype(np.float32) / np.float32(span)
    return {
        "steep": _steepness(own, 0.5, 2.0),
        "steep_wide": _steepness(own, 1.0, 4.0),
        "steep_half": _steepness(half_size, 0.5, 2.0),
        "steep_half_wide": _steepness(half_size, 1.0, 4.0),
    }


def _grid(image: Image) -> Figures:
    """How much steps at one phase of an 8-pixel grid exceed the others: the larger and the mean of both directions."""
    excess = []
    for lines in (image[::2], image.T[::2]):
        step = np.abs(np.diff(lines, axis=1))
        usable = (step.shape[1] - 2) // 8 * 8
        scale = float(step.mean())
        if usable < 16 or scale <= 0:
            excess.append(0.0)
            continue
        capped = np.minimum(step, 4 * scale)
        extra = capped[:, 1 : usable + 1] - 0.5 * (capped[:, :usable] + capped[:, 2 : usable + 2])
        phases = extra.mean(axis=0).reshape(-1, 8).mean(axis=0)
        top = int(phases.argmax())
        rest = np.delete(phases, [(top - 1) % 8, top, (top + 1) % 8])
        # Resampling by 4:3 repeats every four pixels and is not a JPEG grid, which repeats every eight.
        beside = max(float(np.median(rest)), float(phases[(top + 4) % 8]))
        excess.append(max(0.0, (float(phases[top]) - beside) / scale))
    return {"grid_max": float(np.log(max(excess) + 0.01)), "grid_mean": float(np.log(sum(excess) / 2 + 0.01))}


def _resampling(image: Image) -> Figures:
    """The strongest repetition in the variance of second differences over the median one, both directions."""
    strongest, every_other = [], []
    for lines in (image[::2], image.T[::2]):
        second = np.abs(lines[:, 2:] - 2 * lines[:, 1:-1] + lines[:, :-2])
        typical = float(np.median(second[::2, ::2])) + 1e-9
        profile = np.log(np.minimum(second, 6 * typical).mean(axis=0) + 1e-6)
        if len(profile) < 48:
            strongest.append(0.0)
            every_other.append(0.0)
            continue
        profile = profile - np.convolve(np.pad(profile, 8, mode="edge"), np.ones(17) / 17, "valid")
        power = np.abs(np.fft.rfft(profile * np.hanning(len(profile)))) ** 2
        frequency = np.fft.rfftfreq(len(profile))
        # Multiples of an eighth belong to the grid of compression; one half is left in, as enlarging by two makes it.
        kept = (frequency > 0.12) & np.all([np.abs(frequency - k / 8) > 0.006 for k in (1, 2, 3)], axis=0)
        usual = float(np.median(power[kept])) + 1e-12
        strongest.append(float(np.log(power[kept].max() / usual + 1)))
        last = max(2, int((frequency > 0.494).sum()))
        every_other.append(float(np.log(power[-last:].max() / usual + 1)))
    return {"repeats": float(np.mean(strongest)), "repeats_2": float(np.mean(every_other))}


def _levels(pixels: NDArray[np.integer]) -> Figures:
    """Grey values in use between the 0.5 and 99.5 percentile, as bits. How far apart they lie does not matter."""
    low = int(pixels.min())
    if pixels.dtype.itemsize > 2:
        counts = np.bincount((pixels.astype(np.int64) - low).ravel())
    else:
        counts = np.bincount((pixels.astype(np.int32) - low).ravel())
    below = np.cumsum(counts)
    total = int(below[-1])
    first = int(np.searchsorted(below, total * 0.005, side="right"))
    last = int(np.searchsorted(below, total * 0.995))
    used = max(1, int((counts[first : last + 1] > total * 1e-6).sum()))
    return {"levels": float(np.log2(used))}


def _ends(pixels: NDArray[np.integer]) -> Figures:
    """Pixels of the middle within a 250th of the darkest and the brightest value, and their excess over the next two."""
    rows, columns = pixels.shape
    inner = pixels[
        int(rows * 0.08) : rows - int(rows * 0.08) : 2, int(columns * 0.08) : columns - int(columns * 0.08) : 2
    ]
    values = inner.astype(np.float32)
    low, high = (float(v) for v in np.percentile(values, (0.02, 99.98)))
    width = max((high - low) * 0.004, 1e-6)
    shares = []
    for depth in (values - low, high - values):
        at = float((depth <= width).mean())
        beside = float(((depth > width) & (depth <= 3 * width)).mean()) / 2
        shares.append((at, max(0.0, at - beside)))
    (dark, dark_pile), (bright, bright_pile) = shares
    # The same whichever end is black: the larger and the smaller of the two.
    return {
        "end_more": float(np.log(max(dark, bright) + 1e-4)),
        "end_less": float(np.log(min(dark, bright) + 1e-4)),
        "pile_more": float(np.log(max(dark_pile, bright_pile) + 1e-4)),
        "pile_less": float(np.log(min(dark_pile, bright_pile) + 1e-4)),
    }


def _contrast(pixels: NDArray[np.integer], span: float) -> Figures:
    """Spread (10 to 90 percent) of structures of 1/256 to 1/64 and of 1/128 to 1/16 of the longer side."""
    rows, columns = pixels.shape
    scale = 256 / max(rows, columns)
    size = (max(16, round(columns * scale)), max(16, round(rows * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(span)
    found: Figures = {}
    for name, fine, coarse in (("contrast_fine", 1.0, 4.0), ("contrast", 2.0, 16.0)):
        band = np.asarray(cv2.GaussianBlur(small, (0, 0), fine)) - np.asarray(cv2.GaussianBlur(small, (0, 0), coarse))
        high, wide = band.shape
        low, top = np.percentile(band[high // 8 : high - high // 8, wide // 8 : wide - wide // 8], (10, 90))
        found[name] = float(np.log(top - low + 1e-4))
    return found
