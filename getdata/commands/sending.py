"""Sending the files of a folder into a batch: only what the server lacks, several at a time, each taken up where the server is.

The protocol is tus 1.0 (creation with upload, checksum): the server's offset is the truth, so nothing is remembered here and a
run that was killed is simply run again.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from getdata.commands.connection import Refused, Server

PART_BYTES = 8 * 1024**2
#: Files that are asked about in one call, as many as the server takes.
ASKED_AT_ONCE = 500
#: A transfer that does not get on after so many answers is given up.
_TRIES = 12
_TUS = {"Tus-Resumable": "1.0.0"}
_BODY = "application/offset+octet-stream"
_API = "/api/v1/"
#: Refusals that are about the batch or the person: the next file would get the same answer.
_FOR_ALL = frozenset({"batch_not_writable", "fulfillment_not_active", "not_verified"})


@dataclass(frozen=True)
class Local:
    """One file to send. ``name``: relative path. ``modified``: time of change in ms, as a browser says it."""

    name: str = field(repr=False)
    path: Path = field(repr=False)
    size: int
    modified: str


@dataclass(frozen=True)
class Wanted:
    """A file that the server lacks: from ``offset`` at ``address``, or new where there is none."""

    file: Local
    address: str = ""
    offset: int = 0


@dataclass
class Sent:
    """What became of the files. ``refused``: why files were not taken, by name."""

    here: int = 0
    taken: int = 0
    bytes: int = 0
    refused: dict[str, Refused] = field(default_factory=dict, repr=False)


def local_files(folder: Path, names: Iterable[str]) -> Iterator[Local]:
    """The files with size and time of change; one that is gone meanwhile is left out."""
    for name in names:
        path = folder / name
        try:
            about = path.stat()
        except OSError:
            continue
        yield Local(name, path, about.st_size, str(about.st_mtime_ns // 1_000_000))


def sort_out(
    server: Server, batch: str, files: Iterable[Local], told: Callable[[int], None] = lambda _: None
) -> tuple[list[Wanted], int]:
    """Which files are to be sent, and how many the server has. Content is compared by SHA-256 where path and size are the same."""
    rest = iter(files)
    wanted: list[Wanted] = []
    here = 0
    while some := list(islice(rest, ASKED_AT_ONCE)):
        answers = _known(server, batch, [_question(one) for one in some])
        doubtful = [one for one, answer in zip(some, answers, strict=True) if answer["state"] == "compare"]
        if doubtful:
            again = _known(server, batch, [_question(one) | {"sha256": sha256_of(one.path)} for one in doubtful])
            compared = dict(zip((one.name for one in doubtful), again, strict=True))
            answers = [compared.get(one.name, answer) for one, answer in zip(some, answers, strict=True)]
        for one, answer in zip(some, answers, strict=True):
            if answer["state"] == "here":
                here += 1
            elif answer["state"] == "resume":
                wanted.append(Wanted(one, _within(answer["upload"]), int(answer["offset"])))
            else:
                wanted.append(Wanted(one))
        told(len(some))
    return wanted, here


def _question(one: Local) -> dict[str, Any]:
    return {"relative_path": one.name, "size": one.size, "modified": one.modified}


def _known(server: Server, batch: str, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = server.call("POST", f"batches/{batch}/uploads/known/", json={"files": files})
    try:
        found: list[dict[str, Any]] = answer.json()["files"]
    except (ValueError, KeyError, TypeError):
        raise Refused(
            answer.status_code, "not_the_api", "The server's answer is not the API's.", "Check --server."
        ) from None
    return found


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def send_all(
    server: Server, batch: str, wanted: list[Wanted], *, parallel: int, moved: Callable[[int, int], None]
) -> Sent:
    """Send every file, ``parallel`` at a time. ``moved`` hears (bytes, files) as they arrive at the server.

    A refusal of one file does not stop the others; one that holds for all does, as ``Refused``. What was sent stays sent.
    """
    sent = Sent()
    stop = threading.Event()
    with ThreadPoolExecutor(parallel, thread_name_prefix="push") as pool:
        waiting: dict[Future[int], Local] = {}
        rest = iter(wanted)

        def fill() -> None:
            for one in islice(rest, max(0, 2 * parallel - len(waiting))):
                waiting[pool.submit(_Transfer(server, batch, one, stop, moved).run)] = one.file

        fill()
        try:
            while waiting:
                done = next(as_completed(waiting))
                file = waiting.pop(done)
                try:
                    sent.bytes += done.result()
                    sent.taken += 1
                    moved(0, 1)
                except Refused as refusal:
                    if _is_for_all(refusal):
                        raise
                    sent.refused[file.name] = refusal
                    moved(0, 1)
                fill()
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return sent


def _is_for_all(refusal: Refused) -> bool:
    return refusal.status in (0, 401, 404) or refusal.code in _FOR_ALL or (refusal.status == 403 and not refusal.code)


class _Transfer:
    """One file on its way."""

    def __init__(
        self, server: Server, batch: str, wanted: Wanted, stop: threading.Event, moved: Callable[[int, int], None]
    ) -> None:
        self.server, self.batch, self.file = server, batch, wanted.file
        self.address, self.offset = wanted.address, wanted.offset
        self.stop, self.moved = stop, moved
        self.sent = 0
        self.counted = 0

    def run(self) -> int:
        """Send it; returns the bytes that went out."""
        try:
            with self.file.path.open("rb") as stream:
                self._count(self.offset)
                self._all_parts(stream)
        except OSError as error:
            cause = f"The file cannot be read ({error.strerror})."
            raise Refused(400, "cannot_read", cause, "Look at its permissions, and send again.") from None
        self._count(self.file.size)
        return self.sent

    def _all_parts(self, stream: Any) -> None:
        tries = 0
        while not self.address or self.offset < self.file.size:
            if self.stop.is_set():
                raise Refused(0, "stopped", "The run was stopped.", "Run the same command again.")
            stream.seek(self.offset)
            part = stream.read(min(PART_BYTES, self.file.size - self.offset))
            if len(part) < min(PART_BYTES, self.file.size - self.offset):
                raise Refused(
                    400, "changed", "The file became shorter while it was sent.", "Send it again once it is whole."
                )
            before = self.offset
            try:
                self._part(part)
            except Refused as refusal:
                tries += 1
                if tries >= _TRIES or not self._goes_on(refusal, tries):
                    raise
            tries = 0 if self.offset > before else tries
            self._count(self.offset)

    def _part(self, part: bytes) -> None:
        """Append a part, or begin the transfer with it."""
        digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
        headers = {**_TUS, "Content-Type": _BODY, "Upload-Checksum": f"sha256 {digest}"}
        if self.address:
            answer = self.server.call(
                "PATCH", self.address, content=part, headers={**headers, "Upload-Offset": str(self.offset)}
            )
        else:
            answer = self.server.call(
                "POST",
                f"batches/{self.batch}/uploads/",
                content=part,
                headers={**headers, "Upload-Length": str(self.file.size), "Upload-Metadata": self._metadata()},
            )
            self.address = _within(answer.headers.get("Location", ""))
        self.sent += len(part)
        self.offset = int(answer.headers.get("Upload-Offset", self.offset + len(part)))

    def _goes_on(self, refusal: Refused, tries: int) -> bool:
        """Whether the refusal is a matter of this protocol, and what to do about it: ask for the offset, begin anew, or wait."""
        if refusal.status in (404, 410) and self.address:
            self.address, self.offset = "", 0
            return True
        if refusal.status == 460 or refusal.code == "interrupted":
            return True
        if refusal.status in (409, 423) and self.address and refusal.code in ("offset_mismatch", "upload_busy"):
            if refusal.code == "upload_busy":
                self.server.pause(min(10.0, 0.5 * tries))
            answer = self.server.call("HEAD", self.address, headers=_TUS)
            self.offset = int(answer.headers.get("Upload-Offset", 0))
            return True
        return False

    def _metadata(self) -> str:
        said = {"relativePath": self.file.name, "lastModified": self.file.modified}
        return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())

    def _count(self, offset: int) -> None:
        """Tell how far it is; backwards too, where the server lost a part."""
        self.moved(offset - self.counted, 0)
        self.counted = offset


def _within(address: str) -> str:
    """A transfer's address relative to the API of the server that we speak to: the token goes nowhere else."""
    path = httpx.URL(address).path if address else ""
    _, found, rest = path.partition(_API)
    if not found or not rest:
        raise Refused(502, "not_the_api", "The server gave no address for the transfer.", "Check --server.")
    return rest


def wait_until_settled(server: Server, batch: str, told: Callable[[int, int], None]) -> dict[str, Any]:
    """Follow the batch until every file is settled; returns the last progress."""
    pause = 1.0
    while True:
        found: dict[str, Any] = server.json(f"batches/{batch}/progress/")
        told(int(found["settled"]), int(found["total"]))
        if found["is_settled"]:
            return found
        server.pause(pause)
        pause = min(10.0, pause * 1.3)


def refused_by_server(server: Server, batch: str) -> list[dict[str, Any]]:
    """The files of the batch that did not pass, as the API tells them."""
    return [
        row
        for status in ("rejected", "quarantined", "failed")
        for row in server.pages(f"batches/{batch}/files/", params={"status": status})
    ]
