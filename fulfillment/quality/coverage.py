"""How much of the chest is in the picture: the component that falls when a radiograph is cropped.

A radiograph that was taken to be read shows the lungs with room around them; a crop (a figure of a paper, a detector's window, a
collimator set too narrow) does not. Orientation of edges on a coarse grid tells how large the chest stands in its frame and what
touches the border. Learned from frontal radiographs cropped step by step (``training/fit_coverage.py``); other views are not
assessed.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fulfillment.quality.components import squashed
from fulfillment.quality.features import narrow

MODEL: Final = Path(__file__).parent / "models" / "coverage.npz"
SIDE: Final = 96
CELLS: Final = 12
ANGLES: Final = 9
EDGE: Final = 4


def outline(pixels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Edge directions in 12 by 12 cells, how lively each border is, and the shape: (1,304 + 4 + 1,) numbers.

    ``pixels``: (rows, columns), flat borders taken off. Unchanged by inverting or linearly changing the grey scale.
    """
    small = np.asarray(cv2.resize(narrow(pixels), (SIDE * 2, SIDE * 2), interpolation=cv2.INTER_AREA)).astype(
        np.float32
    )
    small = np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.float32)
    flat = np.sort(small.ravel())
    # Grey values by rank: what a window or a curve does to them no longer matters.
    even = (np.searchsorted(flat, small.ravel()) / flat.size).astype(np.float32).reshape(small.shape)
    gx, gy = cv2.Sobel(even, cv2.CV_32F, 1, 0), cv2.Sobel(even, cv2.CV_32F, 0, 1)
    size = cv2.magnitude(gx, gy)
    turn = (np.arctan2(gy, gx) / np.pi % 1) * ANGLES
    lower = np.floor(turn)
    share = (turn - lower).astype(np.float32)
    maps = []
    for angle in range(ANGLES):
        here = np.where(lower % ANGLES == angle, 1 - share, 0) + np.where((lower + 1) % ANGLES == angle, share, 0)
        maps.append(cv2.resize((size * here).astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA))
    cells = np.stack(maps)
    energy = np.sqrt((cells**2).sum(axis=0))
    around = np.asarray(cv2.GaussianBlur(energy, (0, 0), 1.2)) + 0.05 * float(energy.mean()) + 1e-6
    mean = float(size.mean()) + 1e-6
    borders = [size[:EDGE], size[-EDGE:], size[:, :EDGE], size[:, -EDGE:]]
    lively = [0.3 * float(np.log(border.mean() / mean + 0.01)) for border in borders]
    shape = float(np.log(pixels.shape[0] / pixels.shape[1]))
    return np.concatenate([(cells / around).ravel(), lively, [shape]]).astype(np.float32)


class CoverageModel:
    """Outline -> main directions -> a few small networks, averaged."""

    def __init__(
        self,
        mean: NDArray[np.float32],
        axes: NDArray[np.float32],
        spread: NDArray[np.float32],
        nets: list[tuple[NDArray[np.float32], ...]],
    ) -> None:
        self.mean, self.axes, self.spread, self.nets = mean, axes, spread, nets

    def standard(self, outlines: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, directions) in standard deviations, at most four."""
        return np.clip((outlines - self.mean) @ self.axes.T / self.spread, -4, 4).astype(np.float32)

    def raw(self, standard: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) before squashing; higher is more complete."""
        answers = [
            np.tanh(standard @ w + b) @ out + bias + standard @ straight for w, b, out, bias, straight in self.nets
        ]
        return np.asarray(np.mean(answers, axis=0)[:, 0], dtype=np.float32)

    def score(self, pixels: NDArray[np.integer]) -> float:
        """0 to 100: near 100 where the whole chest stands free in the frame."""
        return float(100 * squashed(self.raw(self.standard(outline(pixels)[None])))[0])

    def save(self, path: Path) -> None:
        arrays: dict[str, Any] = {
            f"net{n}_{part}": values for n, net in enumerate(self.nets) for part, values in enumerate(net)
        }
        # Half precision is ample for directions; it halves the file.
        np.savez_compressed(
            path, mean=self.mean.astype(np.float16), axes=self.axes.astype(np.float16), spread=self.spread, **arrays
        )

    @classmethod
    def read(cls, path: Path) -> CoverageModel:
        with np.load(path, allow_pickle=False) as held:
            count = len({name.split("_")[0] for name in held.files if name.startswith("net")})
            nets = [tuple(held[f"net{n}_{part}"] for part in range(5)) for n in range(count)]
            mean, axes = held["mean"].astype(np.float32), held["axes"].astype(np.float32)
            return cls(mean, axes, held["spread"], nets)


@lru_cache(maxsize=1)
def shipped_coverage() -> CoverageModel:
    """The model that comes with the package, read once a process."""
    return CoverageModel.read(MODEL)
