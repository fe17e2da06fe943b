"""Small images looked at enlarged: text is found at its place, anatomy is left alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from deid.pixels.detector import Region
from deid.pixels.enlarged import Enlarged, enlargement
from deid.pixels.regions import STRONG
from deid.pixels.textnet import NetDetector
from tests.deid.objects import draw, load_radiograph, plain_chest, real_radiographs


def shares(regions: list[Region], glyphs: NDArray[np.bool_]) -> tuple[float, float]:
    mask = np.zeros(glyphs.shape, dtype=bool)
    for region in regions:
        if region.score >= STRONG:
            mask[region.y : region.y + region.height, region.x : region.x + region.width] = True
    return float(mask[glyphs].mean()) if glyphs.any() else 0.0, float(mask.mean())


def test_images_of_the_size_of_radiographs_are_left_as_they_are() -> None:
    assert [enlargement(rows, 200) for rows in (2500, 1200, 1199, 640, 512, 300, 20)] == [1, 1, 2, 2, 3, 3, 3]


@pytest.mark.parametrize("height", [8, 16, 30])
def test_text_of_a_small_image_is_found_where_it_stands(height: int) -> None:
    image, glyphs = draw(plain_chest(450, 420), "DOE 12/04/1950", (20, 30), height, 4095)
    for view in (image, 4095 - image):
        hit, area = shares(Enlarged(NetDetector()).find(view.astype(np.float32)), glyphs)
        assert hit > 0.9 and area < 0.25


def test_the_spine_of_a_small_radiograph_is_no_text() -> None:
    areas = []
    for path in real_radiographs()[:4]:
        image = load_radiograph(path, enlarge=0.45)
        areas.append(shares(Enlarged(NetDetector()).find(image.astype(np.float32)), np.zeros(image.shape, bool))[1])
    assert max(areas) < 0.06 and sum(areas) / len(areas) < 0.03


class Giant:
    """Sees one very large line, in the image as it is only."""

    name = "giant"

    def find(self, image: NDArray[np.float32], near: Sequence[Region] | None = None) -> list[Region]:
        return [Region(10, 10, 200, 60, 0.99)] if image.shape[0] < 500 else []


def test_what_only_the_image_as_it_is_shows_is_a_hint() -> None:
    (found,) = Enlarged(Giant()).find(np.zeros((400, 400), dtype=np.float32))
    assert (found.x, found.width) == (10, 200) and found.score < STRONG
