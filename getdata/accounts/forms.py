"""Forms about people and organizations."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest

from getdata.accounts.models import User


class SignupDetails(forms.Form):
    """What we ask beside e-mail and password; allauth adds those."""

    name = forms.CharField(label="Full name", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ["name", "email", "password1", "password2"]

    def signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
