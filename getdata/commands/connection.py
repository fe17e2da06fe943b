"""The portal as a command speaks to it: address, token, patience, and refusals in words.

The token comes from ``--token-file`` or from the variable ``GETDATA_TOKEN``, never from the command line, where every
process of the machine could read it. It is sent to the named server alone: a redirect to another host goes without it.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from getdata.commands.frame import printable, refuse

#: Statuses that pass by themselves: too many calls, a server that restarts, a gateway without one.
PASSING = frozenset({429, 500, 502, 503, 504})
#: Tries of one call in all, the first included; the pauses between them add up to about a minute and a half.
TRIES = 8
LONGEST_PAUSE = 30.0
#: The longest Retry-After that is waited for without asking anybody.
LONGEST_ASKED = 300.0

ServerOption = Annotated[
    str,
    typer.Option("--server", envvar="GETDATA_SERVER", help="Address of the portal, such as https://getdata.example."),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option("--token-file", help="File with the API token; left out, the variable GETDATA_TOKEN is read."),
]


class Refused(Exception):
    """The server's last word on a call: what it refused (``code``), why, and what to do. Status 0: nobody answered."""

    def __init__(self, status: int, code: str, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.status, self.code, self.cause, self.remedy = status, code, cause, remedy


class Server:
    """One portal and one token. Safe to use from several threads at once.

    ``pause`` sleeps; ``tell`` hears in a word what is waited for, once a wait.
    """

    def __init__(
        self,
        address: str,
        token: str,
        *,
        tries: int = TRIES,
        pause: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.address = address.rstrip("/")
        self.tries, self.pause, self.tell = tries, pause, tell
        self.client = httpx.Client(
            base_url=f"{self.address}/api/v1/",
            headers={"Authorization": f"Bearer {token}", "User-Agent": "getdata"},
            timeout=httpx.Timeout(60, connect=15),
            limits=httpx.Limits(max_connections=32),
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One call that may be repeated, its answer read whole. Raises ``Refused``."""

        def once() -> httpx.Response:
            return self.client.request(method, path, **options)

        return self.patiently(once)

    def json(self, path: str, **options: Any) -> Any:
        """What the server answers to GET. Raises ``Refused``, also where the answer is no JSON."""
        answer = self.call("GET", path, **options)
        try:
            return answer.json()
        except ValueError:
            raise Refused(answer.status_code, "not_the_api", *_NOT_OURS) from None

    def pages(self, path: str, **options: Any) -> Iterator[Any]:
        """Every result of a paged list, page after page."""
        answer = self.json(path, **options)
        while True:
            yield from answer["results"]
            if not answer.get("next"):
                return
            # The address of the next page is the server's word; only its query is taken, so that the token stays here.
            answer = self.json(f"{path.partition('?')[0]}?{httpx.URL(answer['next']).query.decode()}")

    @contextmanager
    def stream(self, path: str, *, headers: dict[str, str] | None = None) -> Iterator[httpx.Response]:
        """A download whose body the caller reads; it follows redirects. Raises ``Refused``; not repeated once it began."""

        def once() -> httpx.Response:
            request = self.client.build_request("GET", path, headers=headers)
            answer = self.client.send(request, stream=True, follow_redirects=True)
            if answer.status_code >= 400:
                answer.read()
            return answer

        answer = self.patiently(once)
        try:
            yield answer
        finally:
            answer.close()

    def patiently(self, once: Callable[[], httpx.Response]) -> httpx.Response:
        """Do it until it is answered for good: what passes by itself is waited for, longer each time, or as told."""
        for left in reversed(range(self.tries)):
            wait = pause_before(self.tries - left)
            try:
                answer = once()
            except httpx.TransportError as error:
                if not left:
                    raise Refused(0, "unreachable", _unreachable(error), _TRY_LATER) from None
                self.tell("the connection")
            else:
                if answer.status_code < 400:
                    return answer
                if answer.status_code not in PASSING or not left:
                    raise refusal(answer)
                asked = retry_after(answer)
                if asked is not None and asked > LONGEST_ASKED:
                    raise refusal(answer)
                wait = max(wait, asked) if asked is not None else wait
                self.tell("the server")
            self.pause(wait)
        raise AssertionError("unreachable")  # the last try returns or raises


def connect(server: str, token_file: Path | None, **options: Any) -> Server:
    """The portal at ``server`` with the person's token, or the end of the command with cause and cure."""
    return Server(_address(server), read_token(token_file), **options)


def read_token(token_file: Path | None) -> str:
    """The token from its file or from ``GETDATA_TOKEN``. It is never printed."""
    if token_file is None:
        token, where = os.environ.get("GETDATA_TOKEN", "").strip(), "GETDATA_TOKEN"
        if not token:
            refuse(
                "There is no token.",
                "Make one on your account page, write it to a file and name it with --token-file, or set GETDATA_TOKEN.",
            )
    else:
        where = str(token_file)
        try:
            with token_file.open("rb") as stream:
                token = stream.read(1000).decode("ascii", "replace").strip()
        except OSError as error:
            refuse(f"The token cannot be read ({error.strerror}).", "Name the file that holds it.", where=where)
    if not token.startswith("gd_") or not token.isprintable() or len(token.split()) != 1 or not token.isascii():
        refuse(
            "This is no API token.", "It is one line that begins with gd_, as your account page showed it.", where=where
        )
    return token


def _address(server: str) -> str:
    try:
        url = httpx.URL(server)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query:
        refuse("This is no address of a portal.", "Give it as https://HOST.", where="--server")
    if url.scheme == "http" and not _is_here(url.host):
        refuse("Over http everybody on the way could read the token and the data.", "Use https://.", where="--server")
    return str(url)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def pause_before(attempt: int) -> float:
    """Seconds before the next attempt after ``attempt`` failed ones: doubling, with chance, so that many do not come at once."""
    return min(LONGEST_PAUSE, 0.5 * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311  spreads load, keeps no secret


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds that the server asks to wait (RFC 9110: a number or a date), or None."""
    said = answer.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said[:9])
    try:
        moment = parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def refusal(answer: httpx.Response) -> Refused:
    """The server's answer as a refusal: its own words (RFC 9457) where it gave some."""
    try:
        said = answer.json()
    except ValueError:
        said = None
    status = answer.status_code
    if not isinstance(said, dict) or "detail" not in said:
        cause, remedy = (f"The server answered with status {status}.", _TRY_LATER) if status in PASSING else _NOT_OURS
        return Refused(status, "", cause, remedy)
    words = [printable(str(said.get(key) or "")) for key in ("code", "detail", "remedy")]
    return Refused(status, words[0], words[1], words[2] or _BY_STATUS.get(status, "See the API's documentation."))


def _unreachable(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "The server does not answer in time."
    if "CERTIFICATE" in str(error):
        return "The server's certificate cannot be trusted."
    return "The server cannot be reached, or cut the connection."


_TRY_LATER = "Check the address and the network, then run the same command again: what is done stays done."
_NOT_OURS = ("What answers there is not a GetDATA portal.", "Check the address given with --server.")
_BY_STATUS = {
    401: "Make a new token on your account page.",
    403: "Make a token with the scope that this needs.",
    404: "Check the id, and that your organization may see it.",
}
