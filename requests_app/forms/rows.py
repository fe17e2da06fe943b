"""The repeatable parts of a specification as rows of a form."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from django import forms
from django.http import QueryDict

from requests_app.forms.binding import (
    RowForm,
    YesNoField,
    choices,
    decimal,
    level_field,
    number,
    pick,
    text,
    tick,
)
from requests_app.forms.sections import QUALITY_COMPONENTS
from requests_app.spec import (
    Adjudication,
    AnnotationType,
    CountUnit,
    LabelMethod,
    Position,
    Sex,
    ShareAxis,
    View,
)
from requests_app.taxonomy import FindingKind, Relation, concepts

FINDING_NAMES = "finding-names"
_KINDS = [
    (FindingKind.FINDING.value, "Something seen"),
    (FindingKind.DIAGNOSIS.value, "A conclusion"),
    (FindingKind.DEVICE.value, "A device"),
    (FindingKind.NORMAL.value, "Nothing found"),
]
_RELATIONS = [
    (Relation.EXACT.value, "The same"),
    (Relation.BROADER.value, "Broader than yours"),
    (Relation.NARROWER.value, "Narrower than yours"),
]
_FINDING = {"list": FINDING_NAMES, "autocomplete": "off"}


class ProjectionRow(RowForm):
    view = pick("Projection", choices(View, "Choose"))
    position = pick("Position", choices(Position, "Any"))
    portable = YesNoField(label="Portable", yes="Portable", no="Not portable")
    min_images = number("Images, at least")
    level = level_field()
    paths: ClassVar = {
        "view": "view",
        "position": "position",
        "portable": "portable",
        "min_images": "min_images",
        "level": "level",
    }
    identity: ClassVar = ("view", "position", "portable")
    content: ClassVar = ("view", "position", "portable", "min_images")
    zero_is_blank: ClassVar = ("min_images",)


class FindingRow(RowForm):
    finding = text("Finding", high=120)
    annotation = pick("Annotation", choices(AnnotationType), initial=AnnotationType.IMAGE.value)
    min_positive = number("With it, at least")
    min_negative = number("Without it, at least")
    method = pick("Label source", choices(LabelMethod), initial=LabelMethod.ANY.value)
    readers = number("Readers, at least", low=1, high=20)
    certified = tick("Board-certified")
    adjudication = pick(
        "Disagreement settled by",
        [
            (Adjudication.NONE.value, "Not asked"),
            (Adjudication.MAJORITY.value, "Majority"),
            (Adjudication.CONSENSUS.value, "Consensus"),
            (Adjudication.SENIOR.value, "A senior reader"),
        ],
        initial=Adjudication.NONE.value,
    )
    level = level_field()
    paths: ClassVar = {
        "finding": "finding",
        "annotation": "annotation",
        "min_positive": "min_positive",
        "min_negative": "min_negative",
        "method": "source.method",
        "readers": "source.min_readers",
        "certified": "source.board_certified",
        "adjudication": "source.adjudication",
        "level": "level",
    }
    identity: ClassVar = ("finding",)
    content: ClassVar = ("finding", "min_positive", "min_negative")
    zero_is_blank: ClassVar = ("min_positive", "min_negative")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["finding"].widget.attrs.update(_FINDING)


class CustomFindingRow(RowForm):
    name = text("Name", high=120)
    definition = text("What a reader must see", rows=2, high=2000)
    kind = pick("It is", _KINDS, initial=FindingKind.FINDING.value)
    concept = pick("Nearest shared concept", [])
    relation = pick("The shared concept is", _RELATIONS, initial=Relation.EXACT.value)
    paths: ClassVar = {
        "name": "name",
        "definition": "definition",
        "kind": "kind",
        "concept": "concept",
        "relation": "concept_relation",
    }
    identity: ClassVar = ("name",)
    content: ClassVar = ("name", "definition")
    key: ClassVar = "key"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = sorted((concept.name, key) for key, concept in concepts().items())
        self.fields["concept"].choices = [("", "None"), *((key, name) for name, key in named)]  # type: ignore[attr-defined]


class QuotaRow(RowForm):
    min = number("At least")
    max = number("At most")
    unit = pick("Counted in", choices(CountUnit), initial=CountUnit.IMAGES.value)
    finding = text("Finding", high=120)
    finding_state = pick("Finding is", [("present", "Present"), ("absent", "Absent")], initial="present")
    view = pick("Projection", choices(View, "Any"))
    position = pick("Position", choices(Position, "Any"))
    portable = YesNoField(label="Portable", yes="Portable", no="Not portable")
    sex = pick("Sex", choices(Sex, "Any"))
    age_min = number("Age from", high=130)
    age_max = number("Age to", high=130)
    vendor = text("Manufacturer", high=120)
    site = text("Hospital", high=120)
    level = level_field()
    note = text("Note", high=500)
    paths: ClassVar = {
        name: name
        for name in (
            "min",
            "max",
            "unit",
            "finding",
            "finding_state",
            "view",
            "position",
            "portable",
            "sex",
            "age_min",
            "age_max",
            "vendor",
            "site",
            "level",
            "note",
        )
    }
    identity: ClassVar = (
        "unit",
        "finding",
        "finding_state",
        "view",
        "position",
        "portable",
        "sex",
        "age_min",
        "age_max",
        "vendor",
        "site",
    )
    content: ClassVar = (
        "min",
        "max",
        "finding",
        "view",
        "position",
        "portable",
        "sex",
        "age_min",
        "age_max",
        "vendor",
        "site",
    )
    zero_is_blank: ClassVar = ("min",)
    #: Laid out as a cell of the grid, under these headers.
    in_grid = False
    cell_label = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["finding"].widget.attrs.update(_FINDING)
        for name in ("min", "max"):
            # Digits in a text field: arrows move between the cells of the grid, a wheel changes nothing.
            self.fields[name].widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
        #: Shown as its two counts, with everything else in one hidden field (see ``unfold``).
        self.folded = f"{self.prefix}-at" in self.data if self.is_bound else bool(self.initial.get("kept"))

    @property
    def is_blank(self) -> bool:
        """A cell of the grid in which nothing is counted is no line, though its headers select something."""
        if self.data.get(f"{self.prefix}-grid"):
            return self.cleaned_data.get("min") is None and self.cleaned_data.get("max") is None
        return super().is_blank

    @property
    def shows_all(self) -> bool:
        """Whether every field is shown, to be changed."""
        return not self.folded or any(name not in ("min", "max") for name in self.errors)

    @property
    def at(self) -> str:
        """Everything but the counts in one value, for the hidden field of a folded row."""
        rest = {name: value for name, value in self.plain_values().items() if name not in ("min", "max", "kept")}
        values = {name: _sent(value) for name, value in rest.items()}
        return urlencode({name: value for name, value in values.items() if value})


def _sent(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def unfold(data: Any, name: str) -> Any:
    """What was sent, with each folded row's hidden field (``quotas-3-at``) taken apart into the fields it stands for."""
    folded = [key for key in data if key.startswith(f"{name}-") and key.endswith("-at")]
    if not folded:
        return data
    whole = data.copy() if isinstance(data, QueryDict) else dict(data)
    for key in folded:
        prefix = key.removesuffix("at")
        for part, value in parse_qsl(str(data[key])[:4000]):
            if part in QuotaRow.base_fields and part not in ("min", "max"):
                whole[prefix + part] = value
    return whole


