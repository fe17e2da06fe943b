"""A hospital's profile as a form: every field may stay empty, which means "not stated"."""

from __future__ import annotations

from typing import Any

from django import forms
from pydantic import ValidationError

from getdata.accounts.countries import COUNTRIES
from requests_app.forms.binding import WordsField, YesNoField, choices, number, text, tick
from requests_app.matching import Capability, LegalClass
from requests_app.spec import AnnotationType, LabelMethod, View

_VIEWS = (View.PA, View.AP, View.LATERAL)
_MODALITIES = ("CR", "DX", "CT")
_NONE = ("none", "None of these")
_METHODS = [choice for choice in choices(LabelMethod) if choice[0] != LabelMethod.ANY.value]


def _ticks(label: str, options: list[tuple[str, str]], **kwargs: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=options, required=False, widget=forms.CheckboxSelectMultiple, **kwargs
    )


class CapabilityForm(forms.Form):
    """What the archive holds and what the hospital can do."""

    views_PA = number("PA", high=10_000_000)
    views_AP = number("AP", high=10_000_000)
    views_LATERAL = number("Lateral, either side", high=10_000_000)
    modality_CR = number("CR", high=10_000_000)
    modality_DX = number("DX", high=10_000_000)
    modality_CT = number("CT", high=10_000_000)
    first_year = number("Held from year", low=1970, high=2200)
    last_year = number("To year", low=1970, high=2200)
    portable_percent = number("Portable images", high=100)
    youngest = number("Youngest patients", high=130)
    oldest = number("Oldest patients", high=130)
    devices = text("Equipment", rows=4, help_text="One a line: maker, model. For example: Siemens, Ysio Max")
    reports = YesNoField(label="Can reports be linked to images?", any_="Not stated")
    languages = WordsField(
        label="Languages of the reports", required=False, help_text="Two letters each (ISO 639-1): de, en"
    )
    readers = number("Radiologists who can read", high=10_000)
    board_certified = number("Of them board-certified", high=10_000)
    annotations = _ticks("Annotations you can make", [*choices(AnnotationType), _NONE])
    label_methods = _ticks("Where your labels can come from", [*_METHODS, _NONE])
    legal_classes = _ticks("What you can sign", choices(LegalClass))
    any_country = tick("Recipients of any country the law allows")
    countries = WordsField(
        label="Or only recipients in", upper=True, required=False, help_text="Two letters each (ISO 3166-1): DE, FR, GB"
    )
    notes = text("Anything else", rows=3, high=2000, help_text="For your own colleagues. Nothing about a patient.")

    def __init__(self, data: Any = None, *, capability: Capability) -> None:
        self.before = capability
        super().__init__(data, initial=_initial(capability))

    def clean_devices(self) -> list[dict[str, str]]:
        rows = []
        for row in self.cleaned_data["devices"].splitlines():
            vendor, _, model = row.strip().partition(",")
            if vendor.strip():
                rows.append({"vendor": vendor.strip()[:120], "model": model.strip()[:120]})
        if len(rows) > 200:
            raise forms.ValidationError("At most 200 lines. Leave out models that are hardly used.")
        return rows

    def clean_countries(self) -> list[str]:
        unknown = [code for code in self.cleaned_data["countries"] if code not in COUNTRIES]
        if unknown:
            raise forms.ValidationError(
                f"{', '.join(unknown)[:60]}: no such country code. Use two letters, for example DE."
            )
        chosen: list[str] = self.cleaned_data["countries"]
        return chosen

    def clean_annotations(self) -> list[str] | None:
        return self._unless_silent("annotations")

    def clean_label_methods(self) -> list[str] | None:
        return self._unless_silent("label_methods")

    def _unless_silent(self, name: str) -> list[str] | None:
        """None when nothing is ticked, an empty list for "none of these"."""
        ticked: list[str] = self.cleaned_data[name]
        if len(ticked) > 1 and "none" in ticked:
            raise forms.ValidationError("You ticked “None of these” and something else. Untick one.")
        return None if not ticked else [] if ticked == ["none"] else ticked

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        views = {view.value: count for view in _VIEWS if (count := data[f"views_{view.value}"]) is not None}
        modalities = {name: count for name in _MODALITIES if (count := data[f"modality_{name}"]) is not None}
        # What only the API can say (sides of laterals, further modalities) is kept.
        others = {key.value: count for key, count in self.before.views.items() if key not in _VIEWS}
        further = {key: count for key, count in self.before.modalities.items() if key not in _MODALITIES}
        said = {name: data[name] for name in Capability.model_fields if name in data}
        try:
            self.capability = Capability.model_validate(
                {**said, "views": {**others, **views}, "modalities": {**further, **modalities}}
            )
        except ValidationError as error:
            for problem in error.errors():
                name = str(problem["loc"][0]) if problem["loc"] else None
                self.add_error(name if name in self.fields else None, problem["msg"].removeprefix("Value error, "))
        return data


def _initial(capability: Capability) -> dict[str, Any]:
    said = capability.model_dump(mode="json")
    said |= {f"views_{name}": count for name, count in said.pop("views").items()}
    said |= {f"modality_{name}": count for name, count in said.pop("modalities").items()}
    said["devices"] = "\n".join(
        f"{device.vendor}, {device.model}" if device.model else device.vendor for device in capability.devices
    )
    for name in ("annotations", "label_methods"):
        said[name] = ["none"] if said[name] == [] else said[name] or []
    return said
