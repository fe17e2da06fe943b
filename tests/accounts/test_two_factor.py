"""Two-factor sign-in and the other pages of one's account: set up, used, turned off; each page sound and in our words."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from getdata.accounts.models import User
from tests.factories import PASSWORD, UserFactory
from tests.support.pages import problems
from tests.support.sign_in import code

pytestmark = pytest.mark.django_db


def page(client: Client, name: str) -> str:
    answer = client.get(reverse(name), follow=True)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert problems(text) == []
    return text


def signed_in(user: User) -> Client:
    client = Client()
    answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def set_up(client: Client) -> str:
    """Turn two-factor sign-in on as a person does, password once more first; returns the secret."""
    assert "Is it you?" in page(client, "mfa_activate_totp")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    form = page(client, "mfa_activate_totp")
    found = re.search(r'id="authenticator_secret"[^>]*value="(\w+)"|value="(\w+)"[^>]*id="authenticator_secret"', form)
    assert found, "the page shows the secret for those who cannot scan"
    secret = found[1] or found[2]
    assert client.post(reverse("mfa_activate_totp"), {"code": code(secret)}).status_code == 302
    return secret


def test_with_two_factor_sign_in_a_password_alone_opens_nothing() -> None:
    user = UserFactory.create(second_factor=False)
    client = signed_in(user)
    assert "Set up" in page(client, "mfa_index")
    secret = set_up(client)
    assert "Turn off" in page(client, "mfa_index")

    other = Client()
    answer = other.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert answer["Location"] == reverse("mfa_authenticate")
    assert other.get(reverse("dashboard")).status_code == 302, "not signed in yet"
    assert "One more step" in page(other, "mfa_authenticate")
    refused = other.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert refused.status_code == 200 and problems(refused.content.decode()) == []
    Authenticator.objects.filter(user=user, type="totp").update(last_used_at=None)
    from django.core.cache import cache

    cache.clear()  # the code that set it up is not taken twice; a minute later it would be another one
    assert other.post(reverse("mfa_authenticate"), {"code": code(secret)}).status_code == 302
    assert other.get(reverse("dashboard")).status_code == 200


def test_a_wrong_code_does_not_turn_it_on() -> None:
    client = signed_in(UserFactory.create(second_factor=False))
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page(client, "mfa_activate_totp")
    answer = client.post(reverse("mfa_activate_totp"), {"code": "123456"})
    assert answer.status_code == 200
    assert problems(answer.content.decode()) == []
    assert not Authenticator.objects.exists()


def test_a_recovery_code_opens_the_account_once() -> None:
    user = UserFactory.create(second_factor=False)
    client = signed_in(user)
    set_up(client)
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    shown = page(client, "mfa_view_recovery_codes")
    assert all(each in shown for each in codes)
    for expected in (302, 200):
        other = Client()
        other.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
        assert other.post(reverse("mfa_authenticate"), {"code": codes[0]}).status_code == expected
    assert f"{len(codes) - 1} of {len(codes)}" in page(client, "mfa_index")
    assert codes[1] not in page(client, "mfa_generate_recovery_codes")
    client.post(reverse("mfa_generate_recovery_codes"))
    assert codes[1] not in page(client, "mfa_view_recovery_codes"), "the old ones stopped working"


def test_turning_it_off_asks_first_and_ends_it() -> None:
    user = UserFactory.create(second_factor=False)
    client = signed_in(user)
    set_up(client)
    assert "Keep it on" in page(client, "mfa_deactivate_totp")
    assert client.post(reverse("mfa_deactivate_totp")).status_code == 302
    assert not Authenticator.objects.filter(user=user).exists()


def test_addresses_are_added_confirmed_made_primary_and_removed() -> None:
    user = UserFactory.create(second_factor=False)
    client, here = signed_in(user), reverse("account_email")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(here, {"action_add": "", "email": "second@example.org"})
    text = page(client, "account_email")
    assert "second@example.org" in text and "Not confirmed" in text and "Send the link again" in text
    EmailAddress.objects.filter(email="second@example.org").update(verified=True)
    assert "Make primary" in page(client, "account_email")
    client.post(here, {"action_primary": "", "email": "second@example.org"})
    user.refresh_from_db()
    assert user.email == "second@example.org"
    client.post(here, {"action_remove": "", "email": "second@example.org"})
    assert EmailAddress.objects.filter(email="second@example.org").exists(), "the primary address stays"


def test_who_is_signed_in_and_asks_for_a_new_password_is_shown_the_shorter_way() -> None:
    client = signed_in(UserFactory.create(second_factor=False))
    assert reverse("account_change_password") in page(client, "account_reset_password")
    page(client, "account_reset_password_done")
    page(client, "account_change_password")
    page(client, "account_reauthenticate")
