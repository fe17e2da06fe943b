"""How many pictures are looked at: against the hypergeometric distribution counted out, and at the edges."""

from __future__ import annotations

from itertools import combinations
from math import comb

import pytest

from fulfillment.sampling import draw, miss_probability, plan_sample, smallest_sample
from fulfillment.sampling.plan import LEAST, RISK, SHARE, TOLERATED


def test_the_probability_to_miss_all_is_what_counting_every_sample_gives() -> None:
    for population in range(1, 9):
        for defects in range(1, population + 1):
            for size in range(population + 1):
                samples = list(combinations(range(population), size))
                misses = sum(min(one, default=defects) >= defects for one in samples)
                assert miss_probability(population, defects, size) == pytest.approx(misses / len(samples))


@pytest.mark.parametrize("population", [1, 2, 7, 33, 34, 84, 96, 1000, 25_000])
def test_the_sample_is_the_smallest_that_keeps_the_risk(population: int) -> None:
    defects = max(1, -(-population * 3 // 100))
    size = smallest_sample(population, defects)
    assert comb(population - defects, size) <= RISK * comb(population, size)
    assert comb(population - defects, size - 1) > RISK * comb(population, size - 1)
    with pytest.raises(ValueError, match="nothing to find"):
        smallest_sample(population, 0)


@pytest.mark.parametrize(
    ("population", "certain", "total"),
    [(0, 0, 0), (1, 0, 1), (20, 0, 20), (96, 12, 65), (40, 40, 40), (50_000, 0, 500)],
)
def test_a_plan_looks_at_all_that_ask_for_it_and_at_enough_of_the_others(
    population: int, certain: int, total: int
) -> None:
    plan = plan_sample(population, certain)
    assert (plan.total, plan.certain, plan.rest) == (total, certain, population - certain)
    assert plan.miss <= RISK
    assert plan.drawn >= SHARE * plan.rest and plan.total >= min(population, LEAST)
    assert plan.defects >= TOLERATED * plan.rest


def test_the_arithmetic_names_every_number_of_the_plan() -> None:
    words = " ".join(plan_sample(96, 12).arithmetic)
    for part in (
        "96 images passed",
        "12 of them",
        "84 remain",
        "D = 3",
        "C(81, n) / C(84, n)",
        "n = 53",
        "= 65 images",
    ):
        assert part in words, part
    with pytest.raises(ValueError, match="between 0 and the population"):
        plan_sample(3, 4)


def test_the_same_seed_draws_the_same_and_another_seed_does_not() -> None:
    keys = [f"key {number}" for number in range(300)]
    assert draw(keys, 40, "a") == draw(reversed(keys), 40, "a")
    assert set(draw(keys, 40, "a")) != set(draw(keys, 40, "b"))
    # Each key is as likely as any other: over many seeds the first is drawn in 40 of 300 of them.
    hits = sum(keys[0] in draw(keys, 40, str(seed)) for seed in range(400))
    assert abs(hits / 400 - 40 / 300) < 0.07
