"""``multipart/related`` (RFC 2387) read as a stream and written as a stream: memory does not grow with the body."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from fulfillment.dicomweb.media import parse_media_type

#: One line of a part's header, and how many lines: what PACS send is far below.
MAX_HEADER_LINE = 4096
MAX_HEADERS = 16
#: RFC 2046 5.1.1 allows 70 characters; some senders use longer ones.
MAX_BOUNDARY = 200
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,199}[0-9A-Za-z'()+_,\-./:=?]\Z")


class BadMultipart(ValueError):
    """The body is not what its Content-Type says, or ends before its last boundary. Carries nothing of the body."""


@dataclass(frozen=True)
class Begin:
    """A part begins. ``media_type`` in lower case without parameters, ``""`` when it is not said."""

    media_type: str


@dataclass(frozen=True)
class End:
    """The part that began last is complete: its closing boundary has come."""


Event = Begin | bytes | End


@dataclass(frozen=True)
class RelatedType:
    """A Content-Type of ``multipart/related``: the type of its parts and the boundary."""

    part_type: str
    boundary: str


def related_type(content_type: str) -> RelatedType | None:
    """Read the header; quoted and unquoted parameters alike. None for another type; ``BadMultipart`` without a usable boundary."""
    kind, named = parse_media_type(content_type)
    if kind != "multipart/related":
        return None
    boundary = named.get("boundary", "")
    if len(boundary) > MAX_BOUNDARY or not _BOUNDARY.match(boundary):
        raise BadMultipart("boundary")
    return RelatedType(named.get("type", "").split(";")[0].strip().lower(), boundary)


class _Parser(PushMultipartParser):  # type: ignore[misc]
    def _create_segment(self, headerlist: list[tuple[str, str]]) -> MultipartSegment:
        return MultipartSegment(headerlist)  # a part of multipart/related has no name


def read_related(read: Callable[[], bytes], boundary: str) -> Iterator[Event]:
    """The parts of a body: ``Begin``, blocks of bytes, ``End``, and so on.

    ``read`` returns the next block, ``b""`` at the end. ``End`` comes only after the boundary that closes the part, so a body that
    was cut off never leaves a part that looks whole. Raises ``BadMultipart`` where the structure breaks; what ended before is good.
    """
    parser = _Parser(boundary, max_header_size=MAX_HEADER_LINE, max_header_count=MAX_HEADERS)
    try:
        while not parser.closed:
            block = read()
            for event in parser.parse(block):
                yield _event(event)
            if not block:
                return
    except (MultipartError, ValueError, LookupError) as error:
        # The library's own words may quote the body: they stay here.
        raise BadMultipart("structure") from error
    finally:
        parser.close(check_complete=False)


def _event(event: MultipartSegment | bytes | None) -> Event:
    if event is None:
        return End()
    if isinstance(event, bytes | bytearray):
        return bytes(event)
    return Begin((event.content_type or "").lower())


def new_boundary() -> str:
    """A boundary that no content holds but by a chance of one in 2^128."""
    return f"getdata-{secrets.token_hex(16)}"


@dataclass(frozen=True)
class Part:
    """A part to write: its Content-Type, where it is known by, and its bytes block by block."""

    content_type: str
    blocks: Iterable[bytes]
    location: str = ""


def write_related(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    """The body, block by block."""
    for part in parts:
        head = f"--{boundary}\r\nContent-Type: {part.content_type}\r\n"
        if part.location:
            head += f"Content-Location: {part.location}\r\n"
        yield head.encode("ascii", "replace") + b"\r\n"
        yield from part.blocks
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode("ascii")
