"""The tus 1.0.0 resumable upload protocol: its headers read and written. No database, no Django models.

https://tus.io/protocols/resumable-upload (core, creation, creation-with-upload, checksum, termination, expiration). Not offered:
creation-defer-length, because limits are kept before a byte is read; checksum-trailer; concatenation.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime

from django.utils.http import http_date

from fulfillment.uploads.body import Checksum
from getdata.common.problems import CannotDo

VERSION = "1.0.0"
EXTENSIONS = ("creation", "creation-with-upload", "checksum", "termination", "expiration")
ALGORITHMS = {"sha256": 32, "sha1": 20}
BODY_TYPE = "application/offset+octet-stream"
METHODS_IN_HEADER = frozenset({"PATCH", "DELETE", "HEAD"})

#: code of a refusal -> status. 460 is the protocol's own number for a checksum that does not match.
STATUS = {
    "bad_header": 400,
    "bad_file_name": 400,
    "length_deferred": 400,
    "interrupted": 400,
    "empty_file": 400,
    "unsupported_version": 412,
    "wrong_content_type": 415,
    "length_required": 411,
    "offset_mismatch": 409,
    "upload_gone": 410,
    "upload_busy": 423,
    "checksum_mismatch": 460,
    "too_large": 413,
    # "Later", not "no": clients that resume come back by themselves after Retry-After.
    "backlog_full": 503,
    "server_busy": 503,
    "staging_full": 507,
}
REASONS = {460: "Checksum Mismatch"}
#: Everything else is about who asks and where things stand: the same request will be refused again.
DEFAULT_STATUS = 403


def parse_metadata(header: str) -> dict[str, str]:
    """``Upload-Metadata``: comma-separated ``key base64(value)`` pairs; a value may be missing. Raises ``CannotDo``."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            text = base64.b64decode(value.strip(), validate=True).decode()
        except ValueError as error:  # no base64, no ASCII, no UTF-8
            raise _bad("Upload-Metadata", "comma-separated pairs of a key and a base64 value in UTF-8") from error
        if key in found:
            raise _bad("Upload-Metadata", "pairs whose keys differ")
        found[key] = text
    return found


def format_metadata(values: Mapping[str, str]) -> str:
    """The reverse of :func:`parse_metadata`."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def name_in(metadata: Mapping[str, str]) -> str:
    """The relative path a client sent: ``relativePath`` where it is one, else ``filename`` (or ``name``)."""
    for key in ("relativePath", "filename", "name"):
        value = metadata.get(key, "")
        if value and value not in ("null", "undefined"):  # what clients in JavaScript make of a missing path
            return value
    return ""


def parse_checksum(header: str | None) -> Checksum | None:
    """``Upload-Checksum``: an algorithm of :data:`ALGORITHMS` and the base64 digest. Raises ``CannotDo``."""
    if not header:
        return None
    algorithm, _, value = header.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise _bad("Upload-Checksum", f"one of the algorithms {', '.join(ALGORITHMS)} and a base64 digest")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except ValueError as error:
        raise _bad("Upload-Checksum", "an algorithm and a base64 digest") from error
    if len(digest) != ALGORITHMS[algorithm]:
        raise _bad("Upload-Checksum", f"{ALGORITHMS[algorithm]} bytes of digest in base64 for {algorithm}")
    return Checksum(algorithm, digest)


def parse_count(name: str, header: str | None) -> int:
    """``Upload-Length`` or ``Upload-Offset``: a non-negative whole number of bytes. Raises ``CannotDo``."""
    if header is None or not header.strip().isascii() or not header.strip().isdigit() or len(header.strip()) > 18:
        raise _bad(name, "a whole number of bytes")
    return int(header)


def parse_length(length: str | None, deferred: str | None) -> int:
    """``Upload-Length``. ``Upload-Defer-Length`` is refused in words: the extension is not offered. Raises ``CannotDo``."""
    if deferred is not None and length is None:
        raise CannotDo(
            "The length of the file must be known when its transfer begins: Upload-Defer-Length is not offered.",
            remedy="Send Upload-Length with the file's size in bytes.",
            code="length_deferred",
        )
    return parse_count("Upload-Length", length)


def expires(at: datetime) -> str:
    """``Upload-Expires`` (RFC 9110 date)."""
    return http_date(at.timestamp())


def status_of(error: CannotDo) -> int:
    """The HTTP status of a refusal in this protocol."""
    return STATUS.get(error.code, DEFAULT_STATUS)


def _bad(name: str, wanted: str) -> CannotDo:
    return CannotDo(f"{name} is missing or cannot be read.", remedy=f"Send {wanted}.", code="bad_header")
