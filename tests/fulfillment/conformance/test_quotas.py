"""Filling quotas: the allocation rule, and shares."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment.conformance import ImageFacts, check_batch, fill_quotas, matches
from tests.fulfillment.conformance.builders import facts
from tests.requests_app.spec.builders import complete

SPEC = complete(
    cohort={"images": {"min": 4, "max": 6}, "patients": {"min": 3}},
    projections=[{"view": "PA", "min_images": 2}, {"view": "AP"}],
    labels={"findings": [{"finding": "Pneumothorax", "min_positive": 2, "min_negative": 1}]},
    quotas=[
        {"sex": "F", "min": 2, "max": 3},
        {"finding": "Pneumothorax", "sex": "F", "age_min": 66, "min": 2},
        {"sex": "F", "unit": "patients", "min": 2},
        {"vendor": "siemens healthineers", "min": 1},
    ],
)

images = st.builds(
    facts,
    patient=st.sampled_from(["P1", "P2", "P3", None]),
    sex=st.sampled_from(["F", "M", None]),
    view=st.sampled_from(["PA", "AP", None]),
    age_years=st.one_of(st.none(), st.floats(0.1, 90)),
    vendor=st.sampled_from(["Siemens", "Philips", None]),
    labels=st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {}, optional={"pneumothorax": st.sampled_from(["present", "likely", "possible", "absent"])}
        ),
    ),
)


def received(batch: list[ImageFacts]) -> dict[str, int]:
    return {line.check_id: line.received for line in fill_quotas(batch, SPEC)}


def test_an_image_counts_in_every_line_that_it_matches() -> None:
    counts = received([facts(labels={"Pneumothorax": "present"}, vendor="Siemens")])
    assert counts == {
        "cohort.images": 1,
        "cohort.patients": 1,
        "projection.pa": 1,
        "label.pneumothorax.present": 1,
        "label.pneumothorax.absent": 0,
        "quota.f": 1,
        "quota.pneumothorax.f.age-66-plus": 1,
        "quota.f.patients": 1,
        "quota.vendor-siemens-healthineers": 1,
    }


def test_a_patient_counts_once_however_many_images() -> None:
    assert received([facts(), facts(), facts(patient="P2")])["quota.f.patients"] == 2


def test_beyond_the_maximum_the_rest_is_surplus() -> None:
    line = next(line for line in fill_quotas([facts()] * 5, SPEC) if line.check_id == "quota.f")
    assert (line.needed, line.maximum, line.received, line.remaining, line.surplus) == (2, 3, 5, 0, 2)
    assert not line.met


def test_uncertain_labels_count_as_the_request_says() -> None:
    likely = [facts(labels={"pneumothorax": "likely"}), facts(labels={"pneumothorax": "possible"})]
    assert received(likely)["label.pneumothorax.present"] == 1


def test_an_image_without_labels_is_neither_with_nor_without_a_finding() -> None:
    silent = complete(
        labels={
            "uncertainty": {"not_mentioned": "absent"},
            "findings": [{"finding": "Pneumothorax", "min_negative": 1}],
        }
    )
    line = next(line for line in fill_quotas([facts(), facts(labels={})], silent) if line.kind == "finding")
    assert line.received == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(images, max_size=12), st.randoms(use_true_random=False))
def test_progress_does_not_depend_on_the_order_of_images(batch: list[ImageFacts], random: Any) -> None:
    shuffled = list(batch)
    random.shuffle(shuffled)
    assert fill_quotas(batch, SPEC) == fill_quotas(shuffled, SPEC)


@settings(max_examples=60, deadline=None)
@given(st.lists(images, max_size=10), images)
def test_one_more_image_never_lowers_a_count(batch: list[ImageFacts], extra: ImageFacts) -> None:
    before, after = received(batch), received([*batch, extra])
    assert all(0 <= after[check_id] - before[check_id] <= 1 for check_id in before)


@settings(max_examples=60, deadline=None)
@given(st.lists(images, max_size=12))
def test_counts_are_those_of_matching_one_image_at_a_time(batch: list[ImageFacts]) -> None:
    for line, cell in zip(fill_quotas(batch, SPEC)[-4:], SPEC.quotas, strict=True):
        selected = [image for image in batch if matches(image, cell, SPEC)]
        expected = len({i.patient for i in selected if i.patient}) if cell.unit.value == "patients" else len(selected)
        assert line.received == expected
        assert line.remaining == max(0, line.needed - expected)
        assert line.remaining == 0 or line.surplus == 0


def test_silence_counts_as_not_portable() -> None:
    spec = complete(quotas=[{"portable": False, "min": 1}, {"portable": True, "min": 1}])
    counts = {line.check_id: line.received for line in fill_quotas([facts(), facts(portable=True)], spec)}
    assert counts["quota.portable"] == counts["quota.not-portable"] == 1


def test_what_is_still_useful_is_told() -> None:
    finding = next(f for f in check_batch([facts()], SPEC) if f.check_id == "quota.pneumothorax.f.age-66-plus")
    assert finding.code == "COUNT_SHORT"
    assert finding.message == "female, aged 66 and over, with Pneumothorax: 0 of 2 images received."
    assert finding.remedy == "Still useful: 2 images."


def shares(batch: list[ImageFacts], **cap: Any) -> list[str]:
    spec = complete(cohort={"images": {"min": 10}}, share_caps=[{"axis": "site", "max_percent": 40, **cap}])
    return [f.message for f in check_batch(batch, spec) if f.code == "SHARE_OVER_CAP"]


def test_the_first_hospital_is_not_refused_for_being_alone() -> None:
    assert shares([facts(site="anna", sop_instance_uid=None)] * 4) == []


def test_a_hospital_cannot_fill_more_than_its_share_of_the_request() -> None:
    (message,) = shares([facts(site="anna", sop_instance_uid=None)] * 5)
    assert message == "5 of 10 (50.0 %) come from one hospital (all images); at most 40 % may."


def test_unknown_equipment_counts_as_one_source() -> None:
    (message,) = shares([facts(model=None, sop_instance_uid=None)] * 5, axis="scanner")
    assert "scanner model is not known" in message


def test_a_share_of_hospitals_that_are_not_known_is_not_assessed_and_says_so() -> None:
    spec = complete(cohort={"images": {"min": 10}}, share_caps=[{"axis": "site", "max_percent": 40}])
    codes = {f.code: f.severity for f in check_batch([facts()] * 9, spec)}
    assert codes["SHARE_NOT_ASSESSED"] == "info"


def test_too_many_images_of_one_patient_are_told() -> None:
    spec = complete(cohort={"images": {"min": 1}, "per_patient": {"max": 2}})
    finding = next(f for f in check_batch([facts(sop_instance_uid=None)] * 5, spec) if f.code == "PER_PATIENT_OVER")
    assert finding.remedy == "Leave out 3 images of them."


def test_repeated_instances_and_patients_of_two_sexes_are_found() -> None:
    found = {f.code: f.severity for f in check_batch([facts(), facts(sex="M")], complete())}
    assert found["INSTANCE_REPEATED"] == "must"
    assert found["PATIENT_CONTRADICTS"] == "should"


def test_a_batch_that_meets_the_request_has_no_findings() -> None:
    spec = complete(cohort={"images": {"min": 2}, "patients": {"min": 2}}, quotas=[{"sex": "F", "min": 1}])
    assert check_batch([facts(), facts(patient="P2", sop_instance_uid="2.25.9", sex="M")], spec) == []
