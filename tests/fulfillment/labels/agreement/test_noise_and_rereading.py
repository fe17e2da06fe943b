"""Labels that are likely wrong, and how many to read again to know."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fulfillment.labels.agreement import error_rate, find_noise, plan_rereading, sample_size


def flipped(n: int = 4000, positive: float = 0.2, flips: tuple[float, float] = (0.02, 0.1), seed: int = 1):  # type: ignore[no-untyped-def]
    """True states, labels with ``flips`` of the absent and the present ones turned, and a good model's probabilities."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < positive).astype(int)
    labels = np.where(rng.random(n) < np.where(truth == 1, flips[1], flips[0]), 1 - truth, truth)
    score = 1 / (1 + np.exp(-(rng.normal(0, 1, n) + np.where(truth == 1, 4.0, -4.0))))
    return truth, labels, np.column_stack([1 - score, score])


def test_the_joint_is_near_the_true_one_and_suspects_are_wrong_labels() -> None:
    truth, labels, chance = flipped()
    found = find_noise(labels, chance)
    true_joint = np.array([[np.mean((labels == i) & (truth == j)) for j in (0, 1)] for i in (0, 1)])
    assert np.abs(found.joint - true_joint).max() < 0.01
    assert found.noise_rate == pytest.approx(float(np.mean(labels != truth)), abs=0.01)
    assert found.rate_of(0) == pytest.approx(float(np.mean(truth[labels == 0] == 1)), abs=0.01)
    wrong = set(np.flatnonzero(labels != truth))
    named = {suspect.item for suspect in found.suspects}
    assert len(named & wrong) / len(wrong) > 0.9
    assert len(named & wrong) / len(named) > 0.95
    assert [s.margin for s in found.suspects] == sorted((s.margin for s in found.suspects), reverse=True)


def test_a_small_case_by_hand() -> None:
    labels = [0, 0, 0, 1, 1]
    chance = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])
    found = find_noise(labels, chance)
    # Self-confidence on average: (0.9 + 0.8 + 0.1) / 3 = 0.6 and (0.8 + 0.7) / 2 = 0.75.
    assert found.thresholds == pytest.approx([0.6, 0.75])
    assert found.confident.tolist() == [[2, 1], [0, 1]], "0.7 reaches neither threshold"
    assert found.joint == pytest.approx(np.array([[0.4, 0.2], [0, 0.4]]))
    assert [(s.item, s.given, s.suggested) for s in found.suspects] == [(2, 0, 1)]
    assert found.suspects[0].margin == pytest.approx(0.8)


def test_clean_labels_have_no_suspects() -> None:
    _, labels, chance = flipped(flips=(0, 0))
    found = find_noise(labels, chance)
    assert found.noise_rate is not None and found.noise_rate < 0.002


def test_what_cannot_be_estimated_is_said() -> None:
    same = find_noise([1, 1], [[0.4, 0.6], [0.1, 0.9]])
    assert (same.noise_rate, same.suspects) == (None, ())
    assert "All labels are the same" in same.why
    assert "no labels" in find_noise([], np.zeros((0, 2))).why
    for labels, chance in (([2], [[0.5, 0.5]]), ([0], [[0.5, 0.9]]), ([0, 1], [[1, 0]])):
        with pytest.raises(ValueError):
            find_noise(labels, chance)


def test_sample_sizes_are_those_of_the_textbook() -> None:
    # Cochran 1977: 5 % points at p = 0.5 needs 385; of 4,000 there are 351 to read.
    assert sample_size(10**9, precision=0.05) == 385
    assert sample_size(4000, precision=0.05) == 351
    assert sample_size(100, precision=0.01) == 99
    assert (sample_size(0, precision=0.05), sample_size(7, precision=0.001)) == (0, 7)
    with pytest.raises(ValueError):
        sample_size(10, precision=0)


LABELS = [
    (f"{finding}-{state}-{number}", finding, state)
    for finding, state, count in (
        ("Pneumothorax", "present", 80),
        ("Pneumothorax", "absent", 900),
        ("Mass", "present", 3),
        ("Mass", "absent", 1017),
    )
    for number in range(count)
]


def test_the_plan_is_spread_over_strata_and_the_same_for_the_same_seed() -> None:
    plan = plan_rereading(LABELS, precision=0.03, expected=0.05, least=5)
    assert plan.population == 2000
    assert sample_size(2000, precision=0.03, expected=0.05) == 185
    sizes = {(s.finding, s.state): len(s.chosen) for s in plan.strata}
    assert sizes == {
        ("Mass", "absent"): 94,
        ("Mass", "present"): 3,
        ("Pneumothorax", "absent"): 83,
        ("Pneumothorax", "present"): 8,
    }
    assert plan.arithmetic[0] == "n0 = 1.96^2 x 0.05 x 0.95 / 0.03^2 = 202.7"
    assert plan.arithmetic[-1].endswith(f"at least 5 (or all) from each: {plan.total:,}")
    assert plan_rereading(reversed(LABELS), precision=0.03, expected=0.05) == plan
    other = plan_rereading(LABELS, precision=0.03, expected=0.05, seed="2")
    assert {s.chosen for s in other.strata} != {s.chosen for s in plan.strata}
    with pytest.raises(ValueError, match="twice"):
        plan_rereading([*LABELS, LABELS[0]])


def test_the_rate_is_weighted_back_and_its_interval_covers_the_truth() -> None:
    covered = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        wrong = {key: bool(rng.random() < (0.2 if state == "present" else 0.03)) for key, _, state in LABELS}
        plan = plan_rereading(LABELS, precision=0.03, expected=0.05, seed=str(seed))
        read = {key: wrong[key] for stratum in plan.strata for key in stratum.chosen}
        found = error_rate(plan, read)
        truth = sum(wrong.values()) / len(wrong)
        assert found.low is not None and found.high is not None
        covered += found.low <= truth <= found.high
    assert covered >= 108, "95 % intervals"
    nothing = error_rate(plan, {})
    assert nothing.value is None and "No label" in nothing.why
    part = error_rate(plan, dict.fromkeys(plan.strata[0].chosen, False))
    assert part.value == 0 and part.high is not None and part.high > 0 and not math.isnan(part.high)
    assert "nobody read" in part.why
