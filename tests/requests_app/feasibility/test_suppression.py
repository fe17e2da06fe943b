"""Suppression: no count under 11 can be read or worked out from what is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from requests_app.feasibility import SMALL, WITHHELD, Count, Equation, equations, suppress
from requests_app.spec import DatasetSpec, example_specs

VIEWS = Equation("all", ("pa", "ap", "lat"))


def test_counts_under_eleven_are_suppressed_and_none_is_not_told_apart_from_few() -> None:
    assert suppress({"a": 0, "b": 1, "c": 10, "d": 11}, []) == {"a": SMALL, "b": SMALL, "c": SMALL, "d": 11}


def test_a_total_does_not_give_a_suppressed_cell_away() -> None:
    shown = suppress({"all": 1000, "pa": 600, "ap": 396, "lat": 4}, [VIEWS])
    assert shown == {"all": 1000, "pa": 600, "ap": WITHHELD, "lat": SMALL}


def test_two_small_cells_whose_sum_is_small_need_a_third() -> None:
    shown = suppress({"all": 102, "pa": 100, "ap": 1, "lat": 1}, [VIEWS])
    assert shown["pa"] == WITHHELD


def test_a_total_goes_last_and_only_when_nothing_else_is_left() -> None:
    assert suppress({"all": 12, "pa": 6, "ap": 6, "lat": 0}, [VIEWS])["all"] == 12  # 12 of three: each may be 0 to 10
    assert suppress({"all": 20, "pa": 10, "ap": 10}, [Equation("all", ("pa", "ap"))])["all"] == WITHHELD


def test_a_sum_that_cannot_be_complete_is_no_reason_to_withhold() -> None:
    shown = suppress({"all": 1000, "pa": 100, "ap": 100, "lat": 4}, [VIEWS])
    assert shown == {"all": 1000, "pa": 100, "ap": 100, "lat": SMALL}


def test_cells_that_come_suppressed_stay_so_and_are_protected() -> None:
    assert suppress({"all": 1000, "pa": 600, "ap": 395, "lat": SMALL}, [VIEWS])["ap"] == WITHHELD


def test_what_several_sums_give_away_together_is_withheld() -> None:
    sums = [Equation("all", ("f", "m")), Equation("all", ("pa", "ap")), Equation("pa", ("pa-f", "pa-m")),
            Equation("f", ("pa-f", "ap-f"))]  # fmt: skip
    counts: dict[str, Count] = {
        "all": 300,
        "f": 150,
        "m": 150,
        "pa": 200,
        "ap": 100,
        "pa-f": 145,
        "pa-m": 55,
        "ap-f": 5,
    }
    shown = suppress(counts, sums)
    assert shown["ap-f"] == SMALL
    assert shown["pa-f"] == WITHHELD
    assert shown["pa-m"] == WITHHELD, "pa - pa-m would give pa-f, and that ap-f"


def test_the_sums_of_a_request_are_found() -> None:
    spec = DatasetSpec.model_validate(
        {
            "title": "t",
            "cohort": {"images": {"min": 900}},
            "projections": [{"view": v, "min_images": 300} for v in ("PA", "AP", "LATERAL")],
            "quotas": [{"view": "PA", "sex": "F", "min": 100}, {"view": "PA", "sex": "M", "min": 100}],
        }
    )
    found = {(e.total, frozenset(e.parts)) for e in equations(spec)}
    assert ("cohort.images", frozenset({"projection.pa", "projection.ap", "projection.lateral"})) in found
    assert ("projection.pa", frozenset({"quota.pa.f", "quota.pa.m"})) in found
    mixed = frozenset({"quota.pa.f", "quota.pa.m", "projection.ap", "projection.lateral"})
    assert ("cohort.images", mixed) in found
    for example in example_specs().values():
        assert len(equations(example)) < 2000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 16), min_size=4, max_size=4))
def test_brute_force_finds_every_suppressed_cell_open(cells: list[int]) -> None:
    """A 2 x 2 table with its margins: no small cell follows from what is shown, whatever way one counts."""
    names = ["pa-f", "pa-m", "ap-f", "ap-m"]
    counts: dict[str, Count] = dict(zip(names, cells, strict=True))
    margins = {"pa": names[:2], "ap": names[2:], "f": names[::2], "m": names[1::2]}
    inner = dict(zip(names, cells, strict=True))
    counts |= {key: sum(inner[part] for part in parts) for key, parts in margins.items()}
    counts["all"] = sum(cells)
    sums = [Equation(key, tuple(parts)) for key, parts in margins.items()]
    sums += [Equation("all", ("pa", "ap")), Equation("all", ("f", "m")), Equation("all", tuple(names))]
    shown = suppress(counts, sums)
    assert all(shown[key] == counts[key] or not isinstance(shown[key], int) for key in counts)
    free = [
        [shown[n]] if isinstance(shown[n], int) else range(11) if shown[n] == SMALL else range(11, 48) for n in names
    ]
    guess = dict(zip(names, np.meshgrid(*map(np.array, free), indexing="ij"), strict=True))
    whole = guess | {key: sum(guess[part] for part in parts) for key, parts in margins.items()}
    whole["all"] = sum(guess.values())
    fits = np.logical_and.reduce([_agrees(shown[key], whole[key]) for key in (*margins, "all")])
    for key, count in shown.items():
        if count == SMALL:
            assert len(np.unique(whole[key][fits])) > 1, (key, counts, shown)


def _agrees(shown: Count, values: NDArray[Any]) -> NDArray[np.bool_]:
    return values == shown if isinstance(shown, int) else (values < 11) == (shown == SMALL)
