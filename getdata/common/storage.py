"""The three private storages, and how a file in one of them is sent to a browser."""

from __future__ import annotations

import errno
import mimetypes
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.deconstruct import deconstructible

T = TypeVar("T")
_BLOCK = 256 * 1024
#: Seconds before the second, third and fourth try.
_PAUSES = (0.1, 0.4, 1.0, None)
#: What a full disk, a full quota and a file beyond its limit are called: waiting a second does not help.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
#: How long a signed address of an S3 store can be used to begin a download: also how long after a revocation.
SIGNED_SECONDS = 60
#: After so many bytes a long transfer asks whether it may still go on.
_ASK_AFTER = 4 * 1024**2
_RANGE = re.compile(r"^bytes=([0-9]{0,18})-([0-9]{0,18})$")


@deconstructible
class PrivateFileStorage(FileSystemStorage):
    """Local files that have no address: only our own views send them. Saving the same key again replaces the file."""

    def url(self, name: str | None) -> str:
        raise ValueError("files in private storage have no public address")

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: ContentFile) -> str:  # type: ignore[override]
        """Write beside the target, then rename: a reader never sees half a file, a retry rewrites the same bytes."""
        import os
        import tempfile
        from pathlib import Path

        full = Path(self.path(name))
        full.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=full.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as target:
                for block in content.chunks(_BLOCK):
                    target.write(block if isinstance(block, bytes) else block.encode())
            os.chmod(temporary, 0o600)
            os.replace(temporary, full)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return name


def quarantine() -> Storage:
    """Originals: sealed, read by workers and by the hospital that sent them, destroyed on schedule."""
    return storages["quarantine"]


def released() -> Storage:
    """De-identified instances and release archives."""
    return storages["released"]


def previews() -> Storage:
    """Small 8-bit pictures of de-identified images for the screen."""
    return storages["previews"]


class Unreachable(Exception):
    """The store did not answer, or its disk is full, and trying again did not help. Not the fault of what was to be kept."""


def put(storage: Storage, key: str, data: bytes) -> str:
    """Store ``data`` under exactly ``key`` and return the key. Raises ``Unreachable``."""
    return persist(lambda: storage.save(key, ContentFile(data)))


def get(storage: Storage, key: str) -> bytes:
    """Read a whole object. Raises ``FileNotFoundError``, or ``Unreachable``."""

    def read() -> bytes:
        with storage.open(key, "rb") as handle:
            content: bytes = handle.read()
            return content

    return persist(read)


def persist(call: Callable[[], T]) -> T:
    """Make the call up to four times, with short pauses. What is not there stays not there; anything else may pass."""
    for pause in _PAUSES:
        try:
            return call()
        except Exception as error:  # the store's client raises many kinds
            if not _may_pass(error):
                raise
            if pause is None or getattr(error, "errno", None) in FULL:
                raise Unreachable(type(error).__name__) from error
            time.sleep(pause)
    raise AssertionError("the last pause is None")


def _may_pass(error: Exception) -> bool:
    """Whether the failure is about this moment (disk, network, 5xx, "slow down") and not about the call."""
    if isinstance(error, OSError):
        return not isinstance(error, FileNotFoundError)
    # Told by its module, because importing boto takes a second that the embedded default need not spend.
    if type(error).__module__.partition(".")[0] not in ("botocore", "boto3"):
        return False
    answer = getattr(error, "response", None) or {}
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    return status >= 500 or status in (408, 429)


@dataclass(frozen=True)
class _Part:
    """The bytes of a file that a request asks for (one range, RFC 9110), and the answer's headers."""

    start: int
    stop: int
    status: int
    headers: dict[str, str]
    stale: bool  # If-Range names another version: the whole file is sent


def _asked(request: HttpRequest, *, filename: str, size: int, etag: str, inline: bool = False) -> _Part | HttpResponse:
    """What of the file to send, or the answer 416 where it has no such bytes."""
    headers = _headers(filename, etag, inline)
    start, stop, status = 0, size, 200
    asked = _RANGE.match(request.headers.get("Range", ""))
    if asked and request.headers.get("If-Range", f'"{etag}"') == f'"{etag}"' and any(asked.groups()):
        first, last = asked.groups()
        start = int(first) if first else max(0, size - int(last))
        stop = min(size, int(last) + 1) if first and last else size
        if start >= size or start >= stop:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        status = 206
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    headers["Content-Length"] = str(stop - start)
    return _Part(start, stop, status, headers, stale=asked is not None and status == 200)


