"""How commands speak to a portal: where the token comes from, whom it is sent to, how long they wait."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
import typer

from getdata.commands.connection import Refused, Server, connect, read_token

pytestmark = pytest.mark.pure
TOKEN = "gd_" + "a" * 43


def server(answer: Callable[[httpx.Request], httpx.Response], *, tries: int = 4) -> tuple[Server, list[float]]:
    waited: list[float] = []
    made = Server("https://portal.example", TOKEN, tries=tries, pause=waited.append)
    made.client = httpx.Client(
        base_url=made.client.base_url, headers=made.client.headers, transport=httpx.MockTransport(answer)
    )
    return made, waited


def refused(address: str, token_file: Path | None, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(typer.Exit) as end:
        connect(address, token_file)
    assert end.value.exit_code == 2
    return capsys.readouterr().err


def test_the_token_comes_from_its_file_or_the_environment_and_is_never_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert read_token(file) == TOKEN
    monkeypatch.setenv("GETDATA_TOKEN", TOKEN)
    assert read_token(None) == TOKEN
    monkeypatch.setenv("GETDATA_TOKEN", "swordfish")
    assert "no API token" in (said := refused("https://portal.example", None, capsys)) and "swordfish" not in said
    monkeypatch.delenv("GETDATA_TOKEN")
    assert "--token-file" in refused("https://portal.example", None, capsys)
    assert "cannot be read" in refused("https://portal.example", tmp_path / "nowhere", capsys)


@pytest.mark.parametrize(
    ("address", "said"),
    [("ftp://portal.example", "no address"), ("portal", "no address"), ("http://portal.example", "https://"),
     ("https://me:secret@portal.example", "no address")],
)  # fmt: skip
def test_an_address_that_would_lose_the_token_is_refused(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GETDATA_TOKEN", TOKEN)
    words = refused(address, None, capsys)
    assert said in words and "secret" not in words
    assert connect("http://127.0.0.1:8000/", None).address == "http://127.0.0.1:8000"


def test_what_passes_by_itself_is_waited_for_and_as_long_as_the_server_says() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90))
    answers = iter(
        [httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(503, headers={"Retry-After": soon}),
         httpx.Response(502), httpx.Response(200, json={"a": 1})]
    )  # fmt: skip
    made, waited = server(lambda _: next(answers))
    assert made.json("releases/") == {"a": 1}
    assert waited[0] == 7 and 80 < waited[1] <= 90 and 0 < waited[2] < 30


def test_a_cut_connection_is_tried_again_and_then_named_with_its_cure() -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("cut", request=request)

    made, waited = server(cut)
    with pytest.raises(Refused) as end:
        made.json("releases/")
    assert len(waited) == 3 and end.value.status == 0 and "cannot be reached" in end.value.cause and end.value.remedy


def test_a_refusal_carries_the_servers_own_words_and_is_not_tried_again() -> None:
    said = {"code": "not_attested", "detail": "Not attested.", "remedy": "Attest\x1b[2J."}
    made, waited = server(lambda _: httpx.Response(409, json=said))
    with pytest.raises(Refused) as end:
        made.json("releases/")
    assert (end.value.code, end.value.cause, end.value.remedy) == ("not_attested", "Not attested.", "Attest\\x1b[2J.")
    assert waited == []
    made, _ = server(lambda _: httpx.Response(200, text="<html>a shop</html>"))
    with pytest.raises(Refused, match="not a GetDATA portal"):
        made.json("releases/")


def test_a_redirect_to_another_host_goes_without_the_token() -> None:
    seen = {}

    def answer(request: httpx.Request) -> httpx.Response:
        seen[request.url.host] = request.headers.get("Authorization")
        if request.url.host == "portal.example":
            return httpx.Response(302, headers={"Location": "https://store.example/part"})
        return httpx.Response(200, content=b"bytes")

    made, _ = server(answer)
    with made.stream("releases/1/download/") as part:
        assert part.read() == b"bytes"
    assert seen == {"portal.example": f"Bearer {TOKEN}", "store.example": None}


def test_every_page_of_a_list_is_read_from_the_named_server_alone() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "portal.example", "the token left"
        if "page=2" in str(request.url):
            return httpx.Response(200, json={"results": [3], "next": None})
        return httpx.Response(200, json={"results": [1, 2], "next": "https://elsewhere.example/api/v1/things/?page=2"})

    made, _ = server(answer)
    assert list(made.pages("things/")) == [1, 2, 3]
