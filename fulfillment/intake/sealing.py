"""Objects in the quarantine storage: sealed as envelopes under the hospital's key, old ones still readable."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.core.files.base import File

from fulfillment.models import SealingKey
from getdata.audit.chain import record
from getdata.common import crypto, storage
from getdata.common.envelope import (
    HEADER,
    BlockReader,
    Readable,
    WrappingKey,
    is_envelope,
    named_key,
    open_blocks,
    seal_blocks,
)


def scope_of(hospital_id: UUID) -> str:
    """The scope of a hospital's originals and file names."""
    return f"originals:{hospital_id}"


def put(hospital_id: UUID, key: str, content: bytes | Path) -> None:
    """Seal ``content``, bytes or a file of any size, for a hospital and store it under ``key``.

    Raises ``storage.Unreachable``.
    """
    if isinstance(content, bytes):
        _save(hospital_id, key, BytesIO(content))
        return
    with content.open("rb") as source:
        _save(hospital_id, key, source)


def get(hospital_id: UUID, key: str) -> bytes:
    """The content of a sealed object. Raises ``CannotOpen``, ``FileNotFoundError`` or ``storage.Unreachable``."""
    return storage.persist(lambda: b"".join(blocks(hospital_id, key)))


def blocks(hospital_id: UUID, key: str) -> Iterator[bytes]:
    """The content block by block, in the memory of a few blocks. Raises as :func:`get` does, at the latest before the last block."""
    with storage.quarantine().open(key, "rb") as handle:
        head = handle.read(HEADER)
        if is_envelope(head):
            yield from _opened(hospital_id, key, _Rest(head, handle))
        else:  # sealed before there were envelopes: one piece, under a key derived for the hospital
            yield crypto.unseal(head + handle.read(), scope=scope_of(hospital_id))


def key_of(key: str) -> str:
    """The ident of the sealing key that a stored object names, or ``""`` for one from before there were envelopes.

    Raises ``FileNotFoundError``.
    """
    with storage.quarantine().open(key, "rb") as handle:
        return named_key(handle.read(HEADER))


def seal_again(hospital_id: UUID, key: str) -> None:
    """Seal an object anew, under the hospital's newest key and a data key of its own, in the place where it is.

    A reader sees the old object or the new one, both whole. Raises as :func:`get` and :func:`put` do.
    """
    wrapping = _current(hospital_id)

    def save() -> None:
        content = blocks(hospital_id, key)
        # The key is looked up with the first block: here, because a store's client reads the rest in a thread of its own.
        first = next(content, b"")
        source = BlockReader(chain([first], content))
        reader = BlockReader(seal_blocks(source, wrapping, context=_context(hospital_id, key)))
        storage.quarantine().save(key, File(reader, name=key))  # type: ignore[arg-type]  # all a storage does is read it

    storage.persist(save)


def new_key(hospital_id: UUID, number: int = 1) -> SealingKey:
    """The hospital's key of that number, made if there is none: what is sealed from now on is sealed under the highest."""
    made, fresh = SealingKey.objects.get_or_create(
        organization_id=hospital_id,
        number=number,
        defaults={
            "ident": secrets.token_hex(8),
            "sealed_secret": crypto.seal(secrets.token_bytes(32), scope=key_scope(hospital_id)),
        },
    )
    if fresh:
        record(verb="sealingkey.created", target=made, organization_id=hospital_id, data={"number": number})
    return made


def _save(hospital_id: UUID, key: str, source: BinaryIO) -> None:
    wrapping = _current(hospital_id)

    def save() -> None:
        source.seek(0)
        reader = BlockReader(seal_blocks(source, wrapping, context=_context(hospital_id, key)))
        storage.quarantine().save(key, File(reader, name=key))  # type: ignore[arg-type]  # all a storage does is read it

    storage.persist(save)


def _current(hospital_id: UUID) -> WrappingKey:
    newest = SealingKey.objects.filter(organization=hospital_id).order_by("-number").first() or new_key(hospital_id)
    return WrappingKey(newest.ident, _secret(newest))


def _opened(hospital_id: UUID, key: str, source: Readable) -> Iterator[bytes]:
    def key_of(ident: str) -> bytes:
        found = SealingKey.objects.filter(organization=hospital_id, ident=ident).first()
        if found is None:
            raise crypto.CannotOpen("sealed under a key that this hospital does not have")
        return _secret(found)

    return open_blocks(source, key_of, context=_context(hospital_id, key))


def _secret(key: SealingKey) -> bytes:
    if key.retired_at is not None:
        raise crypto.CannotOpen("sealed under a key that was retired")
    return crypto.unseal(bytes(key.sealed_secret), scope=key_scope(key.organization_id))


def key_scope(hospital_id: UUID) -> str:
    """The scope of a hospital's sealing keys."""
    return f"sealing-key:{hospital_id}"


def pseudonym_scope(hospital_id: UUID) -> str:
    """The scope of the secrets behind a hospital's pseudonyms."""
    return f"pseudonym:{hospital_id}"


def _context(hospital_id: UUID, key: str) -> str:
    """What an object is bound to: put in another's place, or given to another hospital, it does not open."""
    return f"{scope_of(hospital_id)}|{key}"


class _Rest:
    """A file whose first bytes were read already."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return self._rest.read(size)
        block, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
        return block
