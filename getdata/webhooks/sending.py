"""One POST to a judged address: signed, bounded in time and size, never redirected."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from getdata.webhooks.address import Refused, Target, target_of

#: Seconds to connect and for each read, and for the whole exchange.
TIMEOUT, DEADLINE = 5.0, 15.0
#: How much of an answer is read; it is thrown away.
MOST_READ = 4096


@dataclass(frozen=True)
class Outcome:
    """``status_code`` of the answer, or ``error``: address_refused, connect, tls, timeout, protocol. Time in milliseconds."""

    status_code: int | None
    error: str
    milliseconds: int

    @property
    def arrived(self) -> bool:
        """Only 2xx: a redirect is not followed and does not count."""
        return self.status_code is not None and 200 <= self.status_code < 300


def signature(secret: bytes, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 (hex) over ``timestamp.body``."""
    return hmac.new(secret, b"%d." % timestamp + body, hashlib.sha256).hexdigest()


def signed_headers(keys: Iterable[tuple[str, bytes]], timestamp: int, body: bytes) -> dict[str, str]:
    """``GetDATA-Timestamp`` and ``GetDATA-Signature: keyid=hex,keyid=hex``, one for each live key."""
    return {
        "GetDATA-Timestamp": str(timestamp),
        "GetDATA-Signature": ",".join(f"{key_id}={signature(secret, timestamp, body)}" for key_id, secret in keys),
    }


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
    """Send and say what came of it. Raises nothing that the other side can cause."""
    started = time.monotonic()

    def outcome(status: int | None = None, error: str = "") -> Outcome:
        return Outcome(status, error, int(1000 * (time.monotonic() - started)))

    try:
        target = target_of(url)
    except Refused:
        return outcome(error="address_refused")
    connection = _Pinned(target)
    # Each read has its time; a server that sends a byte now and then is stopped by the clock of the whole.
    clock = threading.Timer(DEADLINE, connection.cut)
    clock.daemon = True
    clock.start()
    try:
        connection.request("POST", target.path, body=body, headers={**headers, "Connection": "close"})
        answer = connection.getresponse()
        answer.read(MOST_READ)
        return outcome(status=answer.status)
    except ssl.SSLError:
        return outcome(error="timeout" if connection.was_cut else "tls")
    except TimeoutError:
        return outcome(error="timeout")
    except OSError:
        return outcome(error="timeout" if connection.was_cut else "connect")
    except (http.client.HTTPException, ValueError):
        return outcome(error="timeout" if connection.was_cut else "protocol")
    finally:
        clock.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was judged; TLS proves that it answers for the host's name."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=TIMEOUT)
        self._target = target
        self.was_cut = False

    def connect(self) -> None:
        plain = socket.create_connection((self._target.ip, self._target.port), TIMEOUT)
        self.sock = plain
        if self._target.scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._target.host)

    def cut(self) -> None:
        """End the exchange from another thread."""
        self.was_cut = True
        try:
            if self.sock is not None:
                self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it ended by itself this very moment
