"""Encodings that real archives hold and that once were withheld or slipped: compressed icons, UN sequences in big endian files, text
where a safe private number belongs."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from deid.dicomfile.read import read_file
from deid.verify.walk import PIXELS, walk
from tests.deid.objects import make_dataset, plain_chest, released, to_bytes
from tests.deid.test_headers import assert_clean

_NAME = b"Featherstone^Wilhelmina "
_ITEM = struct.pack("<HHI", 0x0010, 0x0010, len(_NAME)) + _NAME


def compressed_icon() -> Dataset:
    icon = Dataset()
    icon.Rows, icon.Columns = 2, 2
    icon.PixelData = encapsulate([_NAME])
    icon["PixelData"].VR = "OB"
    icon["PixelData"].is_undefined_length = True
    return icon


def test_an_icon_compressed_like_its_image_is_read_by_both_looks_and_removed() -> None:
    ds = make_dataset(plain_chest())
    to_bytes(ds)
    ds.compress(RLELossless, generate_instance_uid=False)
    ds.IconImageSequence = Sequence([compressed_icon()])
    data = to_bytes(ds, RLELossless)
    inner = [seen for seen in walk(data).elements if seen.tag == PIXELS and seen.path]
    assert len(inner) == 1 and _NAME in bytes(inner[0].bulk)
    assert_clean(released(data)[1].data)


@pytest.mark.parametrize("tag", [0x00209221, 0x00991010])
@pytest.mark.parametrize("defined", [True, False])
def test_a_sequence_sent_as_un_in_a_big_endian_file_is_little_endian(tag: int, defined: bool) -> None:
    ds = make_dataset(plain_chest())
    ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    data = to_bytes(ds, ExplicitVRBigEndian)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(_ITEM)) + _ITEM
    body = item if defined else item + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    header = struct.pack(">HH2sHI", tag >> 16, tag & 0xFFFF, b"UN", 0, len(body) if defined else 0xFFFFFFFF)
    at = data.index(struct.pack(">HH2s", 0x0028, 0x0002, b"US"))
    if tag >> 16 != 0x0099:
        data = data[:at] + header + body + data[at:]
    else:
        before = data.index(struct.pack(">HH2s", 0x0099, 0x1001, b"LO")) + 8 + len(b"Featherstone Wilhelmina ")
        data = data[:before] + header + body + data[before:]
    items = read_file(data).dataset.elements[tag].value
    assert isinstance(items, list) and items[0].elements[0x00100010].value == _NAME
    assert any(seen.value == _NAME and seen.path == (tag,) for seen in walk(data).elements)
    assert_clean(released(data)[1].data)


def test_text_in_the_place_of_a_safe_private_number_is_removed() -> None:
    for creator, group, number, text in (
        ("GEIIS PACS", 0x0903, 0x12, b"A12592506 "),
        ("SIEMENS MR HEADER", 0x0019, 0x27, b"Featherstone^Wilhelmina "),
        ("Philips Imaging DD 001", 0x2001, 0x03, b"Rose"),
    ):
        ds = make_dataset(plain_chest())
        block = ds.private_block(group, creator, create=True)
        block.add_new(number, "UN", text)
        cleaned = released(to_bytes(ds, ImplicitVRLittleEndian))[1].data
        assert text not in cleaned and creator.encode("ascii") not in cleaned


def test_a_safe_private_number_stays() -> None:
    ds = make_dataset(plain_chest())
    ds.add_new(0x09030010, "LO", "GEIIS PACS")
    ds[0x09031012] = DataElement(0x09031012, "US", 1)
    found = read_file(released(to_bytes(ds, ImplicitVRLittleEndian))[1].data).dataset.elements[0x09031012]
    assert found.value == b"\1\0"
