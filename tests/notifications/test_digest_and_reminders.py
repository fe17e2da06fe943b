"""The daily digest, and reminders at half of the time and at its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from getdata.accounts.models import Organization
from getdata.notifications import reminders
from getdata.notifications.digest import latest_cut, send_digests
from getdata.notifications.matrix import EVENTS, Group
from getdata.notifications.models import Notification, OutboxMail, Preference, ReminderSent
from getdata.notifications.preferences import choose, unsubscribe
from getdata.notifications.reminders import Waits, mark_of, send_reminders
from getdata.notifications.services import notify
from requests_app.models import Agreement, Offer, Question
from requests_app.services import questions
from tests.factories import HospitalFactory, ReviewerFactory, UserFactory, member
from tests.requests_app.people import Market

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


def lines(user: Any, count: int, *, at: datetime = NOW - timedelta(hours=5)) -> None:
    for number in range(count):
        notify(event="offer.withdrawn", users=[user], text=f"Offer {number} was withdrawn.", url=f"/offers/{number}/")
    Notification.objects.filter(user=user).update(created_at=at)


@pytest.mark.parametrize(("hour", "day"), [(6, 26), (7, 27), (23, 27)])
def test_the_cut_is_the_last_time_the_clock_struck(hour: int, day: int) -> None:
    assert latest_cut(datetime(2026, 11, 27, hour, 30, tzinfo=UTC)) == datetime(2026, 11, day, 7, 0, tzinfo=UTC)


def test_a_day_becomes_one_mail_with_links_and_is_told_once() -> None:
    user = UserFactory.create()
    lines(user, 3)
    assert send_digests(NOW) == 1
    assert send_digests(NOW) == 0
    mail = OutboxMail.objects.get()
    assert (mail.to, mail.subject) == (user.email, "GetDATA: 3 things happened")
    assert mail.body.count("/offers/") == 3
    assert mail.body.startswith("Offers\n")
    assert mail.unsubscribe in mail.body


def test_what_was_read_or_came_after_the_cut_is_left_out() -> None:
    user, late = UserFactory.create(), UserFactory.create()
    lines(user, 1)
    Notification.objects.update(read_at=timezone.now())
    lines(late, 1, at=NOW - timedelta(minutes=30))
    assert send_digests(NOW) == 0
    assert send_digests(NOW + timedelta(days=1)) == 1
    assert OutboxMail.objects.get().to == late.email


def test_of_very_many_lines_it_says_how_many_more() -> None:
    lines(UserFactory.create(), 60)
    send_digests(NOW)
    assert "and 10 more" in OutboxMail.objects.get().body


def test_stopping_the_digest_stops_every_group_that_goes_into_it() -> None:
    user = UserFactory.create()
    choose(user=user, choices={Group.RELEASES: "digest", Group.QUESTIONS: "mail"}, actor=user)
    lines(user, 1)
    unsubscribe(user=user, group="digest")
    assert send_digests(NOW) == 0
    chosen = dict(Preference.objects.values_list("group", "channel"))
    assert chosen == {"releases": "inbox", "offers": "inbox", "deliveries": "inbox", "questions": "mail"}


# --- reminders -------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_source(monkeypatch: pytest.MonkeyPatch) -> list[Waits]:
    """A source of its own, so that each test says what waits."""
    waiting: list[Waits] = []
    monkeypatch.setattr(reminders, "_sources", {"reminder.offer": lambda: waiting})
    return waiting


def waits(user: Any, *, since: datetime = NOW, days: int = 10) -> Waits:
    return Waits("thing", since, since + timedelta(days=days), "a thing waits.", "/things/", users=[user])


@pytest.mark.parametrize(("day", "mark"), [(0, 0), (4.9, 0), (5, 50), (9.9, 50), (10, 100), (99, 100)])
def test_the_marks_are_half_and_the_end(day: float, mark: int) -> None:
    assert mark_of(waits(None), NOW + timedelta(days=day)) == mark


def test_each_mark_is_told_once_and_a_new_wait_begins_anew(one_source: list[Waits]) -> None:
    user = UserFactory.create()
    one_source.append(waits(user))
    told = [send_reminders(NOW + timedelta(days=day)) for day in (1, 5, 6, 10, 11)]
    assert told == [0, 1, 0, 1, 0]
    texts = list(Notification.objects.order_by("created_at").values_list("text", flat=True))
    assert texts == ["Half of the time is over: a thing waits.", "Overdue: a thing waits."]
    one_source[:] = [waits(user, since=NOW + timedelta(days=20))]
    assert send_reminders(NOW + timedelta(days=25)) == 1


def test_a_clock_that_slept_tells_the_end_and_not_also_the_half(one_source: list[Waits]) -> None:
    one_source.append(waits(UserFactory.create()))
    assert send_reminders(NOW + timedelta(days=12)) == 1
    assert send_reminders(NOW + timedelta(days=12)) == 0
    assert list(ReminderSent.objects.values_list("percent", flat=True)) == [100]


def test_every_reminder_of_the_matrix_has_a_source_and_the_other_way_round() -> None:
    assert reminders.registered() == {key for key in EVENTS if key.startswith("reminder.")}


def told(event: str) -> set[Any]:
    return set(Notification.objects.filter(event=event).values_list("user", flat=True))


def test_whoever_is_asked_is_reminded(market: Market) -> None:
    long_ago = timezone.now() - timedelta(days=60)
    pending = HospitalFactory.create(status=Organization.Status.PENDING, submitted_at=long_ago)
    insider = ReviewerFactory.create()
    pending.memberships.create(user=insider, role="viewer")
    submitted = market.submitted()
    type(submitted).objects.filter(pk=submitted.pk).update(submitted_at=long_ago)
    agreement = market.agreement()
    asked = questions.ask_question(request=agreement.offer.request, text="With a grid?", actor=market.stranger)
    Question.objects.filter(pk=asked.pk).update(created_at=long_ago)
    Agreement.objects.filter(pk=agreement.pk).update(created_at=long_ago)
    Offer.objects.filter(pk=agreement.offer_id).update(created_at=long_ago)
    other = market.offer(market.open("cxr-lines-and-tubes"), cells={})
    Offer.objects.filter(pk=other.pk).update(created_at=long_ago)
    Notification.objects.all().delete()
    assert send_reminders() == 6
    assert told("reminder.verification") == {market.reviewer.pk}
    assert told("reminder.request_check") == {market.reviewer.pk, insider.pk}
    assert told("reminder.question") == told("reminder.offer") == {market.researcher.pk}
    assert told("reminder.agreement") == {market.researcher.pk, market.signatory.pk}
    assert send_reminders() == 0


def test_a_claimed_batch_is_its_reviewers(market: Market) -> None:
    from fulfillment.models import Batch, BatchStatus
    from tests.factories import batch

    now, other = timezone.now(), ReviewerFactory.create()
    sealed = batch(status=BatchStatus.SEALED, sealed_at=now - timedelta(days=6), review_due_at=now + timedelta(days=4))
    insider = member(sealed.fulfillment.hospital, staff_role="reviewer")
    send_reminders()
    assert told("reminder.batch") == {market.reviewer.pk, other.pk}
    assert insider.pk not in told("reminder.batch")
    Batch.objects.filter(pk=sealed.pk).update(
        status=BatchStatus.IN_REVIEW, reviewer=other, review_due_at=now - timedelta(hours=1)
    )
    Notification.objects.all().delete()
    send_reminders()
    assert told("reminder.batch") == {other.pk}
