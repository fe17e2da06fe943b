"""From probabilities to rectangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deid.pixels.detector import Region
from deid.pixels.regions import CELL, STRONG, joined, regions_of


def heat(*places: tuple[int, int, int, int, float]) -> NDArray[np.float32]:
    """A map of 100 x 120 cells with rectangles (x, y, width, height, probability)."""
    cells = np.zeros((100, 120), dtype=np.float32)
    for x, y, width, height, chance in places:
        cells[y : y + height, x : x + width] = chance
    return cells


def test_a_component_becomes_its_box_in_pixels() -> None:
    (region,) = regions_of(heat((10, 20, 30, 4, 0.95)))
    assert (region.x, region.y, region.width, region.height) == (10 * CELL, 20 * CELL, 30 * CELL, 4 * CELL)
    assert abs(region.score - 0.95) < 1e-6


def test_what_is_nowhere_likely_is_no_region() -> None:
    assert regions_of(heat((10, 20, 30, 4, 0.3))) == []


def test_the_faint_end_of_a_line_belongs_to_the_line() -> None:
    start, end = (10, 20, 30, 4, 0.95), (46, 20, 12, 4, 0.45)
    assert [r.score >= STRONG for r in regions_of(heat(start, end))] == [True, True]
    far, above = (80, 20, 12, 4, 0.45), (46, 40, 12, 4, 0.45)
    assert sum(r.score >= STRONG for r in regions_of(heat(start, far, above))) == 1


def test_a_line_is_followed_piece_by_piece() -> None:
    pieces = [(10, 20, 30, 4, 0.95), (46, 20, 12, 4, 0.45), (64, 20, 12, 4, 0.45), (82, 20, 12, 4, 0.45)]
    assert all(r.score >= STRONG for r in regions_of(heat(*pieces)))


def test_slanted_text_is_covered_in_steps_and_not_by_one_large_box() -> None:
    cells = np.zeros((100, 120), dtype=np.float32)
    for column in range(10, 100):
        row = 10 + round((column - 10) * 0.7)
        cells[row : row + 5, column] = 0.95
    boxes = regions_of(cells)
    covered = np.zeros((400, 480), dtype=bool)
    for box in boxes:
        covered[box.y : box.y + box.height, box.x : box.x + box.width] = True
    assert covered[np.kron(cells > 0, np.ones((CELL, CELL))) > 0].all(), "every cell of the text is covered"
    assert covered.sum() < 3 * (cells > 0).sum() * CELL * CELL


def test_overlapping_pieces_of_one_text_are_joined_and_crossing_lines_are_not() -> None:
    assert len(joined([Region(10, 10, 100, 20, 0.9), Region(40, 12, 60, 18, 0.95)], 400, 480)) == 1
    assert len(joined([Region(10, 100, 300, 20, 0.9), Region(100, 10, 20, 300, 0.9)], 400, 480)) == 2


def test_boxes_are_clipped_to_the_image_and_blobs_are_doubtful() -> None:
    (region,) = joined([Region(450, 390, 100, 40, 0.9)], 400, 480)
    assert (region.x + region.width, region.y + region.height) == (480, 400)
    (blob,) = joined([Region(10, 10, 260, 240, 0.99)], 400, 480)
    assert blob.doubtful
