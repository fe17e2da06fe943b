"""The form with which staff open an organization's protected material."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings


class OpeningForm(forms.Form):
    """Why, and for how long."""

    reason = forms.CharField(
        label="Reason",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The organization reads it at once. Name the incident or the request, never a patient.",
    )
    minutes = forms.TypedChoiceField(label="For how long", coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        longest = settings.OPENING_MINUTES
        offered = sorted({minutes for minutes in (10, 30, 60) if minutes <= longest} | {longest})
        field: Any = self.fields["minutes"]
        field.choices = [(minutes, f"{minutes} minutes") for minutes in offered]
