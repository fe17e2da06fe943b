"""The quota grid: laid over the lines, filled in, and never a line lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from requests_app.forms.grid import AXES, MAX_CELLS, found_layout, selection_of
from requests_app.forms.specification import SpecificationForm
from requests_app.forms.steps import BY_KEY
from requests_app.spec import DatasetSpec, spec_document
from tests.requests_app.test_forms import filled_in

QUOTAS = BY_KEY["quotas"]


def document(*cells: dict[str, Any]) -> dict[str, Any]:
    findings = [{"finding": "Pneumothorax"}, {"finding": "No Finding"}]
    return spec_document(
        DatasetSpec.model_validate(
            {"title": "Grid", "cohort": {"images": {"min": 1000}}, "labels": {"findings": findings}, "quotas": cells}
        )
    )


def chosen(**values: str | list[str]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(f"grid-{name}", value if isinstance(value, list) else [value])
    data["grid-laid"] = "1"
    return data


BY_SEX_AND_AGE = {
    "sex_use": "rows",
    "sex_values": ["F", "M"],
    "age_use": "columns",
    "age_values": "up to 17, 18-64, 65+",
}


def sent(form: SpecificationForm, data: QueryDict, **counts: str) -> QueryDict:
    """The page as a browser sends it: the form, the grid's axes, and what was typed into cells named by their labels."""
    whole = filled_in(form)
    for name in data:
        whole.setlist(name, data.getlist(name))
    assert form.grid is not None
    for line in form.grid.lines:
        for row in line.cells:
            if row.cell_label in counts:
                whole[f"{row.prefix}-min"] = counts[row.cell_label]
    return whole


def saved(data: QueryDict, base: dict[str, Any]) -> DatasetSpec:
    form = SpecificationForm.from_post(data, base, step=QUOTAS)
    checked = form.check()
    assert checked is not None, form.problems
    assert checked.spec is not None, form.problems
    return checked.spec


def test_a_grid_laid_over_nothing_makes_a_line_of_each_cell_that_is_filled_in() -> None:
    base, axes = document(), chosen(**BY_SEX_AND_AGE)
    form = SpecificationForm.from_document(base, step=QUOTAS, grid=axes)
    assert form.grid is not None
    assert form.grid.columns == ["Up to 17", "18 to 64", "65 and over"]
    assert [line.label for line in form.grid.lines] == ["Female", "Male"]
    spec = saved(sent(form, axes, **{"Female, 65 and over": "150", "Male, Up to 17": "20"}), base)
    assert [(cell.check_id, cell.min) for cell in spec.quotas] == [
        ("quota.f.age-65-plus", 150),
        ("quota.m.age-to-17", 20),
    ]


def test_lines_that_the_grid_does_not_show_stay_as_they_are() -> None:
    base = document(
        {"sex": "F", "age_min": 65, "min": 10, "max": 90, "level": "should", "note": "Hard to find"},
        {"sex": "F", "age_min": 65, "unit": "patients", "min": 5},
        {"sex": "F", "age_min": 65, "view": "AP", "position": "supine", "portable": True, "min": 7},
        {"finding": "Pneumothorax", "finding_state": "absent", "vendor": "Philips", "site": "north", "min": 3},
    )
    axes = chosen(**BY_SEX_AND_AGE)
    form = SpecificationForm.from_document(base, step=QUOTAS, grid=axes)
    assert [row.in_grid for row in form.rows["quotas"].forms[:4]] == [True, False, False, False]  # type: ignore[attr-defined]
    spec = saved(sent(form, axes, **{"Female, 65 and over": "12"}), base)
    before = DatasetSpec.model_validate(base).quotas
    assert spec.quotas[1:] == before[1:]
    assert spec.quotas[0] == before[0].model_copy(update={"min": 12})


def test_clearing_a_cell_removes_its_line() -> None:
    base, axes = document({"sex": "F", "age_min": 65, "min": 10}), chosen(**BY_SEX_AND_AGE)
    form = SpecificationForm.from_document(base, step=QUOTAS, grid=axes)
    assert saved(sent(form, axes, **{"Female, 65 and over": ""}), base).quotas == ()


