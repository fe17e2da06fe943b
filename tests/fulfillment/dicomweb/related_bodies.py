"""Bodies of multipart/related for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

BOUNDARY = "getdata-test-boundary"
TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def body(
    parts: Iterable[bytes], *, boundary: str = BOUNDARY, part_type: str = "application/dicom", end: bool = True
) -> bytes:
    """A body as a PACS sends it; without its last boundary when ``end`` is False."""
    made = b"".join(f"\r\n--{boundary}\r\nContent-Type: {part_type}\r\n\r\n".encode() + part for part in parts)
    return made + (f"\r\n--{boundary}--\r\n".encode() if end else b"")


def in_blocks(data: bytes, *cuts: int, size: int = 0) -> Callable[[], bytes]:
    """A ``read`` that gives the data cut at these places, or in blocks of a size."""
    places = [0, *sorted(cuts), len(data)] if not size else [*range(0, len(data), size), len(data)]
    blocks = iter([data[a:b] for a, b in pairwise(places) if b > a])
    return lambda: next(blocks, b"")
