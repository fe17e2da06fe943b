"""A wrong password for a known account is an event of the audit log; the password and what was typed as address are not."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_login_failed
from django.db import transaction

from getdata.accounts.models import User
from getdata.audit.chain import record


def connect() -> None:
    """Listen to Django's signal, which allauth's sign-in sends too. Its own limit ends a series of tries before there are many."""
    user_login_failed.connect(_failed, dispatch_uid="getdata.user_login_failed")


def _failed(*, credentials: dict[str, Any], **_: Any) -> None:
    address = str(credentials.get("email") or credentials.get("username") or "")
    known = User.objects.filter(email__iexact=address).first() if address else None
    if known is not None:
        with transaction.atomic():
            record(verb="user.sign_in_refused", target=known)
