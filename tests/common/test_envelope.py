"""Sealed objects of any size: opened whole or not at all, by the right key in the right place, in little memory."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from getdata.common.crypto import CannotOpen
from getdata.common.envelope import HEADER, SEGMENT, BlockReader, WrappingKey, is_envelope, open_blocks, seal_blocks

pytestmark = pytest.mark.pure
KEY = WrappingKey("00112233445566ff", b"k" * 32)
SIZES = (0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 2 * SEGMENT + 77)


def key_of(ident: str) -> bytes:
    if ident != KEY.ident:
        raise CannotOpen("unknown key")
    return KEY.secret


def sealed(data: bytes, context: str = "here") -> bytes:
    return b"".join(seal_blocks(io.BytesIO(data), KEY, context=context))


def opened(data: bytes, context: str = "here") -> bytes:
    return b"".join(open_blocks(io.BytesIO(data), key_of, context=context))


@pytest.mark.parametrize("size", SIZES)
def test_every_size_comes_back(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    box = sealed(data)
    assert is_envelope(box)
    assert box[3:11].hex() == KEY.ident
    assert opened(box) == data


def test_two_objects_of_the_same_content_have_nothing_in_common() -> None:
    first, second = sealed(b"same" * 100), sealed(b"same" * 100)
    assert first[11:] != second[11:]
    assert b"same" not in first


@pytest.mark.parametrize("cut", [1, 16, SEGMENT // 2, SEGMENT + 16, 2 * SEGMENT])
def test_an_object_that_was_cut_short_does_not_open(cut: int) -> None:
    """Also where it was cut between two segments, each of which is authentic."""
    with pytest.raises(CannotOpen):
        opened(sealed(b"z" * (2 * SEGMENT + 5))[:-cut])


def test_segments_that_changed_places_do_not_open() -> None:
    box = sealed(b"a" * SEGMENT + b"b" * SEGMENT + b"c")
    body, size = box[HEADER:], SEGMENT + 16
    swapped = box[:HEADER] + body[size : 2 * size] + body[:size] + body[2 * size :]
    with pytest.raises(CannotOpen):
        opened(swapped)


@pytest.mark.parametrize("place", [0, 5, 12, 30, HEADER - 3, HEADER + 4])
def test_one_changed_bit_anywhere_is_noticed(place: int) -> None:
    box = bytearray(sealed(b"content"))
    box[place] ^= 1
    with pytest.raises(CannotOpen):
        opened(bytes(box))


def test_an_object_does_not_open_in_another_place() -> None:
    with pytest.raises(CannotOpen):
        opened(sealed(b"content", "hospital A|file 1"), "hospital A|file 2")


def test_a_large_object_goes_through_in_the_memory_of_a_few_segments() -> None:
    class Zeros:
        left = 48 * SEGMENT

        def read(self, size: int = -1) -> bytes:
            count = min(size, self.left)
            self.left -= count
            return bytes(count)

    class Tap:
        """The sealed blocks as a file, without ever holding them all."""

        def __init__(self, blocks: Iterator[bytes]) -> None:
            self.reader = BlockReader(blocks)

        def read(self, size: int = -1) -> bytes:
            return self.reader.read(size)

    tracemalloc.start()
    total = sum(len(block) for block in open_blocks(Tap(seal_blocks(Zeros(), KEY, context="x")), key_of, context="x"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 48 * SEGMENT
    assert peak < 16 * SEGMENT
