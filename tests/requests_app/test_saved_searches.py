"""Saved searches: whose they are, what they tell, once, and how they are stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from getdata.accounts.models import User
from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification, OutboxMail
from getdata.notifications.services import send_outbox
from requests_app.catalogue.wanted import Wanted
from requests_app.models import DatasetRequest, SavedSearch
from requests_app.services import saved_searches as services
from requests_app.services.requests import amend_request, close_request
from requests_app.services.saved_searches import save_search, tell_searchers
from tests.factories import UserFactory
from tests.requests_app.people import Market

pytestmark = pytest.mark.django_db


def keep(user: User, query: str = "q=pneumothorax", pace: str = "at_once", **more: Any) -> SavedSearch:
    return save_search(actor=user, wanted=Wanted.of(query), pace=pace, **more)


def lines(user: User) -> list[str]:
    return list(
        Notification.objects.filter(user=user, event="search.matched")
        .order_by("created_at")
        .values_list("text", flat=True)
    )


# --- telling ---------------------------------------------------------------------------------------------------------


def test_a_request_that_fits_is_told_once_and_what_was_open_before_is_not_news(market: Market) -> None:
    market.open("cxr-lines-and-tubes")
    keep(market.stranger, name="Air")
    assert tell_searchers() == 0
    opened = market.open()
    assert (tell_searchers(), tell_searchers()) == (1, 0)
    assert lines(market.stranger) == [f"“{opened.title}” fits your saved search “Air”."]
    assert Notification.objects.get(event="search.matched").url == opened.get_absolute_url()


def test_what_does_not_fit_is_not_told(market: Market) -> None:
    keep(market.stranger, "category=cardiac")
    keep(market.stranger, "q=zebra")
    market.open()
    assert tell_searchers() == 0 and lines(market.stranger) == []


def test_an_amendment_that_makes_it_fit_is_told_and_says_so(market: Market) -> None:
    request = market.open()
    keep(market.stranger, "q=postoperative")
    assert tell_searchers() == 0
    changed = {**request.draft, "title": "Postoperative pneumothorax"}
    amend_request(request=request, document=changed, actor=market.researcher)
    assert tell_searchers() == 1
    body = OutboxMail.objects.get(to=market.stranger.email).body
    assert "Postoperative pneumothorax (amended)" in body


def test_drafts_submitted_and_closed_requests_are_never_told(market: Market) -> None:
    keep(market.stranger, "")
    market.draft()
    market.submitted("cxr-lines-and-tubes")
    close_request(request=market.open(), actor=market.researcher)
    assert tell_searchers() == 0


def test_once_a_day_means_one_message_for_all_of_a_day(market: Market) -> None:
    search = keep(market.stranger, "category=cxr&category=ct", pace="daily")
    market.open()
    assert tell_searchers() == 1
    market.open("cxr-lines-and-tubes")
    market.open("ct-pulmonary-embolism")
    assert tell_searchers() == 0, "it was told today"
    SavedSearch.objects.filter(pk=search.pk).update(told_at=timezone.now() - timedelta(hours=25))
    assert tell_searchers() == 1
    assert lines(market.stranger)[1].startswith("2 requests fit")
    second = OutboxMail.objects.filter(to=market.stranger.email).order_by("created_at")[1].body
    assert second.count("/requests/") == 3, "two requests and the list of all results"


def test_a_message_names_ten_requests_and_counts_the_rest(market: Market) -> None:
    keep(market.stranger, "")
    for n in range(services.NAMED + 2):
        market.open(title=f"Request number {n}")
    assert tell_searchers() == 1
    body = OutboxMail.objects.get(to=market.stranger.email).body
    assert body.count("Request number") == services.NAMED and "And 2 more." in body


def test_two_workers_at_once_tell_once(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(market.stranger)
    market.open()
    original = services.fresh_matches

    def meanwhile(search: SavedSearch, newest: int) -> list[DatasetRequest]:
        found = original(search, newest)
        monkeypatch.setattr(services, "fresh_matches", original)
        assert tell_searchers() == 1  # the other worker, between our reading and our writing
        return found

    monkeypatch.setattr(services, "fresh_matches", meanwhile)
    assert tell_searchers() == 0
    assert len(lines(market.stranger)) == 1


def test_who_left_or_paused_is_not_told_and_resuming_starts_afresh(market: Market) -> None:
    gone = UserFactory.create()
    keep(gone)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    paused = services.pause_search(search=keep(market.stranger), actor=market.stranger)
    market.open()
    assert tell_searchers() == 0
    services.resume_search(search=paused, actor=market.stranger)
    assert tell_searchers() == 0, "what happened in between is not news"
    market.open(title="Another pneumothorax")
    assert tell_searchers() == 1 and len(lines(market.stranger)) == 1


def test_the_mail_goes_out_with_its_links_and_only_where_it_is_wanted(market: Market, settings: Any) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    keep(market.stranger)
    keep(market.other, by_mail=False)
    opened = market.open()
    tell_searchers()
    OutboxMail.objects.exclude(to__in=[market.stranger.email, market.other.email]).delete()
    send_outbox()
    (sent,) = outbox.outbox
    assert sent.to == [market.stranger.email]
    assert f"https://portal.example{opened.get_absolute_url()}" in sent.body
    assert "https://portal.example/saved-searches/stop/" in sent.body
    assert len(lines(market.other)) == 1


# --- stopping from a message -----------------------------------------------------------------------------------------


def test_the_link_of_a_message_stops_it_without_signing_in_and_opening_it_changes_nothing(market: Market) -> None:
    search = keep(market.stranger)
    client, link = Client(enforce_csrf_checks=True), services.unsubscribe_url(search)
    page = client.get(link)
    assert page.status_code == 200 and b"Stop these messages" in page.content
    assert SavedSearch.objects.get(pk=search.pk).paused_at is None
    page = client.post(link, {"List-Unsubscribe": "One-Click"})
    assert b"No more messages" in page.content
    assert SavedSearch.objects.get(pk=search.pk).paused_at is not None
    market.open()
    assert tell_searchers() == 0


def test_a_link_that_was_made_up_or_whose_search_is_gone_stops_nothing(market: Market) -> None:
    search = keep(market.stranger)
    client = Client()
    for link in (reverse("saved_search_stop", args=[f"{search.pk}:made-up"]), reverse("saved_search_stop", args=["x"])):
        assert client.post(link).status_code == 404
    assert SavedSearch.objects.get(pk=search.pk).paused_at is None
    link = services.unsubscribe_url(search)
    services.delete_search(search=search, actor=market.stranger)
    assert client.get(link).status_code == 404


# --- one's own list --------------------------------------------------------------------------------------------------


def test_a_search_is_saved_changed_paused_and_deleted_on_its_pages(market: Market, client: Client) -> None:
    client.force_login(market.stranger)
    assert b"No saved searches yet" in client.get(reverse("saved_search_list")).content
    new = reverse("saved_search_new") + "?q=bedside&category=cxr&sort=largest"
    assert b"0 open requests" in client.get(new).content
    done = client.post(new, {"name": "Bedside", "pace": "at_once", "by_mail": "on"})
    assert done.status_code == 302
    search = SavedSearch.objects.get()
    assert (search.name, search.query, search.pace) == ("Bedside", "q=bedside&category=cxr", "at_once")
    again = client.post(new, {"name": "Twice", "pace": "daily"})
    assert b"You keep this search already" in again.content
    client.post(reverse("saved_search_edit", args=[search.pk]), {"name": "At the bed", "pace": "daily"})
    search.refresh_from_db()
    assert (search.name, search.pace, search.by_mail) == ("At the bed", "daily", False)
    for verb, word in (("pause", b"Paused"), ("resume", b"Once a day")):
        client.post(reverse(f"saved_search_{verb}", args=[search.pk]))
        assert word in client.get(reverse("saved_search_list")).content
    client.post(reverse("saved_search_delete", args=[search.pk]))
    assert not SavedSearch.objects.exists()


def test_nobody_sees_or_touches_the_search_of_somebody_else(market: Market, client: Client) -> None:
    search = keep(market.stranger)
    for user in (market.other, market.reviewer):
        client.force_login(user)
        assert search.name.encode() not in client.get(reverse("saved_search_list")).content
        assert client.get(f"/api/v1/saved-searches/{search.pk}/").status_code == 404
        assert client.get("/api/v1/saved-searches/").json()["results"] == []
        for verb in ("edit", "pause", "resume", "delete"):
            assert client.post(reverse(f"saved_search_{verb}", args=[search.pk])).status_code == 404
        with pytest.raises(CannotDo):
            services.pause_search(search=search, actor=user)
    assert SavedSearch.objects.get().paused_at is None
    client.logout()
    assert client.get(reverse("saved_search_list")).status_code == 302


def test_there_is_a_limit_and_a_name_is_needed(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_SEARCHES", 2)
    keep(market.stranger, "q=one")
    keep(market.stranger, "q=two")
    with pytest.raises(CannotDo, match="2 searches"):
        keep(market.stranger, "q=three")
    with pytest.raises(CannotDo, match="name"):
        services.change_search(search=SavedSearch.objects.all()[0], actor=market.stranger, name=" ")


def test_the_api_keeps_searches_too(market: Market, client: Client) -> None:
    client.force_login(market.stranger)
    place = "/api/v1/saved-searches/"
    made = client.post(place, {"query": "q=bedside&colour=red", "pace": "at_once"}, content_type="application/json")
    assert made.status_code == 201
    body = made.json()
    assert (body["query"], body["name"], body["paused"]) == ("q=bedside", "“bedside”", False)
    assert body["url"] == "/requests/?q=bedside"
    one = f"{place}{body['id']}/"
    assert client.patch(one, {"name": "B"}, content_type="application/json").json()["name"] == "B"
    assert client.post(f"{one}pause/").json()["paused"] is True
    assert client.post(f"{one}resume/").json()["paused"] is False
    refused = client.post(place, {"query": "q=bedside"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "search_kept_already")
    assert client.delete(one).status_code == 204 and client.get(place).json()["count"] == 0
