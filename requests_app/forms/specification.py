"""The whole specification as one form: sections and rows, read from a document and written back to one."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.forms import BoundField
from pydantic import ValidationError

from getdata.common.templatetags.ui_forms import first_control_id
from requests_app.documents import Checked, check_document
from requests_app.forms.binding import MAX_ROWS, MAX_SENT, Document, RowForm, Rows, SectionForm, get_at, set_at
from requests_app.forms.grid import Grid, GridForm, Layout, form_values, found_layout, lay_out, starting_values
from requests_app.forms.rows import (
    CustomFindingRow,
    FindingRow,
    ProjectionRow,
    QualityRow,
    QuotaRow,
    ShareRow,
    unfold,
)
from requests_app.forms.sections import (
    CohortForm,
    CountingForm,
    DeidForm,
    DeliveryForm,
    ImageForm,
    LabelsForm,
    PurposeForm,
    QualityForm,
    ReportsForm,
    TermsForm,
    TitleForm,
)
from requests_app.forms.steps import Step
from requests_app.spec import DatasetSpec, LintNote, Selector, describe_selector, spec_document
from requests_app.taxonomy import TAXONOMY_NAMES, get_taxonomy

SECTIONS: dict[str, type[SectionForm]] = {
    "purpose": PurposeForm,
    "cohort": CohortForm,
    "labels": LabelsForm,
    "counting": CountingForm,
    "reports": ReportsForm,
    "image": ImageForm,
    "quality": QualityForm,
    "deid": DeidForm,
    "delivery": DeliveryForm,
    "terms": TermsForm,
}
#: Once a hospital has offered, what its privacy officer has read stays: only the title of the first section is left.
AMENDABLE: dict[str, type[SectionForm]] = {
    **{name: form for name, form in SECTIONS.items() if name not in ("deid", "terms")},
    "purpose": TitleForm,
}
ROWS: dict[str, tuple[type[RowForm], str]] = {
    "projections": (ProjectionRow, "projections"),
    "custom": (CustomFindingRow, "labels.custom.findings"),
    "findings": (FindingRow, "labels.findings"),
    "quotas": (QuotaRow, "quotas"),
    "shares": (ShareRow, "share_caps"),
    "components": (QualityRow, "quality.components"),
}
#: Row lists that show a blank row while they are empty.
STARTED = ("projections", "findings", "custom")


@dataclass(frozen=True)
class Problem:
    """One entry of the error summary or of the list of notes: a text and the control it is about."""

    text: str
    target: str = ""
    remedy: str = ""
    blocking: bool = True


class SpecificationForm:
    """The forms of a specification, or of one step of it. ``base`` is the document that is edited: the rest is kept.

    ``amending`` leaves out what a request on which hospitals have offered cannot change.
    """

    def __init__(self, base: Document | None = None, *, step: Step | None = None, amending: bool = False) -> None:
        self.base: Document = base or spec_document(DatasetSpec(title="Untitled"))
        self.step, self.amending = step, amending
        kinds = AMENDABLE if amending else SECTIONS
        self.kinds = {name: kind for name, kind in kinds.items() if step is None or name in step.sections}
        self.sections: dict[str, SectionForm] = {}
        self.rows = {
            name: Rows(form, name, path) for name, (form, path) in ROWS.items() if step is None or name in step.rows
        }
        self.unplaced: list[str] = []
        self.is_bound = False
        self.grid_form: GridForm | None = None
        self.grid: Grid | None = None

    # --- three ways to fill it -----------------------------------------------------------------------------------

    @classmethod
    def from_document(
        cls, document: Document, *, step: Step | None = None, amending: bool = False, grid: Any = None
    ) -> SpecificationForm:
        """Unbound, showing a document; an empty list of rows that most requests have starts with a blank one.

        ``grid`` is a query that says how the quotas are laid out; without it they show the grid that they form.
        """
        form = cls(copy.deepcopy(document), step=step, amending=amending)
        for name, section in form.kinds.items():
            form.sections[name] = section(initial=section.initial_from(form.base), prefix=name)
            form.sections[name].offer(form.base)
        for rows in form.rows.values():
            start = 1 if rows.name in STARTED and not get_at(form.base, rows.path) else 0
            rows.load(form.base, blank=start)
        form._lay_grid(grid)
        form._say_among()
        return form

    @classmethod
    def from_post(
        cls, data: Any, base: Document | None = None, *, step: Step | None = None, amending: bool = False
    ) -> SpecificationForm:
        """Bound to what was sent."""
        form = cls(copy.deepcopy(base) if base else None, step=step, amending=amending)
        form.is_bound = True
        form.sections = {name: section(data, prefix=name) for name, section in form.kinds.items()}
        for section in form.sections.values():
            section.offer(form.base)
        whole = unfold(data, "quotas")
        for rows in form.rows.values():
            rows.bind(whole)
        form._lay_grid(data)
        form._say_among()
        return form

    @classmethod
    def redisplayed(
        cls,
        data: Any,
        base: Document | None = None,
        *,
        add: str = "",
        remove: str = "",
        change: str = "",
        step: Step | None = None,
        amending: bool = False,
    ) -> SpecificationForm:
        """What was typed, unjudged: with one row more (``add="quotas"``), one less (``remove="quotas:2"``), or one
        row unfolded (``change="quotas:2"``)."""
        sent = cls.from_post(data, base, step=step, amending=amending)
        form = cls(sent.base, step=step, amending=amending)
        for name, section in sent.sections.items():
            form.sections[name] = form.kinds[name](initial=section.raw_values(), prefix=name)
            form.sections[name].offer(form.base)
        gone_from, gone = _row_named(remove)
        changed_in, changed = _row_named(change)
        for name, rows in sent.rows.items():
            values = [row.raw_values() for row in rows.forms]
            folded = [getattr(row, "folded", False) for row in rows.forms]
            focus = None
            if name == changed_in and changed < len(values):
                focus, folded[changed] = changed, False
            if name == gone_from and gone < len(values):
                del values[gone], folded[gone]
                focus = min(gone, len(values) - 1) if values else None
            if name == add:
                values.append({})
                folded.append(False)
                focus = len(values) - 1
            form.rows[name].show(values, focus=focus)
            for row, fold in zip(form.rows[name].forms, folded, strict=True):
                if isinstance(row, QuotaRow):
                    row.folded = fold
        form._lay_grid(data)
        form._say_among()
        return form

    # --- the quotas as a grid ------------------------------------------------------------------------------------

    def _lay_grid(self, data: Any) -> None:
        """Lay the quotas out as a table: as ``data`` says, else as they already form one."""
        rows = self.rows.get("quotas")
        if rows is None:
            return
        document = self.base
        said = data is not None and any(str(key).startswith("grid-") for key in data)
        layout: Layout | None = None
        if said and not data.get("grid-none"):
            self.grid_form = GridForm(data, document=document)
            if data.get("grid-laid") or data.get("layout"):
                layout = self.grid_form.layout() if self.grid_form.is_valid() else None
            else:
                self.grid_form = GridForm(initial=_raw(self.grid_form), document=document)
        elif not said and not self.is_bound:
            layout = found_layout([row for row in get_at(document, rows.path) or [] if isinstance(row, dict)])
        if self.grid_form is None:
            initial = {**starting_values(document), **(form_values(layout) if layout else {})}
            self.grid_form = GridForm(initial=initial, document=document)
        if layout is not None:
            self.grid = lay_out(layout, list(rows.forms), rows.add)
            for row in rows.forms:
                if isinstance(row, QuotaRow) and row.in_grid:
                    row.folded = True
            if data is not None and data.get("layout"):  # where typing goes on
                self.grid.lines[0].cells[0].fields["min"].widget.attrs["autofocus"] = True

    def _say_among(self) -> None:
        """Name quotas by what they select, and share limits by the selection that they are about, as typed."""
        for limit in self.rows["shares"].forms if "shares" in self.rows else []:
            assert isinstance(limit, ShareRow)
            limit.says = _selection(limit.plain_values()) if limit.is_narrowed else ""
        for row in self.rows["quotas"].forms if "quotas" in self.rows else []:
            assert isinstance(row, QuotaRow)
            row.says = _selection(row.plain_values()) if row.folded else ""

    # --- reading it ----------------------------------------------------------------------------------------------

    def check(self) -> Checked | None:
        """The document that was typed, validated and linted; None when a field has no readable value.

        What the specification refuses is brought back to the fields; notes of the linter are not errors of the form.
        """
        fine = [section.is_valid() for section in self.sections.values()]
        fine += [rows.is_valid() for rows in self.rows.values()]
        if not all(fine):
            return None
        checked = check_document(self.document())
        if checked.spec is None:
            for note in checked.notes:
                self._place(note)
        return checked

    def document(self) -> Document:
        """The document that the cleaned values make."""
        document = copy.deepcopy(self.base)
        for section in self.sections.values():
            section.write(document)
        for rows in self.rows.values():
            rows.write(document)
        if "labels" in self.sections and get_at(document, "labels.taxonomy") != "custom":
            set_at(document, "labels.custom", None)
        if "image" in self.sections and get_at(document, "image.modality.allowed") is None:
            set_at(document, "image.modality.allowed", [])
        return document

    def _place(self, note: LintNote) -> None:
        if any(rows.take_note(note) for rows in self.rows.values()):
            return
        if any(section.take_note(note) for section in self.sections.values()):
            return
        self.unplaced.append(f"{note.message} {note.remedy}".strip())

    @staticmethod
    def fits(document: Document, step: Step | None = None) -> bool:
        """Whether the form can carry the document, or one step of it. Quotas always fit: they travel folded."""
        lists = [path for name, (_, path) in ROWS.items() if step is None or name in step.rows]
        return all(len(get_at(document, path) or []) <= MAX_ROWS for path in lists if path != "quotas")

    # --- showing it ----------------------------------------------------------------------------------------------

    @property
    def forms(self) -> Iterator[SectionForm]:
        yield from self.sections.values()
        for rows in self.rows.values():
            yield from rows.forms

    @property
    def problems(self) -> list[Problem]:
        """Everything wrong, in the order of the page, each with the control it is about."""
        if not self.is_bound:
            return []
        found = [Problem(text) for text in self.unplaced]
        if self.grid_form is not None and self.grid_form.is_bound:
            found += [Problem(str(error), "quota-axes") for error in self.grid_form.non_field_errors()]
            found += [Problem(str(error), _target(bound)) for bound in self.grid_form for error in bound.errors]
        for form in self.forms:
            for bound in form:
                place = "" if not isinstance(form, RowForm) else f"{self._row_words(form)}, "
                found += [Problem(f"{place}{bound.label}: {error}", _target(bound)) for error in bound.errors]
        return found

    def place_of(self, path: str) -> str:
        """The id of the control that a note's path is about, or ""."""
        for rows in self.rows.values():
            if path == rows.path:
                return f"rows-{rows.name}"
            if path.startswith(rows.path + "."):
                index, _, rest = path[len(rows.path) + 1 :].partition(".")
                if index.isdigit() and int(index) < len(rows.forms):
                    form: SectionForm = rows.forms[int(index)]
                    control = form.field_for(rest) or rows.form.content[0]
                    if isinstance(form, QuotaRow) and not form.shows_all and control not in ("min", "max"):
                        control = "min"
                    return _target(form[control])
        for section in self.sections.values():
            name = section.field_for(path)
            if name is not None:
                return _target(section[name])
        return ""

    def kept(self, document: Document) -> dict[str, str]:
        """What the hidden fields that tie rows to their lines say once this form is saved as ``document``."""
        found = {}
        for rows in self.rows.values():
            for row, saved in zip(rows.placed, get_at(document, rows.path) or [], strict=False):
                found[row.add_prefix("kept")] = str(saved.get(row.key, ""))
        return found

    @property
    def finding_names(self) -> list[str]:
        """What may be written as a finding: the names of the label list chosen."""
        if "labels" not in self.sections:
            listed = [str(row.get("finding", "")) for row in get_at(self.base, "labels.findings") or []]
            return [*dict.fromkeys([*listed, *_taxonomy_names(self.base)])]
        chosen = self.sections["labels"]["taxonomy"].value() or "getdata-cxr"
        if chosen in TAXONOMY_NAMES:
            return list(get_taxonomy(str(chosen)).names)
        return [str(form["name"].value()) for form in self.rows["custom"].forms if form["name"].value()]

    def _row_words(self, form: RowForm) -> str:
        name, _, index = str(form.prefix).rpartition("-")
        words = {
            "projections": "Projection",
            "custom": "Own finding",
            "findings": "Finding",
            "quotas": "Quota",
            "shares": "Share limit",
            "components": "Quality component",
        }
        return f"{words[name]} {int(index) + 1}"


def _row_named(button: str) -> tuple[str, int]:
    """``quotas:2`` -> the list and the row; what is no row's number is beyond every list."""
    name, _, index = button.partition(":")
    return name, int(index) if index.isdecimal() and len(index) < 5 else MAX_SENT


def _taxonomy_names(document: Document) -> list[str]:
    """The names of the document's own label list."""
    chosen = str(get_at(document, "labels.taxonomy") or "getdata-cxr")
    if chosen in TAXONOMY_NAMES:
        return list(get_taxonomy(chosen).names)
    return [str(row.get("name", "")) for row in get_at(document, "labels.custom.findings") or []]


def _raw(form: GridForm) -> dict[str, Any]:
    """What was chosen of a grid, unjudged."""
    return {
        name: field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))
        for name, field in form.fields.items()
    }


def _selection(values: dict[str, Any]) -> str:
    """A selection in words; "" for one that cannot be read."""
    known: dict[str, Any] = {
        name: value for name, value in values.items() if name in Selector.model_fields and value not in (None, "")
    }
    try:
        return describe_selector(Selector.model_validate(known))
    except ValidationError:
        return ""


def _target(bound: BoundField) -> str:
    return "" if bound.is_hidden else first_control_id(bound)
