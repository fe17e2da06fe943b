"""The repeatable parts of a specification as rows of a form."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from requests_app.forms.binding import (
    Document,
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

FINDING_NAMES = "finding-names"
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
    normal = tick("Means that nothing is found")
    paths: ClassVar = {"name": "name", "definition": "definition"}
    identity: ClassVar = ("name",)
    content: ClassVar = ("name", "definition")
    key: ClassVar = "key"

    @classmethod
    def initial_from(cls, document: Document) -> dict[str, Any]:
        return {**super().initial_from(document), "normal": document.get("kind") == "normal"}

    def write(self, document: Document) -> None:
        super().write(document)
        if self.cleaned_data.get("normal"):
            document["kind"] = "normal"
        elif document.get("kind") == "normal":
            document["kind"] = "finding"


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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["finding"].widget.attrs.update(_FINDING)


class ShareRow(RowForm):
    axis = pick("From one", choices(ShareAxis, "Choose"))
    max_percent = decimal("At most")
    level = level_field()
    paths: ClassVar = {"axis": "axis", "max_percent": "max_percent", "level": "level"}
    identity: ClassVar = ("axis",)
    content: ClassVar = ("axis", "max_percent")


class QualityRow(RowForm):
    component = forms.ChoiceField(label="Component", choices=[("", "Choose"), *QUALITY_COMPONENTS], required=False)
    min = decimal("At least")
    level = level_field()
    paths: ClassVar = {"component": "component", "min": "min", "level": "level"}
    identity: ClassVar = ("component",)
    content: ClassVar = ("component", "min")
