"""The embedded default's broker: kombu's filesystem transport with messages that appear whole.

kombu opens a message file, then locks and fills it; a worker that looks in between reads nothing and dies of it (seen: "Unrecoverable
error: JSONDecodeError"). Here a message is written beside the queue and renamed into it, and one that cannot be read is dropped:
the ledger in the database is the truth, and the sweeper rings again. ``getdata.celery`` puts it in the place of ``filesystem://``.
"""

from __future__ import annotations

import os
import time
import uuid
from json import JSONDecodeError
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps

_TRIES = 5


class Channel(filesystem.Channel):
    """Atomic puts; gets and bindings that survive a file caught half-written."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        unfinished = folder / f"{name}.part"
        try:
            unfinished.write_bytes(str_to_bytes(dumps(payload)))
            os.replace(unfinished, folder / name)
        except OSError as error:
            raise ChannelError("Cannot add a message to the queue's folder") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except (JSONDecodeError, UnicodeDecodeError):
            raise Empty from None

    def get_table(self, exchange: str) -> Any:
        return self._patiently(super().get_table, exchange)

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None) -> None:
        self._patiently(super()._queue_bind, exchange, routing_key, pattern, queue)

    @staticmethod
    def _patiently(act: Any, *arguments: Any) -> Any:
        """The table of an exchange is rewritten in place by other processes: look again when it was caught empty."""
        for attempt in range(_TRIES):
            try:
                return act(*arguments)
            except JSONDecodeError:
                if attempt == _TRIES - 1:
                    raise
                time.sleep(0.02 * (attempt + 1))
        raise AssertionError("unreachable")


class Transport(filesystem.Transport):
    """The transport behind ``filesystem://`` in this project."""

    Channel = Channel


def install() -> None:
    """Let ``filesystem://`` mean this transport."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"
