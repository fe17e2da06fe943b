"""The embedded broker: many senders and one reader, no message half-read, none lost."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

from getdata.common import embedded_broker

SENDERS, MESSAGES = 4, 60


@pytest.fixture
def connect(tmp_path: Path) -> Any:
    embedded_broker.install()
    options = {
        "data_folder_in": str(tmp_path / "queue"),
        "data_folder_out": str(tmp_path / "queue"),
        "control_folder": str(tmp_path / "control"),
        "processed_folder": str(tmp_path / "processed"),
        "polling_interval": 0.01,
    }
    for folder in ("queue", "control", "processed"):
        (tmp_path / folder).mkdir()
    return lambda: Connection("filesystem://", transport_options=options)


def test_filesystem_means_our_transport(connect: Any) -> None:
    with connect() as connection:
        assert isinstance(connection.transport, embedded_broker.Transport)


def test_a_reader_beside_many_senders_gets_every_message_once(connect: Any) -> None:
    def send(sender: int) -> None:
        with connect() as connection:
            queue = connection.SimpleQueue("work")
            for number in range(MESSAGES):
                queue.put({"id": f"{sender}-{number}", "padding": "x" * 20_000})

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
    for thread in threads:
        thread.start()
    got: list[str] = []
    deadline = time.monotonic() + 60
    with connect() as connection:
        queue = connection.SimpleQueue("work")
        while len(got) < SENDERS * MESSAGES and time.monotonic() < deadline:
            try:
                message = queue.get(timeout=1)
            except Empty:
                continue
            got.append(message.payload["id"])
            message.ack()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == SENDERS * MESSAGES


def test_a_sender_waits_for_a_binding_that_another_thread_is_making(
    connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()
    bind = embedded_broker.Channel._queue_bind

    def slowly(channel: Any, *arguments: Any) -> None:
        began.set()
        time.sleep(0.3)
        bind(channel, *arguments)

    monkeypatch.setattr(embedded_broker.Channel, "_queue_bind", slowly)

    def send(payload: str) -> None:
        with connect() as connection:
            connection.SimpleQueue("bound").put(payload)

    first = threading.Thread(target=send, args=("first",))
    first.start()
    assert began.wait(5)
    send("second")
    first.join()
    got = set()
    with connect() as connection:
        queue = connection.SimpleQueue("bound")
        for _ in range(2):
            message = queue.get(timeout=5)
            got.add(message.payload)
            message.ack()
    assert got == {"first", "second"}


def test_bindings_made_at_the_same_moment_are_all_kept(connect: Any, tmp_path: Path) -> None:
    def bind(number: int) -> None:
        with connect() as connection:
            connection.channel()._queue_bind("many", f"key-{number}", "", f"queue-{number}")

    threads = [threading.Thread(target=bind, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connect() as connection:
        assert {row.queue for row in connection.channel().get_table("many")} == {f"queue-{n}" for n in range(16)}
    assert not list((tmp_path / "control").glob("*.part"))


def test_a_damaged_message_does_not_stop_the_reader(connect: Any, tmp_path: Path) -> None:
    (tmp_path / "queue" / "0_damaged.other.msg").write_bytes(b"")
    with connect() as connection:
        queue = connection.SimpleQueue("other")  # kombu remembers bindings by name for the whole process
        queue.put("after")
        for _ in range(5):
            try:
                message = queue.get(timeout=1)
                break
            except Empty:
                continue
        assert message.payload == "after"
