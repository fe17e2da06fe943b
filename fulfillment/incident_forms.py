"""Forms of incidents. What is affected is named by the addresses of its pages, so that staff copy what they look at."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.urls import Resolver404, resolve

from fulfillment.models import Batch, IncidentKind, Release
from fulfillment.services.incidents import TEXT_LENGTH, TITLE_LENGTH, Thing
from getdata.accounts.models import Organization

#: Names of addresses that show a release, a batch, an organization.
_RELEASES = ("release_detail", "release_custody", "release_audit")
_BATCHES = ("batch_detail", "batch_review", "batch_withheld", "batch_files")
_ORGANIZATIONS = ("organization_detail", "organization_members", "organization_history")
MOST = 50


class ThingsField(forms.CharField):
    """Addresses of pages, one a line, as the things they show."""

    widget = forms.Textarea

    def clean(self, value: Any) -> Any:
        """The things, each once, in the order they were named."""
        lines = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        if len(lines) > MOST:
            raise forms.ValidationError(f"Name at most {MOST} at a time; more can be added afterwards.")
        return list(dict.fromkeys(self._thing(line) for line in lines))

    def _thing(self, line: str) -> Thing:
        path = urlsplit(line).path
        try:
            found = resolve(path if path.startswith("/") else f"/{path}")
        except Resolver404:
            found = None
        thing: Thing | None = None
        if found is not None and found.url_name in _RELEASES:
            thing = Release.objects.select_related("request__organization").filter(pk=found.kwargs["pk"]).first()
        elif found is not None and found.url_name in _BATCHES:
            rows = Batch.objects.select_related("fulfillment__hospital", "fulfillment__request__organization")
            thing = rows.filter(pk=found.kwargs["pk"]).first()
        elif found is not None and found.url_name in _ORGANIZATIONS:
            thing = Organization.objects.filter(slug=found.kwargs["slug"]).first()
        if thing is None:
            raise forms.ValidationError(
                f"“{line[:100]}” is no page of a release, a batch or an organization. Copy the address from its page."
            )
        return thing


class IncidentForm(forms.Form):
    """What happened, and what is stopped because of it."""

    kind = forms.ChoiceField(choices=[("", "Choose"), *IncidentKind.choices], label="What happened")
    title = forms.CharField(
        max_length=TITLE_LENGTH,
        label="In a few words",
        help_text="Every party reads it. Name no patient and no other party.",
    )
    text = forms.CharField(
        max_length=TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
        label="What is known, and what people have to do now",
        help_text="Every party reads it as the first line of the timeline. Name no patient and no other party.",
    )
    things = ThingsField(
        label="What is affected",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Addresses of pages of releases, batches or organizations, one a line. Access to each stops at once.",
    )


class AddThingForm(forms.Form):
    """One more thing to stop."""

    things = ThingsField(
        label="What else is affected",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Addresses of pages of releases, batches or organizations, one a line.",
    )


class EntryForm(forms.Form):
    """A line of the timeline."""

    text = forms.CharField(
        max_length=TEXT_LENGTH, widget=forms.Textarea(attrs={"rows": 3}), label="What was done or found"
    )
    shared = forms.BooleanField(
        required=False, label="Every party reads it", help_text="They are told that there is news. Name no other party."
    )


class WordsForm(forms.Form):
    """The words of containing, lifting or closing, which every party reads."""

    text = forms.CharField(max_length=TEXT_LENGTH, widget=forms.Textarea(attrs={"rows": 3}), label="In words")
