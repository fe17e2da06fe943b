"""``getdata push`` against the portal's own code: only what is missing, from where the server is, whatever breaks on the way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from fulfillment.models import Batch, SourceFile, Upload
from fulfillment.services.batches import create_batch
from getdata.accounts.models import Role
from getdata.accounts.tokens import make_token
from getdata.commands import sending
from getdata.commands.connection import Refused, Server
from getdata.commands.sending import Sent, local_files, refused_by_server, send_all, sort_out
from getdata.wsgi import application
from tests.factories import fulfillment, member

pytestmark = pytest.mark.django_db
PART = 64 * 1024


class Line(httpx.WSGITransport):
    """The way to the portal, which may break. ``before`` and ``after`` hear each request and may raise."""

    def __init__(self) -> None:
        super().__init__(app=application)
        self.calls: list[tuple[str, int]] = []
        self.before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        self.after: Callable[[httpx.Request], None] = lambda _: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.method, len(request.content)))
        early = self.before(request)
        if early is not None:
            return early
        answer = super().handle_request(request)
        answer.read()
        self.after(request)
        return answer

    @property
    def bytes_sent(self) -> int:
        return sum(size for method, size in self.calls if method in ("POST", "PATCH") and size >= 1000)


class AtOnce:
    """Runs in this thread: a test's database is nobody else's."""

    def __init__(self, *_: Any, **__: Any) -> None: ...
    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None: ...
    def shutdown(self, **_: Any) -> None: ...
    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work())
        except Exception as error:
            done.set_exception(error)
        return done


@pytest.fixture
def batch(db: None) -> Batch:
    delivery = fulfillment()
    return create_batch(fulfillment=delivery, name="Spring", actor=member(delivery.hospital, Role.DATA_MANAGER))


@pytest.fixture
def line(batch: Batch, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[Line]:
    settings.STAGING = tmp_path / "staging"
    settings.ALLOWED_HOSTS = ["*"]
    monkeypatch.setattr(sending, "ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr(sending, "PART_BYTES", PART)
    for signal in (request_started, request_finished):  # as Django's own test client: the test's transaction stays open
        signal.disconnect(close_old_connections)
    yield Line()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def portal(batch: Batch, line: Line) -> Server:
    _, token = make_token(user=batch.created_by, name="push", scopes=("deliveries:write",))
    made = Server("http://localhost", token, tries=3, pause=lambda _: None)
    made.client = httpx.Client(base_url=made.client.base_url, headers=made.client.headers, transport=line)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    (root / "deep").mkdir(parents=True)
    noise = random.Random(7)
    (root / "deep" / "large.dcm").write_bytes(noise.randbytes(3 * PART + 100))
    (root / "small.dcm").write_bytes(noise.randbytes(2000))
    (root / "Müller 1951.dcm").write_bytes(noise.randbytes(3000))
    return root


def push(portal: Server, batch: Batch, folder: Path, **options: Any) -> Sent:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    wanted, here = sort_out(portal, str(batch.pk), local_files(folder, names))
    sent = send_all(portal, str(batch.pk), wanted, parallel=2, moved=options.get("moved", lambda *_: None))
    sent.here = here
    return sent


def test_a_folder_arrives_whole_and_is_not_sent_twice(portal: Server, batch: Batch, folder: Path, line: Line) -> None:
    moved = [0, 0]

    def count(size: int, files: int) -> None:
        moved[0] += size
        moved[1] += files

    first = push(portal, batch, folder, moved=count)
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert (first.taken, first.here, first.bytes, first.refused) == (3, 0, total, {})
    assert moved == [total, 3]
    assert sorted(SourceFile.objects.values_list("size", flat=True)) == [2000, 3000, 3 * PART + 100]
    line.calls.clear()
    again = push(portal, batch, folder)
    assert (again.taken, again.here, line.bytes_sent) == (0, 3, 0), "what is there is compared, not sent"
    (folder / "small.dcm").write_bytes(b"corrected")
    assert (push(portal, batch, folder).taken, SourceFile.objects.count()) == (1, 4), "another content is another file"


def test_a_killed_run_goes_on_from_the_offset_that_the_server_has(
    portal: Server, batch: Batch, folder: Path, line: Line
) -> None:
    parts = []

    def killed(request: httpx.Request) -> None:
        parts.append(request)
        if sum(len(one.content) >= PART for one in parts) == 2:
            raise KeyboardInterrupt

    line.after = killed
    with pytest.raises(KeyboardInterrupt):
        push(portal, batch, folder)
    assert Upload.objects.get(status="active").offset == 2 * PART
    line.after = lambda _: None
    line.calls.clear()
    rest = push(portal, batch, folder)
    assert rest.taken + rest.here == 3 and rest.taken == 2
    assert max(size for _, size in line.calls) == PART
    assert line.bytes_sent < 2 * PART + 10_000, "the two parts that had arrived were not sent again"


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_cut_connection_costs_no_byte_twice_in_the_file(
    portal: Server, batch: Batch, folder: Path, line: Line, lost: str
) -> None:
    cuts = iter([False, True, False, True])

    def cut(request: httpx.Request) -> None:
        if request.method == "PATCH" and next(cuts, False):
            raise httpx.ReadError("cut", request=request)

    if lost == "request":
        line.before = cut
    else:
        line.after = cut
    sent = push(portal, batch, folder)
    assert (sent.taken, sent.refused) == (3, {})
    assert SourceFile.objects.filter(size=3 * PART + 100).count() == 1
    assert not Upload.objects.filter(status="active").exists()


def test_a_busy_server_is_waited_for_and_a_damaged_part_is_sent_again(
    portal: Server, batch: Batch, folder: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(portal, "pause", waited.append)
    answers = iter([httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(503), None])
    line.before = lambda request: next(answers, None) if request.method == "POST" else None
    damaged = iter([True])
    real = sending.hashlib.sha256

    def wrong_once(data: bytes = b"") -> Any:
        return real(b"something else") if len(data) == PART and next(damaged, False) else real(data)

    monkeypatch.setattr(sending.hashlib, "sha256", wrong_once)
    assert push(portal, batch, folder).taken == 3
    assert waited and waited[0] >= 7


def test_a_transfer_that_expired_begins_anew(portal: Server, batch: Batch, folder: Path) -> None:
    names = ["deep/large.dcm"]
    wanted, _ = sort_out(portal, str(batch.pk), local_files(folder, names))
    gone = sending.Wanted(wanted[0].file, "uploads/00000000-0000-7000-8000-000000000000", PART)
    assert send_all(portal, str(batch.pk), [gone], parallel=1, moved=lambda *_: None).taken == 1
    assert SourceFile.objects.get().size == 3 * PART + 100


def test_one_refused_file_does_not_stop_the_others_and_a_closed_batch_stops_all(
    portal: Server, batch: Batch, folder: Path
) -> None:
    (folder / "bad\x07name.dcm").write_bytes(b"x" * 500)
    files = list(local_files(folder, ["bad\x07name.dcm", "small.dcm"]))
    sent = send_all(portal, str(batch.pk), [sending.Wanted(one) for one in files], parallel=1, moved=lambda *_: None)
    assert (sent.taken, [one.code for one in sent.refused.values()]) == (1, ["bad_file_name"])
    Batch.objects.filter(pk=batch.pk).update(status="sealed")
    with pytest.raises(Refused, match="takes no more files"):
        send_all(portal, str(batch.pk), [sending.Wanted(files[1])], parallel=1, moved=lambda *_: None)


def test_the_server_names_what_it_refused(portal: Server, batch: Batch, folder: Path) -> None:
    push(portal, batch, folder)
    from fulfillment import ledger

    ledger.drain()
    rows = refused_by_server(portal, str(batch.pk))
    assert {row["original_name"] for row in rows} == {"deep/large.dcm", "small.dcm", "Müller 1951.dcm"}
    assert all(row["findings"][0]["remedy"] for row in rows)


def test_the_address_of_a_transfer_never_leads_to_another_server() -> None:
    assert sending._within("https://evil.example/api/v1/uploads/1") == "uploads/1", (
        "only its place at our server is taken"
    )
    with pytest.raises(Refused):
        sending._within("https://evil.example/elsewhere")
