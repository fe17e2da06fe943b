"""Creating an account with e-mail confirmation, through allauth's own pages and our outbox."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from getdata.accounts import services
from getdata.accounts.models import User
from getdata.notifications.models import OutboxMail
from getdata.notifications.services import send_outbox
from tests.accounts.people import draft, owner_of
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
EMAIL, SECRET = "ada@hospital.example", "a long enough passphrase 7"


def _sign_up(client: Client, *, next_page: str = "", email: str = EMAIL) -> Any:
    return client.post(
        reverse("account_signup"),
        {"name": "Ada Example", "email": email, "password1": SECRET, "password2": SECRET, "next": next_page},
    )


def _link_in_the_last_mail(pattern: str) -> str:
    found = re.search(rf"https?://[^/\s]+({pattern}[^\s]*)", mail.outbox[-1].body)
    assert found, mail.outbox[-1].body
    return found[1]


def test_an_account_opens_only_after_its_address_is_confirmed() -> None:
    client = Client()
    assert _sign_up(client)["Location"] == reverse("account_email_verification_sent")
    user = User.objects.get()
    assert (user.name, user.email, user.staff_role) == ("Ada Example", EMAIL, "")
    assert not EmailAddress.objects.get(user=user).verified
    assert client.get(reverse("account_settings")).status_code == 302
    refused = Client().post(reverse("account_login"), {"login": EMAIL, "password": SECRET})
    assert refused["Location"] == reverse("account_email_verification_sent")

    assert mail.outbox == [], "mail waits in the outbox until a worker sends it"
    assert send_outbox() >= 1
    link = _link_in_the_last_mail("/accounts/confirm-email/")
    client.get(link)
    assert not EmailAddress.objects.get(user=user).verified, "a mail scanner's GET confirms nothing"
    client.post(link)
    assert EmailAddress.objects.get(user=user).verified
    fresh = Client()
    assert fresh.post(reverse("account_login"), {"login": EMAIL.upper(), "password": SECRET}).status_code == 302
    assert fresh.get(reverse("account_settings")).status_code == 200


def test_links_that_open_accounts_do_not_stay_in_the_database() -> None:
    _sign_up(Client())
    assert "confirm-email" in OutboxMail.objects.get().body
    send_outbox()
    assert OutboxMail.objects.get().body == ""


def test_a_second_sign_up_with_a_known_address_looks_the_same_from_outside() -> None:
    known = UserFactory.create(email=EMAIL)
    answer = _sign_up(Client())
    assert answer["Location"] == reverse("account_email_verification_sent")
    assert User.objects.get() == known
    send_outbox()
    assert mail.outbox[-1].to == [EMAIL]
    assert "confirm-email" not in mail.outbox[-1].body


@pytest.mark.parametrize("password", ["short", "password12345", "ada@hospital.example"])
def test_weak_passwords_are_refused(password: str) -> None:
    data = {"name": "Ada Example", "email": EMAIL, "password1": password, "password2": password}
    answer = Client().post(reverse("account_signup"), data)
    assert answer.context["form"].errors
    assert not User.objects.exists()


def test_an_invited_person_without_account_signs_up_confirms_and_finds_the_invitation() -> None:
    organization = draft()
    services.invite(organization=organization, email=EMAIL, role="data_manager", actor=owner_of(organization))
    send_outbox()
    invitation = _link_in_the_last_mail("/invitations/")
    client = Client()
    page = client.get(invitation)
    form = client.get(page.context["signup"])
    assert form.context["form"].initial["email"] == EMAIL
    _sign_up(client, next_page=invitation)
    send_outbox()
    confirmed = client.post(_link_in_the_last_mail("/accounts/confirm-email/"))
    if confirmed["Location"].startswith(reverse("account_login")):
        form = client.get(confirmed["Location"])
        data = {"login": EMAIL, "password": SECRET, "next": form.context["redirect_field_value"]}
        confirmed = client.post(reverse("account_login"), data)
    assert confirmed["Location"] in (invitation, reverse("organization_list"))
    page = client.get(confirmed["Location"]).content.decode()
    assert organization.name in page
    assert ">Accept" in page
    joined = client.post(invitation)
    assert joined["Location"] == reverse("organization_detail", args=[organization.slug])
    assert organization.memberships.get(user__email=EMAIL).role == "data_manager"


def test_a_forgotten_password_is_reset_through_the_outbox() -> None:
    UserFactory.create(email=EMAIL)
    client = Client()
    client.post(reverse("account_reset_password"), {"email": EMAIL})
    send_outbox()
    link = _link_in_the_last_mail("/accounts/password/reset/")
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": SECRET, "password2": SECRET})
    assert User.objects.get().check_password(SECRET)
