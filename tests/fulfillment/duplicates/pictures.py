"""Small invented chest radiographs for tests of duplicates, each drawn once a run."""

from __future__ import annotations

from functools import cache

import numpy as np

from getdata.demo.phantom import make_phantom


@cache
def chest(seed: int, *, sex: str = "F", age: int = 50) -> np.ndarray:
    """An 8-bit phantom of 480 x 400; the same arguments give the same picture."""
    pixels = make_phantom(seed, sex=sex, age=age, size=(480, 400)).pixels
    made = (pixels >> 4).astype(np.uint8)
    made.setflags(write=False)
    return made
