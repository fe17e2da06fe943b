"""Exact duplicates by decoded pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fulfillment.duplicates import pixel_sha256

small = arrays.arrays(np.int16, arrays.array_shapes(min_dims=2, max_dims=3, max_side=6), elements=st.integers(0, 4095))


@given(small)
def test_storage_type_byte_order_and_layout_do_not_change_the_hash(pixels: np.ndarray) -> None:
    wanted = pixel_sha256(pixels)
    for dtype in ("<u2", ">u2", "<i4", ">i8", "<u4", "<u8"):
        assert pixel_sha256(pixels.astype(dtype)) == wanted
    assert pixel_sha256(np.asfortranarray(pixels)) == wanted


@given(small, st.data())
def test_one_grey_value_changes_the_hash(pixels: np.ndarray, data: st.DataObject) -> None:
    place = tuple(data.draw(st.integers(0, side - 1)) for side in pixels.shape)
    other = pixels.copy()
    other[place] += 1
    assert pixel_sha256(other) != pixel_sha256(pixels)


def test_shape_is_part_of_the_hash() -> None:
    pixels = np.zeros((4, 6), np.uint16)
    assert len({pixel_sha256(pixels), pixel_sha256(pixels.T), pixel_sha256(pixels.reshape(2, 12))}) == 3


def test_the_hash_is_pinned() -> None:
    """Stored hashes must stay comparable: a change here needs a new version and a migration."""
    assert pixel_sha256(np.arange(6, dtype=np.uint8).reshape(2, 3)) == PINNED


def test_rescaled_values_are_refused() -> None:
    with pytest.raises(TypeError, match="stored integer pixels"):
        pixel_sha256(np.zeros((2, 2), np.float32))


PINNED = "a9ddfbaeff20d9e52714f5f35bacf8fc7e1e80353cd505ad56cf2d9b2a590658"
