"""Shapes: boxes, polygons and masks, and the run lengths that masks are kept in."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco_api

from fulfillment.labels.formats import Shape, rle, shape_fault

pytestmark = pytest.mark.pure
FIELDS = st.sampled_from(["kind", "box", "rings", "size", "counts"])
JSON_LIKE = st.recursive(
    st.none() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner),
)
MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))


@given(MASKS)
@settings(max_examples=150, deadline=None)
def test_a_mask_is_kept_as_the_coco_api_keeps_it(mask: Any) -> None:
    shape = Shape.of_mask(mask)
    theirs = coco_api.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert shape.counts == theirs["counts"].decode()
    assert np.array_equal(shape.to_mask(*mask.shape), mask)
    assert shape.area == coco_api.area(theirs)
    if mask.any():
        rows, columns = np.nonzero(mask)
        width, height = columns.max() - columns.min() + 1, rows.max() - rows.min() + 1
        assert shape.bounds == (columns.min(), rows.min(), width, height)
    else:
        assert shape.bounds == (0, 0, 0, 0)
    assert Shape.from_json(json.loads(json.dumps(shape.as_json()))) == shape


def test_large_runs_are_kept_as_the_coco_api_keeps_them() -> None:
    mask = np.zeros((3000, 2500), dtype=np.uint8)
    mask[17:2900, 100:2400] = 1
    mask[1500, 1200] = 0
    assert Shape.of_mask(mask).counts == coco_api.encode(np.asfortranarray(mask))["counts"].decode()


@given(st.lists(st.integers(0, 9), max_size=12))
@settings(max_examples=150, deadline=None)
def test_empty_runs_are_merged_and_change_nothing(runs: list[int]) -> None:
    if sum(runs) == 0:
        return
    settled = rle.settle_runs(runs, (1, sum(runs)))
    assert 0 not in settled[1:]
    plain = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    assert np.array_equal(rle.fill(settled, (1, sum(runs)))[0], plain)


@pytest.mark.parametrize(
    ("runs", "code"),
    [([3, 2], "RLE_SHORT"), ([3, 9], "RLE_PAST_IMAGE"), ([-1, 7], "RLE_NEGATIVE"), ([10**30], "RLE_PAST_IMAGE")],
)
def test_runs_that_do_not_fill_the_mask_are_refused(runs: list[int], code: str) -> None:
    with pytest.raises(rle.BadRuns) as refused:
        Shape.of_runs(runs, (2, 3))
    assert refused.value.code == code


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=130), max_size=40))
def test_any_text_gives_runs_or_a_refusal(text: str) -> None:
    try:
        Shape.of_runs(rle.from_text(text), (4, 4))
    except rle.BadRuns:
        pass


def test_a_mask_larger_than_any_radiograph_is_refused_before_it_is_made() -> None:
    with pytest.raises(rle.BadRuns):
        Shape.of_runs([10**9], (10**6, 10**6))
    with pytest.raises(rle.BadRuns):
        Shape.of_box(0, 0, 1, 1).to_mask(10**6, 10**6)


def test_a_box_covers_the_pixels_whose_centre_it_holds() -> None:
    mask = Shape.of_box(1, 2, 3, 1).to_mask(5, 6)
    assert [tuple(map(int, pixel)) for pixel in np.argwhere(mask)] == [(2, 1), (2, 2), (2, 3)]
    assert not Shape.of_box(-9, -9, 3, 3).to_mask(5, 6).any()
    assert Shape.of_box(-9, -9, 99, 99).to_mask(5, 6).all()


def test_a_polygon_of_a_box_covers_the_same_pixels() -> None:
    box = Shape.of_box(1.2, 2.7, 3.1, 4.4)
    x, y, width, height = box.bounds
    ring = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    polygon = Shape.of_rings([ring])
    assert np.array_equal(box.to_mask(12, 9), polygon.to_mask(12, 9))
    assert polygon.bounds == pytest.approx(box.bounds)
    assert polygon.area == pytest.approx(box.area)


@given(st.lists(st.tuples(st.integers(-5, 30), st.integers(-5, 30)), min_size=3, max_size=8, unique=True))
@settings(max_examples=60, deadline=None)
def test_a_polygon_is_filled_much_as_the_coco_api_fills_it(points: list[tuple[int, int]]) -> None:
    """Theirs draws the outline thick and rounds; the inside is the same to within its rim."""
    ours = Shape.of_rings([points]).to_mask(25, 25)
    flat = [float(number) for point in points for number in point]
    theirs = coco_api.decode(coco_api.merge(coco_api.frPyObjects([flat], 25, 25))).astype(bool)
    rim = sum(np.hypot(a[0] - b[0], a[1] - b[1]) for a, b in zip(points, points[1:] + points[:1], strict=True))
    assert np.count_nonzero(ours ^ theirs) <= 1.5 * rim + 4


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        (Shape.of_box(0, 0, -1, 5), "BOX_NEGATIVE"),
        (Shape.of_box(0, 0, 0, 5), "BOX_EMPTY"),
        (Shape.of_box(0, 0, float("nan"), 5), "NUMBER_NOT_FINITE"),
        (Shape.of_box(1e12, 0, 1, 5), "NUMBER_TOO_LARGE"),
        (Shape.of_rings([[(0, 0), (1, 1), (0, 0)]]), "POLYGON_TOO_FEW"),
        (Shape.of_rings([[(0, 0), (1, 1), (2, 2)]]), "POLYGON_EMPTY"),
        (Shape.of_rings([[(0, 0), (1, 1e6)] * 9 + [(5, 5)]]), "POLYGON_TOO_LONG"),
    ],
)
def test_a_shape_that_can_be_on_no_image_says_why(shape: Shape, code: str) -> None:
    fault = shape_fault(shape)
    assert fault is not None
    assert fault[0] == code
    assert fault[2]
    with pytest.raises(ValueError):
        Shape.from_json(shape.as_json())


@given(JSON_LIKE)
@settings(max_examples=100, deadline=None)
def test_json_that_is_no_shape_is_refused_and_nothing_else(value: Any) -> None:
    with pytest.raises(ValueError):
        Shape.from_json(value)
