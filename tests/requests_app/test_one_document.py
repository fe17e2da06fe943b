"""One document drives the form, the page and the validator: random requests through all three."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.forms import CheckboxSelectMultiple, Textarea, TextInput
from django.http import QueryDict
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from fulfillment.conformance import ImageFacts, check_image, fill_quotas, matches
from fulfillment.quality import QualityResult, check_quality
from requests_app.forms.specification import SpecificationForm
from requests_app.models import DatasetRequest, SpecVersion
from requests_app.selectors import spec_groups
from requests_app.spec import (
    CheckLine,
    DatasetSpec,
    Level,
    Presentation,
    QualityComponent,
    ReportLinkage,
    Selector,
    canonical_json,
    check_lines,
    spec_document,
    spec_from_json,
    spec_json_schema,
    spec_sha256,
    summarise,
)
from tests.factories import open_request
from tests.requests_app.spec.strategies import specs

SCHEMA = Draft202012Validator(spec_json_schema())


# --- the form ---------------------------------------------------------------------------------------------------------


def sent_by_a_browser(form: SpecificationForm) -> QueryDict:
    """What a browser sends for the form as it is shown: boxes in their order, line ends as CR LF, no line ends in a line."""
    data = QueryDict(mutable=True)
    for rows in form.rows.values():
        data[rows.count_name] = str(len(rows.forms))
    for part in form.forms:
        for bound in part:
            value, widget = bound.value(), bound.field.widget
            if isinstance(widget, CheckboxSelectMultiple):
                ticked = set(map(str, value or []))
                data.setlist(bound.html_name, [key for key, _ in bound.field.choices if str(key) in ticked])
            elif isinstance(value, bool):
                data.setlist(bound.html_name, ["on"] if value else [])
            elif value is not None:
                shown = str(bound.field.prepare_value(value))
                if isinstance(widget, Textarea):
                    shown = re.sub(r"\r\n|\r|\n", "\r\n", shown)
                elif isinstance(widget, TextInput):
                    shown = re.sub(r"[\r\n]", "", shown)
                data[bound.html_name] = shown
    return data


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs)
def test_a_request_comes_back_from_the_form_with_the_same_hash(spec: DatasetSpec) -> None:
    document = spec_document(spec)
    form = SpecificationForm.from_post(sent_by_a_browser(SpecificationForm.from_document(document)), document)
    checked = form.check()
    assert checked is not None and checked.spec is not None, form.problems
    assert spec_sha256(checked.spec) == spec_sha256(spec)
    assert checked.spec == spec


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs)
def test_its_json_is_read_back_equal_and_is_what_the_public_schema_describes(spec: DatasetSpec) -> None:
    text = canonical_json(spec)
    assert spec_from_json(text) == spec
    assert [error.message for error in SCHEMA.iter_errors(json.loads(text))] == []


# --- the page ---------------------------------------------------------------------------------------------------------


def numbers(line: BaseModel) -> Iterator[str]:
    """Every number that a line asks for, as a reader should see it."""
    for name, value in line:
        if isinstance(value, BaseModel):
            yield from numbers(value)
        elif isinstance(value, bool) or value is None:
            continue
        elif isinstance(value, int | float):
            default = type(line).model_fields[name].default
            asks_nothing = (value == 0 and default == 0) or (name == "min_readers" and value == 1)
            # "aged up to 40" and "aged 0 to 40" are the same.
            if not asks_nothing and not (name in ("age_min", "min") and value == 0):
                yield (
                    f"{value:g}"
                    if isinstance(value, float) or "year" in name or name in ("first", "last")
                    else f"{value:,}"
                )


def silent(entry: CheckLine) -> bool:
    return entry.check_id in ("cohort.images", "cohort.patients") and not (entry.line.min or entry.line.max)  # type: ignore[attr-defined]


def says_all(shown: dict[str, str], spec: DatasetSpec) -> None:
    for entry in check_lines(spec):
        if silent(entry):
            continue
        words = shown[entry.check_id]
        for number in numbers(entry.line):
            assert re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d]|[.,]\d)", words), (entry, number, words)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs)
def test_every_line_is_stated_once_with_its_check_id_its_level_and_its_numbers(spec: DatasetSpec) -> None:
    stated = [line for group in spec_groups(spec) for line in group.lines]
    assert [line.check_id for line in stated] == [e.check_id for e in by_subject(spec) if not silent(e)]
    assert {line.check_id: line.level for line in stated}.items() <= {
        entry.check_id: entry.level.value for entry in check_lines(spec)
    }.items()
    says_all({line.check_id: line.text for line in stated}, spec)
    assert all(summarise(spec))


def by_subject(spec: DatasetSpec) -> list[CheckLine]:
    order = [
        "cohort",
        "projections",
        "labels",
        "quotas",
        "share_caps",
        "reports",
        "image",
        "quality",
        "deidentification",
    ]
    return sorted(check_lines(spec), key=lambda entry: order.index(entry.path.split(".")[0]))


def version_of(request: DatasetRequest, spec: DatasetSpec) -> None:
    """The request with this document as its only version. (A version is immutable: the old one goes.)"""
    SpecVersion.objects.filter(request=request)._raw_delete("default")  # type: ignore[attr-defined]
    SpecVersion.objects.create(
        request=request, number=1, document=spec_document(spec), sha256=spec_sha256(spec), created_by=request.created_by
    )


@pytest.fixture
def asked(db: None) -> DatasetRequest:
    return open_request()


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(specs)
def test_the_public_page_shows_every_line_and_its_json_has_the_same_hash(
    asked: DatasetRequest, spec: DatasetSpec
) -> None:
    version_of(asked, spec)
    page = Client().get(asked.get_absolute_url())
    assert page.status_code == 200
    text = page.content.decode()
    items = re.findall(r"<li>(.*?)<code>([^<]*)</code></li>", text, re.DOTALL)
    says_all({check_id: html.unescape(re.sub(r"<[^>]*>", " ", words)) for words, check_id in items}, spec)
    file = Client().get(f"{asked.get_absolute_url()}spec.json")
    assert spec_sha256(spec_from_json(file.content)) == spec_sha256(spec)


# --- the validator ----------------------------------------------------------------------------------------------------


def meets(spec: DatasetSpec) -> ImageFacts:
    """An image made to satisfy every line that one image can satisfy."""
    rules, cohort = spec.image, spec.cohort
    projection = spec.projections[0] if spec.projections else None
    view = projection.view.value if projection else "PA"
    years = cohort.years
    return ImageFacts(
        sop_instance_uid="1",
        study_uid="2",
        patient="P1",
        modality=rules.modality.allowed[0],
        view="LL" if view == "LATERAL" else view,
        view_source="ViewPosition",
        position=projection.position.value if projection and projection.position else "supine",
        portable=projection.portable if projection else None,
        sex=cohort.sex.allowed[0].value if cohort.sex else "F",
        age_years=float(cohort.age.min or 0) + 0.5 if cohort.age else 50.0,
        vendor="Siemens",
        model="Ysio",
        rows=max(3000, rules.short_side.min_px if rules.short_side else 0),
        columns=max(2500, rules.short_side.min_px if rules.short_side else 0),
        bits_stored=rules.bits_stored.min if rules.bits_stored else 8,
        photometric=rules.photometric.allowed[0] if rules.photometric else "MONOCHROME2",
        spacing_mm=(0.1, 0.1),
        spacing_source="PixelSpacing",
        slice_thickness_mm=rules.slice_thickness.max_mm if rules.slice_thickness else None,
        lossy=False,
        window_present=True,
        presentation_intent=rules.windowing.presentation.value if rules.windowing else None,
        acquisition_year=(years.first or years.last) if years else 2020,
        labels={line.finding: "present" for line in spec.labels.findings},
        report_linked=True,
    )


def violations(spec: DatasetSpec) -> Iterator[tuple[str, Level, dict[str, Any]]]:
    """For each line that one image can break: its check id, its level, and what breaks it and nothing else."""
    rules, cohort = spec.image, spec.cohort
    yield rules.modality.check_id, rules.modality.level, {"modality": "XX"}
    if rules.bits_stored:
        yield rules.bits_stored.check_id, rules.bits_stored.level, {"bits_stored": rules.bits_stored.min - 1}
    if rules.short_side:
        yield rules.short_side.check_id, rules.short_side.level, {"rows": rules.short_side.min_px - 1}
    if rules.pixel_spacing:
        level = rules.pixel_spacing.level
        yield rules.pixel_spacing.check_id, level, {"spacing_mm": None}
        if rules.pixel_spacing.max_mm:
            yield rules.pixel_spacing.check_id, level, {"spacing_mm": (0.05, rules.pixel_spacing.max_mm + 0.01)}
        if not rules.pixel_spacing.detector_plane_ok:
            yield rules.pixel_spacing.check_id, level, {"spacing_source": "ImagerPixelSpacing"}
    if rules.photometric:
        yield rules.photometric.check_id, rules.photometric.level, {"photometric": "YBR_FULL"}
    if rules.lossless:
        yield rules.lossless.check_id, rules.lossless.level, {"lossy": True}
    if rules.windowing:
        if rules.windowing.window_required:
            yield rules.windowing.check_id, rules.windowing.level, {"window_present": False}
        if rules.windowing.presentation is not Presentation.ANY:
            yield rules.windowing.check_id, rules.windowing.level, {"presentation_intent": None}
    if rules.manufacturer:
        yield rules.manufacturer.check_id, rules.manufacturer.level, {"vendor": None}
    if rules.slice_thickness:
        thick = rules.slice_thickness.max_mm + 0.1
        yield rules.slice_thickness.check_id, rules.slice_thickness.level, {"slice_thickness_mm": thick}
    if cohort.age:
        if cohort.age.max is not None:
            yield cohort.age.check_id, cohort.age.level, {"age_years": float(cohort.age.max + 1)}
        yield cohort.age.check_id, cohort.age.level, {"age_years": None}
    if cohort.sex:
        yield cohort.sex.check_id, cohort.sex.level, {"sex": None}
        left = [sex for sex in ("F", "M", "O") if sex not in {item.value for item in cohort.sex.allowed}]
        if left:
            yield cohort.sex.check_id, cohort.sex.level, {"sex": left[0]}
    if cohort.years and spec.deidentification.dates.value in ("year_only", "kept"):
        year = cohort.years.first - 1 if cohort.years.first else (cohort.years.last or 0) + 1
        yield cohort.years.check_id, cohort.years.level, {"acquisition_year": year}
    if spec.reports.linkage is ReportLinkage.REQUIRED:
        yield spec.reports.check_id, spec.reports.level, {"report_linked": False}
    for line in spec.labels.findings:
        others = {other.finding: "absent" for other in spec.labels.findings if other is not line}
        yield line.check_id, line.level, {"labels": others}
    if spec.projections:
        binding = any(line.level is Level.MUST for line in spec.projections)
        level = Level.MUST if binding else Level.SHOULD
        yield "projections", level, {"view": None}


def refused_by(facts: ImageFacts, spec: DatasetSpec) -> list[str]:
    return [finding.check_id for finding in check_image(facts, spec) if finding.severity == "must"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs)
def test_an_image_made_to_meet_it_is_accepted_and_one_that_breaks_one_line_is_refused_by_that_line(
    spec: DatasetSpec,
) -> None:
    good = meets(spec)
    assert refused_by(good, spec) == []
    ids = {entry.check_id for entry in check_lines(spec)}
    for check_id, level, change in violations(spec):
        found = check_image(replace(good, **change), spec)
        broken = {finding.check_id for finding in found if finding.severity in ("must", "should")}
        assert broken == {check_id}, (check_id, change, found)
        assert check_id in ids or check_id == "projections"
        refused = refused_by(replace(good, **change), spec)
        assert refused == ([check_id] if level is Level.MUST else [])
        assert all(finding.remedy for finding in found)


def shaped(cell: Selector, base: ImageFacts) -> ImageFacts:
    """An image that a selection is about."""
    changes: dict[str, Any] = {}
    if cell.view:
        changes["view"] = "RL" if cell.view.value == "LATERAL" else cell.view.value
    if cell.position:
        changes["position"] = cell.position.value
    if cell.portable is not None:
        changes["portable"] = cell.portable or None
    if cell.sex:
        changes["sex"] = cell.sex.value
    if cell.age_min is not None or cell.age_max is not None:
        changes["age_years"] = float(cell.age_max if cell.age_min is None else cell.age_min)  # type: ignore[arg-type]
    if cell.vendor:
        changes["vendor"] = {"Agfa HealthCare": "Agfa"}.get(cell.vendor, cell.vendor)
    if cell.site:
        changes["site"] = cell.site.upper()
    if cell.finding:
        changes["labels"] = {cell.finding: cell.finding_state}
    return replace(base, **changes)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs)
def test_an_image_made_for_a_quota_fills_it_and_one_that_differs_in_one_thing_does_not(spec: DatasetSpec) -> None:
    blank = replace(meets(spec), labels=None)
    for cell in spec.quotas:
        image = shaped(cell, blank)
        assert matches(image, cell, spec)
        (line,) = [line for line in fill_quotas([image], spec) if line.check_id == cell.check_id]
        assert (line.needed, line.maximum, line.unit) == (cell.min, cell.max, cell.unit.value)
        # Where images count once it may go to a quota that stands before, but to one of them it goes.
        cells = [line for line in fill_quotas([image], spec) if line.kind == "cell" and line.unit == cell.unit.value]
        assert line.received == 1 or spec.quota_counting.value == "once"
        assert sum(line.received for line in cells) >= 1
        assert spec.quota_counting.value == "every" or sum(line.received for line in cells) == 1
        for name, wrong in (("view", None), ("position", None), ("sex", None), ("age_min", None), ("finding", None)):
            if getattr(cell, name) is not None:
                field = {"age_min": "age_years", "finding": "labels"}.get(name, name)
                assert not matches(replace(image, **{field: wrong}), cell, spec)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs, st.floats(0, 100))
def test_a_score_is_refused_by_exactly_the_minimums_above_it(spec: DatasetSpec, score: float) -> None:
    components = dict.fromkeys((component.value for component in QualityComponent), score)
    result = QualityResult("v", True, "", score, score, components, "noise", "", 0.0)
    lines = [*([spec.quality.total] if spec.quality.total else []), *spec.quality.components]
    expected = [(line.check_id, line.level.value) for line in lines if score < line.min]
    assert [(finding.check_id, finding.severity) for finding in check_quality(result, spec)] == expected
