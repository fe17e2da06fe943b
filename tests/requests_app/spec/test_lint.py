"""What the linter says of requests that cannot be met, and that it keeps quiet about those that can."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from requests_app.spec import DatasetSpec, example_specs, lint
from tests.requests_app.spec.builders import TODAY, codes, complete

EXAMPLES = example_specs()


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_blocks_an_example(name: str) -> None:
    assert [note for note in lint(EXAMPLES[name], today=TODAY) if note.blocking] == []


def test_an_empty_draft_is_told_what_is_missing() -> None:
    notes = lint(DatasetSpec.model_validate({"title": "x"}))
    assert codes(notes, blocking=True) == {"NO_INTENDED_USE", "NO_PURPOSE", "NO_COUNT", "NO_DEADLINE"}


def test_a_part_that_asks_more_than_its_whole_allows_blocks_in_plain_words() -> None:
    spec = complete(
        quotas=[
            {"sex": "F", "age_min": 66, "view": "AP", "position": "supine", "min": 900},
            {"sex": "F", "min": 100, "max": 800},
        ]
    )
    note = next(note for note in lint(spec) if note.code == "OVER_MAXIMUM")
    assert note.blocking
    assert note.path == "quotas.0"
    assert note.message == "'female, aged 66 and over, AP supine' asks for 900, but 'female' allows at most 800."
    assert "800" in note.remedy and "900" in note.remedy


def test_a_part_that_asks_more_than_its_whole_asks_is_only_advice() -> None:
    notes = lint(complete(quotas=[{"sex": "F", "view": "AP", "min": 900}, {"sex": "F", "min": 800}]))
    note = next(note for note in notes if note.code == "PART_OVER_WHOLE")
    assert not note.blocking
    assert "only 800 in all" in note.message


def test_parts_that_do_not_overlap_add_up() -> None:
    spec = complete(
        cohort={"images": {"min": 500, "max": 1000}},
        quotas=[{"sex": "F", "min": 400}, {"sex": "M", "min": 400}, {"sex": "O", "min": 300}],
    )
    note = next(note for note in lint(spec) if note.code == "SUM_OVER_MAXIMUM")
    assert note.blocking
    assert "together ask for 1,100" in note.message
    assert note.path == "cohort.images"


def test_parts_that_may_overlap_do_not_add_up() -> None:
    spec = complete(
        cohort={"images": {"min": 500, "max": 600}},
        labels={"findings": [{"finding": "Pneumonia"}, {"finding": "Pleural effusion"}]},
        quotas=[{"finding": "Pneumonia", "min": 500}, {"finding": "Pleural effusion", "min": 500}],
    )
    assert codes(lint(spec), blocking=True) == set()


def test_normal_and_abnormal_images_do_not_overlap() -> None:
    spec = complete(
        cohort={"images": {"min": 500, "max": 900}},
        labels={"findings": [{"finding": "Pneumonia"}, {"finding": "No Finding"}]},
        quotas=[{"finding": "Pneumonia", "min": 500}, {"finding": "No Finding", "min": 500}],
    )
    assert codes(lint(spec), blocking=True) == {"SUM_OVER_MAXIMUM"}


def test_a_wish_never_blocks() -> None:
    spec = complete(quotas=[{"sex": "F", "view": "AP", "min": 900, "level": "should"}, {"sex": "F", "max": 800}])
    note = next(note for note in lint(spec) if note.code == "OVER_MAXIMUM")
    assert not note.blocking


def test_a_cohort_limit_that_leaves_nothing_blocks() -> None:
    spec = complete(cohort={"images": {"min": 100}, "sex": {"allowed": ["M"]}}, quotas=[{"sex": "F", "min": 5}])
    assert "OUTSIDE_COHORT" in codes(lint(spec), blocking=True)


def test_the_cohorts_own_limits_are_counted_in() -> None:
    spec = complete(cohort={"images": {"min": 1000}, "sex": {"allowed": ["F"]}}, quotas=[{"sex": "F", "max": 800}])
    assert "OVER_MAXIMUM" in codes(lint(spec), blocking=True)


def test_a_quota_for_a_projection_that_is_not_accepted_blocks() -> None:
    spec = complete(projections=[{"view": "PA"}], quotas=[{"view": "AP", "min": 5}])
    assert "OUTSIDE_PROJECTIONS" in codes(lint(spec), blocking=True)


def test_lateral_takes_either_side() -> None:
    spec = complete(projections=[{"view": "LATERAL"}], quotas=[{"view": "LL", "min": 5}])
    assert "OUTSIDE_PROJECTIONS" not in codes(lint(spec))


def test_too_few_patients_for_the_images_blocks() -> None:
    spec = complete(cohort={"images": {"min": 1000}, "patients": {"max": 100}, "per_patient": {"max": 5}})
    note = next(note for note in lint(spec) if note.code == "TOO_FEW_PATIENTS")
    assert note.blocking
    assert "500 images, but 1,000" in note.message


def test_a_hospitals_cell_above_its_share_blocks() -> None:
    spec = complete(
        cohort={"images": {"min": 500, "max": 1000}},
        share_caps=[{"axis": "site", "max_percent": 40}],
        quotas=[{"site": "st-anna", "min": 500}],
    )
    note = next(note for note in lint(spec) if note.code == "CAP_AGAINST_CELL")
    assert note.blocking
    assert "which is 400" in note.message


def test_counting_by_what_de_identification_removes_blocks() -> None:
    spec = complete(
        deidentification={"patient_characteristics": "removed", "device": "removed"},
        quotas=[{"sex": "F", "min": 5}, {"vendor": "Siemens", "min": 5}],
        share_caps=[{"axis": "scanner", "max_percent": 50}],
    )
    notes = [note for note in lint(spec) if note.code == "COUNT_BY_REMOVED" and note.blocking]
    assert {note.path for note in notes} == {"quotas.0", "quotas.1", "share_caps.0.axis"}


def test_ages_above_ninety_cannot_be_told_apart() -> None:
    notes = lint(complete(quotas=[{"age_min": 95, "min": 5}]))
    assert "AGE_POOLED" in codes(notes, blocking=True)


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ({"labels": {"findings": [{"finding": "Unicorn"}]}}, "UNKNOWN_FINDING"),
        ({"labels": {"findings": [{"finding": "No Finding", "annotation": "box"}]}}, "NORMAL_WITH_MARK"),
        (
            {"labels": {"findings": [{"finding": "Mass", "annotation": "mask", "source": {"method": "report_nlp"}}]}},
            "MARK_FROM_REPORT",
        ),
        ({"deidentification": {"policy": "safe-harbor", "dates": "kept"}}, "DATES_AGAINST_POLICY"),
        ({"deidentification": {"policy": "cxr-research", "dates": "kept"}}, "DATES_AGAINST_POLICY"),
        ({"image": {"bits_stored": {"min": 24}}}, "BITS_IMPOSSIBLE"),
        (
            {
                "terms": {"sharing": "public", "retention_months": 1, "ethics_approval": "x"},
                "deidentification": {"policy": "limited-data-set"},
            },
            "PUBLIC_LIMITED_DATA_SET",
        ),
    ],
)
def test_what_cannot_be_blocks(part: dict[str, Any], code: str) -> None:
    assert code in codes(lint(complete(**part)), blocking=True)


def test_a_deadline_in_the_past_blocks_only_when_the_day_is_known() -> None:
    spec = complete()
    assert "DEADLINE_PAST" in codes(lint(spec, today=date(2030, 1, 1)), blocking=True)
    assert "DEADLINE_PAST" not in codes(lint(spec))


def test_every_note_has_a_remedy_and_a_path_that_exists() -> None:
    spec = complete(
        labels={"findings": [{"finding": "Unicorn"}]},
        quotas=[{"sex": "F", "min": 900}, {"finding": "Griffin", "min": 5}],
        cohort={"images": {"min": 10, "max": 20}},
        share_caps=[{"axis": "sex", "max_percent": 20}],
        terms={},
    )
    document: Any = spec.model_dump(mode="json")
    notes = lint(spec)
    assert len(notes) > 4
    for note in notes:
        assert note.message.endswith(".") and note.remedy.endswith(".")
        place = document
        for part in note.path.split("."):
            place = place[int(part)] if part.isdigit() else place[part]
