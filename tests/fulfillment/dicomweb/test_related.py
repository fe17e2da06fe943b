"""multipart/related as a stream: however it is cut, the same parts; whatever is hostile, an end without a half part."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment.dicomweb.related import (
    BadMultipart,
    Begin,
    End,
    Part,
    new_boundary,
    read_related,
    related_type,
    write_related,
)
from tests.fulfillment.dicomweb.related_bodies import BOUNDARY, TYPE, body, in_blocks

pytestmark = pytest.mark.pure


def whole_parts(read: Callable[[], bytes], boundary: str = BOUNDARY) -> tuple[list[bytes], bool]:
    """The parts that ended, and whether the body was whole."""
    parts: list[bytes] = []
    current = b""
    try:
        for event in read_related(read, boundary):
            if isinstance(event, Begin):
                current = b""
            elif isinstance(event, End):
                parts.append(current)
            else:
                current += event
    except BadMultipart:
        return parts, False
    return parts, True


TRICKY = [b"\r\n", b"--", b"\r\n--", f"\r\n--{BOUNDARY[:-1]}".encode(), b"", b"\0" * 7, b"\r\n\r\n", b"DICM"]


def test_the_same_parts_come_out_wherever_the_body_is_cut() -> None:
    parts = [b"first\r\n--getdata-tes", b"", b"\r\n--"]
    data = body(parts)
    for cut in range(len(data)):
        assert whole_parts(in_blocks(data, cut)) == (parts, True), cut
    assert whole_parts(in_blocks(data, size=1)) == (parts, True)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    parts=st.lists(st.lists(st.sampled_from(TRICKY) | st.binary(max_size=20), max_size=6).map(b"".join), max_size=5),
    cuts=st.lists(st.integers(0, 400), max_size=8),
    keep=st.integers(0, 400),
)
def test_a_body_cut_off_anywhere_never_leaves_half_a_part(parts: list[bytes], cuts: list[int], keep: int) -> None:
    data = body(parts)
    assert whole_parts(in_blocks(data, *(min(cut, len(data)) for cut in cuts))) == (parts, True)
    short = data[: min(keep, len(data))]
    found, complete = whole_parts(in_blocks(short, *(min(cut, len(short)) for cut in cuts)))
    assert found == parts[: len(found)]
    assert complete <= (data.rstrip() in short or short == data)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([*TRICKY, f"--{BOUNDARY}".encode(), b"Content-Type: a/b", b": "]), max_size=14))
def test_noise_ends_in_a_refusal_of_our_own(pieces: list[bytes]) -> None:
    whole_parts(in_blocks(b"".join(pieces), size=5))


def test_ten_thousand_parts_are_read() -> None:
    parts, complete = whole_parts(in_blocks(body([b"x"] * 10_000), size=65_536))
    assert complete and len(parts) == 10_000


@pytest.mark.parametrize(
    "headers",
    [
        b"X: " + b"a" * 5000 + b"\r\n",
        b"".join(b"X-%d: y\r\n" % number for number in range(100)),
        b"no colon here\r\n",
        b"X: \xff\xfe\r\n",
        b"X: a\n\n",
        b"a" * 100_000,
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: -1\r\n",
    ],
)
def test_a_bomb_in_a_parts_header_is_refused(headers: bytes) -> None:
    data = f"--{BOUNDARY}\r\n".encode() + headers + b"\r\ndata" + f"\r\n--{BOUNDARY}--".encode()
    assert whole_parts(in_blocks(data, size=1000)) == ([], False)


def test_a_multipart_within_a_part_is_the_parts_content() -> None:
    inner = body([b"inner"], boundary="another")
    assert whole_parts(in_blocks(body([inner]), size=9)) == ([inner], True)


def test_a_part_shorter_than_it_says_is_no_part() -> None:
    data = f"--{BOUNDARY}\r\nContent-Length: 9\r\n\r\nshort\r\n--{BOUNDARY}--".encode()
    assert whole_parts(in_blocks(data)) == ([], False)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (TYPE, ("application/dicom", BOUNDARY)),
        ('Multipart/Related; boundary="a b:c"; TYPE=application/dicom', ("application/dicom", "a b:c")),
        ('multipart/related;boundary=x;type="application/dicom+json"', ("application/dicom+json", "x")),
        ("multipart/form-data; boundary=x", None),
        ("", None),
    ],
)
def test_the_header_is_read_quoted_and_unquoted(header: str, expected: tuple[str, str] | None) -> None:
    kind = related_type(header)
    assert (kind and (kind.part_type, kind.boundary)) == expected


@pytest.mark.parametrize("boundary", ["", "a\nb", "x" * 201, "a;b", "ends with space "])
def test_an_unusable_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(BadMultipart):
        related_type(f'multipart/related; boundary="{boundary}"')


def test_what_is_written_is_read_back() -> None:
    parts = [b"one", b"", b"\r\n--three"]
    boundary = new_boundary()
    data = b"".join(
        write_related([Part("application/dicom", [part[:2], part[2:]], "/here") for part in parts], boundary)
    )
    assert whole_parts(in_blocks(data), boundary) == (parts, True)
