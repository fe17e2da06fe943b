"""What an amendment changes, in words."""

from __future__ import annotations

import json

from requests_app.spec import DatasetSpec, canonical_json, diff, example_specs
from tests.requests_app.spec.builders import complete


def test_equal_documents_have_no_differences() -> None:
    for spec in example_specs().values():
        assert diff(spec, DatasetSpec.model_validate(json.loads(canonical_json(spec)))) == []


def test_a_changed_quota_is_one_change_with_both_versions_in_words() -> None:
    old = complete(quotas=[{"sex": "F", "min": 100}])
    new = complete(quotas=[{"sex": "F", "min": 150, "level": "should"}])
    (change,) = diff(old, new)
    assert change.kind == "changed"
    assert change.check_id == "quota.f"
    assert change.text == (
        "Changed from “female: at least 100 images (must)” to “female: at least 150 images (should)”."
    )


def test_moving_a_line_is_no_change() -> None:
    cells = [{"sex": "F", "min": 100}, {"sex": "M", "min": 100}]
    assert diff(complete(quotas=cells), complete(quotas=cells[::-1])) == []


def test_added_and_removed_lines_are_told_once_each() -> None:
    old = complete(quotas=[{"sex": "F", "min": 100}])
    new = complete(quotas=[{"sex": "M", "min": 100}], cohort={"images": {"min": 1000}, "age": {"min": 18}})
    told = {(change.kind, change.check_id) for change in diff(old, new)}
    assert told == {("removed", "quota.f"), ("added", "quota.m"), ("added", "cohort.age")}


def test_switching_a_default_rule_off_is_told() -> None:
    (change,) = diff(complete(), complete(image={"lossless": None}))
    assert change.kind == "removed"
    assert change.text == "No longer asked: Never lossily compressed (must)."


def test_a_field_that_is_no_line_is_named_in_words() -> None:
    (change,) = diff(complete(), complete(delivery={"deadline": "2027-07-15"}))
    assert change.path == "delivery.deadline"
    assert change.text == "Delivery, Deadline: changed from “2027-06-30” to “2027-07-15”."


def test_another_way_of_counting_is_told_in_words() -> None:
    cells = [{"sex": "F", "min": 100}, {"view": "AP", "min": 100}]
    (change,) = diff(complete(quotas=cells), complete(quotas=cells, quota_counting="once"))
    assert change.path == "quota_counting"
    assert change.text == (
        "Counting of quotas: changed from “an image counts in every quota that it matches” "
        "to “an image counts in one quota only, where it helps most”."
    )


def test_where_images_count_once_the_order_of_quotas_is_part_of_what_is_asked() -> None:
    cells = [{"sex": "F", "min": 100}, {"view": "AP", "min": 100}]
    old = complete(quotas=cells, quota_counting="once")
    (change,) = diff(old, complete(quotas=cells[::-1], quota_counting="once"))
    assert (change.path, change.before, change.after) == ("quotas", "quota.f, quota.ap", "quota.ap, quota.f")
    more = [{"sex": "M", "min": 1}, *cells]
    assert [change.kind for change in diff(old, complete(quotas=more, quota_counting="once"))] == ["added"]
