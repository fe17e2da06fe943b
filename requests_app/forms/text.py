"""Text for others to read: one field, and the confirmation of what the guard warned about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms

from requests_app.guard import Finding, check_text, fingerprint, is_hard
from requests_app.models import HiddenReason


@dataclass(frozen=True)
class Stopped:
    """What the guard found in a form's texts; ``confirmation`` is empty when it cannot be confirmed away."""

    findings: list[Finding]
    confirmation: str


def guard_fields(form: forms.Form, names: Iterable[str]) -> Stopped | None:
    """Let the guard read several texts of a form, from its ``clean``: errors beside the fields, unless all was confirmed.

    The page shows the findings with ``requests_app/_guard.html``, whose box sends ``confirmed`` back.
    """
    texts = {name: str(form.cleaned_data.get(name) or "") for name in names}
    found = {name: findings for name, text in texts.items() if (findings := check_text(text))}
    every = [finding for findings in found.values() for finding in findings]
    if not every:
        return None
    confirmation = "" if is_hard(every) else fingerprint("\n".join(texts.values()))
    if confirmation and form.data.get("confirmed") == confirmation:
        return None
    for name in found:
        form.add_error(name, "This text may identify a person: see what was found below.")
    return Stopped(every, confirmation)


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
