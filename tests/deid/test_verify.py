"""The second look: what a broken cleaner would let through is found, and clean files are not accused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deid.headers import clean as header_clean
from deid.headers import decide
from deid.verify.search import _possible
from deid.verify.walk import walk
from tests.deid.objects import make_dataset, make_file, plain_chest, released, to_bytes, withheld


def broken(monkeypatch: pytest.MonkeyPatch, tag: int, action: str) -> None:
    """A cleaner that gives one attribute the wrong action."""
    real = decide.decide

    def wrong(asked: int, *rest: object, **more: object) -> str:
        return action if asked == tag else real(asked, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(header_clean, "decide", wrong)


@pytest.mark.parametrize("encoding", ["ISO_IR 100", "ISO_IR 192"])
def test_a_name_that_a_broken_cleaner_leaves_in_a_text_is_found(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setattr(header_clean, "clean_text", lambda text, identifiers, **options: text)
    data = make_file(SpecificCharacterSet=encoding, StudyDescription="CHEST Featherstone", SeriesDescription="PA")
    assert withheld(data) == "identifier-left"


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("CHEST Müller", "Müller^Jürgen"),
        ("CHEST of Li", "Li^Wu"),
        ("CHEST 0071829304", "Other^Name"),
        ("CHEST 71829304", "Other^Name"),
    ],
)
def test_names_with_accents_short_names_and_numbers_without_zeros_are_found(
    monkeypatch: pytest.MonkeyPatch, description: str, name: str
) -> None:
    monkeypatch.setattr(header_clean, "clean_text", lambda text, identifiers, **options: text)
    data = make_file(
        StudyDescription=description,
        SeriesDescription="PA",
        PatientName=name,
        RequestAttributesSequence=None,
    )
    assert withheld(data) == "identifier-left"


def test_an_original_date_that_was_not_shifted_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = header_clean.HeaderCleaner._one_date

    def forgetful(self: header_clean.HeaderCleaner, vr: str, tag: int, part: str) -> str | None:
        return part if tag == 0x00080021 else real(self, vr, tag, part)

    monkeypatch.setattr(header_clean.HeaderCleaner, "_one_date", forgetful)
    assert withheld(make_file()) == "identifier-left"


def test_an_original_uid_that_was_kept_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_clean.HeaderCleaner, "_uid", lambda self, text: text)
    assert withheld(make_file()) in ("identifier-left", "verify-structure")


def test_a_required_attribute_that_was_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, 0x00280103, "remove")
    assert withheld(make_file()) == "verify-required"


def test_pixels_changed_outside_the_masks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(values: object) -> bytes:
        raw = bytearray(plain_chest().tobytes())
        raw[1000] ^= 1
        return bytes(raw)

    monkeypatch.setattr("deid.engine._native_bytes", careless)
    hidden = plain_chest()
    hidden[0, 0] |= 0x8000  # forces the image to be written anew
    assert withheld(make_file(hidden)) == "verify-pixels"


def test_identifiers_inside_pixel_data_are_found() -> None:
    pixels = plain_chest()
    name = b"Featherstone"
    flat = pixels.reshape(-1)
    flat[5000 : 5000 + len(name) // 2] = memoryview(name).cast("H")
    assert withheld(make_file(pixels, BitsStored=16, HighBit=15)) == "identifier-left"


@pytest.mark.parametrize(
    "header",
    [
        {"PatientName": "Chest^Portable"},
        {"PatientName": "Basic^Option"},
        {"PatientName": "M^F"},
        {"PatientName": "Anonymous", "PatientID": "0"},
        {"PatientID": "1"},
        {"PatientID": "120"},
        {"InstitutionName": "General Hospital Chest Clinic"},
        {"StationName": "DRX-1", "ManufacturerModelName": "DRX-1"},
        {"StationName": "DigitalDiagnost"},
        {"InstitutionName": "Philips Medical Centre"},
        {"AccessionNumber": ""},
        {"StudyDate": "20240115", "SeriesDate": "20240108", "AcquisitionDate": "20240101", "ContentDate": "20231225"},
    ],
)
def test_ordinary_words_numbers_and_coinciding_dates_are_not_taken_for_identity(header: dict[str, object]) -> None:
    released(make_file(**header))


def test_an_object_without_type_2_attributes_gets_them_empty() -> None:
    ds = make_dataset(plain_chest())
    del ds.ReferringPhysicianName
    del ds.StudyTime
    out, _ = released(to_bytes(ds))
    assert out.ReferringPhysicianName == "" and out.StudyTime == ""


@settings(max_examples=60, deadline=None)
@given(
    word=st.binary(min_size=2, max_size=12),
    at=st.integers(0, 40),
    values=st.lists(st.integers(0, 4095), min_size=32, max_size=32),
)
def test_no_string_that_stands_in_pixel_data_is_ruled_out_by_the_largest_value(
    word: bytes, at: int, values: list[int]
) -> None:
    raw = bytearray(np.array(values, "<u2").tobytes())
    raw[at : at + len(word)] = word
    raw = raw[: len(raw) // 2 * 2]
    walked = walk(make_file(np.frombuffer(bytes(raw), "<u2").reshape(1, -1), BitsStored=16, HighBit=15))
    pixels = walked.top(0x7FE00010)
    assert pixels is not None and word in bytes(pixels.bulk)
    assert _possible({word}, walked, pixels) == [word]


def test_twelve_stored_bits_can_spell_no_name() -> None:
    twelve = walk(make_file())
    assert _possible({b"Featherstone"}, twelve, twelve.top(0x7FE00010)) == []  # type: ignore[arg-type]


def test_an_icon_that_a_broken_cleaner_leaves_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = decide.decide

    def wrong(asked: int, *rest: object, **more: object) -> str:
        if asked == 0x00880200:
            return "recurse"
        return "value" if asked == 0x7FE00010 and not more["top"] else real(asked, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(header_clean, "decide", wrong)
    icon = Dataset()
    icon.Rows, icon.Columns, icon.PixelData = 2, 2, b"abcd"
    icon["PixelData"].VR = "OW"
    assert withheld(make_file(IconImageSequence=Sequence([icon]))) == "verify-structure"
