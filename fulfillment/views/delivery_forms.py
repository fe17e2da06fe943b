"""Forms of the delivery pages."""

from __future__ import annotations

from django import forms


class BatchForm(forms.Form):
    """What a new batch needs."""

    name = forms.CharField(
        max_length=120,
        label="Name of the batch",
        help_text="For you, the reviewers and the researcher, e.g. “Ward X-ray, spring export”. No patient data.",
    )


class EndForm(forms.Form):
    """Why a delivery ends early."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        label="Reason",
        help_text="Both parties read it. No patient data.",
    )
