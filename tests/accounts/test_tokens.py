"""API tokens: shown once, kept as a hash, limited to scopes and a lifetime."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from getdata.accounts.models import ApiToken
from getdata.accounts.tokens import SCOPES, make_token, revoke_token
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from tests.factories import PASSWORD, SECOND_FACTOR, ReviewerFactory, UserFactory
from tests.support.sign_in import code, proven, with_password_alone

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.api_urls")]


def _me(secret: str) -> Any:
    return Client().get(reverse("api-me"), headers={"Authorization": f"Bearer {secret}"})


def test_a_token_acts_for_its_person_and_is_kept_only_as_a_hash() -> None:
    user = UserFactory.create()
    token, secret = make_token(user=user, name="script", scopes=["account:read"])
    answer = _me(secret)
    assert answer.status_code == 200
    assert (answer.json()["email"], answer.json()["token_scopes"]) == (user.email, ["account:read"])
    assert secret not in str(list(ApiToken.objects.values_list()))
    assert secret not in str(list(AuditEvent.objects.values_list()))
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_an_unknown_expired_revoked_or_inactive_token_is_refused() -> None:
    user = UserFactory.create()
    token, secret = make_token(user=user, name="script", scopes=["account:read"])
    assert _me("gd_nonsense").status_code == 401
    assert _me("gd_\xff").status_code == 401
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert _me(secret).status_code == 401
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() + timedelta(days=1))
    assert _me(secret).status_code == 200
    type(user).objects.filter(pk=user.pk).update(is_active=False)
    assert _me(secret).status_code == 401
    type(user).objects.filter(pk=user.pk).update(is_active=True)
    revoke_token(token=token, actor=user)
    answer = _me(secret)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    revoke_token(token=token, actor=user)
    assert AuditEvent.objects.filter(verb="apitoken.revoked").count() == 1


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_each_scope_opens_what_it_names_and_nothing_else(scope: str) -> None:
    _, secret = make_token(user=UserFactory.create(), name="script", scopes=[scope])
    bearer = {"Authorization": f"Bearer {secret}"}
    body = {"kind": "hospital", "name": "Example Hospital", "country": "DE"}
    reading = Client().get(reverse("api-organization-list"), headers=bearer)
    writing = Client().post(reverse("api-organization-list"), body, content_type="application/json", headers=bearer)
    assert reading.status_code == (200 if scope in ("account:read", "account:write") else 403)
    assert writing.status_code == (201 if scope == "account:write" else 403)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scopes": []}, "unknown_scope"),
        ({"scopes": ["account:read", "everything"]}, "unknown_scope"),
        ({"days": 0}, "bad_lifetime"),
        ({"days": 366}, "bad_lifetime"),
        ({"name": "  "}, "bad_name"),
        ({"name": "x" * 81}, "bad_name"),
    ],
)
def test_a_token_needs_a_name_known_scopes_and_an_end(change: dict[str, Any], code: str) -> None:
    arguments = {"user": UserFactory.create(), "name": "script", "scopes": ["account:read"], **change}
    with pytest.raises(CannotDo) as caught:
        make_token(**arguments)
    assert caught.value.code == code
    assert not ApiToken.objects.exists()


def test_what_a_token_does_is_audited_as_the_tokens() -> None:
    user = UserFactory.create()
    _, secret = make_token(user=user, name="script", scopes=["account:write"])
    Client().post(
        reverse("api-organization-list"),
        {"kind": "hospital", "name": "Example Hospital", "country": "DE"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    event = AuditEvent.objects.get(verb="organization.created")
    assert (event.actor_kind, event.actor_id) == ("token", str(user.pk))


def _signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def test_the_page_shows_the_secret_once_and_lists_and_revokes_the_token() -> None:
    user = UserFactory.create()
    client = _signed_in(user)
    made = client.post(reverse("token_new"), {"name": "PACS", "scopes": ["deliveries:write"], "days": 30})
    assert made.status_code == 200
    secret = made.context["secret"]
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    token = user.api_tokens.get()
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    listed = client.get(reverse("account_settings")).content.decode()
    assert "PACS" in listed
    assert secret not in listed
    client.post(reverse("token_revoke", args=[token.pk]))
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert _me(secret).status_code == 401


def test_making_a_token_asks_for_the_second_step_again_and_goes_on_where_one_was() -> None:
    user = UserFactory.create()
    form = {"name": "x", "scopes": ["account:read"], "days": 30}
    for client in (with_password_alone(user), proven(user, ago=3600)):
        answer = client.post(reverse("token_new"), form)
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("mfa_reauthenticate"))
        assert not ApiToken.objects.exists()
    made = client.post(answer["Location"], {"code": code(SECOND_FACTOR), "next": reverse("token_new")})
    assert made.context["secret"].startswith("gd_"), "what the form sent was carried out"


def test_nobody_revokes_anothers_token() -> None:
    token, _ = make_token(user=UserFactory.create(), name="script", scopes=["account:read"])
    client = _signed_in(UserFactory.create())
    assert client.post(reverse("token_revoke", args=[token.pk])).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_staff_scopes_are_offered_to_staff_only() -> None:
    arguments = {"name": "x", "scopes": ["review:write"], "days": 30}
    refused = _signed_in(UserFactory.create()).post(reverse("token_new"), arguments)
    assert refused.context["form"].errors["scopes"]
    assert _signed_in(ReviewerFactory.create()).post(reverse("token_new"), arguments).context["secret"]
