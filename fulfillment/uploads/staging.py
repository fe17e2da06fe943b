"""Files on their way in, on local disk under ``settings.STAGING``, each named by a key of ours."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from django.conf import settings

BLOCK = 256 * 1024
#: An upload's key, or what the archive reader makes of it.
_NAME = re.compile(r"^(member-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


class Busy(Exception):
    """Another request is writing to this file."""


class Missing(Exception):
    """There is no such file (any more)."""


def folder() -> Path:
    """The staging folder, made if needed, closed to other users of the machine."""
    place = Path(settings.STAGING)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


def path(name: str) -> Path:
    """Where a staged file lies. ``ValueError`` for anything but a key of ours."""
    if not _NAME.match(name):
        raise ValueError("not the name of a staged file")
    return folder() / name


def create(name: str = "") -> str:
    """Make an empty staged file and return its name. Raises ``FileExistsError``."""
    name = name or str(uuid.uuid4())
    os.close(os.open(path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return name


@contextmanager
def writing(name: str) -> Iterator[FileIO]:
    """The staged file, open for reading and writing without a buffer, held by this request alone.

    Raises ``Busy`` when another request holds it and ``Missing`` when it is gone.
    """
    try:
        handle = open(path(name), "r+b", buffering=0)  # noqa: SIM115 (closed below, after the lock is known to be ours)
    except FileNotFoundError as error:
        raise Missing from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy from error
        if os.fstat(handle.fileno()).st_nlink == 0:  # removed between open and lock
            raise Missing
        yield handle


def write_all(handle: FileIO, block: bytes) -> None:
    """Write the whole block: an unbuffered write may take only a part of it."""
    view = memoryview(block)
    while view:
        view = view[handle.write(view) or 0 :]


def make_durable(handle: FileIO) -> None:
    """Return once the file and its directory entry would survive a power cut."""
    os.fsync(handle.fileno())
    directory = os.open(folder(), os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def size(name: str) -> int:
    """Bytes of a staged file; 0 when it is gone."""
    try:
        return path(name).stat().st_size
    except FileNotFoundError:
        return 0


def head(name: str, length: int = 64 * 1024) -> bytes:
    """The first bytes of a staged file; empty when it is gone."""
    try:
        with path(name).open("rb") as handle:
            return handle.read(length)
    except FileNotFoundError:
        return b""


def sha256_of(handle: FileIO) -> str:
    """SHA-256 (hex) of an open file, from its beginning."""
    handle.seek(0)
    total = hashlib.sha256()
    while block := handle.read(BLOCK):
        total.update(block)
    return total.hexdigest()


def discard(name: str) -> None:
    """Remove a staged file; one that is gone already is fine."""
    if name:
        path(name).unlink(missing_ok=True)
