"""A request's body, read in blocks: never whole in memory, never taken for complete when the sender went away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

from django.http import HttpRequest

from fulfillment.uploads.staging import BLOCK


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class Interrupted(Exception):
    """The sender went away before the announced end. What was read until then is good."""


class Body:
    """Bytes that arrive. ``announced`` is Content-Length, or None for a chunked body without one."""

    def __init__(self, stream: Readable, announced: int | None) -> None:
        self.stream, self.announced = stream, announced
        self.left = announced

    def read(self, size: int = BLOCK) -> bytes:
        """At most ``size`` bytes, ``b""`` at the end. Raises ``Interrupted``.

        A server hands a broken connection over as an early end; with Content-Length we can tell, without it nobody can.
        """
        wanted = size if self.left is None else min(size, self.left)
        if wanted == 0:
            return b""
        try:
            block = self.stream.read(wanted)
        except OSError as error:
            raise Interrupted from error
        if not block:
            if self.left:
                raise Interrupted
            return b""
        if self.left is not None:
            self.left -= len(block)
        return block

    def blocks(self) -> Iterator[bytes]:
        """The body, block by block. Raises ``Interrupted``."""
        while block := self.read():
            yield block

    def drain(self, limit: int) -> None:
        """Read and forget up to ``limit`` bytes, so that a client still sending gets to read the answer."""
        if self.left is not None and self.left > limit:
            return
        try:
            while limit > 0 and (block := self.read()):
                limit -= len(block)
        except Interrupted:
            return


def body_of(request: HttpRequest) -> Body:
    """The body of a Django request that nothing has read yet.

    Under WSGI Django reads Content-Length bytes and takes a chunked body for empty: we read that one from the server.
    """
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdigit():
        return Body(request, int(length))
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        environ = getattr(request, "environ", {})
        return Body(environ.get("wsgi.input", request), None)
    return Body(request, 0)


class Checksum:
    """What the sender says the bytes' digest is (tus ``Upload-Checksum``). ``algorithm`` is sha256 or sha1."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self.algorithm, self.expected = algorithm, expected
        # sha1 is what many tus clients send: it guards against damage on the way here, not against people.
        self._hash = hashlib.new(algorithm, usedforsecurity=False)

    def update(self, block: bytes) -> None:
        self._hash.update(block)

    def matches(self) -> bool:
        return self._hash.digest() == self.expected
