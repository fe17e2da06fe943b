"""Every syntax decodes to the values that went in, and every file is a valid object."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from getdata.demo.dicomize import SYNTAXES, derived_uid, encode
from getdata.demo.phantom import make_phantom
from tests.support.iods import iod_faults

HEADER = {
    "PatientName": "Müllerschön^Änneliese",
    "PatientID": "00471108",
    "StudyDate": "20240229",
    "RequestAttributesSequence": [{"RequestedProcedureID": "R1", "AccessionNumber": "A1"}],
}


def picture(bits: int = 12, rows: int = 97, cols: int = 83) -> NDArray[np.uint16]:
    """Odd sizes, because that is where encoders break."""
    whole = make_phantom(5, size=(128, 112), bits_stored=bits).pixels
    return np.ascontiguousarray(whole[:rows, :cols])


def read(data: bytes) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return dcmread(io.BytesIO(data))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("sop_class", ["CR", "DX", "SC"])
def test_every_syntax_decodes_to_the_same_values(syntax: str, sop_class: str) -> None:
    pixels = picture()
    ds = read(encode(pixels, HEADER, sop_class=sop_class, syntax=syntax))
    assert ds.file_meta.TransferSyntaxUID == SYNTAXES[syntax]
    assert np.array_equal(ds.pixel_array, pixels)
    assert str(ds.PatientName) == HEADER["PatientName"]
    assert ds.RequestAttributesSequence[0].AccessionNumber == "A1"


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_bit_depth_survives_every_syntax(syntax: str) -> None:
    for bits in (10, 14, 15, 16):
        pixels = (picture(12).astype(np.uint32) << (bits - 10) >> 2).astype(np.uint16)
        ds = read(encode(pixels, HEADER, syntax=syntax, bits_stored=bits))
        assert ds.BitsStored == bits
        assert np.array_equal(ds.pixel_array, pixels)
    small = (picture(rows=96) >> 4).astype(np.uint8)
    ds = read(encode(small, HEADER, sop_class="SC", syntax=syntax, bits_stored=8))
    assert ds.BitsAllocated == 8
    assert np.array_equal(ds.pixel_array, small)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_frame_of_a_multiframe_capture_is_kept(syntax: str) -> None:
    frames = np.stack([picture(), picture()[::-1], np.zeros((97, 83), np.uint16)])
    ds = read(encode(frames, HEADER, sop_class="SC", syntax=syntax))
    assert ds.NumberOfFrames == 3
    assert np.array_equal(ds.pixel_array, frames)
    assert iod_faults(ds) == []


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("sop_class", ["CR", "DX", "SC"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_every_type_1_and_type_2_attribute_is_there(syntax: str, sop_class: str, photometric: str) -> None:
    ds = read(encode(picture(), HEADER, sop_class=sop_class, syntax=syntax, photometric=photometric))
    assert iod_faults(ds) == []
    assert ds.PhotometricInterpretation == photometric


def test_a_missing_attribute_would_be_noticed() -> None:
    ds = read(encode(picture(), HEADER, sop_class="DX"))
    del ds.ImageLaterality
    ds.AccessionNumber = ""
    ds.Modality = ""
    assert iod_faults(ds) == ["Modality: Type 1, empty", "ImageLaterality: Type 1, absent"]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_same_arguments_give_the_same_bytes(syntax: str) -> None:
    assert encode(picture(), HEADER, syntax=syntax) == encode(picture(), HEADER, syntax=syntax)


def test_instances_of_one_study_share_its_uid_and_nothing_else() -> None:
    one = read(encode(picture(), HEADER))
    two = read(encode(picture()[::-1], HEADER))
    assert one.StudyInstanceUID == two.StudyInstanceUID
    assert one.SOPInstanceUID != two.SOPInstanceUID


def test_every_uid_is_valid() -> None:
    for ds in (read(encode(picture(), HEADER, sop_class=c)) for c in ("CR", "DX", "SC")):
        for element in ds:
            if element.VR == "UI":
                assert element.value.is_valid, element.keyword
    assert len(derived_uid("a")) <= 64
    assert derived_uid("a", "b") != derived_uid("ab")


def test_the_caller_has_the_last_word() -> None:
    extra = Dataset()
    extra.private_block(0x0009, "LOCAL", create=True).add_new(1, "LO", "kept")
    data = encode(
        picture(),
        HEADER | {"KVP": "77", "Manufacturer": "Elsewhere"},
        extra=extra,
        preamble=b"II*\0".ljust(128, b"x"),
        file_meta={"SourceApplicationEntityTitle": "AE1"},
        trailing=b"after",
    )
    ds = dcmread(io.BytesIO(data[:-5]))
    assert (ds.KVP, ds.Manufacturer) == (77, "Elsewhere")
    assert ds.private_block(0x0009, "LOCAL")[1].value == "kept"
    assert ds.file_meta.SourceApplicationEntityTitle == "AE1"
    assert data[:4] == b"II*\0"
    assert data.endswith(b"after")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"sop_class": "CT"}, "sop_class"),
        ({"syntax": "jpeg"}, "syntax"),
        ({"photometric": "RGB"}, "photometric"),
        ({"bits_stored": 6}, "bits_stored"),
        ({"preamble": b"short"}, "preamble"),
    ],
)
def test_what_cannot_be_encoded_is_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        encode(picture(), HEADER, **change)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dimensions"):
        encode(np.stack([picture()] * 2), HEADER, sop_class="DX")
    with pytest.raises(ValueError, match="odd count"):
        encode(picture().astype(np.uint8), HEADER, bits_stored=8, syntax="jpeg-lossless")
    with pytest.raises(ValueError, match="int32"):
        encode(picture().astype(np.int32), HEADER)
