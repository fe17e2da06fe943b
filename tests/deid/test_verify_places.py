"""The second look by sabotage: one identifier left in one place of an otherwise clean file, and every place is found."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deid import Keyring
from deid.outcome import MaskBox, Refusal
from deid.policy import load_policy
from deid.verify import DateRule, PixelProof, verify_output
from tests.deid.objects import DX, SECRET, make_file, plain_chest, released

INPUT = make_file(
    PatientID="MR0071829304", OtherPatientIDs="44-55-667", DeviceSerialNumber="SN778899", StudyDate="20240315",
    SpecificCharacterSet="ISO_IR 100", PatientBirthName="Müllrose^Zoë",
)  # fmt: skip
CLEAN = released(INPUT)[1].data
VALUES = plain_chest()[None]
KEYS = Keyring(SECRET, "test")
DAYS = KEYS.shift_days(KEYS.patient_key("MR0071829304"), maximum_days=load_policy().maximum_days, multiple_of=7)


def look(output: bytes, original: bytes = INPUT, known: tuple[str, ...] = (), masks: tuple[MaskBox, ...] = ()) -> str:
    """The reason of the refusal and its detail, or an empty string."""
    try:
        verify_output(output, original, PixelProof(VALUES, VALUES, masks), DateRule("shift", DAYS), known)
    except Refusal as refusal:
        return f"{refusal.code}: {refusal.detail}"
    return ""


def tampered(change: Callable[[Dataset], None]) -> bytes:
    """The clean file with one change, written again."""
    ds = dcmread(io.BytesIO(CLEAN))
    change(ds)
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_a_clean_file_is_not_accused() -> None:
    assert look(CLEAN) == ""
    assert look(tampered(lambda ds: None)) == ""


WORDS = (
    "Featherstone", "FEATHERSTONE", "featherstone_w.jpg", "Quillfeather", "Wilhelmina", "Brackwater", "0071829304",
    "MR0071829304", "mr 0071 829304", "71829304", "ACC9988776", "acc-998 8776", "Aldhelm", "XRAYROOM7B", "445566 7",
    "44-55-667", "SN778899", "RP774411", "S5544X is S5544", "seen 15.03.2024", "2024-03-15", "3/15/2024",
    "born 12.04.1950", "MÜLLROSE", "Mullrose", "Ottoline",
)  # fmt: skip
TEXTS = (
    "StudyDescription",
    "SeriesDescription",
    "ImageComments",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
    "ManufacturerModelName",
)


@pytest.mark.parametrize("keyword", TEXTS)
@pytest.mark.parametrize("word", WORDS)
def test_an_identifier_in_a_text_is_found_in_every_spelling(word: str, keyword: str) -> None:
    text = word if keyword == "ManufacturerModelName" else f"chest {word} pa"
    assert look(tampered(lambda ds: setattr(ds, keyword, text))).startswith("identifier-left")


def _nested(ds: Dataset, depth: int, value: Dataset) -> None:
    for _ in range(depth):
        outer = Dataset()
        outer.ReferencedImageSequence = Sequence([value])
        value = outer
    ds.SourceImageSequence = Sequence([value])


@pytest.mark.parametrize("depth", range(7))
@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientName", "Featherstone^W"),
        ("ContentDate", "20240315"),
        ("AcquisitionDateTime", "20240315101010"),
        ("ReferencedSOPInstanceUID", "1.2.826.0.1.3680043.8.498.1001"),
        ("TextValue", "by Quillfeather"),
        ("StationName", "XRAYROOM7B"),
        ("RetrieveURL", "http://x.org/featherstone"),
        ("ContentDate", "20230315"),
    ],
)
def test_an_identifier_at_any_depth_is_found(keyword: str, value: str, depth: int) -> None:
    item = Dataset()
    setattr(item, keyword, value)
    assert look(tampered(lambda ds: _nested(ds, depth, item)))


@pytest.mark.parametrize("codec", ["ascii", "utf-8", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("name", ["Featherstone", "Müllrose"])
def test_a_name_in_bytes_of_any_encoding_is_found(name: str, codec: str) -> None:
    raw = name.encode(codec, "ignore")
    if codec == "ascii" and not name.isascii():
        pytest.skip("no ASCII spelling")
    assert look(tampered(lambda ds: ds.add_new(0x00283006, "OW", b"\0\0" + raw + b"\0" * (2 + len(raw) % 2))))


def test_numbers_that_stand_as_numbers_are_found() -> None:
    original = make_file(PatientID="71829304")
    clean = released(original)[1].data
    days = KEYS.shift_days(KEYS.patient_key("71829304"), maximum_days=load_policy().maximum_days, multiple_of=7)
    ds = dcmread(io.BytesIO(clean))
    ds.ExposureInuAs = "71829304"
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    with pytest.raises(Refusal, match="identifier-left"):
        verify_output(stream.getvalue(), original, PixelProof(VALUES, VALUES), DateRule("shift", days))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda ds: ds.add_new(0x60003000, "OW", b"\0\0"), "verify-structure"),
        (lambda ds: ds.add_new(0x50003000, "OW", b"\0\0"), "verify-structure"),
        (lambda ds: ds.add_new(0x00420011, "OB", b"\0\0"), "verify-structure"),
        (lambda ds: ds.add_new(0x00091001, "UT", "anything"), "verify-structure"),
        (lambda ds: ds.add_new(0xFFFCFFFC, "OB", b"\0\0"), "verify-structure"),
        (lambda ds: ds.add_new(0x00189999, "LO", "x"), "verify-structure"),
        (lambda ds: ds.add_new(0x00181400, "UT", "chest"), "verify-structure"),
        (lambda ds: ds.add_new(0x0020000E, "UI", "1.2.3.4.5.6"), "verify-structure"),
        (lambda ds: delattr(ds, "PixelRepresentation"), "verify-required"),
        (lambda ds: delattr(ds, "ReferringPhysicianName"), "verify-required"),
        (lambda ds: delattr(ds, "ViewPosition"), "verify-required"),
        (lambda ds: setattr(ds, "StudyInstanceUID", ""), "verify-required"),
        (lambda ds: delattr(ds, "PatientIdentityRemoved"), "verify-structure"),
        (lambda ds: setattr(ds, "BurnedInAnnotation", "YES"), "verify-structure"),
        (lambda ds: setattr(ds, "LongitudinalTemporalInformationModified", "UNMODIFIED"), "verify-structure"),
        (lambda ds: setattr(ds, "DeidentificationMethodCodeSequence", Sequence([])), "verify-structure"),
        (lambda ds: setattr(ds, "PatientBirthDate", "19000101"), "verify-structure"),
        (lambda ds: setattr(ds, "PatientID", "12345678"), "verify-structure"),
        (lambda ds: setattr(ds, "SpecificCharacterSet", "ISO_IR 100"), "verify-structure"),
        (lambda ds: setattr(ds.file_meta, "SourceApplicationEntityTitle", "X"), "verify-structure"),
        (lambda ds: ds.ReferencedImageSequence[0].__setattr__("ReferencedSOPInstanceUID", ""), "verify-required"),
    ],
)  # fmt: skip
def test_a_wrong_form_is_found(change: Callable[[Dataset], None], reason: str) -> None:
    assert look(tampered(change)).startswith(reason)


def test_preamble_trailing_bytes_and_odd_tags_are_found() -> None:
    assert look(b"II*\0" + CLEAN[4:]) == "verify-structure: preamble"
    assert look(CLEAN + b"\0\0").startswith("verify-structure")
    assert look(CLEAN + b"\xfc\xff\xfc\xffOB\0\0\x04\0\0\0abcd").startswith("verify-structure")
    assert look(CLEAN[:-2]).startswith("verify-structure")
    at = CLEAN.index(b"\x10\x00\x10\x00PN")
    assert look(CLEAN[:at] + b"\x09\x00\x01\x00" + b"LT" + struct.pack("<H", 4) + b"abcd" + CLEAN[at:]).startswith(
        "verify-structure"
    )


def test_pixels_changed_outside_masks_are_found_and_inside_are_not() -> None:
    changed = bytearray(CLEAN)
    changed[-100] ^= 1
    assert look(bytes(changed)) == "verify-pixels: values"
    rows, columns = VALUES.shape[1:]
    mask = MaskBox(0, 0, rows - 2, columns, 2, 0.9, 0.0)
    assert look(bytes(changed), masks=(mask,)) == ""
    above = MaskBox(0, 0, 0, columns, 2, 0.9, 0.0)
    assert look(bytes(changed), masks=(above,)) == "verify-pixels: values outside masks"
    high = bytearray(CLEAN)
    high[-1] |= 0x80
    assert look(bytes(high)).startswith("verify-pixels")


def test_what_the_batch_knows_is_searched_for_too() -> None:
    named = tampered(lambda ds: setattr(ds, "StudyDescription", "chest Oddlington 55443322"))
    assert look(named) == ""
    assert look(named, known=("Oddlington",)).startswith("identifier-left")
    assert look(named, known=("55443322",)).startswith("identifier-left")


def test_digital_radiographs_have_more_required_attributes() -> None:
    original = make_file(plain_chest(), DX)
    clean = released(original)[1].data
    days = KEYS.shift_days(KEYS.patient_key("0071829304"), maximum_days=load_policy().maximum_days, multiple_of=7)
    for keyword in (
        "ImageLaterality",
        "RescaleType",
        "PresentationIntentType",
        "DetectorType",
        "AnatomicRegionSequence",
    ):
        ds = dcmread(io.BytesIO(clean))
        delattr(ds, keyword)
        stream = io.BytesIO()
        ds.save_as(stream, enforce_file_format=True)
        with pytest.raises(Refusal, match="verify-required"):
            verify_output(stream.getvalue(), original, PixelProof(VALUES, VALUES), DateRule("shift", days))


def test_values_are_compared_not_assumed() -> None:
    assert np.array_equal(dcmread(io.BytesIO(CLEAN)).pixel_array, VALUES[0])
