"""How a saved search is called, how soon one is told, and where."""

from __future__ import annotations

from django import forms

from requests_app.models import Pace


class SavedSearchForm(forms.Form):
    name = forms.CharField(label="Name", max_length=120)
    pace = forms.ChoiceField(
        label="Tell me",
        choices=Pace.choices,
        widget=forms.RadioSelect,
        help_text="When a request that fits is opened or amended.",
    )
    by_mail = forms.BooleanField(
        label="By e-mail too",
        required=False,
        initial=True,
        help_text="A line always appears in your notifications. Each e-mail has a link that stops it.",
    )