def test_rows_and_columns_are_summed() -> None:
    base = document({"sex": "F", "age_min": 65, "min": 10}, {"sex": "M", "age_min": 65, "min": 30, "max": 40})
    grid = SpecificationForm.from_document(base, step=QUOTAS, grid=chosen(**BY_SEX_AND_AGE)).grid
    assert grid is not None
    assert ([line.total for line in grid.lines], grid.column_totals, grid.total) == ([10, 30], [0, 0, 40], 40)
    assert grid.shows_maximums


def test_lines_that_form_a_grid_are_shown_as_one() -> None:
    cells = [
        {"finding": finding, "view": view, "sex": sex, "min": 5}
        for finding in ("Pneumothorax", "No Finding")
        for view in ("PA", "AP")
        for sex in ("F", "M")
    ]
    grid = SpecificationForm.from_document(document(*cells, {"sex": "F", "min": 100}), step=QUOTAS).grid
    assert grid is not None
    assert [line.label for line in grid.lines] == [
        "Pneumothorax, PA",
        "Pneumothorax, AP",
        "No Finding, PA",
        "No Finding, AP",
    ]
    assert grid.columns == ["Female", "Male"]
    assert found_layout([{"sex": "F", "min": 1}]) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"age_values": "old"}, "is no age band"),
        ({"age_values": ""}, "Name the values"),
        ({"age_use": ""}, "something else for the columns"),
        ({"age_values": ", ".join(f"{n}-{n}" for n in range(125))}, f"{MAX_CELLS} is the most"),
    ],
)
def test_a_grid_that_cannot_be_laid_says_why(change: dict[str, str], words: str) -> None:
    axes = chosen(**{**BY_SEX_AND_AGE, **change})
    form = SpecificationForm.from_document(document(), step=QUOTAS, grid=axes)
    assert form.grid is None
    assert form.grid_form is not None
    assert words in str(form.grid_form.errors)


_values = {axis.key: [value for value, _ in axis.options] for axis in AXES} | {
    "finding": ["Pneumothorax", "-Pneumothorax", "No Finding"],
    "vendor": ["Philips", "GE"],
    "site": ["north", "south"],
    "age": ["up to 17", "18-64", "65+"],
}


@st.composite
def cells_on_axes(draw: Any) -> tuple[dict[str, Any], QueryDict, list[dict[str, Any]]]:
    """Any axes for rows and columns, and lines of which some are cells of that grid and some are not."""
    axes = draw(st.lists(st.sampled_from(AXES), min_size=2, max_size=3, unique=True))
    data: dict[str, str | list[str]] = {}
    for number, axis in enumerate(axes):
        data[f"{axis.key}_use"] = "columns" if number == 0 else "rows"
        values = draw(st.lists(st.sampled_from(_values[axis.key]), min_size=1, max_size=3, unique=True))
        typed = axis.key in ("vendor", "site", "age")
        data[f"{axis.key}_values"] = ", ".join(values) if typed else values
    lines = []
    for _ in range(draw(st.integers(0, 5))):
        line: dict[str, Any] = {"min": draw(st.integers(1, 50)), "unit": draw(st.sampled_from(["images", "patients"]))}
        for axis in draw(st.lists(st.sampled_from(AXES), max_size=3, unique=True)):
            line |= {k: v for k, v in axis.read(draw(st.sampled_from(_values[axis.key]))).items() if v}
        lines.append(line)
    return data, chosen(**data), lines


@settings(max_examples=80, deadline=None)
@given(cells_on_axes())
def test_laying_any_grid_over_any_lines_loses_none(
    given_: tuple[dict[str, Any], QueryDict, list[dict[str, Any]]],
) -> None:
    _, axes, lines = given_
    try:
        base = document(*lines)
    except ValueError:
        return  # two lines that ask for the same selection
    form = SpecificationForm.from_document(base, step=QUOTAS, grid=axes)
    assert form.grid is not None, form.grid_form.errors if form.grid_form else ""
    spec = saved(sent(form, axes), base)
    assert spec == DatasetSpec.model_validate(base)
    for line in form.grid.lines:
        for row in line.cells:
            assert selection_of(row.plain_values())
