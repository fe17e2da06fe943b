"""What is recorded of signing in: second factors set up, used and removed, and what failed. Never a code or an address."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from getdata.accounts.models import User
from getdata.audit.chain import record


def connect() -> None:
    """Listen to allauth's signals."""
    signals.authenticator_added.connect(_added, dispatch_uid="getdata.authenticator_added")
    signals.authenticator_removed.connect(_removed, dispatch_uid="getdata.authenticator_removed")
    signals.authenticator_reset.connect(_reset, dispatch_uid="getdata.authenticator_reset")
    signals.authentication_failed.connect(_failed, dispatch_uid="getdata.authentication_failed")


def _added(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    record(verb="secondfactor.added", target=user, actor=user, data={"type": str(authenticator.type)})
    # Setting it up took a code of the app or a touch of the key: this session has shown it.
    if authenticator.type != Authenticator.Type.RECOVERY_CODES and request.user.is_authenticated:
        record_authentication(
            request, user, "mfa", id=authenticator.pk, type=str(authenticator.type), reauthenticated=True
        )


def _removed(*, user: User, authenticator: Authenticator, **_: Any) -> None:
    record(verb="secondfactor.removed", target=user, actor=user, data={"type": str(authenticator.type)})


def _reset(*, user: User, authenticator: Authenticator, **_: Any) -> None:
    record(verb="secondfactor.reset", target=user, actor=user, data={"type": str(authenticator.type)})


def _failed(*, user: User, authenticator: Authenticator, reauthentication: bool = False, **_: Any) -> None:
    data = {"type": str(authenticator.type), "again": bool(reauthentication)}
    record(verb="secondfactor.refused", target=user, actor=None, data=data)
