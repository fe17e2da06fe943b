"""PDQ: a perceptual hash of 256 bits, after its published description. Numpy and OpenCV.

Source: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (Facebook, 2019). The image is
smoothed by a tent filter (two box filters each way, after Jarosz), sampled to 64 x 64, transformed by a DCT of which the 16 x 16
lowest frequencies without the mean are kept; each of the 256 bits says whether its coefficient is above their median. Two
pictures are compared by the number of bits that differ (0 to 256): unrelated ones differ by about 128, and negating the
grey scale turns nearly every bit over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BITS: Final = 256
BYTES: Final = BITS // 8
GRID: Final = 64
SIDE: Final = 16

Grey = NDArray[np.float32]
Coefficients = NDArray[np.float32]
Hash = NDArray[np.uint8]

#: The eight ways to lay a picture on its place, as (transposed, mirrored left-right, upside down) in that order.
DIHEDRAL: Final[dict[str, tuple[bool, bool, bool]]] = {
    "upright": (False, False, False),
    "mirrored": (False, True, False),
    "upside down": (False, False, True),
    "half turn": (False, True, True),
    "transposed": (True, False, False),
    "quarter turn right": (True, True, False),
    "quarter turn left": (True, False, True),
    "transposed across": (True, True, True),
}


def _dct_matrix() -> NDArray[np.float32]:
    frequency = np.arange(1, SIDE + 1)[:, None]
    place = 2 * np.arange(GRID)[None, :] + 1
    return (np.sqrt(2 / GRID) * np.cos(np.pi / (2 * GRID) * frequency * place)).astype(np.float32)


_DCT: Final = _dct_matrix()
# A mirrored picture has the same coefficients, with the sign turned where the frequency is odd; index 0 is frequency 1.
_SIGN: Final = np.where(np.arange(SIDE) % 2 == 0, -1, 1).astype(np.float32)


@dataclass(frozen=True)
class Pdq:
    """``hash``: uint8 of shape (32,). ``quality``: 0 (featureless) to 100; the authors advise against use below 50."""

    hash: Hash
    quality: int


def pdq(luminance: NDArray[np.generic]) -> Pdq:
    """The hash of a picture of shape (rows, columns) with values 0 to 255. Raises ValueError on another shape or none."""
    grid = sample(luminance)
    return Pdq(bits(coefficients(grid)), quality(grid))


def sample(luminance: NDArray[np.generic]) -> Grey:
    """The smoothed picture at 64 x 64 places, float32."""
    plane = np.asarray(luminance)
    if plane.ndim != 2 or plane.size == 0:
        raise ValueError(f"pdq takes a picture of shape (rows, columns), not {plane.shape}")
    rows, columns = plane.shape
    smooth = plane.astype(np.float32)
    for _ in range(2):
        smooth = _box(smooth, _window(columns), axis=1)
        smooth = _box(smooth, _window(rows), axis=0)
    at_row = ((np.arange(GRID) + 0.5) * rows / GRID).astype(np.intp)
    at_column = ((np.arange(GRID) + 0.5) * columns / GRID).astype(np.intp)
    return smooth[np.ix_(at_row, at_column)]


def _window(side: int) -> int:
    """Width of the box: half of what one of the 64 samples stands for, rounded up."""
    return (side + 2 * GRID - 1) // (2 * GRID)


def _box(plane: Grey, width: int, *, axis: int) -> Grey:
    """A running mean of ``width`` values along an axis; at the edges, of those there are. An even window leans right."""
    length = plane.shape[axis]
    if width <= 1 or length < 2:
        return plane
    half = (width + 2) // 2  # the published loop: half a window is filled before the first value is written
    ahead, behind = half, width - half
    total = np.cumsum(plane, axis=axis, dtype=np.float64)
    total = np.insert(total, 0, 0, axis=axis)
    place = np.arange(length)
    low, high = np.maximum(place - behind, 0), np.minimum(place + ahead, length)
    sums = np.take(total, high, axis=axis) - np.take(total, low, axis=axis)
    shape = (-1, 1) if axis == 0 else (1, -1)
    return (sums / (high - low).reshape(shape)).astype(np.float32)


def coefficients(grid: Grey) -> Coefficients:
    """DCT coefficients of frequencies 1 to 16 both ways: (..., 64, 64) to (..., 16, 16), rows first."""
    return np.asarray(_DCT @ grid @ _DCT.T, dtype=np.float32)


def bits(block: Coefficients) -> Hash:
    """Coefficients (..., 16, 16) to hashes (..., 32): a bit is set above the (lower) median."""
    flat = block.reshape(*block.shape[:-2], BITS)
    median = np.partition(flat, BITS // 2 - 1, axis=-1)[..., BITS // 2 - 1 : BITS // 2]
    # Written as in the published text: the highest frequency first.
    return np.packbits((flat > median)[..., ::-1], axis=-1)


def turned(block: Coefficients, way: str) -> Coefficients:
    """Coefficients of the picture laid the other way (a name of ``DIHEDRAL``), from those of the picture as it is."""
    transposed, mirrored, upside_down = DIHEDRAL[way]
    if transposed:
        block = np.swapaxes(block, -1, -2)
    if mirrored:
        block = block * _SIGN
    if upside_down:
        block = block * _SIGN[:, None]
    return block


def laid(picture: NDArray[np.generic], way: str) -> NDArray[np.generic]:
    """The picture itself laid the other way; the counterpart of ``turned``."""
    transposed, mirrored, upside_down = DIHEDRAL[way]
    if transposed:
        picture = np.swapaxes(picture, 0, 1)
    if mirrored:
        picture = picture[:, ::-1]
    if upside_down:
        picture = picture[::-1]
    return picture


def quality(grid: Grey) -> int:
    """How much there is to go by, 0 to 100: the sum of steps between neighbouring samples."""
    down = np.abs(np.trunc(np.diff(grid, axis=0) * 100 / 255)).sum()
    across = np.abs(np.trunc(np.diff(grid, axis=1) * 100 / 255)).sum()
    return int(min(100, (down + across) // 90))


def distance(one: Hash, other: Hash) -> int:
    """How many of the 256 bits differ."""
    return int(np.bitwise_count(np.bitwise_xor(one, other)).sum())


def as_hex(value: Hash) -> str:
    """64 hexadecimal digits, as PDQ hashes are written."""
    return value.tobytes().hex()


def from_hex(text: str) -> Hash:
    """The hash of 64 hexadecimal digits. Raises ValueError."""
    if len(text) != 2 * BYTES:
        raise ValueError(f"a PDQ hash has {2 * BYTES} hexadecimal digits, not {len(text)}")
    return np.frombuffer(bytes.fromhex(text), np.uint8).copy()
