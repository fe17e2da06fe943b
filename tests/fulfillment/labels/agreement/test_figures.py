"""Agreement against published examples and brute force; edge cases say why there is no figure."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from fulfillment.labels.agreement import (
    Marked,
    box_iou,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    mask_dice,
    mask_iou,
    match,
    shape_agreement,
)
from fulfillment.labels.agreement.shapes import _box_area
from fulfillment.labels.formats import Shape

# Fleiss 1971, table 1: 30 patients, six psychiatrists; depression, personality disorder, schizophrenia, neurosis, other.
FLEISS_1971 = """00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 00501 30012 51000 02040
10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006""".split()
# Krippendorff 2011: four coders, twelve units, "." where one did not code.
KRIPPENDORFF_2011 = ("123321412...", "123322412 5.3".replace(" ", ""), ".3332342251.", "12332441251.")


def test_cohen_1960() -> None:
    table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(table[i][j])]
    found = cohen_kappa([a for a, _ in pairs], [b for _, b in pairs])
    assert found.value == pytest.approx(0.492, abs=0.0005)
    assert found.n == 200
    assert found.low is not None and found.high is not None
    # The standard error of Fleiss, Cohen and Everitt (1969) for this table is 0.052.
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.052, abs=0.006)


def test_fleiss_1971() -> None:
    found = fleiss_kappa([[int(digit) for digit in row] for row in FLEISS_1971])
    assert found.value == pytest.approx(0.430, abs=0.0005)
    assert found.n == 30


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorff_2011(level: Any, alpha: float) -> None:
    units = [
        [None if rating == "." else int(rating) for rating in unit] for unit in zip(*KRIPPENDORFF_2011, strict=True)
    ]
    found = krippendorff_alpha(units, level=level)
    assert found.value == pytest.approx(alpha, abs=0.0005)
    assert found.n == 11, "a unit that one coder saw takes no part"


def test_weighted_kappa_by_its_definition() -> None:
    rng = random.Random(5)
    first = [rng.randrange(4) for _ in range(60)]
    second = [min(3, max(0, a + rng.choice([-1, 0, 0, 1]))) for a in first]
    for weights, power in (("none", 0), ("linear", 1), ("quadratic", 2)):

        def cost(a: int, b: int, power: int = power) -> float:
            return 0.0 if a == b else abs(a - b) ** power

        seen = sum(cost(a, b) for a, b in zip(first, second, strict=True)) / 60
        chance = sum(cost(a, b) for a in first for b in second) / 3600
        found = cohen_kappa(first, second, weights=weights, categories=range(4))  # type: ignore[arg-type]
        assert found.value == pytest.approx(1 - seen / chance)


def test_alpha_by_its_definition() -> None:
    rng = random.Random(6)
    units = [[rng.choice([0, 1, 2, None]) for _ in range(3)] for _ in range(40)]
    rated = [[r for r in unit if r is not None] for unit in units]
    rated = [unit for unit in rated if len(unit) > 1]
    every = [r for unit in rated for r in unit]
    seen = sum(sum(a != b for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in rated) / len(every)
    chance = sum(a != b for a, b in permutations(every, 2)) / (len(every) * (len(every) - 1))
    assert krippendorff_alpha(units).value == pytest.approx(1 - seen / chance)


def test_two_readers_with_all_ratings_have_nearly_the_same_kappa_and_alpha() -> None:
    rng = random.Random(7)
    first = [rng.random() < 0.3 for _ in range(400)]
    second = [a ^ (rng.random() < 0.1) for a in first]
    kappa = cohen_kappa(first, second).value
    assert krippendorff_alpha(list(zip(first, second, strict=True))).value == pytest.approx(kappa, abs=0.01)
    counts = [[2 - (a + b), a + b] for a, b in zip(first, second, strict=True)]
    assert fleiss_kappa(counts).value == pytest.approx(kappa, abs=0.01)


def test_patients_are_drawn_not_images() -> None:
    rng = random.Random(8)
    first = [rng.random() < 0.5 for _ in range(60)]
    second = [a ^ (rng.random() < 0.2) for a in first]
    alone = cohen_kappa(first, second)
    # The same readings five times over are no more knowledge when they are of the same patients.
    many = cohen_kappa(first * 5, second * 5, clusters=list(range(60)) * 5)
    naive = cohen_kappa(first * 5, second * 5)
    assert (many.value, many.n, many.clusters) == (pytest.approx(alone.value), 300, 60)
    width = [
        found.high - found.low for found in (alone, many, naive) if found.high is not None and found.low is not None
    ]
    assert width[1] == pytest.approx(width[0], rel=0.1)
    assert width[2] < 0.6 * width[0]
    assert cohen_kappa(first, second) == alone, "the same seed gives the same interval"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (cohen_kappa([1, 1, 1], [1, 1, 1]), "one and the same rating"),
        (cohen_kappa([None, 1], [1, None]), "No item was rated by both"),
        (cohen_kappa([], []), "No item"),
        (fleiss_kappa([[3, 0], [3, 0]]), "All ratings are the same"),
        (fleiss_kappa([[3, 0], [1, 1]]), "between 2 and 3 ratings"),
        (fleiss_kappa([]), "no item"),
        (krippendorff_alpha([[1, 1], [1, 1]]), "All ratings are the same"),
        (krippendorff_alpha([[1, None], [None, 2]]), "No unit was rated twice"),
        (shape_agreement([]).iou, "No two marks"),
    ],
)
def test_where_there_is_no_figure_it_is_said_why(found: Any, why: str) -> None:
    assert found.value is None and found.low is None
    assert why in found.why


def test_one_patient_gives_a_value_and_no_interval() -> None:
    found = cohen_kappa([0, 1, 1, 0], [0, 1, 0, 0], clusters=["p"] * 4)
    assert found.value is not None and found.low is None
    assert "One patient" in found.why


def test_a_rating_that_is_no_category_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the categories"):
        cohen_kappa([1, 9], [1, 1], categories=[0, 1])
    with pytest.raises(ValueError, match="clusters"):
        krippendorff_alpha([[1, 1]], clusters=[1, 2])


# --- shapes -----------------------------------------------------------------------------------------------------------


def test_matching_is_the_best_there_is() -> None:
    rng = np.random.default_rng(3)
    for _ in range(150):
        rows, columns = rng.integers(1, 5, 2)
        overlaps = np.round(rng.random((rows, columns)), 2) * (rng.random((rows, columns)) < 0.7)
        pairs = match(overlaps, 0.3)
        assert len({r for r, _ in pairs}) == len({c for _, c in pairs}) == len(pairs)
        gain = np.where(overlaps >= 0.3, overlaps, 0)
        wide = gain if rows <= columns else gain.T
        best = max(
            sum(wide[r, c] for r, c in enumerate(order)) for order in permutations(range(wide.shape[1]), wide.shape[0])
        )
        assert sum(gain[r, c] for r, c in pairs) == pytest.approx(best)


def test_overlaps_of_boxes_are_those_of_their_pixels() -> None:
    rng = np.random.default_rng(4)
    for _ in range(60):
        boxes = [tuple(int(v) for v in (*rng.integers(0, 12, 2), *rng.integers(1, 9, 2))) for _ in range(3)]
        a, b, c = (Shape.of_box(*box).to_mask(24, 24) for box in boxes)
        assert box_iou(boxes[0], boxes[1]) == pytest.approx(mask_iou(a, b))  # type: ignore[arg-type]
        assert _box_area(boxes) == (a | b | c).sum()  # type: ignore[arg-type]
        dice, iou = mask_dice(a, b), mask_iou(a, b)
        assert dice == pytest.approx(2 * iou / (1 + iou))


def test_readers_marks_are_compared_finding_by_finding() -> None:
    same, other, far = Shape.of_box(0, 0, 10, 10), Shape.of_box(0, 0, 10, 8), Shape.of_box(30, 30, 5, 5)
    images = [
        Marked([same], [other], cluster="p1"),
        Marked([same], [far], cluster="p2"),
        Marked([], [], cluster="p3"),
        Marked([same, far], [far, same], cluster="p4"),
    ]
    found = shape_agreement(images)
    assert (found.images, found.marks, found.matched) == (3, (4, 4), 3)
    assert found.found.value == pytest.approx(2 * 3 / 8)
    assert found.iou.value == pytest.approx((0.8 + 1 + 1) / 3)
    assert found.dice.value == pytest.approx(2 * (80 + 0 + 125) / (180 + 125 + 250))
    sized = [Marked(i.first, i.second, (40, 40), i.cluster) for i in images]
    assert shape_agreement(sized) == found
    ring = Shape.of_rings([[(0, 0), (10, 0), (10, 10), (0, 10)]])
    assert shape_agreement([Marked([ring], [same], (40, 40))]).iou.value == 1.0
    with pytest.raises(ValueError, match="size"):
        shape_agreement([Marked([ring], [same])])
