"""The inbox pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from getdata.notifications.models import Notification
from tests.factories import ReviewerFactory, UserFactory

pytestmark = pytest.mark.django_db
INBOX = "notifications"


def _as(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _line(user: Any, text: str = "Something happened.", url: str = "/organizations/") -> Notification:
    return Notification.objects.create(user=user, event="organization.decided", text=text, url=url)


def test_everybody_sees_their_own_lines_only_staff_included() -> None:
    ada, bob, staff = UserFactory.create(), UserFactory.create(), ReviewerFactory.create()
    line = _line(ada, "For Ada alone.")
    assert "For Ada alone." in _as(ada).get(reverse(INBOX)).content.decode()
    for other in (bob, staff):
        client = _as(other)
        assert "For Ada alone." not in client.get(reverse(INBOX)).content.decode()
        assert client.post(reverse("notification_open", args=[line.pk])).status_code == 404
        assert client.post(reverse("notification_read", args=[line.pk])).status_code == 404
        client.post(reverse("notifications_read_all"))
    line.refresh_from_db()
    assert line.read_at is None
    assert Client().get(reverse(INBOX))["Location"].startswith(reverse("account_login"))


def test_opening_a_line_marks_it_and_leads_where_it_says() -> None:
    user = UserFactory.create()
    line = _line(user)
    client = _as(user)
    address = reverse("notification_open", args=[line.pk])
    assert client.get(address).status_code == 405
    assert client.post(address)["Location"] == "/organizations/"
    line.refresh_from_db()
    first = line.read_at
    assert first is not None
    client.post(address)
    line.refresh_from_db()
    assert line.read_at == first


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_a_line_never_leads_out_of_the_portal(url: str) -> None:
    user = UserFactory.create()
    answer = _as(user).post(reverse("notification_open", args=[_line(user, url=url).pk]))
    assert answer["Location"] == reverse(INBOX)


def test_marking_one_stays_on_the_same_list_and_all_marks_all() -> None:
    user = UserFactory.create()
    lines = [_line(user) for _ in range(3)]
    client = _as(user)
    answer = client.post(reverse("notification_read", args=[lines[0].pk]), {"query": "show=unread&page=2"})
    assert answer["Location"] == f"{reverse(INBOX)}?show=unread&page=2"
    odd = client.post(reverse("notification_read", args=[lines[0].pk]), {"query": "//evil.example"})
    assert odd["Location"] == reverse(INBOX)
    assert user.notifications.filter(read_at=None).count() == 2
    client.post(reverse("notifications_read_all"))
    assert user.notifications.filter(read_at=None).count() == 0


def test_the_list_is_newest_first_in_pages_and_filters_unread() -> None:
    user = UserFactory.create()
    lines = [_line(user, f"Line {number}.") for number in range(27)]
    client = _as(user)
    first = client.get(reverse(INBOX)).context["page"]
    assert [line.text for line in first][:2] == ["Line 26.", "Line 25."]
    assert len(first) == 25
    assert len(client.get(reverse(INBOX), {"page": 2}).context["page"]) == 2
    client.post(reverse("notification_read", args=[lines[-1].pk]))
    unread = client.get(reverse(INBOX), {"show": "unread"}).context["page"]
    assert unread.paginator.count == 26


def test_empty_inboxes_say_why() -> None:
    user = UserFactory.create()
    client = _as(user)
    assert "Nothing yet" in client.get(reverse(INBOX)).content.decode()
    _line(user)
    client.post(reverse("notifications_read_all"))
    assert "Everything is read" in client.get(reverse(INBOX), {"show": "unread"}).content.decode()


def test_the_bell_counts_unread_lines() -> None:
    user = UserFactory.create()
    for _ in range(2):
        _line(user)
    client = _as(user)
    assert client.get(reverse(INBOX)).context["unread_count"] == 2
    client.post(reverse("notifications_read_all"))
    assert client.get(reverse(INBOX)).context["unread_count"] == 0