_WITHIN = ("finding", "finding_state", "view", "position", "portable", "sex", "age_min", "age_max", "vendor", "site")


class ShareRow(RowForm):
    axis = pick("From one", choices(ShareAxis, "Choose"))
    max_percent = decimal("At most")
    level = level_field()
    finding = text("Finding", high=120)
    finding_state = pick("Finding is", [("present", "Present"), ("absent", "Absent")], initial="present")
    view = pick("Projection", choices(View, "Any"))
    position = pick("Position", choices(Position, "Any"))
    portable = YesNoField(label="Portable", yes="Portable", no="Not portable")
    sex = pick("Sex", choices(Sex, "Any"))
    age_min = number("Age from", high=130)
    age_max = number("Age to", high=130)
    vendor = text("Manufacturer", high=120)
    site = text("Hospital", high=120)
    paths: ClassVar = {
        "axis": "axis",
        "max_percent": "max_percent",
        "level": "level",
        **{name: f"within.{name}" for name in _WITHIN},
    }
    identity: ClassVar = ("axis", *_WITHIN)
    content: ClassVar = ("axis", "max_percent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["finding"].widget.attrs.update(_FINDING)

    @property
    def is_narrowed(self) -> bool:
        """Whether it is about a selection and not about all images."""
        return any(self[name].value() not in (None, "", "present") for name in _WITHIN)


class QualityRow(RowForm):
    component = forms.ChoiceField(label="Component", choices=[("", "Choose"), *QUALITY_COMPONENTS], required=False)
    min = decimal("At least")
    level = level_field()
    paths: ClassVar = {"component": "component", "min": "min", "level": "level"}
    identity: ClassVar = ("component",)
    content: ClassVar = ("component", "min")
