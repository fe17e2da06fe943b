"""An endpoint's form."""

from __future__ import annotations

from typing import Any

from django import forms

from getdata.webhooks.address import MAX_LENGTH
from getdata.webhooks.topics import topics


class EndpointForm(forms.Form):
    """Where to send, and what."""

    url = forms.CharField(
        label="Address",
        max_length=MAX_LENGTH,
        help_text="An https address on the public internet, on port 443 or 8443. Redirects are not followed.",
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false", "autocomplete": "off"}),
    )
    topics = forms.MultipleChoiceField(label="Events to send", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["topics"]
        field.choices = [(topic.name, f"{topic.name}: {topic.says}") for topic in topics()]
