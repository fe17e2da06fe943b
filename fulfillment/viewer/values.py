"""Stored values of one frame on their way to a browser: decoded, little-endian, at a bounded price.

Two forms. ``plain``: rows of uint8, int8, uint16 or int16 (three uint8 a pixel for colour). ``packed``: 16-bit values as differences
to the left neighbour, low bytes of all pixels before high bytes, gzip: far fewer bytes, at the price of compressing. The browser asks
for it where the line is slower than that (docs/viewer.md has the figures).
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulfillment.dicomweb.pictures import NoPicture, decode
from getdata.common import storage
from getdata.common.problems import CannotDo

#: Decoding holds a whole picture in memory: so many at a time in one process, and how long one waits for a turn.
_DECODING = threading.BoundedSemaphore(2)
_PATIENCE_SECONDS = 20
FORMS = ("plain", "packed")


@contextmanager
def decoding_turn() -> Iterator[None]:
    """Wait for one's turn to decode. Raises ``CannotDo("busy")``."""
    if not _DECODING.acquire(timeout=_PATIENCE_SECONDS):
        raise CannotDo("Too many pictures are being decoded.", remedy="Try again in a few seconds.", code="busy")
    try:
        yield
    finally:
        _DECODING.release()


@dataclass(frozen=True)
class Values:
    """What is sent. ``encoding``: the Content-Encoding, or empty."""

    data: bytes
    encoding: str


def stored_values(key: str, *, frame: int, form: str) -> Values:
    """One frame of a released instance; ``frame`` counts from 1.

    Raises ``NoPicture`` (no such frame, or it cannot be decoded), ``FileNotFoundError``, ``storage.Unreachable``, ``CannotDo``.
    """
    with decoding_turn():
        decoded = decode(storage.get(storage.released(), key)).values
        if not 1 <= frame <= len(decoded):
            raise NoPicture("frame")
        plane = decoded[frame - 1]
        if form == "packed":
            return Values(_packed(plane), "gzip")
        return Values(np.ascontiguousarray(plane).tobytes(), "")


def _packed(plane: NDArray[Any]) -> bytes:
    """See above. Values of a byte are compressed as they are."""
    if plane.dtype.itemsize == 1 or plane.ndim == 3:
        return gzip.compress(np.ascontiguousarray(plane).tobytes(), 1, mtime=0)
    wide = np.ascontiguousarray(plane).view(np.uint16)
    steps = wide.copy()
    steps[:, 1:] -= wide[:, :-1]  # wraps around, and so does the browser when it adds them up
    folded: NDArray[Any] = (steps << 1) ^ (np.uint16(0) - (steps >> 15))  # small steps either way: an empty high byte
    halves = np.concatenate([(folded & 0xFF).astype(np.uint8).ravel(), (folded >> 8).astype(np.uint8).ravel()])
    return gzip.compress(halves.tobytes(), 1, mtime=0)
