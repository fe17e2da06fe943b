"""Reading released instances where they lie, without fetching more of them than is needed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from django.conf import settings

from getdata.common import storage

BLOCK = 256 * 1024


def open_object(key: str) -> BinaryIO:
    """A released object, open at its beginning, that can seek. From S3 only the parts that are read are fetched.

    Raises ``FileNotFoundError``, from S3 when it is first read.
    """
    store = storage.released()
    if settings.STORAGE_KIND == "s3":
        return cast(BinaryIO, _Buffered(_Ranged(cast(Any, store).bucket.Object(key))))
    return cast(BinaryIO, store.open(key, "rb"))


def blocks_of(key: str) -> Iterator[bytes]:
    """A whole object, block by block."""
    store = storage.released()
    if settings.STORAGE_KIND == "s3":
        yield from cast(Any, store).bucket.Object(key).get()["Body"].iter_chunks(BLOCK)
        return
    with store.open(key, "rb") as handle:
        while block := handle.read(BLOCK):
            yield block


@contextmanager
def _missing_is_missing() -> Iterator[None]:
    """An object that is not in the store is a file that is not there, wherever files are."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            raise FileNotFoundError("the object is not in the store") from error
        raise


class _Buffered:
    """A buffer over a remote object. Not a ``BufferedReader`` itself: pydicom takes one of those for a file that has a name and
    can be opened again by it."""

    def __init__(self, raw: _Ranged) -> None:
        self._buffer = io.BufferedReader(raw, BLOCK)

    def read(self, size: int = -1) -> bytes:
        return self._buffer.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._buffer.seek(offset, whence)

    def tell(self) -> int:
        return self._buffer.tell()

    def close(self) -> None:
        self._buffer.close()

    def __enter__(self) -> _Buffered:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Ranged(io.RawIOBase):
    """An S3 object read by ranges."""

    def __init__(self, remote: Any) -> None:
        self.remote, self.at, self._size = remote, 0, -1

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def size(self) -> int:
        if self._size < 0:
            with _missing_is_missing():
                self._size = int(self.remote.content_length)
        return self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.at}.get(whence)
        self.at = (self.size() if start is None else start) + offset
        return self.at

    def tell(self) -> int:
        return self.at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self.size() - self.at)
        if wanted <= 0:
            return 0
        with _missing_is_missing():
            block = self.remote.get(Range=f"bytes={self.at}-{self.at + wanted - 1}")["Body"].read()
        buffer[: len(block)] = block
        self.at += len(block)
        return len(block)
