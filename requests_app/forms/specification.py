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
from requests_app.forms.binding import MAX_ROWS, Document, RowForm, Rows, SectionForm, get_at, set_at
from requests_app.forms.rows import CustomFindingRow, FindingRow, ProjectionRow, QualityRow, QuotaRow, ShareRow
from requests_app.forms.sections import (
    CohortForm,
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
from requests_app.spec import DatasetSpec, LintNote, Selector, describe_selector, spec_document
from requests_app.taxonomy import TAXONOMY_NAMES, get_taxonomy

SECTIONS: dict[str, type[SectionForm]] = {
    "purpose": PurposeForm,
    "cohort": CohortForm,
    "labels": LabelsForm,
    "reports": ReportsForm,
    "image": ImageForm,
    "quality": QualityForm,
    "deid": DeidForm,
    "delivery": DeliveryForm,
    "terms": TermsForm,
}
#: Once a request is open, what staff and privacy officers have read stays: only the title of the first section is left.
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
STARTED = ("projections", "findings", "quotas", "custom")


@dataclass(frozen=True)
class Problem:
    """One entry of the error summary or of the list of notes: a text and the control it is about."""

    text: str
    target: str = ""
    remedy: str = ""
    blocking: bool = True


class SpecificationForm:
    """All forms of a specification. ``base`` is the document that is edited: what the form does not show is kept.

    ``amending`` leaves out what an open request cannot change.
    """

    def __init__(self, base: Document | None = None, *, amending: bool = False) -> None:
        self.base: Document = base or spec_document(DatasetSpec(title="Untitled"))
        self.kinds = AMENDABLE if amending else SECTIONS
        self.amending = amending
        self.sections: dict[str, SectionForm] = {}
        self.rows = {name: Rows(form, name, path) for name, (form, path) in ROWS.items()}
        self.unplaced: list[str] = []
        self.is_bound = False

    # --- three ways to fill it -----------------------------------------------------------------------------------

    @classmethod
    def from_document(cls, document: Document, *, amending: bool = False) -> SpecificationForm:
        """Unbound, showing a document; an empty list of rows that most requests have starts with a blank one."""
        form = cls(copy.deepcopy(document), amending=amending)
        for name, section in form.kinds.items():
            form.sections[name] = section(initial=section.initial_from(form.base), prefix=name)
        for rows in form.rows.values():
            start = 1 if rows.name in STARTED and not get_at(form.base, rows.path) else 0
            rows.load(form.base, blank=start)
        form._say_among()
        return form

    @classmethod
    def from_post(cls, data: Any, base: Document | None = None, *, amending: bool = False) -> SpecificationForm:
        """Bound to what was sent."""
        form = cls(copy.deepcopy(base) if base else None, amending=amending)
        form.is_bound = True
        form.sections = {name: section(data, prefix=name) for name, section in form.kinds.items()}
        for rows in form.rows.values():
            rows.bind(data)
        form._say_among()
        return form

    @classmethod
    def redisplayed(
        cls, data: Any, base: Document | None = None, *, add: str = "", remove: str = "", amending: bool = False
    ) -> SpecificationForm:
        """What was typed, unjudged, with one row more (``add="quotas"``) or one less (``remove="quotas:2"``)."""
        sent = cls.from_post(data, base, amending=amending)
        form = cls(sent.base, amending=amending)
        for name, section in sent.sections.items():
            form.sections[name] = form.kinds[name](initial=section.raw_values(), prefix=name)
        gone_from, _, gone = remove.partition(":")
        for name, rows in sent.rows.items():
            values = [row.raw_values() for row in rows.forms]
            focus = None
            if name == gone_from and gone.isdigit() and int(gone) < len(values):
                del values[int(gone)]
                focus = min(int(gone), len(values) - 1) if values else None
            if name == add:
                values.append({})
                focus = len(values) - 1
            form.rows[name].show(values, focus=focus)
        form._say_among()
        return form

    def _say_among(self) -> None:
        """Name quotas by what they select, and tell which selection a share limit is about: the form only keeps it."""
        quotas = {row.get("check_id"): row for row in get_at(self.base, "quotas") or []}
        for row in self.rows["quotas"].forms:
            row.says = _selection(quotas.get(row["kept"].value()))
        limits = {row.get("check_id"): row.get("within") for row in get_at(self.base, "share_caps") or []}
        for row in self.rows["shares"].forms:
            words = _selection(limits.get(row["kept"].value()))
            row.says = "" if words == "all images" else words

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
        if get_at(document, "labels.taxonomy") != "custom":
            set_at(document, "labels.custom", None)
        if get_at(document, "image.modality.allowed") is None:
            set_at(document, "image.modality.allowed", [])
        return document

    def _place(self, note: LintNote) -> None:
        if any(rows.take_note(note) for rows in self.rows.values()):
            return
        if any(section.take_note(note) for section in self.sections.values()):
            return
        self.unplaced.append(f"{note.message} {note.remedy}".strip())

    @staticmethod
    def fits(document: Document) -> bool:
        """Whether the form can carry the document; one with very many rows is edited as JSON."""
        return sum(len(get_at(document, path) or []) for _, path in ROWS.values()) <= MAX_ROWS

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
                    return _target(form[form.field_for(rest) or rows.form.content[0]])
        for section in self.sections.values():
            name = section.field_for(path)
            if name is not None:
                return _target(section[name])
        return ""

    def notes(self, checked: Checked) -> list[Problem]:
        """The linter's notes with the controls they are about, blocking ones first."""
        return [Problem(n.message, self.place_of(n.path), n.remedy, n.blocking) for n in checked.notes]

    @property
    def finding_names(self) -> list[str]:
        """What may be written as a finding: the names of the label list chosen."""
        section = self.sections["labels"]
        chosen = section["taxonomy"].value() or "getdata-cxr"
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


def _selection(document: Document | None) -> str:
    """A selection in words; "" for a new row or one that cannot be read."""
    known = {name: value for name, value in (document or {}).items() if name in Selector.model_fields}
    try:
        return describe_selector(Selector.model_validate(known)) if document else ""
    except ValidationError:
        return ""


def _target(bound: BoundField) -> str:
    return "" if bound.is_hidden else first_control_id(bound)
