"""Forms of withdrawals: taking back, and attesting that copies are gone."""

from __future__ import annotations

from typing import Any

from django import forms

from fulfillment.models import Fulfillment, Withdrawal
from getdata.accounts.models import User
from getdata.accounts.permissions import organizations_with


class _Proven(forms.Form):
    """Asks once more who one is."""

    password = forms.CharField(
        label="Your password, again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = forms.CharField(
        label="Or a code of your authenticator",
        required=False,
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, with_code: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if with_code:
            self.fields["password"].required = False
        else:
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "code" in self.fields and not self.errors and not (data.get("password") or data.get("code")):
            self.add_error("password", "Enter your password, or a code of your authenticator below.")
        return data


class DeliveryChoice(forms.ModelChoiceField):
    """Deliveries by the title of their request."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.request.title} ({obj.hospital.name})"


class WithdrawForm(_Proven):
    """What is taken back from which request, and why."""

    delivery = DeliveryChoice(
        label="From which delivery", queryset=Fulfillment.objects.none(), empty_label="Choose one"
    )
    pseudonym = forms.CharField(
        label="Pseudonym of the patient",
        required=False,
        max_length=64,
        help_text="From your own map. Everything of this patient is taken back from the request.",
    )
    study_uid = forms.CharField(
        label="Or one study, by its replaced StudyInstanceUID",
        required=False,
        max_length=64,
        help_text="Leave it empty to take the whole patient back.",
    )
    reason = forms.ChoiceField(
        label="Why",
        choices=[(one.value, one.label) for one in Withdrawal.Reason if one != Withdrawal.Reason.RECALL],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label="A note for the people who hold copies",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="No patient data.",
    )
    understood = forms.BooleanField(label="I know that this cannot be undone")

    field_order = ["delivery", "pseudonym", "study_uid", "reason", "note", "understood", "password", "code"]

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = organizations_with(user, "approve_privacy")
        self.fields["delivery"].queryset = (  # type: ignore[attr-defined]
            Fulfillment.objects.filter(hospital__in=mine).select_related("request", "hospital").order_by("-created_at")
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if bool(data.get("pseudonym")) == bool(data.get("study_uid")):
            self.add_error("pseudonym", "Give the pseudonym of a patient, or the UID of one study below, not both.")
        return data


class DestroyedForm(_Proven):
    """A holder's word, by name."""

    destroyed = forms.BooleanField(label="I attest the lines above")
    printed_name = forms.CharField(
        label="Your full name, as on official papers",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    field_order = ["destroyed", "printed_name", "password", "code"]
