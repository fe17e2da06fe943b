"""Sealed objects of any size: a data key of its own for each object, wrapped by a key of the organization.

Layout of an object: ``b"GD2"``, 8 bytes key id, 12 bytes nonce, 48 bytes wrapped data key, 7 bytes nonce prefix; then segments of
1 MiB, each AES-256-GCM under the data key with nonce ``prefix | counter (4 bytes) | 1 for the last segment, else 0``. Counter and
mark make a segment that was cut off, repeated or moved fail to open (STREAM: Hoang, Reyhanitabar, Rogaway, Vizár 2015).
The header and a context (the place the object belongs to) are bound into every segment as associated data.
Memory stays at a few segments whatever the object's size.
"""

from __future__ import annotations

import io
import secrets
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from getdata.common.crypto import CannotOpen

MAGIC = b"GD2"
SEGMENT = 1024**2
_TAG, _NONCE, _PREFIX, _KEY_ID, _DATA_KEY = 16, 12, 7, 8, 32
HEADER = len(MAGIC) + _KEY_ID + _NONCE + _DATA_KEY + _TAG + _PREFIX


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True)
class WrappingKey:
    """An organization's key: ``ident`` (16 hex digits) stands in the header of what it sealed, ``secret`` is 32 bytes."""

    ident: str
    secret: bytes = field(repr=False)


def seal_blocks(source: Readable, key: WrappingKey, *, context: str) -> Iterator[bytes]:
    """The sealed object, block by block, of everything that ``source`` gives."""
    data_key, nonce, prefix = AESGCM.generate_key(256), secrets.token_bytes(_NONCE), secrets.token_bytes(_PREFIX)
    start = MAGIC + bytes.fromhex(key.ident)
    wrapped = AESGCM(key.secret).encrypt(nonce, data_key, _bound(start, context))
    header = start + nonce + wrapped + prefix
    yield header
    box, bound, counter = AESGCM(data_key), _bound(header, context), 0
    segment = _whole(source, SEGMENT)
    while True:
        following = _whole(source, SEGMENT) if len(segment) == SEGMENT else b""
        yield box.encrypt(_nonce(prefix, counter, not following), segment, bound)
        if not following:
            return
        segment, counter = following, counter + 1


def open_blocks(source: Readable, key_of: Callable[[str], bytes], *, context: str) -> Iterator[bytes]:
    """The content of a sealed object, block by block; each block is authentic when it is given.

    ``key_of`` gives the secret of a key by its ident and raises ``CannotOpen`` for one it does not know. Raises ``CannotOpen``
    for an object that is damaged, cut short, of another place or of another organization; what was given before is then no
    whole object and must be thrown away.
    """
    header = _whole(source, HEADER)
    if len(header) < HEADER or not is_envelope(header):
        raise CannotOpen("not a sealed object")
    ident_end = len(MAGIC) + _KEY_ID
    nonce_end, wrapped_end = ident_end + _NONCE, HEADER - _PREFIX
    secret = key_of(header[len(MAGIC) : ident_end].hex())
    try:
        wrapped = header[nonce_end:wrapped_end]
        data_key = AESGCM(secret).decrypt(header[ident_end:nonce_end], wrapped, _bound(header[:ident_end], context))
        box, bound, prefix, counter = AESGCM(data_key), _bound(header, context), header[wrapped_end:], 0
        segment = _whole(source, SEGMENT + _TAG)
        while True:
            following = _whole(source, SEGMENT + _TAG) if len(segment) == SEGMENT + _TAG else b""
            yield box.decrypt(_nonce(prefix, counter, not following), segment, bound)
            if not following:
                return
            segment, counter = following, counter + 1
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("damaged, cut short, of another place, or sealed with another key") from error


def is_envelope(head: bytes) -> bool:
    """Whether the first bytes are those of an object sealed here."""
    return head[: len(MAGIC)] == MAGIC


def named_key(head: bytes) -> str:
    """The ident of the key that the object's header names, or ``""`` where it is no envelope."""
    return head[len(MAGIC) : len(MAGIC) + _KEY_ID].hex() if is_envelope(head) else ""


class BlockReader(io.RawIOBase):
    """Blocks as a file that can be read once, from front to back: what a storage uploads from."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def read(self, size: int | None = -1) -> bytes:
        """``size`` bytes, fewer only at the end: a short read would end an upload."""
        wanted = -1 if size is None else size
        found = bytearray()
        while wanted < 0 or len(found) < wanted:
            block = super().read(SEGMENT if wanted < 0 else wanted - len(found))
            if not block:
                break
            found += block
        return bytes(found)


def _whole(source: Readable, size: int) -> bytes:
    """``size`` bytes, fewer only at the end."""
    block = source.read(size)
    while block and len(block) < size and (more := source.read(size - len(block))):
        block += more
    return block


def _nonce(prefix: bytes, counter: int, last: bool) -> bytes:
    return prefix + struct.pack(">IB", counter, last)


def _bound(header: bytes, context: str) -> bytes:
    return header + b"\0" + context.encode()
