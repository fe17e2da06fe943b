"""What the engine asks of a text detector, so that a trained network can take the place of the present one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]


@dataclass(frozen=True)
class Region:
    """A place that looks like text: rectangle in image pixels, score 0 to 1. `doubtful`: a blob rather than a
    line of text."""

    x: int
    y: int
    width: int
    height: int
    score: float
    doubtful: bool = False

    @property
    def area(self) -> int:
        """Pixels covered."""
        return self.width * self.height


class TextDetector(Protocol):
    """Finds text. Deterministic: the same image gives the same regions."""

    name: str

    def find(self, image: Gray, near: Sequence[Region] | None = None) -> list[Region]:
        """Regions of text in one image of shape (rows, columns): stored values as float32, any range, either polarity.

        near: look only where the image overlaps these rectangles and their surroundings; None looks everywhere. What is
        seen at a place is the same either way.
        """
        ...


class TextReader(Protocol):
    """Reads one region; used only to decide whether a marker may stay."""

    def read(self, image: Gray, region: Region) -> tuple[str, float]:
        """(text, confidence 0 to 1) of the region; ("", 0.0) when nothing can be read."""
        ...
