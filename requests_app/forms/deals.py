"""Offers, what is accepted of them, counts, and signatures as forms."""

from __future__ import annotations

from typing import Any

from django import forms

from getdata.accounts.models import Organization
from requests_app.agreements import law
from requests_app.feasibility import CountLine, count_lines
from requests_app.forms.small import OrganizationChoice
from requests_app.forms.text import Stopped, guard_fields
from requests_app.models import Feasibility, Offer
from requests_app.services.offer_counts import MAX_DEVIATION_LETTERS, MAX_IMAGES, offerable
from requests_app.spec import DatasetSpec, Demand, check_lines, describe_line


def _count(label: str, **kwargs: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=MAX_IMAGES, required=False, **kwargs)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class OfferForm(forms.Form):
    """What a hospital can deliver, in all and line by line, and where it deviates. ``stopped`` is what the guard found."""

    stopped: Stopped | None = None

    hospital = OrganizationChoice(label="Offered by")
    images = forms.IntegerField(label="Images you can deliver", min_value=1, max_value=MAX_IMAGES)
    patients = _count("Of how many patients", help_text="An estimate will do.")
    deliver_from = forms.DateField(label="Delivery begins", required=False, widget=forms.DateInput)
    deliver_by = forms.DateField(label="Delivered by", required=False, widget=forms.DateInput)
    message = forms.CharField(
        label="Message to the researcher",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What they should know: equipment, years, how labels are made. Nothing about a patient.",
    )
    terms = forms.CharField(
        label="Your terms",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What you ask in return or insist on. It goes into the agreement word for word.",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        hospitals: list[Organization],
        spec: DatasetSpec,
        counted: Feasibility | None = None,
    ) -> None:
        super().__init__(data)
        self.fields["hospital"].offer(hospitals)  # type: ignore[attr-defined]
        self.lines: list[Demand] = offerable(spec)
        for index, line in enumerate(self.lines):
            self.fields[f"cell-{index}"] = _count(_capital(line.text))
        counts = {line.check_id for line in self.lines}
        #: Every line that may deviate: check id, words, level.
        self.differing = [(line.check_id, _capital(line.text), line.level.value) for line in self.lines] + [
            (entry.check_id, describe_line(entry.line), entry.level.value)
            for entry in check_lines(spec)
            if entry.check_id not in counts
        ]
        for index, (_, said, _) in enumerate(self.differing):
            self.fields[f"differs-{index}"] = forms.CharField(
                label=said, required=False, max_length=MAX_DEVIATION_LETTERS
            )
            self.fields[f"percent-{index}"] = forms.IntegerField(
                label=f"{said}: share", min_value=1, max_value=100, required=False
            )
        if counted is not None:
            self.initial = self._from_counts(counted)

    def _from_counts(self, counted: Feasibility) -> dict[str, Any]:
        """What the counts say, as far as they may be shown; suppressed cells stay empty."""
        shown = {key: count for key, count in counted.counts.items() if isinstance(count, int)}
        said: dict[str, Any] = {"hospital": counted.hospital_id, "images": shown.get("cohort.images")}
        said["patients"] = shown.get("cohort.patients")
        for index, line in enumerate(self.lines):
            said[f"cell-{index}"] = shown.get(line.check_id)
        return said

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for index in range(len(self.differing)):
            if data.get(f"percent-{index}") and not data.get(f"differs-{index}"):
                self.add_error(f"differs-{index}", "Say what differs for this share.")
        written = ["message", "terms", *(f"differs-{index}" for index in range(len(self.differing)))]
        self.stopped = guard_fields(self, written)
        return data

    def cells(self) -> dict[str, int]:
        """check id -> count, for the lines filled in."""
        return {
            line.check_id: count
            for index, line in enumerate(self.lines)
            if (count := self.cleaned_data.get(f"cell-{index}"))
        }

    def deviations(self) -> dict[str, dict[str, Any]]:
        """check id -> what differs and for which share."""
        return {
            check_id: {"text": text, "percent": self.cleaned_data.get(f"percent-{index}")}
            for index, (check_id, _, _) in enumerate(self.differing)
            if (text := self.cleaned_data.get(f"differs-{index}"))
        }


