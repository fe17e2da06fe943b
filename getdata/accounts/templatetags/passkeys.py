"""What the page of a passkey hands to its module, without a script of its own."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder

register = template.Library()


@register.filter
def json_text(value: Any) -> str:
    """``value`` as JSON, for a ``data-`` attribute: the template escapes it like any other text."""
    return json.dumps(value, cls=DjangoJSONEncoder)
