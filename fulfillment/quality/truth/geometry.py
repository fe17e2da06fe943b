"""Quarter turns: of pixels, of boxes and points upon them, and of the attributes of a header that lie in the pixel grid.

A turn is counted in quarter turns counterclockwise, so that a picture that stands 90 degrees clockwise takes one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}


def turn_point(row: float, column: float, rows: int, columns: int, turns: int) -> tuple[float, float]:
    """Where a point lies after the turn; rows and columns are the picture's before it, edges of pixels count from 0."""
    for _ in range(turns % 4):
        row, column = columns - column, row
        rows, columns = columns, rows
    return row, column


def turn_box(box: Mapping[str, Any], rows: int, columns: int, turns: int) -> dict[str, Any]:
    """A box (x, y, width, height in pixels, and whatever else it says) after the turn."""
    top, left = turn_point(box["y"], box["x"], rows, columns, turns)
    bottom, right = turn_point(box["y"] + box["height"], box["x"] + box["width"], rows, columns, turns)
    place = {"x": min(left, right), "y": min(top, bottom), "width": abs(right - left), "height": abs(bottom - top)}
    return {**box, **place}


def turn_orientation(row: str, column: str, turns: int) -> tuple[str, str]:
    """PatientOrientation (PS3.3 C.7.6.1.1.1): the directions of the rows and of the columns after the turn."""
    for _ in range(turns % 4):
        row, column = column, "".join(_OPPOSITE.get(letter, letter) for letter in row)
    return row, column


def turn_pixel(row: float, column: float, rows: int, columns: int, turns: int) -> tuple[float, float]:
    """A pixel as shutters and collimators name it: the first row and column are 1."""
    row, column = turn_point(row - 0.5, column - 0.5, rows, columns, turns)
    return row + 0.5, column + 0.5


def turn_edges(edges: Sequence[float], rows: int, columns: int, turns: int) -> tuple[float, float, float, float]:
    """Left, right, upper and lower edge of a rectangle, in pixels counted from 1, after the turn."""
    left, right, upper, lower = edges
    one, other = (
        turn_pixel(upper, left, rows, columns, turns),
        turn_pixel(lower, right, rows, columns, turns),
    )
    return min(one[1], other[1]), max(one[1], other[1]), min(one[0], other[0]), max(one[0], other[0])
