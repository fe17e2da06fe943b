"""The work on a batch from its page: the buttons that are there, and what they do."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from fulfillment.models import Batch
from fulfillment.views.batch_progress import time_left
from getdata.accounts.models import Role, User
from getdata.common import queue
from tests import factories
from tests.fulfillment.test_turns import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(queue, "ring", lambda *_: True)
    return fill(factories.batch(), 4)


@pytest.fixture
def manager(batch: Batch) -> User:
    return factories.member(batch.fulfillment.hospital, Role.DATA_MANAGER)


def does(client: Client, batch: Batch, act: str) -> Any:
    return client.post(reverse("batch_working", args=[batch.pk]), {"act": act})


def page(client: Client, batch: Batch) -> str:
    return client.get(reverse("batch_detail", args=[batch.pk])).content.decode()


def test_the_hospital_stops_goes_on_and_withdraws_from_the_page(client: Client, batch: Batch, manager: User) -> None:
    client.force_login(manager)
    assert 'value="pause"' in page(client, batch)
    assert does(client, batch, "pause").status_code == 302
    stopped = page(client, batch)
    assert "Stopped" in stopped and 'value="resume"' in stopped and 'value="pause"' not in stopped
    does(client, batch, "resume")
    batch.refresh_from_db()
    assert batch.paused_at is None
    does(client, batch, "withdraw")
    assert batch.files.filter(status="withdrawn").count() == 4
    assert does(client, batch, "anything").status_code == 404


def test_failed_files_are_retried_from_the_page(client: Client, batch: Batch, manager: User) -> None:
    batch.files.update(status="failed", reason="INTERNAL_ERROR", stored="there")
    client.force_login(manager)
    assert 'value="retry"' in page(client, batch)
    does(client, batch, "retry")
    assert batch.files.filter(status="received").count() == 4


def test_a_reviewer_lets_a_batch_go_first_and_has_no_other_button(client: Client, batch: Batch) -> None:
    client.force_login(factories.ReviewerFactory.create())
    seen = page(client, batch)
    assert 'value="urgent"' in seen and 'value="pause"' not in seen
    does(client, batch, "urgent")
    batch.refresh_from_db()
    assert batch.urgent and 'value="usual"' in page(client, batch)
    does(client, batch, "pause")
    batch.refresh_from_db()
    assert batch.paused_at is None


def test_a_stranger_finds_nothing_to_press(client: Client, batch: Batch) -> None:
    client.force_login(factories.member(factories.HospitalFactory.create()))
    assert does(client, batch, "pause").status_code == 404


def test_why_files_are_tried_again_is_said(client: Client, batch: Batch, manager: User) -> None:
    batch.files.update(reason="STORE_UNREACHABLE")
    client.force_login(manager)
    assert "STORE_UNREACHABLE" in page(client, batch)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "Less than a minute"), (60, "About a minute"), (61, "About 2 minutes"), (7200, "About 2 hours")],
)
def test_the_time_left_is_said_as_people_say_it(seconds: int, words: str) -> None:
    assert time_left(seconds).startswith(words)
