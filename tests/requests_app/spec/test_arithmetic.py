"""Quota arithmetic against brute force: what it calls impossible must be impossible."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from requests_app.spec import (
    DatasetSpec,
    QuotaCell,
    QuotaCounting,
    Selector,
    canonical_json,
    images_needed,
    lint,
    smallest_total,
    spec_from_json,
)
from requests_app.spec.selector import contains, disjoint
from requests_app.taxonomy import get_taxonomy
from tests.requests_app.spec.builders import complete

OWN = get_taxonomy("getdata-cxr")
SEXES, VIEWS, AGES = ("F", "M"), ("PA", "AP", "LL", "RL"), (10, 50, 80)

selectors = st.builds(
    Selector,
    sex=st.sampled_from([None, *SEXES]),
    view=st.sampled_from([None, "PA", "AP", "LATERAL", "LL"]),
    age_min=st.sampled_from([None, 0, 40]),
    age_max=st.sampled_from([None, 60, 130]),
    position=st.sampled_from([None, "supine"]),
)
cells = st.lists(
    st.tuples(selectors, st.integers(0, 5), st.one_of(st.none(), st.integers(0, 8))), min_size=1, max_size=4
)


def selected(selector: Selector, atom: tuple[str, str, int, str]) -> bool:
    sex, view, age, position = atom
    return (
        (selector.sex is None or selector.sex.value == sex)
        and (selector.view is None or selector.view.covers(view))
        and (selector.age_min is None or age >= selector.age_min)
        and (selector.age_max is None or age <= selector.age_max)
        and (selector.position is None or selector.position.value == position)
    )


ATOMS = list(product(SEXES, VIEWS, AGES, ("supine", "erect")))


@given(selectors, selectors)
def test_a_selector_that_contains_another_selects_all_of_it(outer: Selector, inner: Selector) -> None:
    if contains(outer, inner, OWN):
        assert all(selected(outer, atom) for atom in ATOMS if selected(inner, atom))


@given(selectors, selectors)
def test_disjoint_selectors_share_no_image_and_disjointness_has_no_direction(one: Selector, other: Selector) -> None:
    if disjoint(one, other, OWN):
        assert not any(selected(one, atom) and selected(other, atom) for atom in ATOMS)
    assert disjoint(one, other, OWN) == disjoint(other, one, OWN)


def request(parts: list[tuple[Selector, int, int | None]]) -> DatasetSpec:
    quotas = []
    for number, (selector, low, high) in enumerate(parts):
        if high is not None and high < low:
            high = low
        fields = selector.model_dump()
        quotas.append(QuotaCell(**fields, min=low, max=high, check_id=f"q{number}"))
    return complete(cohort={"images": {"min": 0}}, quotas=[cell.model_dump() for cell in quotas])


@settings(max_examples=150, deadline=None)
@given(cells, st.lists(st.sampled_from(ATOMS), max_size=30))
def test_a_set_of_images_that_meets_every_line_is_never_called_impossible(
    parts: list[tuple[Selector, int, int | None]], images: list[tuple[str, str, int, str]]
) -> None:
    """Take any images, ask exactly for what they are, and the linter must not block; nor may more be needed."""
    quotas = []
    for number, (selector, _, _) in enumerate(parts):
        count = sum(selected(selector, image) for image in images)
        quotas.append({**selector.model_dump(), "min": count, "max": count, "check_id": f"q{number}"})
    spec = complete(cohort={"images": {"min": len(images), "max": len(images)}}, quotas=quotas)
    counting = {"OVER_MAXIMUM", "SUM_OVER_MAXIMUM", "OUTSIDE_COHORT", "OUTSIDE_PROJECTIONS", "TOO_FEW_PATIENTS"}
    assert not [note for note in lint(spec) if note.blocking and note.code in counting]
    assert images_needed(spec)[0] <= len(images)


@settings(max_examples=100, deadline=None)
@given(cells, st.lists(st.tuples(st.sampled_from(ATOMS), st.integers(0, 99)), max_size=30))
def test_images_given_to_one_quota_each_are_never_called_impossible(
    parts: list[tuple[Selector, int, int | None]], images: list[tuple[tuple[str, str, int, str], int]]
) -> None:
    """Give any images to one of their quotas each, ask exactly for what came of it, and nothing may block."""
    counts = [0] * len(parts)
    for image, choice in images:
        fitting = [number for number, (selector, _, _) in enumerate(parts) if selected(selector, image)]
        if fitting:
            counts[fitting[choice % len(fitting)]] += 1
    quotas = [
        {**selector.model_dump(), "min": counts[number], "max": counts[number], "check_id": f"q{number}"}
        for number, (selector, _, _) in enumerate(parts)
    ]
    views = [
        {"view": view, "min_images": sum(image[1] == view for image, _ in images)} for view in ("PA", "AP", "LL", "RL")
    ]
    cohort = {"images": {"min": len(images), "max": len(images)}}
    spec = complete(cohort=cohort, projections=views, quotas=quotas, quota_counting="once")
    counting = {"OVER_MAXIMUM", "SUM_OVER_MAXIMUM", "OUTSIDE_COHORT", "OUTSIDE_PROJECTIONS", "TOO_FEW_PATIENTS"}
    assert not [note for note in lint(spec) if note.blocking and note.code in counting]
    assert images_needed(spec)[0] <= len(images)


def test_quotas_that_share_no_image_add_up() -> None:
    findings = {"findings": [{"finding": "Pneumonia"}, {"finding": "Pleural effusion"}]}
    quotas = [{"finding": "Pneumonia", "min": 500}, {"finding": "Pleural effusion", "min": 500}]
    both = complete(cohort={"images": {"min": 900, "max": 900}}, labels=findings, quotas=quotas)
    assert not [note for note in lint(both) if note.blocking]
    once = both.model_copy(update={"quota_counting": QuotaCounting.ONCE})
    assert images_needed(once)[0] == 1000
    (note,) = [note for note in lint(once) if note.blocking]
    assert note.code == "SUM_OVER_MAXIMUM"
    assert "1,000" in note.message and "900" in note.message


def test_a_part_does_not_press_on_the_maximum_of_another_quota_that_it_shares_no_image_with() -> None:
    quotas = [{"sex": "F", "view": "AP", "min": 900}, {"sex": "F", "min": 100, "max": 800}]
    assert "OVER_MAXIMUM" in {note.code for note in lint(complete(quotas=quotas))}
    once = complete(quotas=quotas, quota_counting="once")
    assert not {"OVER_MAXIMUM", "PART_OVER_WHOLE"} & {note.code for note in lint(once)}


@settings(max_examples=100, deadline=None)
@given(cells)
def test_a_document_with_any_quotas_survives_being_written_and_read(
    parts: list[tuple[Selector, int, int | None]],
) -> None:
    spec = request(parts)
    assert spec_from_json(canonical_json(spec)) == spec


def test_the_images_needed_are_those_of_the_best_family_that_does_not_overlap() -> None:
    spec = complete(
        cohort={"images": {"min": 100}},
        quotas=[
            {"sex": "F", "min": 300},
            {"sex": "M", "min": 200},
            {"sex": "F", "view": "AP", "min": 350},
            {"sex": "F", "view": "PA", "min": 50},
        ],
    )
    needed, family = images_needed(spec)
    assert needed == 600
    assert {demand.check_id for demand in family} == {"quota.m", "quota.ap.f", "quota.pa.f"}


def test_a_share_cap_raises_the_smallest_total() -> None:
    spec = complete(
        cohort={"images": {"min": 100}},
        quotas=[{"site": "st-anna", "min": 90}],
        share_caps=[{"axis": "site", "max_percent": 30}],
    )
    assert smallest_total(spec) == 300


def test_many_cells_are_counted_quickly() -> None:
    quotas = [
        {"sex": sex, "view": view, "age_min": low, "age_max": low + 9, "min": 10 + low}
        for sex in ("F", "M")
        for view in ("PA", "AP")
        for low in range(20, 90, 10)
    ]
    needed, family = images_needed(complete(quotas=quotas, cohort={"images": {"min": 10}}))
    assert needed == sum(cell["min"] for cell in quotas)
    assert len(family) == 28
