"""The outbox: written with the event, sent once, tried again."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest
from django.core import mail as sent
from django.db import transaction
from django.utils import timezone

from getdata.notifications import services
from getdata.notifications.matrix import EVENTS, Channel
from getdata.notifications.models import Notification, OutboxMail
from getdata.notifications.services import mail, notify, send_outbox
from getdata.notifications.tasks import send_outbox_task
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_mail_is_sent_once_and_its_text_is_not_kept() -> None:
    mail(to="a@example.org", subject="Hello", body="https://portal.example/secret-link")
    assert sent.outbox == []
    assert send_outbox() == 1
    assert send_outbox() == 0
    assert [(message.to, message.subject) for message in sent.outbox] == [(["a@example.org"], "Hello")]
    assert "secret-link" in sent.outbox[0].body
    row = OutboxMail.objects.get()
    assert (row.attempts, row.body) == (1, "")
    assert row.sent_at is not None


@pytest.mark.parametrize("error", [ConnectionRefusedError("no"), smtplib.SMTPServerDisconnected("no"), TimeoutError()])
def test_a_failure_is_counted_and_tried_again(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    real, failures = services.send_mail, [error, error]

    def flaky(message: OutboxMail) -> None:
        if failures:
            raise failures.pop()
        real(message)

    monkeypatch.setattr(services, "send_mail", flaky)
    mail(to="a@example.org", subject="Hello", body="text")
    went = []
    for _ in range(3):
        went.append(send_outbox())
        assert send_outbox() == 0, "a mail that failed rests before the next try"
        OutboxMail.objects.update(not_before=timezone.now())
    assert went == [0, 0, 1]
    row = OutboxMail.objects.get()
    assert row.attempts == 3
    assert row.sent_at is not None
    assert len(sent.outbox) == 1
    assert sent.outbox[0].body == "text"


def test_one_bad_address_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    real = services.send_mail

    def picky(message: OutboxMail) -> None:
        if message.to == "bad@example.org":
            raise smtplib.SMTPRecipientsRefused({})
        real(message)

    monkeypatch.setattr(services, "send_mail", picky)
    for name in ("bad", "good"):
        mail(to=f"{name}@example.org", subject="Hello", body="text")
    assert send_outbox() == 1
    assert [message.to for message in sent.outbox] == [["good@example.org"]]


def test_after_ten_attempts_a_mail_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def down(*args: Any) -> int:
        attempts.append(1)
        raise ConnectionRefusedError

    monkeypatch.setattr(services, "send_mail", down)
    mail(to="a@example.org", subject="Hello", body="text")
    for _ in range(12):
        send_outbox()
        OutboxMail.objects.update(not_before=timezone.now())
    assert len(attempts) == OutboxMail.objects.get().attempts == 10


def test_a_mail_that_another_worker_took_since_the_list_was_read_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("first", "second"):
        mail(to=f"{name}@example.org", subject=name, body="text")
    real = services.send_mail

    def meanwhile(message: OutboxMail) -> None:
        OutboxMail.objects.filter(subject="second", attempts=0).update(attempts=1)  # the other worker's claim
        real(message)

    monkeypatch.setattr(services, "send_mail", meanwhile)
    assert send_outbox() == 1
    assert [message.subject for message in sent.outbox] == ["first"]


def test_the_task_sends_what_waits() -> None:
    mail(to="a@example.org", subject="Hello", body="text")
    send_outbox_task.apply()
    assert len(sent.outbox) == 1


def test_an_event_reaches_each_active_person_once_by_inbox_and_mail() -> None:
    ada, bob, gone = UserFactory.create(), UserFactory.create(), UserFactory.create(is_active=False)
    notify(event="release.published", users=[ada, bob, ada, gone], text="Release 1 is ready.", url="/releases/1/")
    assert set(Notification.objects.values_list("user", flat=True)) == {ada.pk, bob.pk}
    assert OutboxMail.objects.count() == 2
    body = OutboxMail.objects.get(to=ada.email).body
    assert "Release 1 is ready." in body
    assert "/releases/1/" in body


def test_an_event_for_the_inbox_stays_there() -> None:
    quiet = next(key for key, event in EVENTS.items() if event.channel == Channel.INBOX)
    notify(event=quiet, users=[UserFactory.create()], text="For the inbox only.")
    assert Notification.objects.count() == 1
    assert not OutboxMail.objects.exists()


def test_an_event_that_is_rolled_back_tells_nobody() -> None:
    user = UserFactory.create()
    with transaction.atomic():
        notify(event="release.published", users=[user], text="Too early.")
        transaction.set_rollback(True)
    assert not Notification.objects.exists()
    assert not OutboxMail.objects.exists()


def test_an_event_nobody_listed_is_a_bug() -> None:
    with pytest.raises(KeyError):
        notify(event="moon.rose", users=[UserFactory.create()], text="x")
