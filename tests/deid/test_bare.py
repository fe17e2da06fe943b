"""Data sets without preamble, mark or file meta, in each native encoding: read as what they are."""

from __future__ import annotations

import pytest

from deid import Quarantined
from deid.dicomfile.bare import as_part10
from getdata.demo.dicomize import encode
from tests.deid.objects import clean, plain_chest

HEADER = {"PatientID": "0071829304", "BodyPartExamined": "CHEST"}


def whole(syntax: str) -> bytes:
    return encode(plain_chest(48, 40), HEADER, syntax=syntax)


def body(data: bytes) -> bytes:
    """What is behind the file meta group: its length stands in its first element."""
    return data[144 + int.from_bytes(data[140:144], "little") :]


def released(data: bytes) -> bytes:
    outcome = clean(data)
    assert not isinstance(outcome, Quarantined), (outcome.reason, outcome.record.detail)
    return outcome.data


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big-endian"])
def test_a_bare_data_set_is_read_as_the_file_it_came_from(syntax: str) -> None:
    data = whole(syntax)
    framed = released(data)
    for bare in (body(data), b"\0" * 128 + b"DICM" + body(data), b"DICM" + body(data), data[128:], data[132:]):
        if bare[:4] == b"DICM" and bare[4:6] != b"\2\0" and syntax != "explicit":
            continue
        assert released(bare) == framed


def test_a_deflated_file_without_its_preamble_is_read() -> None:
    data = whole("deflated")
    assert released(data[132:]) == released(data)


@pytest.mark.parametrize(
    "data", [b"", b"\x08\0", b"\x08\x00\x05\x00" + b"\xff" * 40, b"\x08\x00words that are no data set", b"{}"]
)
def test_what_is_no_data_set_stays_as_it_is(data: bytes) -> None:
    assert as_part10(data) is data
    outcome = clean(data)
    assert isinstance(outcome, Quarantined) and outcome.reason == "not-dicom"


FRONTS = [
    b"MZ\x90\0",
    b"\x7fELF",
    b"\xcf\xfa\xed\xfe",
    b"%PDF-1.7",
    b"PK\3\4",
    b"<html><script>",
    b"#!/bin/sh\n",
    b"II*\0",
]


@pytest.mark.parametrize("front", FRONTS)
def test_a_program_in_front_of_an_image_does_not_reach_what_is_released(front: bytes) -> None:
    """The preamble is made anew: no mark of PE, ELF, Mach-O, PDF, zip, HTML, a script or TIFF stands at the front of an output."""
    data = whole("explicit")
    assert released(front.ljust(128, b"\0") + data[128:])[:132] == b"\0" * 128 + b"DICM"
