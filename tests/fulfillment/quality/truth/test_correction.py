"""What is set right can be taken back: the same pixels, the same header, and where nothing was compressed the same bytes."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest

from deid.dicomfile.read import read_file
from deid.dicomfile.write import write_file
from fulfillment.quality.truth.correction import Correction, NotCorrected, swap_polarity, turn, undo
from fulfillment.quality.truth.geometry import turn_box, turn_edges, turn_orientation
from getdata.demo.dicomize import encode

pytestmark = pytest.mark.pure
ROWS, COLUMNS = 60, 44
HEADER = {
    "PatientName": "A^B", "PatientID": "1", "Modality": "CR", "ViewPosition": "PA", "PixelSpacing": [0.2, 0.4],
    "ImagerPixelSpacing": [0.21, 0.43], "PatientOrientation": ["F", "R"], "DerivationDescription": "Burned-in text masked",
    "CollimatorShape": "RECTANGULAR", "CollimatorLeftVerticalEdge": 3, "CollimatorRightVerticalEdge": 40,
    "CollimatorUpperHorizontalEdge": 5, "CollimatorLowerHorizontalEdge": 58,
}  # fmt: skip


def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 4000, (ROWS, COLUMNS)).astype(np.uint16)


def clean(**extra: object) -> bytes:
    """A file as the engine writes it: its own element order, padding and meta."""
    made = read_file(encode(pixels(), {**HEADER, **extra}))
    return write_file(made.dataset, made.syntax)


def read(data: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def done(result: tuple[bytes, Correction] | NotCorrected) -> tuple[bytes, Correction]:
    assert not isinstance(result, NotCorrected), result
    return result


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turn_moves_pixels_and_header_together_and_is_taken_back_byte_for_byte(turns: int) -> None:
    before = clean()
    after, made = done(turn(before, turns, confidence=0.99, version="t"))
    seen = read(after)
    np.testing.assert_array_equal(seen.pixel_array, np.rot90(pixels(), turns))
    odd = turns % 2 == 1
    assert [float(v) for v in seen.PixelSpacing] == ([0.4, 0.2] if odd else [0.2, 0.4])
    assert [float(v) for v in seen.ImagerPixelSpacing] == ([0.43, 0.21] if odd else [0.21, 0.43])
    assert "turned by" in seen.DerivationDescription and "Burned-in" in seen.DerivationDescription
    assert made == Correction.from_dict(made.as_dict())
    assert undo(after, [made]) == before


def test_polarity_is_a_word_of_the_header_and_no_pixel_changes() -> None:
    before = clean(PresentationLUTShape="IDENTITY")
    after, made = done(swap_polarity(before, confidence=0.99, version="t"))
    seen = read(after)
    assert (seen.PhotometricInterpretation, seen.PresentationLUTShape) == ("MONOCHROME1", "INVERSE")
    assert seen.PixelData == read(before).PixelData
    assert undo(after, [made]) == before


def test_both_in_a_row_are_taken_back_in_turn() -> None:
    before = clean(DerivationDescription="")
    one, first = done(swap_polarity(before, confidence=1, version="t"))
    two, second = done(turn(one, 3, confidence=1, version="t"))
    undone = read(undo(two, [first, second]))
    assert "DerivationDescription" not in undone or not undone.DerivationDescription
    np.testing.assert_array_equal(undone.pixel_array, pixels())
    assert undone.PhotometricInterpretation == "MONOCHROME2"


def test_compressed_pixels_come_back_with_the_same_values_and_header() -> None:
    made = read_file(encode(pixels(), HEADER, syntax="jpeg-lossless"))
    before = write_file(made.dataset, made.syntax)
    after, correction = done(turn(before, 1, confidence=1, version="t"))
    undone = read(undo(after, [correction]))
    np.testing.assert_array_equal(undone.pixel_array, read(before).pixel_array)
    assert correction.syntax == "1.2.840.10008.1.2.4.70"
    for element in read(before):
        if element.keyword != "PixelData":
            assert undone[element.tag] == element


def test_what_would_not_turn_with_the_picture_leaves_the_file_alone() -> None:
    planes = clean(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    assert isinstance(turn(planes, 1, confidence=1, version="t"), NotCorrected)
    full = clean(DerivationDescription="x" * 1000)
    assert isinstance(swap_polarity(full, confidence=1, version="t"), NotCorrected)


def test_a_box_and_a_field_turn_with_the_pixels() -> None:
    picture = np.zeros((ROWS, COLUMNS))
    picture[10:20, 30:33] = 1
    for turns in (1, 2, 3):
        box = turn_box({"x": 30, "y": 10, "width": 3, "height": 10, "frame": 0}, ROWS, COLUMNS, turns)
        turned = np.rot90(picture, turns)
        assert turned[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]].all()
        assert turned.sum() == box["width"] * box["height"]
        left, right, upper, lower = turn_edges((31, 33, 11, 20), ROWS, COLUMNS, turns)
        assert turned[int(upper) - 1 : int(lower), int(left) - 1 : int(right)].all()


def test_orientation_follows_the_picture() -> None:
    assert turn_orientation("L", "F", 2) == ("R", "H")
    assert turn_orientation("F", "R", 1) == ("R", "H")
    assert turn_orientation("F", "R", 3) == ("L", "F")
    upright = read(done(turn(clean(PatientOrientation=["L", "F"]), 1, confidence=1, version="t"))[0])
    assert list(upright.PatientOrientation) == ["L", "F"], "a header that describes the upright picture was right"
