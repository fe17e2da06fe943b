"""What happens here when something happens in the apps below."""

from __future__ import annotations

from typing import Any

from fulfillment.models import Fulfillment
from getdata.accounts.models import User
from getdata.audit.chain import record
from requests_app.models import Offer


def begin_fulfillment(sender: Any, *, offer: Offer, actor: User, **kwargs: Any) -> None:
    """An accepted offer becomes a fulfillment, in the same transaction."""
    fulfillment = Fulfillment.objects.create(offer=offer, request=offer.request, hospital=offer.hospital)
    record(verb="fulfillment.started", target=fulfillment, actor=actor, organization_id=offer.hospital_id)
