"""Owners and their webhooks: pages, API, secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from getdata.accounts.models import Role
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.webhooks import services
from getdata.webhooks.models import Delivery, Endpoint, SigningKey
from getdata.webhooks.outgoing import deliver, live_keys
from tests.factories import ReviewerFactory, member
from tests.requests_app.people import Market
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.django_db


def as_person(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def hook(market: Market, receiver: Receiver) -> tuple[Endpoint, str]:
    return services.register_endpoint(
        organization=market.group, url=receiver.url, topics=["offer.submitted"], actor=market.researcher
    )


def test_only_owners_see_and_change_webhooks(market: Market, receiver: Receiver) -> None:
    endpoint, _ = hook(market, receiver)
    place = reverse("webhook_detail", args=[market.group.slug, endpoint.pk])
    others = [member(market.group, role) for role in Role.values if role != Role.OWNER]
    for person in [*others, market.other, ReviewerFactory.create()]:
        client = as_person(person)
        assert client.get(place).status_code == 404
        assert client.post(f"{place}rotate/").status_code == 404
        assert client.get("/api/v1/webhooks/").json()["results"] == []
        assert client.get(f"/api/v1/webhooks/{endpoint.pk}/").status_code == 404
        with pytest.raises(CannotDo):
            services.send_test(endpoint=endpoint, actor=person)
    assert as_person(market.researcher).get(place).status_code == 200


def test_a_webhook_is_added_on_the_page_and_its_secret_shown_once(market: Market, receiver: Receiver) -> None:
    client, place = as_person(market.researcher), reverse("webhook_list", args=[market.group.slug])
    assert "No webhook" in client.get(place).content.decode()
    inside = client.post(place, {"url": "https://127.0.0.1/", "topics": ["offer.submitted"]}).content.decode()
    assert "not on the public internet" in inside
    assert not Endpoint.objects.exists()
    made = client.post(place, {"url": receiver.url, "topics": ["offer.submitted"]})
    endpoint = Endpoint.objects.get()
    secret = live_keys(endpoint)[0][1].decode()
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"] or "no-cache" in made["Cache-Control"]
    detail = reverse("webhook_detail", args=[market.group.slug, endpoint.pk])
    assert secret not in client.get(detail).content.decode()
    assert secret.encode() not in bytes(SigningKey.objects.get().sealed)
    audited = [str(event.data) for event in AuditEvent.objects.filter(verb__startswith="webhook.")]
    assert audited
    assert not any(receiver.host in text or secret in text for text in audited)


def test_two_secrets_sign_side_by_side_and_the_old_one_ends(market: Market, receiver: Receiver) -> None:
    endpoint, first = hook(market, receiver)
    second = services.rotate_secret(endpoint=endpoint, actor=market.researcher)
    assert [secret.decode() for _, secret in live_keys(endpoint)] == [second, first]
    sent = services.send_test(endpoint=endpoint, actor=market.researcher)
    deliver(str(sent.pk))
    headers, _ = receiver.got[0]
    assert len(headers["GetDATA-Signature"].split(",")) == 2
    third = services.rotate_secret(endpoint=endpoint, actor=market.researcher)
    assert [secret.decode() for _, secret in live_keys(endpoint)] == [third, second], "never more than two"
    assert services.retire_old_secret(endpoint=endpoint, actor=market.researcher) == 1
    assert [secret.decode() for _, secret in live_keys(endpoint)] == [third]
    with pytest.raises(CannotDo):
        services.retire_old_secret(endpoint=endpoint, actor=market.researcher)


def test_the_buttons_of_the_page_work(market: Market, receiver: Receiver) -> None:
    endpoint, _ = hook(market, receiver)
    client, place = as_person(market.researcher), reverse("webhook_detail", args=[market.group.slug, endpoint.pk])
    client.post(f"{place}test/")
    delivery = Delivery.objects.get()
    assert "Waiting" in client.get(place).content.decode()
    client.post(f"{place}deliveries/{delivery.pk}/again/")
    assert Delivery.objects.count() == 1, "what is still tried is not sent twice"
    deliver(str(delivery.pk))
    page = client.get(place).content.decode()
    assert "Arrived" in page
    assert "status 204" in page
    client.post(f"{place}deliveries/{delivery.pk}/again/")
    assert Delivery.objects.count() == 2
    client.post(f"{place}switch/")
    assert not Endpoint.objects.get().is_live
    assert not Delivery.objects.filter(next_attempt_at__isnull=False).exists()
    assert "Nothing is sent" in client.get(place).content.decode()
    client.post(f"{place}switch/")
    assert Endpoint.objects.get().is_live
    client.post(place, {"url": f"{receiver.url}other", "topics": ["batch.sealed", "offer.accepted"]})
    assert Endpoint.objects.get().topics == ["batch.sealed", "offer.accepted"]
    assert client.post(f"{place}rotate/").status_code == 200
    client.post(f"{place}retire/")
    client.post(f"{place}remove/")
    assert not Endpoint.objects.exists()


def test_the_api_does_what_the_pages_do(market: Market, receiver: Receiver) -> None:
    client = as_person(market.researcher)

    def send(path: str, method: str = "post", **body: Any) -> Any:
        return getattr(client, method)(path, json.dumps(body), content_type="application/json")

    events = {row["name"] for row in Client().get("/api/v1/webhook-events/").json()["results"]}
    assert "offer.accepted" in events
    place = "/api/v1/webhooks/"
    group = market.group.slug
    refused = send(place, organization=group, url="https://10.0.0.1/", events=["offer.accepted"])
    assert (refused.status_code, refused.json()["code"]) == (409, "address_refused")
    assert send(place, organization=group, url=receiver.url, events=["moon.rose"]).json()["code"] == "unknown_event"
    foreign = market.other.memberships.get().organization.slug
    assert send(place, organization=foreign, url=receiver.url, events=["offer.accepted"]).status_code == 404
    made = send(place, organization=group, url=receiver.url, events=["offer.accepted"])
    assert made.status_code == 201
    one = f"{place}{made.json()['id']}/"
    assert made.json()["signing"]["secret"].startswith("gdwh_")
    assert "signing" not in client.get(one).json()
    assert send(one, "put", url=receiver.url, events=["offer.declined"]).json()["events"] == ["offer.declined"]
    tested = send(f"{one}test/")
    assert tested.status_code == 202
    deliver(tested.json()["id"])
    (log,) = client.get(f"{one}deliveries/").json()["results"]
    assert (log["state"], log["tries"][0]["status_code"]) == ("delivered", 204)
    again = send(f"{one}deliveries/{log['id']}/again/").json()
    assert (again["event_id"], again["state"]) == (log["event_id"], "waiting")
    rotated = send(f"{one}rotate/").json()
    assert client.get(one).json()["key_ids"][0] == rotated["key_id"]
    assert len(send(f"{one}retire/").json()["key_ids"]) == 1
    assert send(f"{one}disable/").json()["live"] is False
    assert send(f"{one}test/").json()["code"] == "webhook_off"
    assert send(f"{one}enable/").json()["live"] is True
    assert client.delete(one).status_code == 204
    assert not Endpoint.objects.exists()


def test_an_organization_has_ten_at_most(market: Market, receiver: Receiver) -> None:
    for _ in range(services.MOST_ENDPOINTS):
        hook(market, receiver)
    with pytest.raises(CannotDo) as caught:
        hook(market, receiver)
    assert caught.value.code == "too_many"


def test_a_test_that_fails_is_tried_once_and_switches_nothing_off(market: Market, receiver: Receiver) -> None:
    endpoint, _ = hook(market, receiver)
    receiver.answers = [500]
    sent = services.send_test(endpoint=endpoint, actor=market.researcher)
    deliver(str(sent.pk))
    sent.refresh_from_db()
    endpoint.refresh_from_db()
    assert (sent.state, endpoint.is_live) == ("failed", True)
    assert sent.gave_up_at is not None
    assert sent.gave_up_at <= timezone.now()
