"""Burned-in text: the mask is exactly where the glyphs are."""

from __future__ import annotations

import numpy as np
import pytest

from getdata.demo.burn import Polarity, burn_text

GREY = np.full((200, 400), 1800, np.uint16)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("polarity", ["light", "dark"])
def test_polarity_is_what_the_reader_sees(photometric: str, polarity: Polarity) -> None:
    burned = burn_text(GREY, "Portman", position=(20, 30), size=30, photometric=photometric, polarity=polarity)
    brightest_is_high = photometric == "MONOCHROME2"
    ink = burned.pixels[burned.mask].astype(int)
    assert (np.median(ink) > 1800) == (brightest_is_high == (polarity == "light"))


def test_only_the_neighbourhood_of_the_mask_changes() -> None:
    burned = burn_text(GREY, "Núñez 0047", position=(50, 60), size=24)
    x, y, width, height = burned.box
    changed = burned.pixels != GREY
    assert burned.mask.sum() > 100
    assert np.all(changed[burned.mask])
    outside = changed.copy()
    outside[y - 2 : y + height + 2, x - 2 : x + width + 2] = False
    assert not outside.any()
    assert burned.pixels.dtype == GREY.dtype
    assert int(GREY.min()) == 1800  # the input was not drawn on


def test_a_negative_position_counts_from_the_far_edges() -> None:
    burned = burn_text(GREY, "MRN", position=(-10, -10), size=20)
    x, y, width, height = burned.box
    assert 385 < x + width <= 391
    assert 185 < y + height <= 191


def test_a_quarter_turn_makes_the_text_stand() -> None:
    flat = burn_text(GREY, "Hilliard", position=(20, 20), size=20).box
    stood = burn_text(GREY, "Hilliard", position=(20, 20), size=20, rotation=90).box
    assert flat[2] > 2 * flat[3]
    assert stood[3] > 2 * stood[2]


def test_size_strength_and_plate_do_what_they_say() -> None:
    small = burn_text(GREY, "Anna", position=(20, 20), size=14)
    large = burn_text(GREY, "Anna", position=(20, 20), size=40)
    assert large.box[3] > 2 * small.box[3]
    faint = burn_text(GREY, "Anna", position=(20, 20), size=40, strength=0.05)
    assert 1800 < int(faint.pixels.max()) < 1950
    plated = burn_text(GREY, "Anna", position=(20, 20), size=40, plate=True)
    assert int(plated.pixels.min()) == 0
    assert int(np.sum(plated.pixels == 0)) > plated.mask.sum()
    assert np.array_equal(plated.mask, large.mask)


def test_text_outside_the_picture_burns_nothing() -> None:
    burned = burn_text(GREY, "Anna", position=(1000, 1000), size=20)
    assert not burned.mask.any()
    assert burned.box == (0, 0, 0, 0)
    assert np.array_equal(burned.pixels, GREY)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="ink"):
        burn_text(GREY, "", position=(0, 0), size=10)
    with pytest.raises(ValueError, match="strength"):
        burn_text(GREY, "A", position=(0, 0), size=10, strength=0)
    with pytest.raises(ValueError, match="font"):
        burn_text(GREY, "A", position=(0, 0), size=10, font="absent.ttf")
    with pytest.raises(ValueError, match="frame"):
        burn_text(np.stack([GREY] * 2), "A", position=(0, 0), size=10)
