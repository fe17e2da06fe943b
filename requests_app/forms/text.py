"""Text for others to read: one field, and the confirmation of what the guard warned about."""

from __future__ import annotations

from typing import Any

from django import forms

from requests_app.models import HiddenReason


class TextForm(forms.Form):
    """A question, an answer or a message. ``confirmed`` holds the fingerprint of the words that were warned about."""

    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 5}))
    confirmed = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, label: str = "Text", hint: str = "", max_length: int = 4000, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"] = forms.CharField(
            label=label,
            help_text=hint,
            max_length=max_length,
            widget=forms.Textarea(attrs={"rows": 5}),
        )


class AnswerTextForm(TextForm):
    """An answer, which may become an erratum."""

    clarifies = forms.BooleanField(
        label="This clarifies the request",
        required=False,
        help_text="It is listed on the page as an erratum, and everyone with an offer or an agreement is told.",
    )


class HideForm(forms.Form):
    """Why staff hide something."""

    reason = forms.ChoiceField(label="Reason, shown in its place", choices=HiddenReason.choices)
    erase = forms.BooleanField(
        label="Erase the words for good", required=False, help_text="For what identifies a person. It cannot be undone."
    )
