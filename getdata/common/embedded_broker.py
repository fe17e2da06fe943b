"""The embedded default's broker: kombu's filesystem transport, with messages and routing tables that change in one step.

Three things kombu does in several steps are done in one here, because each was seen to go wrong between them:

- kombu opens a message file, then locks and fills it; a worker that looks in between reads nothing and dies of it. Here a
  message is written beside the queue and renamed into it, and one that cannot be read is dropped: the ledger in the
  database is the truth, and the sweeper rings again.
- kombu truncates the routing table of an exchange before it locks it. Here it is rewritten under a lock and renamed.
- kombu notes a binding as made before it has written it; another thread then sends into a table without the queue, and
  its message goes to nobody. Here a thread that finds a binding being made waits for it.

``getdata.celery`` puts it in the place of ``filesystem://``.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable
from json import JSONDecodeError
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem, virtual
from kombu.utils.encoding import bytes_to_str, str_to_bytes
from kombu.utils.json import dumps, loads

_BINDING = threading.RLock()
Table = list[filesystem.exchange_queue_t]


class Channel(filesystem.Channel):
    """Atomic puts, bindings and routing tables; gets that survive a damaged file."""

    def queue_bind(self, *arguments: Any, **options: Any) -> None:
        with _BINDING:
            super().queue_bind(*arguments, **options)

    def get_table(self, exchange: str) -> Table:  # type: ignore[override]
        try:
            rows = loads(bytes_to_str(self._exchange_file(exchange).read_bytes()))  # type: ignore[attr-defined]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ChannelError("Cannot read a routing table of the queue's control folder") from error
        return [filesystem.exchange_queue_t(*row) for row in rows]

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        try:
            _write_whole(Path(self.data_folder_out) / name, payload)
        except OSError as error:
            raise ChannelError("Cannot add a message to the queue's folder") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except (JSONDecodeError, UnicodeDecodeError):
            raise Empty from None

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None) -> None:
        row = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self._rewrite(exchange, lambda table: table if row in table else [row, *table])

    def _delete(
        self, queue: str, exchange: str, routing_key: str | None, pattern: str | None, *arguments: Any, **options: Any
    ) -> None:
        virtual.Channel._delete(self, queue, exchange, routing_key, pattern, *arguments, **options)
        gone = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self._rewrite(exchange, lambda table: [row for row in table if row != gone])

    def _rewrite(self, exchange: str, change: Callable[[Table], Table]) -> None:
        """Change an exchange's table under a lock between processes; a reader sees the old table or the new one."""
        path = self._exchange_file(exchange)  # type: ignore[attr-defined]
        try:
            self.control_folder.mkdir(exist_ok=True)
            with path.with_suffix(".lock").open("ab") as held:
                filesystem.lock(held, filesystem.LOCK_EX)  # type: ignore[attr-defined]
                try:
                    before = self.get_table(exchange)
                    after = change(before)
                    if after != before:
                        _write_whole(path, after)
                finally:
                    filesystem.unlock(held)
        except OSError as error:
            raise ChannelError("Cannot rewrite a routing table of the queue's control folder") from error


class Transport(filesystem.Transport):
    """The transport behind ``filesystem://`` in this project."""

    Channel = Channel


def install() -> None:
    """Let ``filesystem://`` mean this transport."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"


def _write_whole(path: Path, value: Any) -> None:
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4()}.part")
    unfinished.write_bytes(str_to_bytes(dumps(value)))
    os.replace(unfinished, path)
