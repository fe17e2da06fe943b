"""From an event to a signed message, its tries, and what becomes of an endpoint that does not answer."""

from __future__ import annotations

import json
import re
import socket
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification
from getdata.webhooks import outgoing, sending, services
from getdata.webhooks.models import Attempt, Delivery, Endpoint
from getdata.webhooks.outgoing import PAUSES, deliver, sweep
from getdata.webhooks.topics import names, topics
from requests_app.services import messages, offers, questions
from tests.requests_app.people import Market
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"


def hook(market: Market, receiver: Receiver, *chosen: str) -> tuple[Endpoint, str]:
    """A webhook of the researcher's group for all events, or for those chosen."""
    return services.register_endpoint(
        organization=market.group, url=receiver.url, topics=chosen or sorted(names()), actor=market.researcher
    )


def due(delivery: Delivery) -> Delivery:
    Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=timezone.now())
    return delivery


def is_genuine() -> Any:
    """The example of the documentation, as it stands there."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), flags=re.S)
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope["is_genuine"]


def test_an_event_reaches_both_parties_signed_and_without_a_word_that_anybody_wrote(
    market: Market, receiver: Receiver
) -> None:
    endpoint, secret = hook(market, receiver)
    offer = market.offer(message="Peculiar words of the hospital.")
    delivery = Delivery.objects.get(topic="offer.submitted")
    assert deliver(str(delivery.pk))
    headers, body = receiver.got[0]
    told = json.loads(body)
    assert (told["type"], told["data"]["id"], told["data"]["state"]) == ("offer.submitted", str(offer.pk), "submitted")
    assert told["data"]["counts"]["images"] == 500
    assert told["data"]["links"]["api"].endswith(f"/api/v1/offers/{offer.pk}/")
    assert headers["GetDATA-Delivery"] == told["id"] == str(delivery.event_id)
    everything = "".join(Delivery.objects.values_list("body", flat=True))
    assert "Peculiar" not in everything
    assert offer.request.title not in everything
    key_id = endpoint.keys.get().key_id
    genuine = is_genuine()
    assert genuine(headers, body, {key_id: secret})
    assert not genuine(headers, body + b" ", {key_id: secret})
    assert not genuine(headers, body, {key_id: secret + "x"})
    assert not genuine(headers, body, {key_id: secret}, now=lambda: timezone.now().timestamp() + 600)
    assert not genuine({**headers, "GetDATA-Timestamp": "1"}, body, {key_id: secret}, tolerance=10**12)
    delivery.refresh_from_db()
    endpoint.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("delivered", 1)
    assert endpoint.last_success_at is not None
    assert delivery.tries.get().status_code == 204


def test_only_chosen_events_of_ones_own_organization_are_written(market: Market, receiver: Receiver) -> None:
    hook(market, receiver, "offer.withdrawn")
    services.register_endpoint(
        organization=market.other.memberships.get().organization,
        url=receiver.url,
        topics=sorted(names()),
        actor=market.other,
    )
    offers.withdraw_offer(offer=market.offer(), actor=market.manager)
    assert list(Delivery.objects.values_list("topic", flat=True)) == ["offer.withdrawn"]
    assert json.loads(Delivery.objects.get().body)["data"]["previous_state"] == "submitted"


def test_the_hospital_hears_of_errata_and_messages_and_not_of_its_own(market: Market, receiver: Receiver) -> None:
    from tests.factories import member

    owner = member(market.hospital)
    services.register_endpoint(
        organization=market.hospital,
        url=receiver.url,
        topics=["question.clarifies", "message.posted", "question.asked"],
        actor=owner,
    )
    offer = market.offer()
    question = questions.ask_question(request=offer.request, text="With a grid?", actor=market.stranger)
    questions.answer_question(question=question, text="Yes.", clarifies=True, actor=market.researcher)
    messages.post_message(offer=offer, text="Hello there.", actor=market.manager)
    messages.post_message(offer=offer, text="Welcome.", actor=market.researcher)
    assert sorted(Delivery.objects.values_list("topic", flat=True)) == ["message.posted", "question.clarifies"]


def test_an_event_that_is_rolled_back_is_not_sent(market: Market, receiver: Receiver) -> None:
    from django.db import transaction

    hook(market, receiver)
    with transaction.atomic():
        market.offer()
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_a_failure_is_tried_again_after_pauses_that_grow_over_about_a_day(market: Market, receiver: Receiver) -> None:
    hook(market, receiver, "offer.submitted")
    market.offer()
    delivery = Delivery.objects.get()
    receiver.answers = [500, 302, 200]
    pauses = []
    for _ in range(2):
        assert not deliver(str(due(delivery).pk))
        delivery.refresh_from_db()
        assert delivery.next_attempt_at is not None
        pauses.append((delivery.next_attempt_at - timezone.now()) / PAUSES[delivery.attempts - 1])
        assert not deliver(str(delivery.pk)), "it rests until it is due"
    assert all(0.85 < pause < 1.15 for pause in pauses)
    assert deliver(str(due(delivery).pk))
    assert len(receiver.got) == 3, "a redirect is not followed"
    assert len({headers["GetDATA-Delivery"] for headers, _ in receiver.got}) == 1
    assert [headers["GetDATA-Attempt"] for headers, _ in receiver.got] == ["1", "2", "3"]
    assert sorted(PAUSES) == list(PAUSES)
    assert timedelta(hours=20) < sum(PAUSES, timedelta()) < timedelta(hours=26)


def test_after_a_day_of_failures_it_is_switched_off_and_owners_are_told(market: Market, receiver: Receiver) -> None:
    endpoint, _ = hook(market, receiver, "offer.submitted")
    market.offer()
    delivery = Delivery.objects.get()
    receiver.answers = [503]
    for _ in range(len(PAUSES) + 1):
        deliver(str(due(delivery).pk))
    delivery.refresh_from_db()
    endpoint.refresh_from_db()
    assert (delivery.state, delivery.attempts, endpoint.is_live) == ("failed", 9, False)
    assert set(Notification.objects.filter(event="webhook.disabled").values_list("user", flat=True)) == {
        market.researcher.pk
    }
    market.offer(market.open("cxr-lines-and-tubes"), cells={})
    assert Delivery.objects.count() == 1, "nothing more is written for it"
    with pytest.raises(CannotDo):
        services.send_test(endpoint=endpoint, actor=market.researcher)
    services.enable_endpoint(endpoint=endpoint, actor=market.researcher)
    receiver.answers = [200]
    delivery.endpoint.refresh_from_db()
    again = services.send_again(delivery=delivery, actor=market.researcher)
    assert deliver(str(again.pk))
    assert again.event_id == delivery.event_id


def test_an_endpoint_that_lately_took_something_is_not_switched_off(market: Market, receiver: Receiver) -> None:
    endpoint, _ = hook(market, receiver, "offer.submitted")
    market.offer()
    Endpoint.objects.update(last_success_at=timezone.now() + timedelta(minutes=1))
    receiver.answers = [500]
    delivery = Delivery.objects.get()
    Delivery.objects.update(attempts=len(PAUSES))
    deliver(str(due(delivery).pk))
    delivery.refresh_from_db()
    endpoint.refresh_from_db()
    assert (delivery.state, endpoint.is_live) == ("failed", True)


def test_gone_means_gone(market: Market, receiver: Receiver) -> None:
    endpoint, _ = hook(market, receiver, "offer.submitted")
    market.offer()
    receiver.answers = [410]
    deliver(str(Delivery.objects.get().pk))
    endpoint.refresh_from_db()
    assert not endpoint.is_live


def test_two_workers_send_it_once(market: Market, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    hook(market, receiver, "offer.submitted")
    market.offer()
    delivery, seen = Delivery.objects.get(), []
    real = outgoing._send

    def meanwhile(row: Delivery) -> sending.Outcome:
        seen.append(deliver(str(row.pk)))
        return real(row)

    monkeypatch.setattr(outgoing, "_send", meanwhile)
    assert deliver(str(delivery.pk))
    assert seen == [False]
    assert not deliver(str(delivery.pk))
    assert len(receiver.got) == 1


def test_a_worker_that_died_leaves_a_hold_that_runs_out_and_the_sweeper_rings(
    market: Market, receiver: Receiver
) -> None:
    hook(market, receiver, "offer.submitted")
    market.offer()
    delivery = Delivery.objects.get()
    Delivery.objects.update(attempts=1, next_attempt_at=timezone.now() + outgoing.HOLD)
    assert sweep() == 0
    due(delivery)
    assert sweep() == 1  # tasks run where they are rung here
    assert len(receiver.got) == 1
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    sweep()
    assert not Delivery.objects.exists()
    assert not Attempt.objects.exists()


def test_a_name_that_moved_inside_since_it_was_registered_is_not_connected(
    market: Market, receiver: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(market, receiver, "offer.submitted")
    market.offer()
    settings.WEBHOOK_TEST_HOSTS = []
    Endpoint.objects.update(url="https://hooks.example.org/")
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **_: [(2, 1, 6, "", ("169.254.169.254", port))])

    def never(*args: Any, **options: Any) -> Any:
        raise AssertionError("it must not connect")

    monkeypatch.setattr(socket, "create_connection", never)
    assert not deliver(str(Delivery.objects.get().pk))
    assert Attempt.objects.get().error == "address_refused"


def test_a_server_that_answers_drop_by_drop_is_cut(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "DEADLINE", 0.4)
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        other, _ = listening.accept()
        with other:
            while not stop.wait(0.05):
                try:
                    other.sendall(b"H")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    host = f"127.0.0.1:{listening.getsockname()[1]}"
    settings.WEBHOOK_TEST_HOSTS = [host]
    outcome = sending.post(f"http://{host}/", b"{}", {})
    stop.set()
    thread.join()
    listening.close()
    assert (outcome.arrived, outcome.error) == (False, "timeout")
    assert outcome.milliseconds < 3000


def test_plain_words_on_a_tls_port_are_no_certificate(receiver: Receiver) -> None:
    outcome = sending.post(receiver.url.replace("http://", "https://"), b"{}", {})
    assert (outcome.arrived, outcome.error) == (False, "tls")
    assert receiver.got == []


def test_nobody_listening_is_a_failure_and_no_fault(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    settings.WEBHOOK_TEST_HOSTS = [host]
    assert sending.post(f"http://{host}/", b"{}", {}).error == "connect"


def test_every_topic_has_words_and_a_verb_of_its_own() -> None:
    assert len({topic.verb for topic in topics()}) == len({topic.name for topic in topics()}) == len(topics()) >= 29
    assert all(topic.says for topic in topics())
