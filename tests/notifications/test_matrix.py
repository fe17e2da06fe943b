"""The matrix: whom an event reaches and how; what people may choose; the link that stops an e-mail."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core import mail as sent
from django.test import Client
from django.urls import reverse

from getdata.accounts.models import CAPABILITIES, Membership, Role
from getdata.notifications.matrix import EVENTS, PARTIES, ROLES, Channel, Group, who
from getdata.notifications.models import Notification, OutboxMail, Preference
from getdata.notifications.preferences import choose, unsubscribe_address
from getdata.notifications.services import notify, send_outbox
from tests.factories import HospitalFactory, OrganizationFactory, UserFactory, member

pytestmark = pytest.mark.django_db
OWN = "offer.submitted"  # by e-mail unless chosen otherwise


def as_person(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_matrix_names_the_roles_that_the_accounts_name() -> None:
    assert {name: set(roles) for name, roles in ROLES.items()} == {
        name: {str(role) for role in CAPABILITIES[name]} for name in ROLES
    }
    for key, event in EVENTS.items():
        assert event.reaches, f"{key} reaches nobody"
        for party, capability in event.reaches:
            assert party in PARTIES
            assert capability in ROLES or (party in ("staff", "person") and not capability)
        assert who(event)
        assert len(event.subject) < 100


def test_an_event_reaches_the_roles_of_the_matrix_and_no_others() -> None:
    hospital = HospitalFactory.create()
    people = {role: member(hospital, role) for role in Role.values}
    stranger = member(OrganizationFactory.create()).memberships.get().organization
    with pytest.raises(ValueError, match="asker"):
        notify(event="batch.decided", parties={"asker": stranger}, text="x")
    notify(event="batch.decided", parties={"hospital": hospital}, text="x")
    told = set(Notification.objects.values_list("user", flat=True))
    assert told == {people[role].pk for role in ("owner", "data_manager")}


def test_somebody_with_two_roles_is_told_once_and_who_did_it_not_at_all() -> None:
    both, group = HospitalFactory.create(), OrganizationFactory.create()
    person, actor = member(both), member(both)
    Membership.objects.create(user=person, organization=group, role=Role.OWNER)
    notify(event="message.posted", parties={"hospital": both, "asker": group}, users=[person], but=actor, text="x")
    assert list(Notification.objects.values_list("user", flat=True)) == [person.pk]


@pytest.mark.parametrize(
    ("choice", "mails", "digest"), [("", 1, False), ("mail", 1, False), ("digest", 0, True), ("inbox", 0, False)]
)
def test_a_person_chooses_the_channel_of_a_group(choice: str, mails: int, digest: bool) -> None:
    user = UserFactory.create()
    choose(user=user, choices={Group.OFFERS: choice}, actor=user)
    notify(event=OWN, users=[user], text="An offer.", url="/offers/")
    assert OutboxMail.objects.count() == mails
    line = Notification.objects.get()
    assert (line.digest, line.group) == (digest, "offers")


@pytest.mark.parametrize("key", [key for key, event in EVENTS.items() if event.locked])
def test_what_is_locked_comes_whatever_was_chosen(key: str) -> None:
    user = UserFactory.create()
    choose(user=user, choices=dict.fromkeys(Group.values, Channel.INBOX), actor=user)
    notify(event=key, users=[user], text="It matters.")
    assert OutboxMail.objects.get().unsubscribe == ""


def test_a_mail_that_may_stop_says_so_in_header_and_text_and_stops_in_one_click() -> None:
    user = UserFactory.create()
    notify(event=OWN, users=[user], text="An offer.", url="/offers/")
    send_outbox()
    (message,) = sent.outbox
    header = message.extra_headers["List-Unsubscribe"]
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = header.strip("<>")
    assert address in message.body
    assert OutboxMail.objects.get().unsubscribe == "", "a link that acts for a person does not stay behind"
    path = re.sub(r"^https?://[^/]+", "", address)
    strict = Client(enforce_csrf_checks=True)
    assert strict.get(path).status_code == 200
    assert not Preference.objects.exists(), "reading the page changes nothing"
    one_click = strict.post(path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert one_click.status_code == 200
    assert Preference.objects.get(user=user).channel == "inbox"
    notify(event=OWN, users=[user], text="Another.", url="/offers/")
    assert OutboxMail.objects.count() == 1


def test_a_link_that_we_did_not_sign_stops_nothing() -> None:
    user = UserFactory.create()
    path = re.sub(r"^https?://[^/]+", "", unsubscribe_address(user, "offers"))
    forged = path[:-3] + ("aa/" if not path.endswith("aa/") else "bb/")
    assert Client().post(forged).status_code == 404
    assert not Preference.objects.exists()


def test_the_page_shows_every_event_and_saves_choices() -> None:
    user = UserFactory.create()
    client, place = as_person(user), reverse("notification_preferences")
    page = client.get(place).content.decode()
    for event in EVENTS.values():
        assert event.subject.replace("'", "&#x27;") in page
    assert "channel-agreements" not in page, "signatures cannot be switched off"
    client.post(place, {"channel-offers": "digest", "channel-releases": "nonsense"})
    assert list(Preference.objects.values_list("group", "channel")) == [("offers", "digest")]
    client.post(place, {"channel-offers": ""})
    assert not Preference.objects.exists()


def test_the_inbox_is_filtered_by_subject() -> None:
    user = UserFactory.create()
    notify(event=OWN, users=[user], text="An offer.")
    notify(event="question.asked", users=[user], text="A question.")
    page = as_person(user).get(reverse("notifications"), {"subject": "offers", "show": "unread"})
    assert [line.text for line in page.context["page"]] == ["An offer."]
    assert as_person(user).get(reverse("notifications"), {"subject": "nonsense"}).context["total"] == 2


def test_the_api_reads_marks_and_chooses() -> None:
    user, other = UserFactory.create(), UserFactory.create()
    notify(event=OWN, users=[user, other], text="An offer.")
    client = as_person(user)
    listed = client.get("/api/v1/notifications/", {"unread": "true", "group": "offers"}).json()["results"]
    assert [line["text"] for line in listed] == ["An offer."]
    foreign = Notification.objects.get(user=other)
    assert client.post(f"/api/v1/notifications/{foreign.pk}/read/").status_code == 404
    assert client.post(f"/api/v1/notifications/{listed[0]['id']}/read/").json()["read_at"]
    assert client.post("/api/v1/notifications/read/").json() == {"count": 0}
    place = "/api/v1/notifications/preferences/"
    body = {"preferences": [{"group": "offers", "channel": "digest"}]}
    told = client.put(place, json.dumps(body), content_type="application/json").json()
    assert {"group": "offers", "channel": "digest"} in told["preferences"]
    assert {row["event"] for row in told["matrix"]} == set(EVENTS)
    wrong = {"preferences": [{"group": "offers", "channel": "pigeon"}]}
    refused = client.put(place, json.dumps(wrong), content_type="application/json")
    assert refused.json()["errors"][0]["pointer"] == "/preferences/0/channel"
