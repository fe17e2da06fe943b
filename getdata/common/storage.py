"""The three private storages, and how a file in one of them is sent to a browser."""

from __future__ import annotations

import errno
import mimetypes
import re
import time
from collections.abc import Callable, Iterator
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
    return _persist(lambda: storage.save(key, ContentFile(data)))


def get(storage: Storage, key: str) -> bytes:
    """Read a whole object. Raises ``FileNotFoundError``, or ``Unreachable``."""

    def read() -> bytes:
        with storage.open(key, "rb") as handle:
            content: bytes = handle.read()
            return content

    return _persist(read)


def _persist(call: Callable[[], T]) -> T:
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


def send_file(
    request: HttpRequest, storage: Storage, key: str, *, filename: str, size: int, etag: str, inline: bool = False
) -> HttpResponseBase:
    """Send a stored file, whole or by ``Range`` (one range, RFC 9110), after the caller has checked who asks.

    S3: a redirect to a signed address that lives five minutes. Behind a proxy with GETDATA_X_ACCEL_PREFIX: the proxy sends it.
    Otherwise we stream it: Django's own FileResponse ignores Range.
    """
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    disposition = f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(filename)}"
    headers = {
        "Content-Disposition": disposition,
        "Accept-Ranges": "bytes",
        "ETag": f'"{etag}"',
        "Cache-Control": "private, no-store" if not inline else "private, max-age=300",
        "X-Content-Type-Options": "nosniff",
        # A browser shows a lone picture in a page of its own making, on black: that page's own style is all that is allowed.
        "Content-Security-Policy": "default-src 'none'; sandbox" + ("; style-src 'unsafe-inline'" if inline else ""),
    }
    if settings.X_ACCEL_PREFIX and settings.STORAGE_KIND == "local" and not inline:  # the proxy knows releases only
        response = HttpResponse(content_type=kind, headers=headers)
        response["X-Accel-Redirect"] = f"{settings.X_ACCEL_PREFIX}/{key}"
        return response
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
    if request.method == "HEAD":  # answered here for S3 too: a signed address is good for GET alone
        return HttpResponse(status=status, content_type=kind, headers=headers)
    stale_part = asked and status == 200  # If-Range names another version: some stores would send the part all the same
    if settings.STORAGE_KIND == "s3" and not inline and not stale_part:
        parameters = {"ResponseContentDisposition": disposition, "ResponseContentType": kind}
        redirect = HttpResponseRedirect(storage.url(key, parameters=parameters))  # type: ignore[call-arg]
        redirect["Cache-Control"] = "private, no-store"
        if status == 206:  # for whoever notes the download: the store will serve this part
            redirect["Content-Range"] = headers["Content-Range"]
        return redirect
    handle = storage.open(key, "rb")
    return StreamingHttpResponse(_blocks(handle, start, stop), status=status, content_type=kind, headers=headers)


def _blocks(handle: Any, start: int, stop: int) -> Iterator[bytes]:
    with handle:
        handle.seek(start)
        left = stop - start
        while left > 0:
            block = handle.read(min(_BLOCK, left))
            if not block:
                return
            left -= len(block)
            yield block
