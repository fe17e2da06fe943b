"""Every topic describes a row of its own kind: who is told, and links that lead somewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import resolve

from getdata.webhooks.topics import Topic, topics
from requests_app.services import messages, questions
from tests.factories import OrganizationFactory, batch, fulfillment
from tests.requests_app.people import Market
from tests.test_every_transition import release

pytestmark = pytest.mark.django_db
MAKERS: dict[str, Callable[[Market], Any]] = {
    "organization": lambda market: OrganizationFactory.create(),
    "request": lambda market: market.open(),
    "offer": lambda market: market.offer(),
    "agreement": lambda market: market.agreement(),
    "question": lambda market: questions.ask_question(request=market.open(), text="Why?", actor=market.stranger),
    "message": lambda market: messages.post_message(offer=market.offer(), text="Hello.", actor=market.manager),
    "fulfillment": lambda market: fulfillment(),
    "batch": lambda market: batch(),
    "release": lambda market: release(),
}


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_a_topic_says_who_is_told_and_where_to_look(topic: Topic, market: Market) -> None:
    kind = topic.name.split(".")[0]
    about = topic.about(MAKERS[kind](market))
    assert about.kind == kind
    assert about.parties
    assert all(party is not None for party in about.parties)
    for address in filter(None, (about.page, about.api)):
        assert resolve(address.split("#")[0])
