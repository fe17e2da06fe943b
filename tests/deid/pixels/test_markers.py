"""A marker may stay where it stands alone, and not where it is part of a line that goes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from deid import Keyring, Released, deidentify, load_policy
from deid.pixels.detector import Region
from deid.pixels.markers import on_one_line
from tests.deid.objects import SECRET, make_file, plain_chest

LETTER = Region(40, 40, 14, 16, 0.95)


class Seeing:
    """Sees the given regions at the first look, and reads each as it is told."""

    name = "seeing"

    def __init__(self, *readings: tuple[Region, str]) -> None:
        self.readings = readings

    def find(self, image: NDArray[np.float32], near: Sequence[Region] | None = None) -> list[Region]:
        return [region for region, _ in self.readings] if near is None else []

    def read(self, image: NDArray[np.float32], region: Region) -> tuple[str, float]:
        inside = [
            text
            for place, text in self.readings
            if region.x <= place.x < region.x + region.width and region.y <= place.y < region.y + region.height
        ]
        return "".join(inside), 0.99


def masked(*readings: tuple[Region, str]) -> tuple[int, int]:
    """(regions masked, markers kept)."""
    seeing = Seeing(*readings)
    outcome = deidentify(
        make_file(plain_chest()), load_policy(), Keyring(SECRET, "test"), detector=seeing, reader=seeing
    )
    assert isinstance(outcome, Released), outcome.reason
    return len(outcome.masks), outcome.record.markers_kept


def test_a_letter_alone_stays_and_an_initial_beside_a_name_goes() -> None:
    assert masked((LETTER, "L")) == (0, 1)
    assert masked((LETTER, "L"), (Region(62, 40, 70, 16, 0.95), "Okonkwo")) == (2, 0)


def test_markers_beside_each_other_stay() -> None:
    assert masked((LETTER, "L"), (Region(62, 40, 30, 16, 0.95), " AP")) == (0, 2)


def test_a_marker_seen_in_two_pieces_is_still_a_marker() -> None:
    assert masked((LETTER, "LEF"), (Region(56, 40, 10, 16, 0.95), "T")) == (0, 2)
    assert masked((LETTER, "LEF"), (Region(56, 40, 10, 16, 0.95), "X")) == (2, 0)


def test_a_marker_on_the_line_above_a_name_stays() -> None:
    assert masked((LETTER, "L"), (Region(40, 70, 70, 16, 0.95), "Okonkwo")) == (1, 1)


@pytest.mark.parametrize(
    ("other", "together"),
    [
        (Region(62, 42, 70, 15, 1.0), True),  # the same line
        (Region(80, 42, 70, 15, 1.0), False),  # far along it
        (Region(40, 64, 14, 90, 1.0), True),  # a line that runs downwards
        (Region(60, 40, 14, 90, 1.0), False),  # beside a line that runs downwards
    ],
)
def test_which_way_a_line_runs_is_told_by_its_shape(other: Region, together: bool) -> None:
    assert on_one_line(LETTER, other) is together
