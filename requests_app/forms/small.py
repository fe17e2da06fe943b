"""The short forms: a new request, a document to read in, notes, questions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from getdata.accounts.models import Organization
from requests_app.models import Category
from requests_app.spec import example_specs


class OrganizationChoice(forms.ModelChoiceField):
    """An organization of the person who fills in the form; the only one there is comes chosen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Organization.objects.none(), empty_label=None, **kwargs)

    def offer(self, organizations: list[Organization]) -> None:
        self.queryset = Organization.objects.filter(pk__in=[o.pk for o in organizations]).order_by("name")


class NewRequestForm(forms.Form):
    """Enough to have a draft."""

    organization = OrganizationChoice(label="For which organization")
    title = forms.CharField(
        label="Title",
        max_length=160,
        help_text="What hospitals see first: the images, then what makes them special. You can change it later.",
    )
    category = forms.ChoiceField(
        label="Category", choices=Category.choices, widget=forms.RadioSelect, initial=Category.CXR.value
    )
    start = forms.ChoiceField(
        label="Start from",
        required=False,
        help_text="An example fills in every section; change what does not fit.",
    )

    def __init__(self, *args: Any, organizations: list[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].offer(organizations)  # type: ignore[attr-defined]
        examples = example_specs()
        self.fields["start"].choices = [  # type: ignore[attr-defined]
            ("", "A blank form"),
            *((name, f"Example: {spec.title}") for name, spec in examples.items()),
        ]

    def document(self) -> dict[str, Any]:
        """The example chosen, with its deadline moved to the future, or nothing."""
        from requests_app.spec import spec_document

        chosen = self.cleaned_data.get("start")
        return spec_document(example_specs(today=timezone.localdate())[chosen]) if chosen else {}


class ImportForm(forms.Form):
    """A document pasted or chosen as a file."""

    text = forms.CharField(
        label="JSON document",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
    )
    file = forms.FileField(label="Or a file", required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("text") and not data.get("file"):
            raise forms.ValidationError("Paste a document or choose a file.")
        return data


class NoteForm(forms.Form):
    """A reason, in the words of the person who decides."""

    note = forms.CharField(label="Note", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
