"""Passwords: what is refused offline, and how they are kept."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from getdata.accounts.passwords import what_is_left
from getdata.settings_sign_in import PASSWORD_HASHERS


@pytest.mark.parametrize(
    "password",
    [
        "Password2026!", "P@ssw0rd!2024", "qwertyuiop123", "Qwertz12345678", "aaaaaaaaaaaaaa", "abcabcabcabc", "123456789012",
        "Hospital2025!!", "Radiology#2026", "Summer2026Summer", "welcome-welcome-1", "admin1234admin", "xrayxrayxray1",
        "zyxwvutsrqponm",
        "20261127-20261128", "GetData_GetData_1",
    ],
)  # fmt: skip
def test_what_is_tried_first_is_refused_with_a_way_out(password: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        validate_password(password)
    assert "well-known" in " ".join(refusal.value.messages) or "too common" in " ".join(refusal.value.messages)


@pytest.mark.parametrize(
    "password", ["tulip-gravel-Oboe-fjord", "mV7#kq2!xRw9bz", "eleven green kites hum", "Nebelhorn/Zwiebel/Takt"]
)
def test_what_nobody_tries_is_taken(password: str) -> None:
    validate_password(password)
    assert len(what_is_left(password)) >= 6


def test_passwords_are_kept_with_argon2_and_have_twelve_characters() -> None:
    assert PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")
    with pytest.raises(ValidationError):
        validate_password("kQ7#xRw9bz!")
    assert len(settings.AUTH_PASSWORD_VALIDATORS) == 4
