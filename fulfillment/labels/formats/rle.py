"""Run lengths of masks, as COCO keeps them: column by column, the first run background.

The compressed text is that of the COCO API: each run as groups of five bits, least first, bit 32 "more follows", every run after
the third as the difference to the run two before, and 48 added to make it printable. Written here and not called in pycocotools,
because that one's C code trusts what it reads; the tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_SIDE = 20_000
MAX_PIXELS = 150_000_000
MAX_RUNS = 4_000_000


class BadRuns(ValueError):
    """Run lengths that do not make a mask of the stated size. ``code`` says which way; the message is fit to be shown."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_size(rows: int, columns: int) -> None:
    """Raises BadRuns unless an image of that size is one that we would open."""
    if rows < 1 or columns < 1:
        raise BadRuns("SIZE_EMPTY", "The mask has no rows or no columns.")
    if rows > MAX_SIDE or columns > MAX_SIDE or rows * columns > MAX_PIXELS:
        raise BadRuns("SIZE_TOO_LARGE", f"A mask of {rows} x {columns} is larger than any radiograph.")


def runs_of(mask: NDArray[Any]) -> list[int]:
    """Run lengths of a two-dimensional mask (rows, columns), non-zero being foreground. Canonical: no empty run but the first."""
    flat = np.asarray(mask != 0).ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate(([0], edges, [flat.size]))
    runs: list[int] = np.diff(bounds).tolist()
    return [0, *runs] if flat.size and flat[0] else runs


def settle_runs(runs: Iterable[int], size: tuple[int, int]) -> list[int]:
    """The same mask with empty runs merged. Raises BadRuns where the runs do not fill ``size`` (rows, columns) exactly."""
    rows, columns = size
    check_size(rows, columns)
    total, settled, foreground = 0, [0], False
    for number, run in enumerate(runs):
        if number >= MAX_RUNS:
            raise BadRuns("RLE_TOO_LONG", f"The mask has more than {MAX_RUNS:,} runs.")
        if run < 0:
            raise BadRuns("RLE_NEGATIVE", "A run length is negative.")
        total += run
        if total > rows * columns:
            raise BadRuns("RLE_PAST_IMAGE", f"The runs go past the {rows} x {columns} pixels of the mask.")
        if run:
            now = bool(number % 2)
            if now == foreground:
                settled[-1] += run
            else:
                settled.append(run)
                foreground = now
    if total != rows * columns:
        raise BadRuns("RLE_SHORT", f"The runs fill {total} of the {rows * columns} pixels of the mask.")
    return settled


def fill(runs: Sequence[int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask (rows, columns) of settled runs."""
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, np.asarray(runs, dtype=np.int64)).reshape(size, order="F")


def to_text(runs: Sequence[int]) -> str:
    """The compressed text of COCO."""
    out = bytearray()
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        while True:
            group = value & 0x1F
            value >>= 5
            more = value != -1 if group & 0x10 else value != 0
            out.append((group | 0x20 if more else group) + 48)
            if not more:
                break
    return out.decode("ascii")


def from_text(text: str) -> list[int]:
    """The runs of a compressed text. Raises BadRuns where it is not one."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        group = ord(character) - 48
        if not 0 <= group < 64:
            raise BadRuns("RLE_NOT_TEXT", "The compressed run lengths hold a character that cannot be part of them.")
        if shift > 35:
            raise BadRuns("RLE_TOO_LONG", "A compressed run length is longer than any image.")
        value |= (group & 0x1F) << shift
        shift += 5
        if not group & 0x20:
            if group & 0x10:
                value -= 1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
            if len(runs) > MAX_RUNS:
                raise BadRuns("RLE_TOO_LONG", f"The mask has more than {MAX_RUNS:,} runs.")
    if shift:
        raise BadRuns("RLE_SHORT", "The compressed run lengths end in the middle of a number.")
    return runs


def run_box(runs: Sequence[int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """x, y, width, height of the foreground of settled runs; all 0 where there is none."""
    rows, _ = size
    ends = np.cumsum(np.asarray(runs, dtype=np.int64))
    last = ends[1::2] - 1
    if not len(last):
        return 0, 0, 0, 0
    first = ends[0::2][: len(last)]
    left, right = int(first[0] // rows), int(last[-1] // rows)
    # A run that goes on in the next column touches the bottom of one and the top of the other.
    across = bool(np.any(first // rows != last // rows))
    top = 0 if across else int((first % rows).min())
    bottom = rows - 1 if across else int((last % rows).max())
    return left, top, right - left + 1, bottom - top + 1
