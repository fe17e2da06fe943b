"""The doorbell rings after the commit, and its silence is nobody's error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from getdata.celery import app
from getdata.common.queue import enqueue, ring


@pytest.fixture(autouse=True)
def _through_the_broker() -> Iterator[None]:
    """Not eager. Celery's settings cannot be undone by monkeypatch, so this does it by hand."""
    before, app.conf.task_always_eager = app.conf.task_always_eager, False
    yield
    app.conf.task_always_eager = before


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    calls: list[tuple[str, tuple[Any, ...]]] = []
    monkeypatch.setattr(app, "send_task", lambda name, args=(), **options: calls.append((name, tuple(args))))
    return calls


@pytest.mark.django_db(transaction=True)
def test_a_task_is_sent_when_the_transaction_commits_and_not_before(rung: list[Any]) -> None:
    with transaction.atomic():
        enqueue("fulfillment.process_task", "f1")
        assert rung == []
    assert rung == [("fulfillment.process_task", ("f1",))]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_when_the_transaction_rolls_back(rung: list[Any]) -> None:
    with transaction.atomic():
        enqueue("fulfillment.process_task", "f1")
        transaction.set_rollback(True)
    assert rung == []


def test_a_broker_that_is_down_is_not_an_error_for_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*args: Any, **options: Any) -> None:
        raise ConnectionError("broker")

    monkeypatch.setattr(app, "send_task", down)
    assert ring("fulfillment.process_task", "f1") is False


def test_a_message_goes_into_the_queue_of_its_task_and_into_no_other() -> None:
    from getdata.common import queue

    app.loader.import_default_modules()
    before = {name: queue.depth(name) or 0 for name in (queue.HOUSEKEEPING, queue.FILES, queue.COMPARISONS)}
    assert ring("fulfillment.process_task") and ring("fulfillment.sweep_task") and ring("fulfillment.sweep_task")
    added = {name: (queue.depth(name) or 0) - count for name, count in before.items()}
    with app.connection_or_acquire() as connection:
        for name in before:
            connection.default_channel.queue_purge(name)
    assert added == {queue.HOUSEKEEPING: 2, queue.FILES: 1, queue.COMPARISONS: 0}
