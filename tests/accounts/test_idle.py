"""Sessions that opened something where identity may be seen: silence ends them, and only a sign of life counts against it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import get_resolver, reverse

from getdata import checks
from getdata.accounts.device_names import device_name
from getdata.audit.models import AuditEvent
from tests.factories import PASSWORD, SECOND_FACTOR, ReviewerFactory, UserFactory
from tests.support.pages import problems
from tests.support.sign_in import code

pytestmark = pytest.mark.django_db
PARTS = {"HX-Request": "true"}


def silent(client: Client, seconds: float) -> None:
    """As if the last sign of life of this session were so long ago."""
    session = client.session
    session["seen_at"] = time.time() - seconds
    session.save()


def reviewing() -> Client:
    client = Client()
    client.force_login(ReviewerFactory.create())
    page = client.get(reverse("review_queue")).content.decode()
    assert 'id="idle"' in page and "js/idle.js" in page and problems(page) == []
    return client


def test_a_quarter_of_an_hour_of_silence_ends_a_session_that_may_show_identity() -> None:
    client = reviewing()
    silent(client, 14 * 60)
    assert client.get(reverse("dashboard")).status_code == 200, "still in time, and that was a sign of life"
    assert client.get(reverse("still_here")).json()["left"] > 890
    silent(client, 15 * 60 + 1)
    ended = client.get("/review/?page=2")
    assert ended["Location"] == f"{reverse('account_login')}?next=%2Freview%2F%3Fpage%3D2"
    assert "15 minutes of silence" in client.get(ended["Location"]).content.decode()
    assert client.get("/review/").status_code == 302
    assert AuditEvent.objects.filter(verb="session.idle").count() == 1


def test_what_a_page_fetches_by_itself_is_no_sign_of_life() -> None:
    client = reviewing()
    silent(client, 600)
    client.get("/review/", headers=PARTS)
    client.get("/review/", headers={"Sec-Fetch-Mode": "cors"})
    assert client.get(reverse("still_here")).json()["left"] <= 300
    client.post(reverse("still_here"))
    assert client.get(reverse("still_here")).json()["left"] > 890
    silent(client, 1000)
    assert "HX-Redirect" in client.get("/review/", headers=PARTS)
    client = reviewing()
    silent(client, 1000)
    assert client.get("/api/v1/me/").status_code == 401


def test_the_page_itself_may_end_the_session_and_others_are_not_limited() -> None:
    client = reviewing()
    assert client.post(reverse("still_here"), {"end": "1"}).json() == {"left": 0}
    assert client.get("/review/").status_code == 302
    plain = Client()
    plain.force_login(UserFactory.create())
    assert 'id="idle"' not in plain.get(reverse("dashboard")).content.decode()
    silent(plain, 3600)
    assert plain.get(reverse("dashboard")).status_code == 200
    assert plain.get(reverse("still_here")).json() == {"left": None}


def test_every_place_where_identity_may_be_seen_is_marked(settings: Any) -> None:
    views = {name: found[0][0] for name, found in get_resolver().reverse_dict.lists() if isinstance(name, str)}
    assert views
    marked = set()
    for pattern in get_resolver().url_patterns:
        for entry in getattr(pattern, "url_patterns", [pattern]):
            if getattr(getattr(entry, "callback", None), "shows_identity", False):
                marked.add(entry.name)
    assert {
        "batch_withheld", "batch_withheld_act", "withheld_picture", "file_as_it_came", "file_detail", "review_queue",
        "batch_review", "batch_sheet", "image_tile", "batch_rereading", "batch_duplicates", "batch_reports", "report_detail",
        "image_viewer", "image_before",
    } <= marked  # fmt: skip
    settings.PRODUCTION, settings.IDLE_SECONDS = True, 3600
    assert "getdata.E013" in {problem.id for problem in checks.production_is_safe(None)}


def sign_in(user: Any, agent: str) -> Client:
    client = Client(headers={"User-Agent": agent})
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    from django.core.cache import cache

    cache.clear()  # a code is taken once; another half minute would show another one
    assert client.post(reverse("mfa_authenticate"), {"code": code(SECOND_FACTOR)}).status_code == 302
    return client


def test_each_device_is_listed_and_signed_out_by_its_owner_alone() -> None:
    user = UserFactory.create()
    desk = sign_in(user, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    phone = sign_in(user, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1")
    third = sign_in(user, "curl/8")
    page = desk.get(reverse("usersessions_list")).content.decode()
    assert problems(page) == []
    assert "Firefox on Linux" in page and "Safari on iPhone" in page and "An unknown device" in page
    row = UserSession.objects.get(user_agent__contains="iPhone")
    stranger = Client()
    stranger.force_login(UserFactory.create())
    assert stranger.post(reverse("device_end", args=[row.pk])).status_code == 404
    desk.post(reverse("device_end", args=[row.pk]))
    assert phone.get(reverse("dashboard")).status_code == 302
    assert third.get(reverse("dashboard")).status_code == 200
    desk.post(reverse("device_end_others"))
    assert third.get(reverse("dashboard")).status_code == 302
    assert desk.get(reverse("dashboard")).status_code == 200
    assert AuditEvent.objects.filter(verb="session.ended").count() == 2


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605.1", "Safari on macOS"),
        ("", "An unknown device"),
    ],
)
def test_a_device_is_named_as_its_owner_knows_it(agent: str, name: str) -> None:
    assert device_name(agent) == name
