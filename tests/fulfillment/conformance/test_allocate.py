"""Counting each thing once: against brute force, and what a researcher may rely on."""

from __future__ import annotations

import time
from collections import Counter
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment.conformance import CellProgress, ImageFacts, check_batch, fill_quotas, matches
from fulfillment.conformance.allocate import Places, allocate
from fulfillment.conformance.classify import Classifier
from requests_app.spec import CountUnit, DatasetSpec, demands
from tests.fulfillment.conformance.builders import facts
from tests.requests_app.spec.builders import complete

pytestmark = pytest.mark.pure

LINES = 3
places = st.builds(
    lambda need, more, binding: Places(need, None if more is None else need + more, binding),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(0, 2)),
    st.booleans(),
)
lines = st.lists(places, min_size=LINES, max_size=LINES)
things = st.lists(st.integers(0, 2**LINES - 1), max_size=7)


def ranked(asked: list[Places]) -> list[int]:
    return sorted(range(len(asked)), key=lambda i: (not asked[i].binding, i))


def worth(counts: tuple[int, ...], asked: list[Places]) -> tuple[int, ...]:
    """What an allocation is judged by: how much of the needs is filled, then line by line in rank, then the rest."""
    order = ranked(asked)
    needs = [min(counts[i], asked[i].need) for i in order]
    within = [counts[i] if asked[i].most is None else min(counts[i], asked[i].most) for i in order]
    return (sum(needs), *needs, *within, *(counts[i] for i in order))


def best_of_all(supply: list[int], asked: list[Places]) -> tuple[int, ...]:
    """Try every way of giving each thing to one of its lines."""
    choices = [[i for i in range(LINES) if thing >> i & 1] for thing in supply if thing]
    found = set()
    for chosen in product(*choices):
        counts = [0] * LINES
        for line in chosen:
            counts[line] += 1
        found.add(tuple(counts))
    return max(found, key=lambda counts: worth(counts, asked))


@settings(max_examples=100, deadline=None)
@given(things, lines)
def test_it_is_the_best_of_all_allocations(supply: list[int], asked: list[Places]) -> None:
    got = tuple(allocate(Counter(supply), asked))
    assert sum(got) == sum(1 for thing in supply if thing)
    assert got == best_of_all(supply, asked)


@settings(max_examples=100, deadline=None)
@given(things, lines, st.integers(1, 2**LINES - 1))
def test_one_more_thing_never_lowers_a_count(supply: list[int], asked: list[Places], extra: int) -> None:
    before, after = allocate(Counter(supply), asked), allocate(Counter([*supply, extra]), asked)
    assert all(now >= was for was, now in zip(before, after, strict=True))
    assert sum(after) == sum(before) + 1


@settings(max_examples=60, deadline=None)
@given(things, lines)
def test_nothing_goes_above_a_maximum_while_another_of_its_lines_has_room(
    supply: list[int], asked: list[Places]
) -> None:
    got = allocate(Counter(supply), asked)
    roomy = sum(1 << i for i, line in enumerate(asked) if line.most is None or got[i] < line.most)
    full = [i for i, line in enumerate(asked) if line.most is not None and got[i] > line.most]
    for line in full:
        only = sum(1 for thing in supply if thing >> line & 1 and not thing & roomy)
        assert only >= got[line] - (asked[line].most or 0)


def test_a_negative_supply_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        allocate({1: -1}, [Places(1, None)])


def test_places_are_moved_along_a_chain_of_lines() -> None:
    chain = [0b11, 0b110, 0b1100, 0b11000, 0b10000]
    assert allocate(Counter(chain), [Places(1, 1)] * 5) == [1, 1, 1, 1, 1]
    # Everything that the first line could have is wanted later: only moving the others along fills them all.
    assert allocate({0b1: 1, 0b11: 1, 0b111: 1}, [Places(1, 1)] * 3) == [1, 1, 1]


# --- images -----------------------------------------------------------------------------------------------------------

BOTH = [{"finding": "Pleural effusion", "min": 2}, {"finding": "Pneumonia", "min": 2}]


def once(quotas: list[dict[str, Any]], **parts: Any) -> DatasetSpec:
    return complete(cohort={"images": {"min": 0}}, quotas=quotas, quota_counting="once", **parts)


def counts(batch: list[ImageFacts], spec: DatasetSpec) -> list[int]:
    return [line.received for line in fill_quotas(batch, spec) if line.kind == "cell"]


def ill(*findings: str, **more: Any) -> ImageFacts:
    return facts(labels=dict.fromkeys(findings, "present"), **more)


