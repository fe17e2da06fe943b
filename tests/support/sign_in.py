"""Sessions as the portal knows them: opened with both steps, with a password alone, or some time ago."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY as METHODS
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth.signals import user_logged_in
from django.test import Client

_force_login = Client.force_login


def force_login(client: Client, user: Any, backend: str | None = None, *, ago: float | None = 0.0) -> None:
    """Sign in without the pages. The second step was shown ``ago`` seconds ago, or never (``None``)."""

    def methods(sender: Any, request: Any, **_: Any) -> None:
        shown = [{"method": "password", "at": time.time() - (ago or 0)}]
        if ago is not None:
            shown.append({"method": "mfa", "type": "totp", "at": time.time() - ago, "reauthenticated": True})
        request.session[METHODS] = shown
        request.session[f"{METHODS}_user"] = str(user.pk)

    user_logged_in.connect(methods)
    try:
        _force_login(client, user, backend)
    finally:
        user_logged_in.disconnect(methods)


def with_password_alone(user: Any) -> Client:
    """A client whose session has shown no second step."""
    client = Client(raise_request_exception=False)
    force_login(client, user, ago=None)
    return client


def proven(user: Any, *, ago: float) -> Client:
    """A client whose session showed its second step ``ago`` seconds ago."""
    client = Client(raise_request_exception=False)
    force_login(client, user, ago=ago)
    return client


def code(secret: str) -> str:
    """What an authenticator app with this secret shows now."""
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