def _headers(filename: str, etag: str, inline: bool) -> dict[str, str]:
    return {
        "Content-Disposition": f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(filename)}",
        "Accept-Ranges": "bytes",
        "ETag": f'"{etag}"',
        "Cache-Control": "private, no-store" if not inline else "private, max-age=300",
        "X-Content-Type-Options": "nosniff",
        # A browser shows a lone picture in a page of its own making, on black: that page's own style is all that is allowed.
        "Content-Security-Policy": "default-src 'none'; sandbox" + ("; style-src 'unsafe-inline'" if inline else ""),
    }


def _kind(filename: str) -> str:
    return mimetypes.guess_type(filename)[0] or "application/octet-stream"


def send_file(
    request: HttpRequest,
    storage: Storage,
    key: str,
    *,
    filename: str,
    size: int,
    etag: str,
    inline: bool = False,
    may_go_on: Callable[[], bool] | None = None,
) -> HttpResponseBase:
    """Send a stored file, whole or by ``Range`` (one range, RFC 9110), after the caller has checked who asks.

    S3: a redirect to a signed address that lives a minute. Behind a proxy with GETDATA_X_ACCEL_PREFIX: the proxy sends it.
    Otherwise we stream it (Django's own FileResponse ignores Range) and ask ``may_go_on`` again on the way: where it says no,
    the transfer is cut.
    """
    kind = _kind(filename)
    if settings.X_ACCEL_PREFIX and settings.STORAGE_KIND == "local" and not inline:  # the proxy knows releases only
        response = HttpResponse(content_type=kind, headers=_headers(filename, etag, inline))
        response["X-Accel-Redirect"] = f"{settings.X_ACCEL_PREFIX}/{key}"
        return response
    part = _asked(request, filename=filename, size=size, etag=etag, inline=inline)
    if isinstance(part, HttpResponse):
        return part
    if request.method == "HEAD":  # answered here for S3 too: a signed address is good for GET alone
        return HttpResponse(status=part.status, content_type=kind, headers=part.headers)
    # A stale part is streamed: some stores would send the part all the same.
    if settings.STORAGE_KIND == "s3" and not inline and not part.stale:
        parameters = {"ResponseContentDisposition": part.headers["Content-Disposition"], "ResponseContentType": kind}
        redirect = HttpResponseRedirect(storage.url(key, parameters=parameters, expire=SIGNED_SECONDS))  # type: ignore[call-arg]
        redirect["Cache-Control"] = "private, no-store"
        if part.status == 206:  # for whoever notes the download: the store will serve this part
            redirect["Content-Range"] = part.headers["Content-Range"]
        return redirect
    blocks = _watched(read_range(storage, key, part.start, part.stop), may_go_on)
    return StreamingHttpResponse(blocks, status=part.status, content_type=kind, headers=part.headers)


def send_inside(
    request: HttpRequest,
    storage: Storage,
    key: str,
    *,
    offset: int,
    size: int,
    filename: str,
    etag: str,
    may_go_on: Callable[[], bool] | None = None,
) -> HttpResponseBase:
    """Send ``size`` bytes from ``offset`` on of a stored object as a file of its own, whole or by ``Range``.

    Always streamed by us, whatever the storage: an address signed for the object would give all of it, and a proxy that is
    told to send the object reads the caller's Range as one of the object's.
    """
    part = _asked(request, filename=filename, size=size, etag=etag)
    if isinstance(part, HttpResponse):
        return part
    if request.method == "HEAD":
        return HttpResponse(status=part.status, content_type=_kind(filename), headers=part.headers)
    blocks = _watched(read_range(storage, key, offset + part.start, offset + part.stop), may_go_on)
    return StreamingHttpResponse(blocks, status=part.status, content_type=_kind(filename), headers=part.headers)


def read_range(storage: Storage, key: str, start: int, stop: int) -> Iterator[bytes]:
    """The bytes from ``start`` to before ``stop`` of a stored object, in blocks. An S3 store is asked for just these.

    The object is opened here, not with the first block: one that is gone is found before an answer begins.
    """
    if stop <= start:
        return iter(())
    bucket = getattr(storage, "bucket", None)
    if bucket is not None:
        return _blocks(bucket.Object(key).get(Range=f"bytes={start}-{stop - 1}")["Body"], stop - start)
    handle = storage.open(key, "rb")
    handle.seek(start)
    return _blocks(handle, stop - start)


def _blocks(handle: Any, left: int) -> Iterator[bytes]:
    with closing(handle):
        while left > 0:
            block = handle.read(min(_BLOCK, left))
            if not block:
                return
            left -= len(block)
            yield block


def _watched(blocks: Iterator[bytes], may_go_on: Callable[[], bool] | None) -> Iterator[bytes]:
    """The blocks, until the question is answered with no: then the answer ends short of its Content-Length."""
    since = 0
    for block in blocks:
        if may_go_on is not None and since >= _ASK_AFTER:
            if not may_go_on():
                return
            since = 0
        since += len(block)
        yield block
