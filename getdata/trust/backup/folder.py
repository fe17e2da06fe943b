"""The folder that a backup is: a signed description in the clear, and parts that are sealed with the backup's content key.

``backup.json`` says what there is, with sizes and SHA-256; ``database.sealed``, ``keys.sealed`` and ``objects.sealed`` (a line for
each stored object: storage, key, size, SHA-256, whether it is in the backup); ``objects/`` with the objects that were asked for.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from getdata.common.crypto import CannotOpen
from getdata.common.envelope import BlockReader, Readable, WrappingKey, open_blocks, seal_blocks

FORMAT = "getdata-backup/1"
DESCRIPTION = "backup.json"
DATABASE, KEYS, OBJECTS = "database.sealed", "keys.sealed", "objects.sealed"


class Damaged(Exception):
    """A part of the backup is missing, was altered or does not open; the message names it."""


@dataclass(frozen=True)
class Sealer:
    """Writes and opens parts of one backup. ``ident`` is 16 hex digits, ``content_key`` 32 bytes."""

    ident: str
    content_key: bytes

    def write(self, folder: Path, name: str, content: Iterable[bytes], *, squeeze: bool = True) -> dict[str, object]:
        """Seal the blocks as one part. Returns its size and SHA-256 as they lie on disk."""
        path, digest, size = folder / name, hashlib.sha256(), 0
        path.parent.mkdir(parents=True, exist_ok=True)
        source: Readable = BlockReader(_squeezed(content) if squeeze else iter(content))
        with path.open("wb") as out:
            for block in seal_blocks(source, self._key, context=self._context(name)):
                digest.update(block)
                size += len(block)
                out.write(block)
        return {"bytes": size, "sha256": digest.hexdigest()}

    def read(self, folder: Path, name: str, *, squeezed: bool = True) -> Iterator[bytes]:
        """The blocks of a part. Raises ``Damaged``."""
        try:
            with (folder / name).open("rb") as source:
                blocks = open_blocks(source, lambda _: self.content_key, context=self._context(name))
                yield from _unsqueezed(blocks) if squeezed else blocks
        except FileNotFoundError:
            raise Damaged(f"{name} is not in the backup") from None
        except (CannotOpen, zlib.error):
            raise Damaged(f"{name} is damaged, cut short, or belongs to another backup") from None

    @property
    def _key(self) -> WrappingKey:
        return WrappingKey(self.ident, self.content_key)

    def _context(self, name: str) -> str:
        return f"backup:{self.ident}:{name}"


def object_part(alias: str, key: str) -> str:
    """Where a stored object lies in the backup: a key may hold what a disk's names may not."""
    name = hashlib.sha256(key.encode()).hexdigest()
    return f"objects/{alias}/{name[:2]}/{name}"


def in_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a text that comes in blocks."""
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if rest:
        yield rest


def check_parts(folder: Path, parts: dict[str, dict[str, object]]) -> None:
    """Raise ``Damaged`` for the first part that is not as the description says."""
    for name, said in parts.items():
        digest = hashlib.sha256()
        try:
            with (folder / name).open("rb") as source:
                while block := source.read(1024**2):
                    digest.update(block)
        except FileNotFoundError:
            raise Damaged(f"{name} is not in the backup") from None
        if digest.hexdigest() != said["sha256"]:
            raise Damaged(f"{name} is not the file that the backup describes: it was altered")


def _squeezed(content: Iterable[bytes]) -> Iterator[bytes]:
    press = zlib.compressobj(6, zlib.DEFLATED, 31)
    for block in content:
        if out := press.compress(block):
            yield out
    yield press.flush()


def _unsqueezed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    press = zlib.decompressobj(31)
    for block in blocks:
        yield press.decompress(block)
    yield press.flush()
