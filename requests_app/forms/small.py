"""The short forms: a new request, a document to read in, notes, questions."""

from __future__ import annotations

from typing import Any

from django import forms

from getdata.accounts.models import Organization
from requests_app.documents import MAX_DOCUMENT_BYTES
from requests_app.models import Category, Coauthor


class OrganizationChoice(forms.ModelChoiceField):
    """An organization of the person who fills in the form; the only one there is comes chosen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Organization.objects.none(), empty_label=None, **kwargs)

    def offer(self, organizations: list[Organization]) -> None:
        self.queryset = Organization.objects.filter(pk__in=[o.pk for o in organizations]).order_by("name")


class NewRequestForm(forms.Form):
    """Enough to have a draft. ``start`` names a template, ``clone`` the request that is copied."""

    organization = OrganizationChoice(label="For which organization")
    title = forms.CharField(
        label="Title",
        max_length=160,
        help_text="What hospitals see first: the images, then what makes them special. You can change it later.",
    )
    category = forms.ChoiceField(
        label="Category", choices=Category.choices, widget=forms.RadioSelect, initial=Category.CXR.value
    )
    start = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    clone = forms.SlugField(required=False, max_length=120, widget=forms.HiddenInput)

    def __init__(self, *args: Any, organizations: list[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].offer(organizations)  # type: ignore[attr-defined]


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
            raise forms.ValidationError("There is no document. Paste one or choose a file.")
        return data

    def content(self) -> str | bytes:
        """What was pasted or chosen; a file wins."""
        upload = self.cleaned_data.get("file")
        return upload.read(MAX_DOCUMENT_BYTES + 1) if upload else str(self.cleaned_data["text"])


class NewFromJsonForm(ImportForm):
    """A whole new draft from a document; its title and category are in it."""

    organization = OrganizationChoice(label="For which organization")
    field_order = ("organization", "text", "file")

    def __init__(self, *args: Any, organizations: list[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].offer(organizations)  # type: ignore[attr-defined]


class CoauthorForm(forms.Form):
    """A colleague by e-mail address."""

    email = forms.EmailField(
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="Of a colleague who belongs to the organization.",
    )
    part = forms.ChoiceField(
        label="They may",
        choices=[(Coauthor.Part.EDITOR.value, "Edit it"), (Coauthor.Part.VIEWER.value, "Follow it")],
        widget=forms.RadioSelect,
        initial=Coauthor.Part.EDITOR.value,
    )


class NoteForm(forms.Form):
    """A reason, in the words of the person who decides."""

    note = forms.CharField(label="Note", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
