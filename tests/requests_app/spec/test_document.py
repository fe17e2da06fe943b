"""The document: defaults, check ids, canonical form, schema, errors in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from requests_app.spec import (
    DatasetSpec,
    canonical_json,
    check_lines,
    describe_line,
    example_specs,
    explain_errors,
    spec_from_json,
    spec_json_schema,
    spec_sha256,
    summarise,
)
from requests_app.taxonomy import LabelState
from tests.requests_app.spec.builders import TODAY, complete

EXAMPLES = example_specs()


def errors_of(document: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        DatasetSpec.model_validate(document)
    return {note.path: f"{note.message} {note.remedy}" for note in explain_errors(caught.value)}


def test_a_draft_is_valid_from_its_title_on() -> None:
    spec = DatasetSpec.model_validate({"title": "Pneumothorax"})
    assert spec.spec_version == "1.0"
    assert spec.deidentification.dates.value == "shifted"


def test_there_are_examples_in_all_three_categories() -> None:
    assert len(EXAMPLES) >= 6
    assert {spec.category.value for spec in EXAMPLES.values()} == {"cxr", "ct", "cardiac"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_survives_being_written_and_read(name: str) -> None:
    spec = EXAMPLES[name]
    text = canonical_json(spec)
    assert spec_from_json(text) == spec
    assert canonical_json(spec_from_json(text)) == text


def test_a_rule_that_is_switched_off_stays_off_when_read_back() -> None:
    spec = complete(image={"bits_stored": None, "lossless": None})
    again = spec_from_json(canonical_json(spec))
    assert again.image.bits_stored is None
    assert again.image.lossless is None
    assert again == spec


def test_the_hash_depends_on_content_and_not_on_the_order_of_keys() -> None:
    spec = complete()
    document = json.loads(canonical_json(spec))
    shuffled = json.dumps(dict(reversed(list(document.items()))))
    assert spec_sha256(spec_from_json(shuffled)) == spec_sha256(spec)
    assert spec_sha256(complete(title="Another")) != spec_sha256(spec)


def test_the_canonical_form_is_pinned() -> None:
    """A changed default or field order would change the hash of every agreement: this must fail first."""
    text = canonical_json(DatasetSpec.model_validate({"title": "Ä"}))
    assert text.startswith('{"category":"cxr","cohort":{"images":{"check_id":"cohort.images","level":"must","min":0}')
    assert text.endswith('"spec_version":"1.0","terms":' + text.split('"terms":')[1])
    assert "Ä" in text


def test_a_field_that_came_later_does_not_change_the_hash_of_an_older_document() -> None:
    """The hash of an example as it was before quotas could be counted once; written out or not makes no difference."""
    older = EXAMPLES["cxr-pneumothorax-bedside"]
    assert spec_sha256(older) == "dbf06b781c9251a12594acec49ef43ccdf2ab0f813a219912e2e5306a961f875"
    said = DatasetSpec.model_validate({**older.model_dump(mode="json"), "quota_counting": "every"})
    assert spec_sha256(said) == spec_sha256(older)
    assert "quota_counting" not in canonical_json(said)
    once = DatasetSpec.model_validate({**older.model_dump(mode="json"), "quota_counting": "once"})
    assert spec_sha256(once) != spec_sha256(older)
    assert spec_from_json(canonical_json(once)) == once


def test_counting_once_is_said_in_words() -> None:
    quotas = [{"sex": "F", "min": 5}, {"sex": "M", "min": 5, "unit": "patients"}]
    said = "An image or patient that matches several quotas counts in one of them only, where it helps most."
    assert said in summarise(complete(quotas=quotas, quota_counting="once"))
    assert said not in summarise(complete(quotas=quotas))
    assert said not in summarise(complete(quota_counting="once"))


def test_every_checkable_line_has_a_level_and_its_own_check_id() -> None:
    for spec in EXAMPLES.values():
        lines = check_lines(spec)
        assert len({line.check_id for line in lines}) == len(lines)
        for line in lines:
            assert line.level.value in {"must", "should"}
            assert describe_line(line.line)


def test_a_check_id_is_made_once_and_kept_when_the_count_changes() -> None:
    spec = complete(quotas=[{"sex": "F", "age_min": 66, "view": "AP", "position": "supine", "min": 38}])
    cell = spec.quotas[0]
    assert cell.check_id == "quota.ap.supine.f.age-66-plus"
    document = json.loads(canonical_json(spec))
    document["quotas"][0].update(min=50, age_min=60)
    assert DatasetSpec.model_validate(document).quotas[0].check_id == cell.check_id


def test_two_lines_with_one_check_id_are_refused_in_words() -> None:
    said = errors_of({"title": "x", "quotas": [{"sex": "F", "min": 1}, {"sex": "F", "min": 2}]})
    assert "quota.f" in said[""]
    assert "Merge them" in said[""]


def test_errors_name_the_place_and_the_remedy_and_never_repeat_the_value() -> None:
    said = errors_of(
        {
            "title": "x",
            "surprise": "MRN 4711",
            "quotas": [{"min": -1, "view": "MRN 4711"}],
            "image": {"bits_stored": {"min": "MRN 4711"}},
            "delivery": {"deadline": "MRN 4711"},
        }
    )
    assert set(said) == {"surprise", "quotas.0.min", "quotas.0.view", "image.bits_stored.min", "delivery.deadline"}
    assert "PA" in said["quotas.0.view"]
    assert "year-month-day" in said["delivery.deadline"]
    assert "at least 0" in said["quotas.0.min"]
    assert not any("4711" in text for text in said.values())


def test_ages_the_wrong_way_round_are_explained() -> None:
    said = errors_of({"title": "x", "quotas": [{"age_min": 70, "age_max": 60, "min": 5}]})
    assert said["quotas.0"] == "The youngest age (70) is above the oldest age (60). Swap them or leave one out."


def test_an_own_label_list_needs_definitions() -> None:
    said = errors_of({"title": "x", "labels": {"taxonomy": "custom", "custom": {"findings": [{"name": "Sign"}]}}})
    assert said == {
        "labels.custom.findings.0.definition": "Labels, Own label list, Findings 1, Definition is missing. Fill it in."
    }


def test_an_own_label_list_works_like_a_shipped_one() -> None:
    spec = EXAMPLES["ct-lung-nodules"]
    taxonomy = spec.taxonomy()
    assert taxonomy.custom
    found = taxonomy.find("solid NODULE")
    assert found is not None
    assert found.definition
    assert taxonomy.excludes("solid-nodule", "no-nodule")


def test_keeping_dates_makes_a_limited_data_set() -> None:
    assert EXAMPLES["cardiac-heart-size-series"].deidentification.legal_class == "limited data set"
    assert EXAMPLES["cxr-pneumothorax-bedside"].deidentification.legal_class == "de-identified"


def test_a_policy_brings_its_own_options() -> None:
    assert complete(deidentification={"policy": "safe-harbor"}).deidentification.dates.value == "year_only"


def test_the_uncertainty_policy_decides_what_a_state_counts_as() -> None:
    policy = complete(labels={"uncertainty": {"likely": "uncertain", "possible": "exclude"}}).labels.uncertainty
    assert policy.resolve(LabelState.LIKELY) == "uncertain"
    assert policy.resolve(LabelState.POSSIBLE) == "blank"
    assert policy.resolve(LabelState.NOT_MENTIONED) == "blank"
    assert policy.resolve(LabelState.ABSENT) == "absent"


def test_the_schema_is_published_with_titles_and_closed_objects() -> None:
    schema = spec_json_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["additionalProperties"] is False
    cell = schema["$defs"]["QuotaCell"]["properties"]
    assert cell["age_min"]["title"] == "Youngest age (years)"
    json.dumps(schema)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_summary_is_whole_sentences_that_mention_every_quota(name: str) -> None:
    spec = EXAMPLES[name]
    sentences = summarise(spec)
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in sentences)
    assert sum(sentence.startswith("Quota: ") for sentence in sentences) == len(spec.quotas)


def test_examples_can_be_moved_so_that_no_deadline_has_passed() -> None:
    moved = example_specs(today=TODAY.replace(year=2031))
    assert all(spec.delivery.deadline is not None and spec.delivery.deadline.year >= 2031 for spec in moved.values())


def test_the_schema_is_a_sound_draft_2020_12_schema_and_takes_every_example() -> None:
    schema = spec_json_schema()
    Draft202012Validator.check_schema(schema)
    judge = Draft202012Validator(schema)
    for spec in EXAMPLES.values():
        assert list(judge.iter_errors(json.loads(canonical_json(spec)))) == []


def test_the_schema_takes_what_a_person_writes_and_leaves_out() -> None:
    judge = Draft202012Validator(spec_json_schema())
    written = {
        "title": "By hand",
        "projections": [{"view": "PA"}],
        "quotas": [{"sex": "F", "min": 5}],
        "share_caps": [{"axis": "site", "max_percent": 40}],
        "deidentification": {"policy": "safe-harbor"},
        "quality": {"components": [{"component": "noise", "min": 5}]},
        "labels": {
            "taxonomy": "custom",
            "custom": {"findings": [{"name": "A", "definition": "as seen"}]},
            "findings": [{"finding": "A"}],
        },
    }
    assert list(judge.iter_errors(written)) == []
    DatasetSpec.model_validate(written)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"title": ""},
        {"title": "x", "qoutas": []},
        {"title": "x", "category": "mammography"},
        {"title": "x", "cohort": {"images": {"min": -1}}},
        {"title": "x", "cohort": {"images": {"min": True}}},
        {"title": "x", "quotas": [{"min": "many"}]},
        {"title": "x", "quotas": {"min": 5}},
        {"title": "x", "image": {"bits_stored": {"min": 12, "max": 16}}},
        {"title": "x", "labels": {"findings": [{"finding": None}]}},
        {"title": "x", "terms": {"no_reidentification": False}},
        {"title": "x", "terms": {"countries": ["Germany"]}},
        {"title": "x", "spec_version": "2.0"},
    ],
)
def test_what_the_schema_refuses_the_document_refuses(wrong: dict[str, Any]) -> None:
    assert list(Draft202012Validator(spec_json_schema()).iter_errors(wrong))
    assert errors_of(wrong)


def test_true_is_not_one() -> None:
    (text,) = errors_of({"title": "x", "cohort": {"images": {"min": True}}}).values()
    assert text.startswith("Cohort, Images, At least is yes or no")
    assert DatasetSpec.model_validate({"title": "x", "quotas": [{"portable": True, "min": 1}]}).quotas[0].portable
