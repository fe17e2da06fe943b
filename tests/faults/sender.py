"""A hospital's client: sends files over tus, in parallel, and goes on after whatever breaks, as any resuming client does."""

from __future__ import annotations

import base64
import random
import socket
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

_TUS = {"Tus-Resumable": "1.0.0"}


class Sender:
    """Sends files; counts what it met. ``cut`` in 0..1: how often the connection is cut in the middle of a body."""

    def __init__(
        self, url: str, token: str, batch: str, *, parallel: int = 3, cut: float = 0.0, copies: int = 1
    ) -> None:
        self.url, self.batch, self.parallel, self.cut, self.copies = url, batch, parallel, cut, copies
        self.headers = {"Authorization": f"Bearer {token}"}
        self.sent = self.cuts = self.refusals = self.broken = 0
        self.codes: set[str] = set()
        self._lock = threading.Lock()
        self._dice = random.Random(1)

    def send_all(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Returns when every file has been taken in."""
        with ThreadPoolExecutor(self.parallel) as pool:
            jobs = [pool.submit(self._send, name, data) for name, data in files for _ in range(self.copies)]
            for job in jobs:
                job.result()

    def _send(self, name: str, data: bytes) -> None:
        with httpx.Client(base_url=self.url, headers=self.headers, timeout=60) as client:
            address = ""
            while True:
                try:
                    address = address or self._create(client, name, data)
                    if address and self._append(client, address, data):
                        break
                except httpx.TransportError:
                    self._count("broken")
                except LookupError:
                    address = ""  # the server knows it no more: begin again
                time.sleep(0.3)
        self._count("sent")

    def _create(self, client: httpx.Client, name: str, data: bytes) -> str:
        metadata = f"filename {base64.b64encode(name.encode()).decode()}"
        answer = client.post(
            f"/api/v1/batches/{self.batch}/uploads/",
            headers={**_TUS, "Upload-Length": str(len(data)), "Upload-Metadata": metadata},
        )
        if answer.status_code != 201:
            self._refused(answer)
            return ""
        return answer.headers["Location"]

    def _append(self, client: httpx.Client, address: str, data: bytes) -> bool:
        asked = client.head(address, headers=_TUS)
        if asked.status_code in (404, 410):
            raise LookupError
        if asked.status_code != 200:
            self._refused(asked)
            return False
        offset = int(asked.headers["Upload-Offset"])
        if offset == len(data):
            return True
        headers = {**_TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        if self._dice.random() < self.cut:
            self._cut(address, headers, data[offset:])
            return False
        answer = client.patch(address, headers=headers, content=data[offset:])
        if answer.status_code in (404, 410):
            raise LookupError  # the other copy of this file was quicker, and ended this transfer
        if answer.status_code != 204:
            self._refused(answer)
            return False
        return int(answer.headers["Upload-Offset"]) == len(data)

    def _cut(self, address: str, headers: dict[str, str], body: bytes) -> None:
        """Announce the whole body, send half of it, and be gone."""
        self._count("cuts")
        at = urlsplit(self.url)
        lines = [f"PATCH {address} HTTP/1.1", f"Host: {at.netloc}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (self.headers | headers).items()]
        with socket.create_connection((at.hostname, at.port), timeout=10) as wire:
            wire.sendall("\r\n".join([*lines, "", ""]).encode() + body[: len(body) // 2])
            time.sleep(0.02)

    def _refused(self, answer: httpx.Response) -> None:
        """Only "later" is an answer to go on after; anything else is a fault of the portal."""
        try:
            code = answer.json()["code"]
        except (ValueError, KeyError):
            code = str(answer.status_code)
        if answer.status_code < 500 and answer.status_code not in (409, 423):
            raise AssertionError(f"refused with {answer.status_code}: {code}")
        with self._lock:
            self.refusals += 1
            self.codes.add(f"{answer.status_code} {code}")

    def _count(self, name: str) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)
