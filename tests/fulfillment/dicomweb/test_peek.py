"""Which instance a file is, from its first elements: every encoding, and hostile files end in a refusal."""

from __future__ import annotations

import io
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from fulfillment.dicomweb.peek import Identity, NotUnderstood, SyntaxNotSupported, identify
from tests.support.images import tiny_dicom

pytestmark = pytest.mark.pure


def written(syntax: str, *, nested: bool = False) -> bytes:
    dataset = dcmread(io.BytesIO(tiny_dicom()))
    del dataset.PixelData
    if nested:
        item = Dataset()
        item.StudyInstanceUID = "1.2.3"
        item.RequestAttributesSequence = Sequence([Dataset()])
        item["RequestAttributesSequence"].is_undefined_length = True
        dataset.ReferencedStudySequence = Sequence([item])
        dataset["ReferencedStudySequence"].is_undefined_length = True
        item.is_undefined_length_sequence_item = True
    dataset.file_meta.TransferSyntaxUID = syntax
    implicit, little = syntax == "1.2.840.10008.1.2", syntax != "1.2.840.10008.1.2.2"
    out = io.BytesIO()
    dcmwrite(out, dataset, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return out.getvalue()


def look(data: bytes) -> Identity:
    return identify(io.BytesIO(data))


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]
)
@pytest.mark.parametrize("nested", [False, True])
def test_the_instance_is_named_in_every_encoding(syntax: str, nested: bool) -> None:
    found = look(written(syntax, nested=nested))
    assert (found.study, found.sop_instance, found.syntax) == ("2.25.8000", "2.25.7000", syntax)
    assert found.is_consistent


def test_a_file_of_another_syntax_or_none_is_refused() -> None:
    with pytest.raises(SyntaxNotSupported):
        look(tiny_dicom().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0"))
    for data in (b"", b"\0" * 200, tiny_dicom()[:200], b"%PDF-1.4" + b"\0" * 300):
        with pytest.raises((NotUnderstood, SyntaxNotSupported)):
            look(data)


def test_a_bomb_of_deflate_is_not_inflated() -> None:
    plain = b"\x08\x00\x05\x00CS\x02\x00  " + b"\x08\x00\x06\x00UT\0\0" + (200 * 1024**2).to_bytes(4, "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(plain) + b"".join(packer.compress(b"\0" * 1024**2) for _ in range(40)) + packer.flush()
    head = written("1.2.840.10008.1.2.1.99")
    start = head.index(b"1.2.840.10008.1.2.1.99")
    length = int.from_bytes(head[140:144], "little")
    assert start < 144 + length
    with pytest.raises(NotUnderstood):
        look(head[: 144 + length] + bomb)


@pytest.mark.parametrize("depth", [300, 100_000])
def test_nesting_without_end_costs_a_refusal(depth: int) -> None:
    sequence = b"\x08\x00\x10\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    head = written("1.2.840.10008.1.2.1")
    length = int.from_bytes(head[140:144], "little")
    with pytest.raises(NotUnderstood):
        look(head[: 144 + length] + sequence * depth)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.data())
def test_damaged_files_end_in_an_identity_or_a_refusal(data: st.DataObject) -> None:
    good = written(data.draw(st.sampled_from(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"])), nested=True)
    broken = bytearray(good[: data.draw(st.integers(0, len(good)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if broken:
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        look(bytes(broken))
    except (NotUnderstood, SyntaxNotSupported):
        pass
