"""The specification form: documents through it and back, errors at their fields, rows without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from requests_app.forms.rows import QuotaRow
from requests_app.forms.specification import SpecificationForm
from requests_app.forms.steps import BY_KEY, STEPS
from requests_app.selectors import spec_groups
from requests_app.spec import DatasetSpec, check_lines, example_specs, spec_document, template_specs

EXAMPLES = example_specs()


def filled_in(form: SpecificationForm, **changes: str) -> QueryDict:
    """What a browser would send for a form as it is shown, with changes by control name; "" clears a control."""
    data = QueryDict(mutable=True)
    for rows in form.rows.values():
        data[rows.count_name] = str(len(rows.forms))
    for part in form.forms:
        folded = isinstance(part, QuotaRow) and part.folded
        if isinstance(part, QuotaRow) and folded:
            data[f"{part.prefix}-at"] = part.at
            data[f"{part.prefix}-grid"] = "1" if part.in_grid else ""
        for bound in part:
            if folded and bound.name not in ("kept", "min", "max"):
                continue
            value = bound.value()
            if isinstance(value, list | tuple):
                data.setlist(bound.html_name, [str(item) for item in value])
            elif isinstance(value, bool):
                if value:
                    data[bound.html_name] = "on"
            elif value is not None:
                data[bound.html_name] = str(value)
    for name, value in changes.items():
        name = name.replace("__", "-")
        if value:
            data[name] = value
        else:
            data.pop(name, None)
    return data


def through(document: dict[str, Any], *, step: str = "", **changes: str) -> DatasetSpec:
    """The document that comes back when the form, or one step of it, is sent as it is shown."""
    shown = SpecificationForm.from_document(document, step=BY_KEY.get(step))
    form = SpecificationForm.from_post(filled_in(shown, **changes), document, step=BY_KEY.get(step))
    checked = form.check()
    assert checked is not None, form.problems
    assert checked.spec is not None, form.problems
    return checked.spec


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_comes_back_from_the_form_unchanged(name: str) -> None:
    spec = EXAMPLES[name]
    assert through(spec_document(spec)) == spec


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_comes_back_from_each_step_unchanged(name: str) -> None:
    spec = EXAMPLES[name]
    for step in STEPS:
        assert through(spec_document(spec), step=step.key) == spec


def test_the_steps_together_show_every_field_of_the_document() -> None:
    parts = {part for step in STEPS for part in step.parts}
    assert set(DatasetSpec.model_fields) - {"spec_version"} <= parts
    assert sum(len(step.parts) for step in STEPS) == len(parts)
    whole = SpecificationForm.from_document(spec_document(DatasetSpec(title="x")))
    shown = {name for step in STEPS for name in (*step.sections, *step.rows)}
    assert shown == {*whole.sections, *whole.rows}


def test_the_smallest_document_comes_back_unchanged() -> None:
    spec = DatasetSpec(title="Smallest")
    assert through(spec_document(spec)) == spec


def test_a_document_with_everything_switched_off_comes_back_unchanged() -> None:
    off = dict.fromkeys(
        ("bits_stored", "short_side", "pixel_spacing", "photometric", "lossless", "manufacturer", "upright")
    )
    spec = DatasetSpec.model_validate({"title": "Anything", "image": off})
    assert through(spec_document(spec)) == spec


_selection = st.fixed_dictionaries(
    {"min": st.integers(1, 5000)},
    optional={
        "finding": st.sampled_from(["Pneumothorax", "Cardiomegaly"]),
        "finding_state": st.sampled_from(["present", "absent"]),
        "view": st.sampled_from(["PA", "AP", "LATERAL"]),
        "position": st.sampled_from(["erect", "supine"]),
        "portable": st.booleans(),
        "sex": st.sampled_from(["F", "M"]),
        "age_min": st.integers(0, 60),
        "age_max": st.integers(61, 130),
        "vendor": st.sampled_from(["Philips", "GE"]),
        "site": st.sampled_from(["north", "south"]),
        "unit": st.sampled_from(["images", "patients", "studies"]),
        "level": st.sampled_from(["must", "should"]),
        "note": st.text("abc æ“” ", max_size=20).map(str.strip),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_selection, max_size=4))
def test_any_quotas_come_back_unchanged(cells: list[dict[str, Any]]) -> None:
    try:
        spec = DatasetSpec.model_validate({"title": "Quotas", "quotas": cells})
    except ValueError:
        return  # two cells that ask for the same selection
    assert through(spec_document(spec)) == spec


_TEMPLATES = [spec_document(spec) for spec in template_specs().values()]
_mixed = st.fixed_dictionaries(
    {name: st.sampled_from(_TEMPLATES).map(lambda document, name=name: document.get(name)) for name in _TEMPLATES[0]}
)


@settings(max_examples=40, deadline=None)
@given(_mixed)
def test_any_mix_of_parts_goes_from_the_document_through_the_steps_and_onto_the_page(parts: dict[str, Any]) -> None:
    """One JSON drives form and page: nothing changes on the way, and the page says every line that is checked."""
    spec = DatasetSpec.model_validate({name: value for name, value in parts.items() if value is not None})
    for step in STEPS:
        assert through(spec_document(spec), step=step.key) == spec
    said = {line.check_id for group in spec_groups(spec) for line in group.lines}
    counts = {"cohort.images": spec.cohort.images, "cohort.patients": spec.cohort.patients}
    silent = {check_id for check_id, line in counts.items() if not (line.min or line.max)}
    assert said == {line.check_id for line in check_lines(spec)} - silent


def test_a_changed_count_keeps_the_check_id_and_a_changed_selection_gets_a_new_one() -> None:
    document = spec_document(EXAMPLES["cxr-pneumothorax-bedside"])
    document["quotas"][0]["check_id"] = "quota.named-by-hand"
    assert through(document, **{"quotas-0-min": "301"}).quotas[0].check_id == "quota.named-by-hand"
    changed = through(document, **{"quotas-0-at": "finding=Pneumothorax&view=AP&position=supine&sex=M"}).quotas[0]
    assert changed.check_id != "quota.named-by-hand"
    assert changed.sex == "M"


def test_what_the_form_does_not_show_is_kept() -> None:
    document = spec_document(EXAMPLES["ct-lung-nodules"])
    document["share_caps"] = [{"axis": "site", "max_percent": 40.0, "within": {"finding": "Solid nodule"}}]
    document = spec_document(DatasetSpec.model_validate(document))
    spec = through(document, **{"shares-0-max_percent": "35"})
    assert spec.share_caps[0].within.finding == "Solid nodule"
    assert spec.share_caps[0].max_percent == 35
    assert spec.labels.custom is not None
    assert spec.labels.custom.findings[0].concept == "nodule"
    assert SpecificationForm.from_document(document).rows["shares"].forms[0].says == "with Solid nodule"


def test_clearing_a_line_switches_it_off_and_filling_it_in_switches_it_on() -> None:
    document = spec_document(DatasetSpec(title="Switches"))
    spec = through(document, **{"image-bits": "", "image-lossless": "", "cohort-age_min": "18"})
    assert spec.image.bits_stored is None
    assert spec.image.lossless is None
    assert spec.cohort.age is not None
    assert (spec.cohort.age.min, spec.cohort.age.max) == (18, None)


def test_choosing_another_policy_takes_its_options_along() -> None:
    document = spec_document(DatasetSpec(title="Policy"))
    spec = through(document, **{"deid-policy": "limited-data-set"})
    assert spec.deidentification.dates == "kept"
    assert spec.deidentification.legal_class == "limited data set"


def test_leaving_the_own_list_drops_it() -> None:
    document = spec_document(EXAMPLES["ct-lung-nodules"])
    spec = through(document, **{"labels-taxonomy": "getdata-cxr"})
    assert spec.labels.custom is None


@pytest.mark.parametrize(
    ("control", "value", "words"),
    [
        ("cohort-images_min", "many", "Enter a whole number"),
        ("cohort-images_max", "100", "above the highest"),
        ("quotas-0-at", "age_min=66&age_max=10", "above the oldest age"),
        ("purpose-title", "", "required"),
        ("terms-countries", "Germany", "expected form"),
        ("findings-0-finding", "", "Finding is missing"),
        ("delivery-deadline", "soon", "valid date"),
        ("components-1-component", "sharpness", "two minimums"),
    ],
)
def test_an_error_stands_at_its_control_and_in_the_summary(control: str, value: str, words: str) -> None:
    document = spec_document(EXAMPLES["cxr-pneumothorax-bedside"])
    document["quotas"][0] |= {"age_min": 66}
    data = filled_in(SpecificationForm.from_document(document), **{control: value})
    form = SpecificationForm.from_post(data, document)
    checked = form.check()
    assert checked is None or checked.spec is None
    assert any(words in problem.text for problem in form.problems), form.problems
    part = control.rpartition("-")[0]
    assert any(problem.target.startswith(f"id_{part.split('-')[0]}") for problem in form.problems), form.problems


def test_blank_rows_are_not_lines() -> None:
    document = spec_document(DatasetSpec(title="Blank"))
    data = filled_in(SpecificationForm.from_document(document))
    data["quotas-count"] = "3"
    form = SpecificationForm.from_post(data, document)
    checked = form.check()
    assert checked is not None
    assert checked.spec is not None
    assert checked.spec.quotas == ()


def test_a_row_is_added_and_removed_without_judging_what_is_typed() -> None:
    document = spec_document(EXAMPLES["cxr-pneumothorax-bedside"])
    data = filled_in(SpecificationForm.from_document(document), **{"cohort-images_min": "many"})
    count = len(document["quotas"])
    more = SpecificationForm.redisplayed(data, document, add="quotas")
    assert len(more.rows["quotas"].forms) == count + 1
    assert more.problems == []
    assert more.sections["cohort"]["images_min"].value() == "many"
    assert more.rows["quotas"].forms[count]["min"].field.widget.attrs["autofocus"]
    less = SpecificationForm.redisplayed(data, document, remove="quotas:0")
    assert [form["kept"].value() for form in less.rows["quotas"].forms] == [
        quota["check_id"] for quota in document["quotas"][1:]
    ]


@pytest.mark.parametrize("count", ["-1", "99999999", "x", ""])
def test_a_row_count_from_outside_is_bounded(count: str) -> None:
    data = filled_in(SpecificationForm.from_document(spec_document(DatasetSpec(title="x"))))
    data["quotas-count"] = count
    assert len(SpecificationForm.from_post(data).rows["quotas"].forms) <= 700


def test_a_document_with_very_many_rows_is_not_cut_short_by_the_form() -> None:
    lines = [{"view": "PA", "check_id": f"projection.{number}"} for number in range(201)]
    document = spec_document(DatasetSpec.model_validate({"title": "x", "projections": lines}))
    assert not SpecificationForm.fits(document)
    assert SpecificationForm.fits(document, BY_KEY["quotas"])
    assert SpecificationForm.fits(spec_document(EXAMPLES["cxr-pneumothorax-bedside"]))


def test_as_many_quotas_as_a_document_may_have_come_back_from_the_form() -> None:
    cells = [{"age_min": age % 90, "age_max": 100 + age // 90, "min": 1} for age in range(398)]
    spec = DatasetSpec.model_validate({"title": "Many", "quotas": cells})
    assert through(spec_document(spec), step="quotas") == spec


def test_an_amending_form_cannot_carry_what_was_checked() -> None:
    document = spec_document(EXAMPLES["cxr-pneumothorax-bedside"])
    data = filled_in(SpecificationForm.from_document(document))
    data["deid-policy"], data["terms-sharing"], data["purpose-description"] = "limited-data-set", "public", "Other"
    data["cohort-images_min"] = "3500"
    form = SpecificationForm.from_post(data, document, amending=True)
    checked = form.check()
    assert checked is not None
    assert checked.spec is not None
    before = DatasetSpec.model_validate(document)
    assert checked.spec.cohort.images.min == 3500
    assert checked.spec.deidentification == before.deidentification
    assert (checked.spec.terms, checked.spec.purpose) == (before.terms, before.purpose)
