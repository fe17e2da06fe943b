"""What every answer says to the browser: pages run our own modules only, and whatever is no page runs nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from getdata.accounts.tokens import make_token
from getdata.common.headers import SANDBOX
from tests.factories import UserFactory, member
from tests.support.images import image, sealed_batch

pytestmark = pytest.mark.django_db
PAGES = ("/", "/accounts/login/", "/requests/", "/nowhere/", "/accounts/signup/")
FILES = (
    "/api/v1/requests/",
    "/api/v1/schema/",
    "/robots.txt",
    "/sitemap.xml",
    "/requests/feed.atom",
    "/certificates/public-key.pem",
)


def test_a_page_runs_nothing_but_our_own_modules() -> None:
    for place in PAGES:
        answer = Client().get(place)
        policy = {line.split()[0]: line.split()[1:] for line in answer["Content-Security-Policy"].split("; ")}
        assert policy["default-src"] == ["'none'"] and policy["script-src"] == policy["style-src"] == ["'self'"], place
        assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == ["'none'"], place
        assert "unsafe" not in answer["Content-Security-Policy"]
        _common(answer)


def test_what_is_no_page_runs_nothing() -> None:
    for place in FILES:
        answer = Client().get(place)
        assert answer.status_code == 200, place
        assert answer["Content-Security-Policy"] == SANDBOX, place
        _common(answer)
    batch = sealed_batch(images=0)
    client = Client()
    client.force_login(member(batch.fulfillment.hospital))
    for place in (f"/images/{image(batch).pk}/preview/", f"/batches/{batch.pk}/quality.csv"):
        answer = client.get(place)
        assert answer.status_code == 200 and "sandbox" in answer["Content-Security-Policy"], place
        _common(answer)


def _common(answer: Any) -> None:
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert (
        "camera=()" in answer["Permissions-Policy"]
        and "publickey-credentials-get=(self)" in answer["Permissions-Policy"]
    )


def test_an_address_that_tries_unknown_tokens_has_to_wait_and_one_that_knows_a_token_has_not() -> None:
    _, secret = make_token(user=UserFactory.create(), name="script", scopes=["account:read"])
    tried = [_me("gd_wrong") for _ in range(settings.MAX_UNKNOWN_TOKENS + 1)]
    assert [answer.status_code for answer in tried] == [401] * settings.MAX_UNKNOWN_TOKENS + [429]
    assert int(tried[-1]["Retry-After"]) > 0
    assert _me(secret).status_code == 200


def _me(secret: str) -> Any:
    return Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {secret}"})
