"""Forms about people and organizations. They shape input; what is allowed is decided by the services."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from django import forms
from django.http import HttpRequest

from getdata.accounts.checklist import Check, normalise, problem_with
from getdata.accounts.countries import COUNTRIES
from getdata.accounts.models import Organization, Role, User
from getdata.accounts.services.proving import is_demo_code
from getdata.accounts.tokens import SCOPES

_COUNTRY_CHOICES = [("", "Choose a country"), *COUNTRIES.items()]

#: What each role is for, in the words of the page that gives roles.
ROLE_HINTS = {
    Role.OWNER: "manages the organization and its people, and may do everything below",
    Role.SIGNATORY: "signs agreements; writes requests and offers",
    Role.PRIVACY_OFFICER: "approves what leaves the hospital; sees quarantined files",
    Role.DATA_MANAGER: "writes requests and offers; uploads and downloads data",
    Role.READER: "downloads releases",
    Role.VIEWER: "sees everything the organization sees, changes nothing",
}
_ROLE_CHOICES = [(role.value, f"{role.label}: {hint}") for role, hint in ROLE_HINTS.items()]
_LIFETIMES = [(7, "7 days"), (30, "30 days"), (90, "90 days"), (180, "180 days"), (365, "1 year")]


class SignupDetails(forms.Form):
    """What we ask beside e-mail and password; allauth adds those."""

    name = forms.CharField(label="Full name", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ["name", "email", "password1", "password2"]

    def signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class OrganizationForm(forms.Form):
    """Founding an organization, and correcting what it says about itself (``existing``)."""

    kind = forms.ChoiceField(
        label="What is it?",
        choices=[
            ("hospital", "A hospital or clinic that provides images"),
            ("research_group", "A research group that needs data"),
            ("company", "A company that needs data"),
        ],
        widget=forms.RadioSelect,
    )
    name = forms.CharField(
        label="Legal name",
        max_length=200,
        min_length=2,
        help_text="As it stands in agreements, such as Example University Hospital.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    country = forms.ChoiceField(label="Country", choices=_COUNTRY_CHOICES, help_text="Where it is registered.")
    website = forms.URLField(
        label="Website", required=False, assume_scheme="https", widget=forms.URLInput(attrs={"autocomplete": "url"})
    )
    description = forms.CharField(
        label="About it",
        required=False,
        max_length=2000,
        help_text="One or two sentences that the other side of an agreement will read.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, existing: Organization | None = None, fixed: bool = False, **kwargs: Any) -> None:
        if existing is not None:
            kwargs.setdefault(
                "initial", {name: getattr(existing, name) for name in ("name", "country", "website", "description")}
            )
        super().__init__(*args, **kwargs)
        if existing is not None:
            del self.fields["kind"]
        if fixed:  # a disabled field keeps its initial value whatever is posted
            for name in ("name", "country"):
                self.fields[name].disabled = True
                self.fields[name].help_text = "Part of what was verified; it no longer changes."


class EvidenceForm(forms.Form):
    """The answer to one check."""

    evidence = forms.CharField(label="Your answer", max_length=5000)

    def __init__(self, *args: Any, check: Check, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.check_asked = check
        field = self.fields["evidence"]
        field.help_text = f"For example: {check.example}"
        if check.form != "domain":
            field.widget = forms.Textarea(attrs={"rows": 4})
        field.widget.attrs["autocomplete"] = "off"

    def clean_evidence(self) -> str:
        evidence = normalise(self.check_asked, self.cleaned_data["evidence"])
        problem = problem_with(self.check_asked, evidence)
        if problem:
            raise forms.ValidationError(problem)
        return evidence


class ItemDecisionForm(forms.Form):
    """A reviewer's word on one item."""

    decision = forms.ChoiceField(choices=[("accept", "Accept"), ("return", "Return")])
    note = forms.CharField(required=False, max_length=2000)
    seen = forms.CharField(max_length=16)


class ReasonsForm(forms.Form):
    """Reasons for a rejection or a suspension."""

    reasons = forms.CharField(
        label="Reasons",
        max_length=2000,
        help_text="The organization sees them. Say what has to change.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class InviteForm(forms.Form):
    """Whom to invite, as what."""

    email = forms.EmailField(
        label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "off"}), max_length=254
    )
    role = forms.ChoiceField(label="Role", choices=_ROLE_CHOICES, widget=forms.RadioSelect, initial=Role.VIEWER.value)


class RoleForm(forms.Form):
    """Another role for a member."""

    role = forms.ChoiceField(label="Role", choices=Role.choices)


class ProfileForm(forms.Form):
    """One's own name."""

    name = forms.CharField(
        label="Full name", min_length=2, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )


class TokenForm(forms.Form):
    """A new API token. Staff scopes are offered to staff only."""

    name = forms.CharField(label="Name", max_length=80, help_text="Where it is used, such as “PACS export script”.")
    scopes = forms.MultipleChoiceField(
        label="What it may do", choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(label="How long it lives", choices=_LIFETIMES, coerce=int, initial=90)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(key, text) for key, text in SCOPES.items() if user.is_reviewer or "(staff)" not in text]


class _DemoCode:
    """In a demonstration on one machine a printed code stands for everybody's second step (``settings.DEMO_CODE``)."""

    user: User
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        if is_demo_code(code):
            found = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.TOTP).first()
            if found is not None:
                self.authenticator = found
                return code
        return str(super().clean_code())  # type: ignore[misc]


class SecondStepForm(_DemoCode, AuthenticateForm):  # type: ignore[misc]
    """The code asked for after the password."""


class SecondStepAgainForm(_DemoCode, ReauthenticateForm):  # type: ignore[misc]
    """The code asked for before something that counts."""
