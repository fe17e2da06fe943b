"""The shipped network as a detector: the same everywhere it is asked, whatever the range, polarity and size of the image."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from deid.pixels import textnet
from deid.pixels.detector import Region
from deid.pixels.regions import STRONG
from deid.pixels.textnet import NetDetector, probability
from tests.deid.objects import draw, plain_chest


def written(rows: int = 900, columns: int = 800, height: int = 20) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    image, glyphs = draw(plain_chest(rows, columns), "FEATHERSTONE W 12/04/1950", (60, 40), height, 4095)
    return image.astype(np.float32), glyphs


def covered(regions: list[Region], glyphs: NDArray[np.bool_]) -> float:
    mask = np.zeros(glyphs.shape, dtype=bool)
    for region in regions:
        if region.score >= STRONG:
            mask[region.y : region.y + region.height, region.x : region.x + region.width] = True
    return float(mask[glyphs].mean())


@pytest.mark.parametrize("height", [8, 20, 60])
def test_a_line_of_text_is_covered_in_either_polarity_and_any_range(height: int) -> None:
    image, glyphs = written(height=height)
    for view in (image, 4095 - image, image * 16 - 30000, image / 4095):
        assert covered(NetDetector().find(view.astype(np.float32)), glyphs) > 0.9


def test_images_that_hold_nothing_give_nothing() -> None:
    detector = NetDetector()
    for image in (np.zeros((300, 300)), np.full((64, 64), 7.0), np.zeros((8, 400)), plain_chest(600, 500)):
        assert [r for r in detector.find(image.astype(np.float32)) if r.score >= STRONG] == []


def test_a_large_image_in_bands_shows_what_the_whole_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    image, _ = written(1500, 700)
    whole = probability(image)
    monkeypatch.setattr(textnet, "_MOST_PIXELS", 300_000)
    bands = probability(image)
    assert bands.shape == whole.shape and float(np.abs(bands - whole).max()) < 0.25
    assert np.array_equal(bands > 0.5, whole > 0.5)


def test_a_place_looked_at_alone_shows_what_the_whole_shows() -> None:
    image, _ = written(1500, 1400)
    whole, near = probability(image), probability(image, [Region(60, 40, 300, 30, 1.0)])
    assert float(np.abs(near[:35, :100] - whole[:35, :100]).max()) < 0.1
    assert not near[200:, 200:].any()


def test_sizes_that_are_no_multiple_of_anything_are_fine() -> None:
    for rows, columns in ((517, 733), (1001, 999), (16, 16), (17, 400)):
        image = plain_chest(rows, columns).astype(np.float32)
        assert probability(image).shape == (-(-rows // 4), -(-columns // 4))
        NetDetector().find(image)
