"""Forms of the review desk and the release pages."""

from __future__ import annotations

from django import forms

from fulfillment.services.reviews import SUMMARY_LENGTH


class DecisionForm(forms.Form):
    """A reviewer's decision on a batch. Notes on files come as ``note-<file id>`` fields beside the images."""

    DECISIONS = [
        ("accepted", "Accept: everything that passed may be released"),
        ("returned", "Return with notes: only the files with a note are set aside"),
        ("rejected", "Reject the batch as a whole, for good"),
    ]
    decision = forms.ChoiceField(choices=DECISIONS, widget=forms.RadioSelect, label="Decision")
    summary = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=SUMMARY_LENGTH,
        label="Summary for the hospital",
        help_text="What you checked and why you decide so. No patient data.",
    )


class ReasonForm(forms.Form):
    """A reason that the people concerned will read."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        label="Reason",
        help_text="Shown to everyone who holds the release.",
    )
