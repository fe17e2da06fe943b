"""Pictures and their table: what becomes of pixels, of what a file hides besides, and of rows that cannot be read. No database."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from PIL import Image, PngImagePlugin

from fulfillment.pictures import PictureRefused, PictureRow, read_picture_table, row_for, to_dicom

pytestmark = pytest.mark.pure
ROW = PictureRow(2, "a/7.png", "P-17", "S-4", view="PA", sex="F", age=51, spacing=(0.143, 0.14), modality="DX")
GREY = (np.arange(64 * 48) % 251).reshape(64, 48)


def png(pixels: np.ndarray, **info: str) -> bytes:
    out, text = io.BytesIO(), PngImagePlugin.PngInfo()
    for key, value in info.items():
        text.add_text(key, value)
    Image.fromarray(pixels).save(out, "PNG", pnginfo=text, icc_profile=b"SMITH^JANE profile" * 20)
    return out.getvalue()


def jpeg(pixels: np.ndarray, orientation: int = 1) -> bytes:
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x010E], exif[0x0112] = "SMITH^JANE", orientation
    Image.fromarray(pixels).save(out, "JPEG", quality=95, exif=exif, comment=b"SMITH^JANE")
    return out.getvalue()


def opened(data: bytes, row: PictureRow = ROW) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(to_dicom(data, row)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_png_keeps_every_value_and_says_what_it_is(dtype: type) -> None:
    pixels = GREY.astype(dtype) * (200 if dtype is np.uint16 else 1)
    made = opened(png(pixels, Comment="SMITH^JANE"))
    assert np.array_equal(made.pixel_array, pixels)
    assert (made.SOPClassUID.name, made.ConversionType) == ("Secondary Capture Image Storage", "WSD")
    assert list(made.ImageType) == ["DERIVED", "SECONDARY"]
    assert (made.Modality, made.ViewPosition, made.PatientSex, made.PatientAge) == ("DX", "PA", "F", "051Y")
    assert [float(value) for value in made.PixelSpacing] == [0.143, 0.14]
    assert (made.BitsStored, made.PatientID) == (pixels.dtype.itemsize * 8, "P-17")
    assert "LossyImageCompression" not in made


def test_what_a_file_hides_beside_its_pixels_stays_behind() -> None:
    for data in (png(GREY.astype(np.uint8), Comment="SMITH^JANE"), jpeg(GREY.astype(np.uint8))):
        assert b"SMITH" in data
        assert b"SMITH" not in to_dicom(data, ROW)


def test_a_jpeg_says_that_it_lost_something_and_stands_upright() -> None:
    made = opened(jpeg(GREY.astype(np.uint8), orientation=6))
    assert (made.LossyImageCompression, made.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert float(made.LossyImageCompressionRatio) >= 1
    assert (made.Rows, made.Columns) == (48, 64)


def test_grey_stored_as_colour_is_taken_and_colours_are_not() -> None:
    assert opened(png(np.repeat(GREY.astype(np.uint8)[..., None], 3, axis=-1))).SamplesPerPixel == 1
    colours = np.zeros((64, 48, 3), np.uint8)
    colours[:9, :, 0] = 255
    with pytest.raises(PictureRefused) as refused:
        to_dicom(png(colours), ROW)
    assert refused.value.cause.code == "PICTURE_COLOURED"


def test_the_same_picture_and_row_give_the_same_object_and_another_patient_another() -> None:
    data = png(GREY.astype(np.uint8))
    assert to_dicom(data, ROW) == to_dicom(data, ROW)
    one, other = opened(data), opened(data, replace(ROW, patient="P-18"))
    assert one.StudyInstanceUID != other.StudyInstanceUID and one.SOPInstanceUID != other.SOPInstanceUID


def _bomb(columns: int, rows: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    head = columns.to_bytes(4, "big") + rows.to_bytes(4, "big") + b"\x08\0\0\0\0"
    packed = zlib.compress(b"\0" * 20_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (_bomb(60_000, 60_000), "PICTURE_TOO_LARGE"),
        (_bomb(0, 5), "PICTURE_UNREADABLE"),
        (png(GREY.astype(np.uint8))[:-80], "PICTURE_UNREADABLE"),
        (jpeg(GREY.astype(np.uint8))[:60], "PICTURE_UNREADABLE"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "PICTURE_UNREADABLE"),
        (b"\xff\xd8\xff" + b"\xff" * 200, "PICTURE_UNREADABLE"),
    ],
)
def test_a_picture_made_to_harm_is_refused_with_a_remedy(data: bytes, code: str) -> None:
    with pytest.raises(PictureRefused) as refused:
        to_dicom(data, ROW)
    assert refused.value.cause.code == code
    assert refused.value.cause.remedy


TABLE = (
    "file;Patient ID;study_id;view;sex;age;pixel_spacing_mm;study_date;modality\r\n"
    "a\\1.png;P-1;S-1;pa;female;051Y;0.143;2024-06-12;dx\r\n"
    "2.png;P-2;1.2.3;;;;0.2x0.1;;\r\n"
    "2.png;P-3;S-3;;;;;;\r\n"
    ";P-4;S-4;;;;;;\r\n"
    "5.png;;S-5;;;;;;\r\n"
    "6.png;P-6;S-6;oblique;;;;;\r\n"
    "7.png;P-7;S-7;;x;;;;\r\n"
    "8.png;P-8;S-8;;;951;;;\r\n"
    "9.png;P-9;S-9;;;;nan;;\r\n"
    "10.png;P-10;S-10;;;;;June;\r\n"
)


def test_a_table_is_read_row_by_row_and_says_nothing_of_what_it_holds() -> None:
    rows, problems = read_picture_table(b"\xef\xbb\xbf" + TABLE.encode())
    assert [row.file for row in rows] == ["a/1.png", "2.png"]
    first = rows[0]
    assert (first.view, first.sex, first.age, first.spacing, first.date, first.modality) == (
        "PA", "F", 51, (0.143, 0.143), "20240612", "DX",
    )  # fmt: skip
    assert rows[1].spacing == (0.2, 0.1)
    assert [problem.code for problem in problems] == ["FILE_TWICE", "FILE_MISSING", "PATIENT_MISSING"] + [
        "VALUE_MALFORMED"
    ] * 5
    assert [problem.row for problem in problems] == list(range(4, 12))
    said = " ".join(problem.cause + problem.remedy for problem in problems)
    assert "P-" not in said and "S-" not in said and ".png" not in said


def test_a_row_is_found_by_the_path_or_by_its_last_part() -> None:
    rows = {row.file: row for row in read_picture_table(TABLE.encode())[0]}
    assert row_for(rows, "a/1.png") is rows["a/1.png"]
    assert row_for(rows, "export/a/1.png") is rows["a/1.png"]
    assert row_for(rows, "deep/er/2.png") is rows["2.png"]
    assert row_for(rows, "1.png") is None