def test_an_image_with_two_findings_fills_one_quota_only_where_the_request_says_so() -> None:
    two = [ill("Pleural effusion", "Pneumonia")]
    assert counts(two, complete(quotas=BOTH)) == [1, 1]
    assert counts(two, once(BOTH)) == [1, 0]


def test_who_could_fill_either_goes_where_it_is_missing() -> None:
    batch = [ill("Pleural effusion", "Pneumonia")] * 2 + [ill("Pleural effusion")] * 2
    assert counts(batch, once(BOTH)) == [2, 2]
    assert counts(batch[::-1], once(BOTH)) == [2, 2]


def test_totals_projections_and_findings_still_count_every_image() -> None:
    spec = complete(
        cohort={"images": {"min": 5}},
        projections=[{"view": "PA", "min_images": 5}],
        labels={"findings": [{"finding": "Pneumonia", "min_positive": 5}]},
        quotas=BOTH,
        quota_counting="once",
    )
    rest = [line.received for line in fill_quotas([ill("Pleural effusion", "Pneumonia")] * 3, spec)]
    assert rest == [3, 3, 3, 2, 1]


def test_a_patient_counts_in_one_quota_of_patients_and_their_images_in_quotas_of_images() -> None:
    quotas = [
        {"view": "AP", "unit": "patients", "min": 1},
        {"view": "PA", "unit": "patients", "min": 1},
        {"view": "PA", "min": 1},
        {"view": "PA", "unit": "studies", "min": 1},
    ]
    same = [facts(view="AP"), facts(view="PA")]
    assert counts(same, once(quotas)) == [1, 0, 1, 1]
    assert counts([*same, facts(view="PA", patient="P2")], once(quotas)) == [1, 1, 2, 1]


def test_what_binds_is_filled_before_what_is_wished_for() -> None:
    quotas = [{**BOTH[0], "min": 1, "level": "should"}, {**BOTH[1], "min": 1}]
    assert counts([ill("Pleural effusion", "Pneumonia")], once(quotas)) == [0, 1]


def test_beyond_every_maximum_the_rest_is_surplus_of_a_line_it_matches() -> None:
    quotas = [{**line, "max": 2} for line in BOTH]
    spec = once(quotas)
    batch = [ill("Pneumonia", sop_instance_uid=None)] * 3
    assert counts(batch, spec) == [0, 3]
    over = [finding for finding in check_batch(batch, spec) if finding.code == "COUNT_OVER"]
    assert [(finding.check_id, finding.remedy) for finding in over] == [("quota.pneumonia", "Leave out 1 image.")]
    either = [ill("Pleural effusion", "Pneumonia", sop_instance_uid=None)] * 4
    assert counts(either, spec) == [2, 2]


pictures = st.builds(
    facts,
    patient=st.sampled_from(["P1", "P2", "P3", None]),
    study_uid=st.sampled_from(["S1", "S2", None]),
    sex=st.sampled_from(["F", "M", None]),
    view=st.sampled_from(["PA", "AP", "LL", None]),
    position=st.sampled_from(["supine", None]),
    portable=st.sampled_from([True, None]),
    age_years=st.one_of(st.none(), st.floats(0.1, 95)),
    vendor=st.sampled_from(["Siemens", "Philips", None]),
    site=st.sampled_from(["north", "South", None]),
    labels=st.one_of(
        st.none(),
        st.dictionaries(
            st.sampled_from(["pneumonia", "Pleural effusion", "unheard of"]),
            st.sampled_from(["present", "likely", "possible", "absent", "not_mentioned", "nonsense"]),
        ),
    ),
)
quotas = st.lists(
    st.fixed_dictionaries(
        {"min": st.integers(1, 3), "unit": st.sampled_from(["images", "images", "patients", "studies"])},
        optional={
            "max": st.integers(3, 4),
            "sex": st.sampled_from(["F", "M"]),
            "view": st.sampled_from(["PA", "AP", "LATERAL"]),
            "position": st.just("supine"),
            "portable": st.booleans(),
            "age_min": st.integers(0, 66),
            "age_max": st.integers(66, 90),
            "finding": st.sampled_from(["Pneumonia", "Pleural effusion"]),
            "finding_state": st.sampled_from(["present", "absent"]),
            "vendor": st.sampled_from(["siemens ag", "Philips"]),
            "site": st.sampled_from(["North", "south"]),
            "level": st.sampled_from(["must", "should"]),
        },
    ),
    min_size=1,
    max_size=4,
)


def numbered(cells: list[dict[str, Any]], counting: str) -> DatasetSpec:
    named = [{**cell, "check_id": f"q{index}"} for index, cell in enumerate(cells)]
    return complete(cohort={"images": {"min": 0}}, quotas=named, quota_counting=counting)


