"""Proving once more who one is, before a signature or an attestation counts (21 CFR 11.200)."""

from __future__ import annotations

import secrets
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache

from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common.problems import CannotDo

#: Wrong passwords and codes a person may enter, and for how long the count is kept.
MAX_WRONG_PASSWORDS = 5
WRONG_PASSWORD_SECONDS = 15 * 60


def prove_identity(*, actor: User, password: str, code: str, about: Any, refused: str) -> str:
    """The method by which the person proved who they are: ``password`` or ``totp``. Where both are given the code counts.

    Wrong tries are counted and recorded as ``refused`` on ``about``; call it outside any transaction that would undo that.
    Raises ``CannotDo``.
    """
    key = f"signing-password:{actor.pk}"
    wrong = int(cache.get(key, 0))
    if wrong >= MAX_WRONG_PASSWORDS:
        raise CannotDo(
            "Too many wrong passwords or codes.",
            remedy="Wait a quarter of an hour, or reset your password.",
            code="too_many_attempts",
        )
    method = "totp" if code.strip() else "password"
    if method == "totp":
        found = Authenticator.objects.filter(user=actor, type=Authenticator.Type.TOTP).first()
        right = found is not None and (is_demo_code(code.strip()) or found.wrap().validate_code(code.strip()))
    else:
        right = bool(password) and actor.check_password(password)
    if not right:
        cache.set(key, wrong + 1, WRONG_PASSWORD_SECONDS)
        record(verb=refused, target=about, actor=actor, data={"reason": method})
        if method == "totp":
            raise CannotDo("The code is not right, or was used before.", remedy="Enter a fresh one.", code="wrong_code")
        raise CannotDo("The password is not right.", remedy="Enter it again.", code="wrong_password")
    cache.delete(key)
    return method


def is_demo_code(code: str) -> bool:
    """Whether this is the code that `make run` prints for a demonstration's people; never in production."""
    return bool(settings.DEMO_CODE) and not settings.PRODUCTION and secrets.compare_digest(code, settings.DEMO_CODE)


def has_one_time_codes(user: User) -> bool:
    """Whether this person can prove who they are by a code of an authenticator."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
