"""What an offer's page says about its thread."""

from __future__ import annotations

from django import template
from django.template import Context

from getdata.accounts.models import User
from requests_app.models import Offer
from requests_app.services.messages import unread_count

register = template.Library()


@register.simple_tag(takes_context=True)
def unread_messages(context: Context, offer: Offer) -> int:
    """How many messages on the offer the person who looks has not read."""
    user = context.get("user")
    return unread_count(offer, user) if isinstance(user, User) else 0
