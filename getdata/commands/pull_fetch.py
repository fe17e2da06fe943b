"""Fetching the files of a release: several at a time, going on where an earlier run stopped, each checked by its SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

import httpx

from getdata.commands.connection import Refused, Server, pause_before
from getdata.commands.pull_choice import File

_BLOCK = 256 * 1024
PART = ".part"


@dataclass
class Fetched:
    """What became of the files. ``again``: damaged ones that were fetched anew; ``damaged``: those that stayed so."""

    new: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    received: int = 0


class Stopped(Exception):
    """Another file failed for good, or somebody pressed Ctrl-C."""


class Fetcher:
    """Brings files of one release into one folder. ``progress`` hears of bytes that are in place."""

    def __init__(
        self,
        server: Server,
        release: str,
        folder: Path,
        *,
        session: str,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.server, self.release, self.folder = server, release, folder
        self.session, self.progress = session, progress
        self.outcome = Fetched()
        self._stop = Event()

    def fetch(self, files: Sequence[File], *, jobs: int) -> Fetched:
        """All of them. Raises ``Refused`` or ``OSError`` as soon as one fails for good; what is done stays done."""
        for file in files:
            inside(self.folder, file.path)
        with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="pull") as pool:
            try:
                running = [pool.submit(self.one, file) for file in files]
                done, _ = wait(running, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return self.outcome

    def one(self, file: File) -> None:
        """One file, if it is not there already: fetched, checked, and once more if it came damaged."""
        target = inside(self.folder, file.path)
        if target.is_file():
            if digest_of(target) == file.sha256:
                self.outcome.kept.append(file.path)
                self.progress(file.size)
                return
            self.outcome.again.append(file.path)
            target.unlink()
        part = target.with_name(target.name + PART)
        part.parent.mkdir(parents=True, exist_ok=True)
        for last in (False, True):
            if self._complete(file, part) == file.sha256:
                os.replace(part, target)
                self.outcome.new.append(file.path)
                return
            part.unlink()
            self.progress(-file.size)
            if not last and file.path not in self.outcome.again:
                self.outcome.again.append(file.path)
        self.outcome.damaged.append(file.path)

    def _complete(self, file: File, part: Path) -> str:
        """Bring the part to its whole length and return its SHA-256. What an earlier run left is not fetched again."""
        digest, have = hashlib.sha256(), 0
        if part.exists():
            if part.stat().st_size <= file.size:
                have = _feed(digest, part)
                self.progress(have)
            else:
                part.unlink()
        part.touch()
        without_progress = 0
        while have < file.size:
            before = have
            try:
                digest, have = self._receive(file, part, digest, have)
            except httpx.TransportError:
                without_progress = 0 if part.stat().st_size > before else without_progress + 1
                if without_progress >= self.server.tries:
                    raise Refused(
                        0,
                        "unreachable",
                        "The connection was cut again and again.",
                        "Run the same command again: what is done stays done.",
                    ) from None
                digest = hashlib.sha256()
                have = _feed(digest, part)
                self.server.tell("the connection")
                self.server.pause(pause_before(without_progress))
        return digest.hexdigest()

    def _receive(self, file: File, part: Path, digest: Any, have: int) -> tuple[Any, int]:
        headers = {"Accept-Encoding": "identity", "GetDATA-Session": self.session}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": f'"{file.sha256}"'}
        address = f"releases/{self.release}/files/{quote(file.path)}"
        with self.server.stream(address, headers=headers) as answer:
            if have and answer.status_code != 206:  # the whole file comes: begin again
                self.progress(-have)
                digest, have = hashlib.sha256(), 0
                part.write_bytes(b"")
            # Unbuffered: what was received is on disk when the process is killed.
            with part.open("ab", buffering=0) as out:
                for block in answer.iter_raw():  # as it comes: a chunk that is waited for would be lost with a cut
                    if self._stop.is_set():
                        raise Stopped
                    block = block[: file.size - have]
                    out.write(block)
                    digest.update(block)
                    have += len(block)
                    self.outcome.received += len(block)
                    self.progress(len(block))
                    if have >= file.size:
                        break
        return digest, have


def inside(folder: Path, path: str) -> Path:
    """Where a file of the release goes. Raises ``Refused`` for a path that would leave the folder: a server is not trusted."""
    parts = path.split("/")
    odd = not path.isprintable() or "\\" in path or ":" in path
    if odd or any(part in ("", ".", "..") for part in parts) or path.endswith(PART):
        raise Refused(
            0, "bad_path", "The server named a file outside the folder.", "Do not use it; tell GetDATA's staff."
        )
    place = folder.joinpath(*parts)
    if not place.parent.resolve().is_relative_to(folder.resolve()):
        raise Refused(0, "bad_path", "A link in the folder leads out of it.", "Name an empty folder with --to.")
    return place


def digest_of(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _feed(digest: Any, path: Path) -> int:
    size = 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return size
