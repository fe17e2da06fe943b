"""Forms of the review desk and the release pages."""

from __future__ import annotations

from typing import Any

from django import forms

from fulfillment.services.attestations import MAX_PURPOSE, Terms
from fulfillment.services.reviews import SUMMARY_LENGTH
from getdata.accounts.countries import country_name
from getdata.accounts.models import User


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


class AttestForm(forms.Form):
    """Purpose, country, duties, and proof of who one is."""

    purpose = forms.CharField(
        label="What you will do with the data",
        max_length=MAX_PURPOSE,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="In your own words, within the purpose that was agreed on.",
    )
    country = forms.ChoiceField(
        label="Country in which you keep and work on the data", help_text="The agreement allows those listed."
    )
    keeps_duties = forms.BooleanField(label="I have read these duties and keep them")
    printed_name = forms.CharField(
        label="Your full name, as on official papers",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Your password, again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="An attestation asks who you are once more.",
    )
    code = forms.CharField(
        label="Or a code of your authenticator",
        required=False,
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, terms: Terms, with_code: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [(code, country_name(code)) for code in terms.countries]  # type: ignore[attr-defined]
        if with_code:
            self.fields["password"].required = False
        else:
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "code" in self.fields and not self.errors and not (data.get("password") or data.get("code")):
            self.add_error("password", "Enter your password, or a code of your authenticator below.")
        return data


class NameForm(forms.Form):
    """A person of the granted organization."""

    person = forms.ModelChoiceField(label="Person", queryset=User.objects.none(), empty_label="Choose a person")

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = people  # type: ignore[attr-defined]


class ExpiryForm(forms.Form):
    """The day on which an access ends."""

    until = forms.DateField(label="Until the end of", widget=forms.DateInput)