class PartForm(forms.Form):
    """How much of an offer is accepted; what is left as it stands is the whole offer."""

    images = forms.IntegerField(label="Images", min_value=1, max_value=MAX_IMAGES)
    patients = _count("Patients")

    def __init__(self, data: Any = None, *, offer: Offer, spec: DatasetSpec) -> None:
        self.lines = [line for line in offerable(spec) if offer.cells.get(line.check_id)]
        self.offer = offer
        initial = {"images": offer.images, "patients": offer.patients}
        initial |= {f"part-{index}": offer.cells[line.check_id] for index, line in enumerate(self.lines)}
        super().__init__(data, initial=initial)
        self.fields["images"].widget.attrs["max"] = offer.images
        for index, line in enumerate(self.lines):
            self.fields[f"part-{index}"] = _count(_capital(line.text))

    def part(self) -> dict[str, Any]:
        """``images``, ``patients`` and ``cells`` for the service. Lines left as offered shrink with fewer images."""
        images = self.cleaned_data["images"]

        def chosen(name: str) -> int:
            value = self.cleaned_data.get(name) or 0
            return min(value, images) if value == self.initial[name] else value

        cells = {line.check_id: chosen(f"part-{index}") for index, line in enumerate(self.lines)}
        return {"images": images, "patients": chosen("patients"), "cells": cells}


class CountsForm(forms.Form):
    """Counts typed in, one for each line of a request."""

    hospital = OrganizationChoice(label="Counted at")

    def __init__(self, data: Any = None, *, hospitals: list[Organization], spec: DatasetSpec) -> None:
        super().__init__(data)
        self.fields["hospital"].offer(hospitals)  # type: ignore[attr-defined]
        self.lines: list[CountLine] = count_lines(spec)
        for index, line in enumerate(self.lines):
            self.fields[f"count-{index}"] = _count(line.text)

    def counts(self) -> dict[str, int]:
        """check id -> count, for what was filled in; 0 is a count."""
        return {
            line.check_id: count
            for index, line in enumerate(self.lines)
            if (count := self.cleaned_data.get(f"count-{index}")) is not None
        }


class CountsFileForm(forms.Form):
    """A file of counts from the check kit or from the template."""

    hospital = OrganizationChoice(label="Counted at")
    file = forms.FileField(label="File of counts", help_text="JSON or CSV, as the check kit or the template gives it.")

    def __init__(self, data: Any = None, files: Any = None, *, hospitals: list[Organization]) -> None:
        super().__init__(data, files, prefix="file", use_required_attribute=False)
        self.fields["hospital"].offer(hospitals)  # type: ignore[attr-defined]


class LawForm(forms.Form):
    """The legal class an agreement is drawn up for, and the parties' roles where data protection law of Europe applies."""

    legal_class = forms.ChoiceField(
        label="Legal class", choices=list(law.CLASSES.items()), required=False, widget=forms.RadioSelect
    )
    gdpr_role = forms.ChoiceField(label="Roles under data protection law", required=False)

    def __init__(self, data: Any = None, *, offer: Offer, spec: DatasetSpec) -> None:
        super().__init__(data, initial={"legal_class": law.suggested_class(spec), "gdpr_role": "independent"})
        if law.law_of(offer.hospital.country) or law.law_of(offer.request.organization.country):
            self.fields["gdpr_role"].choices = list(law.ROLES.items())  # type: ignore[attr-defined]
        else:
            del self.fields["gdpr_role"]


class SignForm(forms.Form):
    """Name, meaning and re-authentication."""

    organization = OrganizationChoice(label="Signing for")
    printed_name = forms.CharField(
        label="Your full name, as on official papers",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Your password, again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="Signing asks who you are once more.",
    )
    code = forms.CharField(
        label="Or a code of your authenticator",
        required=False,
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    agree = forms.BooleanField(label="I have read the whole text and may bind this organization.")

    def __init__(self, *args: Any, organizations: list[Organization], with_code: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].offer(organizations)  # type: ignore[attr-defined]
        if with_code:
            self.fields["password"].required = False
        else:
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "code" in self.fields and not self.errors and not (data.get("password") or data.get("code")):
            self.add_error("password", "Enter your password, or a code of your authenticator below.")
        return data
