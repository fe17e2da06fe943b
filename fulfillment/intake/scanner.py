"""The optional virus scanner: clamd, asked over a socket (INSTREAM) before anything of a file is read or kept.

Set by ``GETDATA_CLAMD``. With it set nothing passes unscanned: while clamd cannot be asked, files wait in the queue and are tried
again, and a file that clamd will not scan fails with a reason. Archives are scanned member by member, once they were opened.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings

_BLOCK = 256 * 1024
_MOST_ANSWER = 4096


class ScannerDown(Exception):
    """clamd cannot be asked, or does not answer in time: the file waits."""


class ScannerRefuses(Exception):
    """clamd answers with an error, its own limit on size among them: the file costs an attempt."""


class Infected(Exception):
    """clamd found something; ``signature`` is its name for it, without odd characters."""

    def __init__(self, signature: str) -> None:
        self.signature = signature
        super().__init__("infected")


def is_on() -> bool:
    """Whether a scanner is set."""
    return bool(settings.CLAMD)


def scan(blocks: Iterable[bytes]) -> None:
    """Have the bytes scanned. Raises ``Infected``, ``ScannerDown`` or ``ScannerRefuses``; never a byte of the file."""
    try:
        with _connected() as line:
            line.sendall(b"zINSTREAM\0")
            try:
                for block in blocks:
                    for at in range(0, len(block), _BLOCK):
                        part = block[at : at + _BLOCK]
                        line.sendall(struct.pack(">I", len(part)) + part)
                line.sendall(struct.pack(">I", 0))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it says why before it hangs up: more than StreamMaxLength
            answer = _answer(line)
    except OSError as problem:
        raise ScannerDown from problem
    if re.fullmatch(rb"stream: OK", answer):
        return
    found = re.fullmatch(rb"stream: (.+) FOUND", answer)
    if found is None:
        raise ScannerRefuses if answer else ScannerDown
    raise Infected(re.sub(r"[^A-Za-z0-9._/-]", "", found[1].decode("ascii", "replace"))[:80] or "unnamed")


def blocks_of(path: Path) -> Iterator[bytes]:
    """A file, block by block."""
    with path.open("rb") as source:
        while block := source.read(_BLOCK):
            yield block


def _answer(line: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < _MOST_ANSWER:
        block = line.recv(_MOST_ANSWER)
        if not block:
            break
        answer += block
    return answer.strip(b"\0\r\n ")


def _connected() -> socket.socket:
    """A connection to clamd: ``tcp://host:3310`` or ``unix:///run/clamav/clamd.ctl``. Raises ``OSError``."""
    kind, _, place = settings.CLAMD.partition("://")
    if kind == "unix":
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(settings.CLAMD_SECONDS)
            line.connect(place)
        except BaseException:
            line.close()
            raise
        return line
    host, _, port = place.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=settings.CLAMD_SECONDS)
