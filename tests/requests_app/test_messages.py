"""The private thread of an offer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from getdata.accounts.models import Role
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification, OutboxMail
from requests_app.models import Message
from requests_app.services import messages as services
from tests.factories import member
from tests.requests_app.people import Market


def as_person(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_only_the_two_parties_and_staff_read_a_thread(market: Market) -> None:
    offer = market.offer()
    services.post_message(offer=offer, text="We can start in May.", actor=market.manager)
    page, api = reverse("offer_messages", args=[offer.pk]), reverse("api-messages", args=[offer.pk])
    for person in (market.researcher, market.manager, market.reviewer):
        assert "We can start in May." in as_person(person).get(page).content.decode()
        assert as_person(person).get(api).json()["results"][0]["text"] == "We can start in May."
    for person in (market.stranger, market.other):
        assert as_person(person).get(page).status_code == 404
        assert as_person(person).get(api).status_code == 404
        assert as_person(person).post(page, {"text": "Let me in"}).status_code == 404
        assert list(Message.objects.visible_to(person)) == []
    assert Client().get(api).status_code in (401, 403)


def test_the_other_party_is_told_without_the_words(market: Market) -> None:
    offer = market.offer()
    Notification.objects.all().delete()
    OutboxMail.objects.all().delete()
    services.post_message(offer=offer, text="Peculiar words.", actor=market.manager)
    assert set(Notification.objects.values_list("user", flat=True)) == {market.researcher.pk}
    services.post_message(offer=offer, text="Peculiar words.", actor=market.researcher)
    assert set(Notification.objects.values_list("user", flat=True)) == {
        market.researcher.pk,
        market.manager.pk,
        market.signatory.pk,
    }
    said = [n.text for n in Notification.objects.all()] + [m.subject + m.body for m in OutboxMail.objects.all()]
    said += [str(event.data) for event in AuditEvent.objects.filter(verb="message.posted")]
    assert [text for text in said if "Peculiar" in text] == []


def test_a_message_is_unread_until_the_page_is_opened_and_ones_own_never_is(market: Market) -> None:
    offer = market.offer()
    services.post_message(offer=offer, text="One.", actor=market.manager)
    services.post_message(offer=offer, text="Two.", actor=market.manager)
    assert services.unread_count(offer, market.researcher) == 2
    assert services.unread_count(offer, market.manager) == 0
    assert services.unread_count(offer, market.signatory) == 2, "marks belong to a person, not to an organization"
    client = as_person(market.researcher)
    assert "2 new" in client.get(offer.get_absolute_url()).content.decode()
    first = client.get(reverse("offer_messages", args=[offer.pk]))
    assert [new for _, new, _ in first.context["rows"]] == [True, True]
    second = client.get(reverse("offer_messages", args=[offer.pk]))
    assert [new for _, new, _ in second.context["rows"]] == [False, False]
    services.post_message(offer=offer, text="Three.", actor=market.manager)
    assert client.get(reverse("api-messages-read", args=[offer.pk])).json() == {"unread": 1}
    assert client.post(reverse("api-messages-read", args=[offer.pk])).json() == {"unread": 0}
    assert services.unread_count(offer, market.researcher) == 0


def test_a_viewer_reads_and_does_not_write(market: Market) -> None:
    offer = market.offer()
    viewer = member(market.hospital, Role.VIEWER)
    assert (
        "Your role lets you read" in as_person(viewer).get(reverse("offer_messages", args=[offer.pk])).content.decode()
    )
    with pytest.raises(CannotDo):
        services.post_message(offer=offer, text="Hello.", actor=viewer)


def test_the_guard_reads_messages_too(market: Market) -> None:
    offer = market.offer()
    client, page = as_person(market.manager), reverse("offer_messages", args=[offer.pk])
    stopped = client.post(page, {"text": "Accession number 20230044556 is missing."}).content.decode()
    assert "Accession number 20230044556" in stopped
    assert "Refused" in stopped
    api = reverse("api-messages", args=[offer.pk])
    body = json.dumps({"text": "Accession number 20230044556 is missing."})
    assert client.post(api, body, content_type="application/json").json()["confirmation"] == ""
    assert not Message.objects.exists()
    sent = client.post(api, json.dumps({"text": "One study is missing."}), content_type="application/json")
    assert (sent.status_code, sent.json()["organization"]) == (201, market.hospital.slug)


def test_staff_hide_a_message_from_both(market: Market) -> None:
    offer = market.offer()
    message = services.post_message(offer=offer, text="Buy pills.", actor=market.manager)
    hide = reverse("message_hide", args=[offer.pk, message.pk])
    as_person(market.researcher).post(hide, {"reason": "abuse"})
    assert not Message.objects.get().is_hidden
    as_person(market.reviewer).post(hide, {"reason": "abuse", "erase": "on"})
    page = as_person(market.researcher).get(reverse("offer_messages", args=[offer.pk])).content.decode()
    assert "Buy pills." not in page
    assert "abusive" in page
    assert AuditEvent.objects.get(verb="message.hidden").data == {"reason": "abuse", "erased": True}
    api = reverse("api-message-hide", args=[offer.pk, message.pk])
    again = as_person(market.reviewer).post(api, json.dumps({"reason": "abuse"}), content_type="application/json")
    assert again.json()["code"] == "already_hidden"
