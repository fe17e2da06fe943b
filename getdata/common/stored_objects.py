"""What lies in a private storage: every object's key and size, and its SHA-256, in constant memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from django.core.files.storage import Storage

_BLOCK = 1024**2


def keys(store: Storage, folder: str = "") -> Iterator[str]:
    """The keys of all objects below ``folder``, sorted within each folder. Half-written files of a save are left out."""
    bucket = getattr(store, "bucket", None)
    if bucket is not None:
        yield from (item.key for item in bucket.objects.filter(Prefix=f"{folder}/" if folder else ""))
        return
    try:
        folders, files = store.listdir(folder)
    except FileNotFoundError:
        return
    start = f"{folder}/" if folder else ""
    yield from (start + name for name in sorted(files) if not name.startswith(".part-"))
    for name in sorted(folders):
        yield from keys(store, start + name)


def blocks(store: Storage, key: str) -> Iterator[bytes]:
    """The object's bytes. Raises ``FileNotFoundError``."""
    with store.open(key, "rb") as handle:
        while block := handle.read(_BLOCK):
            yield block


def sha256(store: Storage, key: str) -> tuple[str, int]:
    """The object's SHA-256 (hex) and size. Raises ``FileNotFoundError``."""
    digest, size = hashlib.sha256(), 0
    for block in blocks(store, key):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def written_at(store: Storage, key: str) -> datetime:
    """When the object was last written. Raises ``FileNotFoundError``."""
    return store.get_modified_time(key)
