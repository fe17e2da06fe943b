"""What every view of this API does with what it is sent."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from getdata.accounts.models import User
from requests_app import serializers as s


def read(serializer: type[s.serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    reading = serializer(data=request.data, context={"request": request})
    reading.is_valid(raise_exception=True)
    return dict(reading.validated_data)


def person(request: Request) -> User:
    """Who acts: ``ScopedAccess`` lets nobody else through to a view that writes."""
    assert isinstance(request.user, User)
    return request.user