@settings(max_examples=60, deadline=None)
@given(st.lists(pictures, max_size=8), quotas)
def test_images_are_sorted_into_the_lines_that_they_match(batch: list[ImageFacts], cells: list[dict[str, Any]]) -> None:
    spec = numbered(cells, "every")
    classifier = Classifier(spec, [cell.selector() for cell in spec.quotas])
    for image in batch:
        told = classifier.lines(image)
        assert [bool(told >> i & 1) for i in range(len(spec.quotas))] == [
            matches(image, cell, spec) for cell in spec.quotas
        ]


@settings(max_examples=60, deadline=None)
@given(st.lists(pictures, max_size=8), quotas)
def test_once_never_counts_more_than_every_nor_anything_twice(
    batch: list[ImageFacts], cells: list[dict[str, Any]]
) -> None:
    every, single = numbered(cells, "every"), numbered(cells, "once")
    wide = {line.check_id: line for line in fill_quotas(batch, every)}
    narrow = {line.check_id: line for line in fill_quotas(batch, single)}
    assert all(narrow[key].received <= wide[key].received for key in wide)
    for unit, name in (("images", None), ("patients", "patient"), ("studies", "study_uid")):
        own = [cell for cell in single.quotas if cell.unit.value == unit]
        taken = sum(narrow[cell.check_id].received for cell in own if cell.check_id in narrow)
        matching = [image for image in batch if any(matches(image, cell, single) for cell in own)]
        there = len({getattr(i, name) for i in matching} - {None}) if name else len(matching)
        assert taken == there


@settings(max_examples=60, deadline=None)
@given(st.lists(pictures, max_size=8), pictures, quotas)
def test_an_image_that_arrives_never_lowers_what_was_counted(
    batch: list[ImageFacts], extra: ImageFacts, cells: list[dict[str, Any]]
) -> None:
    """For images by itself; for patients and studies, which a new image may fit for other lines, by what they held."""
    spec = numbered(cells, "once")
    before, fresh = fill_quotas(batch, spec), fill_quotas([*batch, extra], spec)
    assert all(
        now.received >= was.received for was, now in zip(before, fresh, strict=True) if was.unit == CountUnit.IMAGES
    )
    kept = fill_quotas([*batch, extra], spec, held={line.check_id: line.received for line in before})
    assert all(now.received >= was.received for was, now in zip(before, kept, strict=True))
    for unit in CountUnit:
        own = [index for index, line in enumerate(fresh) if line.unit == unit]
        assert sum(needs_met(kept[i]) for i in own) >= sum(needs_met(before[i]) for i in own)
        # Where no place beyond a need was held, memory costs nothing: as much of the needs is filled as without.
        if all(before[i].received <= before[i].needed for i in own):
            assert sum(needs_met(kept[i]) for i in own) == sum(needs_met(fresh[i]) for i in own)


def needs_met(line: CellProgress) -> int:
    return min(line.received, line.needed)


def test_a_patient_who_comes_to_fit_another_line_stays_where_they_were_told_to_be() -> None:
    spec = once([{"view": "AP", "unit": "patients", "min": 1}, {"view": "PA", "unit": "patients", "min": 1}])
    assert counts([facts(view="PA")], spec) == [0, 1]
    both = [facts(view="PA"), facts(view="AP")]
    assert counts(both, spec) == [1, 0]
    held = {"quota.pa.patients": 1}
    assert [line.received for line in fill_quotas(both, spec, held=held) if line.kind == "cell"] == [0, 1]


def test_sixty_quotas_of_fifty_thousand_images_are_counted_in_seconds() -> None:
    findings = ("Pneumonia", "Pleural effusion", "Cardiomegaly", "Atelectasis", "Nodule")
    cells = [
        {"finding": finding, "sex": sex, "view": view, "age_min": low, "age_max": low + 29, "min": 700, "max": 900}
        for finding in findings
        for sex in ("F", "M")
        for view in ("PA", "AP")
        for low in (0, 30, 60)
    ]
    assert len(cells) == 60
    spec = once(cells)
    batch = [
        facts(
            sex="FM"[n % 2],
            view=("PA", "AP", "LL")[n % 3],
            age_years=float(n * 7 % 95),
            patient=f"P{n // 3}",
            labels={finding: "present" for bit, finding in enumerate(findings) if (n * 2654435761 >> 7) >> bit & 1},
        )
        for n in range(50_000)
    ]
    started = time.perf_counter()
    got = counts(batch, spec)
    seconds = time.perf_counter() - started
    assert sum(got) <= len(batch)
    assert len(demands(spec)) == 60 and all(got)
    assert seconds < 20  # 0.6 s measured; the bound only catches a change of the order of growth
