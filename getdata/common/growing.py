"""A stored object that grows: written in order by one worker after another, readable under its key only once it is whole.

On local disk it is a file beside its place, renamed at the end: nothing is written twice. In S3 it is a multipart upload. A writer
begins anywhere at or before what is there already, and writes the same bytes again from there: then nothing can be torn, and
two workers that hold the same object for a moment do no harm.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from django.core.files.storage import FileSystemStorage, Storage

_MIB = 1024 * 1024
#: S3 takes at most 10,000 parts.
_PARTS, _SMALLEST = 9_000, 16 * _MIB


class GrowingObject(Protocol):
    """``secured`` bytes survive a kill. ``token`` finds the object again; keep it with them."""

    secured: int
    token: str

    def begin(self, at: int) -> None:
        """Go on from ``at``, which is at most ``secured``."""

    def write(self, data: bytes) -> None:
        """Add bytes."""

    def secure(self) -> int:
        """Make safe what can be made safe; returns ``secured``."""

    def so_far(self, at: int) -> Iterator[bytes] | None:
        """The first ``at`` bytes, to be read before ``begin``; None where they cannot be read before the object is whole."""

    def finish(self) -> None:
        """The object is whole: put it in its place."""


def grow(storage: Storage, key: str, *, token: str = "", expected: int = 0) -> GrowingObject:
    """The growing object for ``key``: the one of ``token`` if it is still there, else a new one.

    ``expected`` is about how many bytes it will have; the same each time, for parts in S3 are all of one size.
    """
    if isinstance(storage, FileSystemStorage):
        return _LocalObject(Path(storage.path(key)))
    return _S3Object(storage, key, token, max(_SMALLEST, -(-expected // _PARTS // _MIB) * _MIB))


def abandon(storage: Storage, key: str, *, token: str = "") -> None:
    """Remove what has grown so far. Does nothing where nothing is there."""
    if isinstance(storage, FileSystemStorage):
        _part(Path(storage.path(key))).unlink(missing_ok=True)
    elif token:
        _S3Object(storage, key, token, _SMALLEST).abort()


def _part(place: Path) -> Path:
    return place.with_name(f".{place.name}.part")


class _LocalObject:
    token = ""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.part = _part(place)
        self.secured = self.part.stat().st_size if self.part.exists() else 0
        self._handle: Any = None

    def so_far(self, at: int) -> Iterator[bytes] | None:
        return _blocks(self.part.open("rb"), at) if at else iter(())

    def begin(self, at: int) -> None:
        self.part.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.fdopen(os.open(self.part, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        self._handle.truncate(at)
        self._handle.seek(at)
        self.secured = at

    def write(self, data: bytes) -> None:
        self._handle.write(data)

    def secure(self) -> int:
        self._handle.flush()
        os.fsync(self._handle.fileno())
        self.secured = self._handle.tell()
        return self.secured

    def finish(self) -> None:
        self.secure()
        self._handle.close()
        os.replace(self.part, self.place)


class _S3Object:
    def __init__(self, storage: Any, key: str, token: str, part_size: int) -> None:
        self._client = storage.connection.meta.client
        self._place = {"Bucket": storage.bucket_name, "Key": storage._normalize_name(key)}
        self._part_size = part_size
        self._parts: list[dict[str, Any]] = []
        self.token = token
        self.secured = self._already() if token else 0
        if not self.token:
            self.token = self._client.create_multipart_upload(**self._place)["UploadId"]
        self._buffer = bytearray()
        self._skip = 0

    def _already(self) -> int:
        """What is there of an upload begun before; a gap or a part of another size ends it."""
        from botocore.exceptions import ClientError

        try:
            pages = self._client.get_paginator("list_parts").paginate(**self._place, UploadId=self.token)
            found = [part for page in pages for part in page.get("Parts", [])]
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchUpload", "NoSuchKey", "404"):
                raise
            self.token = ""
            return 0
        for number, part in enumerate(found, start=1):
            if part["PartNumber"] != number or part["Size"] != self._part_size:
                break
            self._parts.append({"PartNumber": number, "ETag": part["ETag"]})
        return len(self._parts) * self._part_size

    def so_far(self, at: int) -> Iterator[bytes] | None:
        return iter(()) if not at else None

    def begin(self, at: int) -> None:
        self._skip = self.secured - at

    def write(self, data: bytes) -> None:
        if self._skip:
            gone = min(self._skip, len(data))
            self._skip -= gone
            data = data[gone:]
        self._buffer += data
        while len(self._buffer) >= self._part_size:
            self._send(bytes(memoryview(self._buffer)[: self._part_size]))
            del self._buffer[: self._part_size]

    def _send(self, data: bytes) -> None:
        number = len(self._parts) + 1
        sent = self._client.upload_part(**self._place, UploadId=self.token, PartNumber=number, Body=data)
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self.secured += len(data)

    def secure(self) -> int:
        return self.secured

    def finish(self) -> None:
        if self._buffer or not self._parts:
            self._send(bytes(self._buffer))
            self._buffer.clear()
        self._client.complete_multipart_upload(
            **self._place, UploadId=self.token, MultipartUpload={"Parts": self._parts}
        )

    def abort(self) -> None:
        from botocore.exceptions import ClientError

        if not self.token:
            return
        try:
            self._client.abort_multipart_upload(**self._place, UploadId=self.token)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchUpload", "NoSuchKey", "404"):
                raise


def _blocks(handle: Any, left: int) -> Iterator[bytes]:
    try:
        while left > 0 and (block := handle.read(min(_MIB, left))):
            left -= len(block)
            yield block
    finally:
        handle.close()
