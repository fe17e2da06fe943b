"""Pixels: masking in stored values, pass-through, encodings, hidden bits, frames, markers, and the shipped detector."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from deid import Released
from deid.pixels.detector import Region
from deid.pixels.markers import is_marker
from deid.text.identifiers import Identifiers
from tests.deid.objects import (
    CR,
    SC,
    SC_MULTI_WORD,
    SECRET,
    FixedDetector,
    clean,
    draw,
    load_radiograph,
    make_dataset,
    make_file,
    plain_chest,
    real_radiographs,
    released,
    to_bytes,
    withheld,
)

BOX = Region(40, 30, 60, 14, 0.9)


def with_text(pixels: NDArray[np.generic], value: int) -> NDArray[np.generic]:
    """Stripes in the box of the fixed detector, standing for text."""
    marked = pixels.copy()
    marked[..., BOX.y : BOX.y + BOX.height, BOX.x : BOX.x + BOX.width : 2] = value
    return marked


def inside(shape: tuple[int, ...], outcome: Released) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    for box in outcome.masks:
        mask[..., box.y : box.y + box.height, box.x : box.x + box.width] = True
    return mask


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2", "signed", "eight bits"])
def test_masks_fill_with_the_border_and_change_nothing_else(kind: str) -> None:
    pixels: NDArray[np.generic] = plain_chest()
    top = 4095
    header: dict[str, object] = {}
    if kind == "signed":
        pixels, top = (plain_chest().astype(np.int16) - 2048).astype(np.int16), 2047
    if kind == "eight bits":
        pixels, top = (plain_chest() >> 4).astype(np.uint8), 255
    if kind == "MONOCHROME1":
        header["PhotometricInterpretation"] = "MONOCHROME1"
    marked = with_text(pixels, top)
    out, outcome = released(make_file(marked, **header), detector=FixedDetector(BOX))
    mask = inside(pixels.shape, outcome)
    assert len(outcome.masks) == 1 and mask[BOX.y : BOX.y + BOX.height, BOX.x : BOX.x + BOX.width].all()
    assert np.array_equal(out.pixel_array[~mask], marked[~mask])
    filled = out.pixel_array[mask]
    assert np.ptp(filled) == 0 and int(pixels[mask].min()) - 60 <= filled[0] <= int(pixels[mask].max()) + 60
    assert "masked" in out.DerivationDescription and out.BurnedInAnnotation == "NO"
    assert outcome.record.pixel_sha256_in != outcome.record.pixel_sha256_out


def test_padding_values_do_not_become_the_fill() -> None:
    pixels = plain_chest()
    pixels[20:60, 120:] = 0
    pixels[:24] = 0
    marked = with_text(pixels, 4095)
    ds = make_dataset(marked)
    ds.add_new(0x00280120, "US", 0)
    out, outcome = released(to_bytes(ds), detector=FixedDetector(BOX))
    assert out.pixel_array[inside(pixels.shape, outcome)][0] > 100


def test_text_on_one_frame_of_many_is_masked_on_that_frame_alone() -> None:
    frames = np.stack([plain_chest(), plain_chest(seed=2), plain_chest(seed=3)])
    frames[1] = with_text(frames[1], 4095)

    class StripeDetector(FixedDetector):
        def find(self, image: NDArray[np.float32], near: Sequence[Region] | None = None) -> list[Region]:
            window = (
                image[BOX.y : BOX.y + BOX.height, BOX.x : BOX.x + BOX.width] if image.shape == (256, 224) else image[:0]
            )
            return [BOX] if window.size and np.abs(np.diff(window, axis=1)).mean() > 500 else []

    out, outcome = released(make_file(frames, SC_MULTI_WORD, BurnedInAnnotation="NO"), detector=StripeDetector())
    assert {box.frame for box in outcome.masks} == {1}
    assert np.array_equal(out.pixel_array[[0, 2]], frames[[0, 2]])


def test_pixels_are_examined_although_the_header_denies_text() -> None:
    marked = with_text(plain_chest(), 4095)
    _, outcome = released(make_file(marked, BurnedInAnnotation="NO"), detector=FixedDetector(BOX))
    assert outcome.masks and outcome.record.burned_in_declared == "no"


def test_an_overlay_in_unused_high_bits_is_cleared() -> None:
    pixels = plain_chest()
    hidden = pixels.copy()
    hidden[100:120, 50:150] |= 0x8000
    out, outcome = released(make_file(hidden))
    assert np.array_equal(out.pixel_array, pixels) and int(out.pixel_array.max()) < 4096
    assert not outcome.record.pixel_passthrough


def test_bytes_after_the_last_pixel_are_cut() -> None:
    ds = make_dataset(plain_chest())
    ds.PixelData += b"Featherstone Wilhelmina!"
    _, outcome = released(to_bytes(ds))
    assert b"Featherstone" not in outcome.data


def encapsulated(syntax: str, pixels: NDArray[np.uint16], folder: Path, bits: int = 12) -> bytes:
    """A CR of those pixels, compressed without loss."""
    if syntax == RLELossless:
        native = dcmread(io.BytesIO(to_bytes(make_dataset(pixels, bits=bits))))
        native.compress(syntax, generate_instance_uid=False)
        stream = io.BytesIO()
        native.save_as(stream)
        return stream.getvalue()
    if syntax == JPEG2000Lossless:
        openjpeg = pytest.importorskip("openjpeg.utils", reason="no JPEG 2000 encoder to make the test's input with")
        frame = openjpeg.encode_array(pixels, bits_stored=12, photometric_interpretation=2, use_mct=False)
        ds = make_dataset(pixels)
        ds.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2)])
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        return to_bytes(ds, syntax)
    return _by_gdcm(to_bytes(make_dataset(pixels, bits=bits)), folder)


def _by_gdcm(data: bytes, folder: Path) -> bytes:
    """JPEG Lossless SV1, the commonest compression of CR and DX, made by GDCM."""
    gdcm = pytest.importorskip("gdcm", reason="no JPEG Lossless encoder to make the test's input with")
    plain, packed = folder / "plain.dcm", folder / "packed.dcm"
    plain.write_bytes(data)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(plain))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(packed))
    assert writer.Write()
    return packed.read_bytes()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLosslessSV1])
def test_compressed_pixels_without_text_pass_byte_for_byte_and_with_text_become_native(
    syntax: str, tmp_path: Path
) -> None:
    data = encapsulated(syntax, plain_chest(), tmp_path)
    out, outcome = released(data)
    assert out.file_meta.TransferSyntaxUID == syntax and outcome.record.pixel_passthrough
    assert out.PixelData == dcmread(io.BytesIO(data)).PixelData
    marked = with_text(plain_chest(), 4095)
    out, outcome = released(encapsulated(syntax, marked, tmp_path), detector=FixedDetector(BOX))
    assert out.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    mask = inside(marked.shape, outcome)
    assert np.array_equal(out.pixel_array[~mask], marked[~mask])


def test_an_overlay_in_unused_high_bits_is_cleared_from_compressed_pixels_too(tmp_path: Path) -> None:
    hidden = plain_chest()
    hidden[100:120, 50:150] |= 0x8000
    for syntax in (RLELossless, JPEGLosslessSV1):
        # Encoders clear the bits above BitsStored, so the file is made with 16 stored bits and then said to have 12.
        data = encapsulated(syntax, hidden, tmp_path, bits=16)
        for tag, old, new in ((b"\x01\x01", 16, 12), (b"\x02\x01", 15, 11)):
            head = b"\x28\x00" + tag + b"US\x02\x00"
            assert head + bytes([old, 0]) in data
            data = data.replace(head + bytes([old, 0]), head + bytes([new, 0]))
        out, outcome = released(data)
        assert np.array_equal(out.pixel_array, plain_chest()) and not outcome.record.pixel_passthrough


def jpeg_file(comment: bytes = b"") -> tuple[bytes, bytes]:
    stream = io.BytesIO()
    Image.fromarray((plain_chest() >> 4).astype(np.uint8)).save(stream, "JPEG", quality=92)
    jpeg = stream.getvalue()
    if comment:
        jpeg = jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]
    ds = make_dataset((plain_chest() >> 4).astype(np.uint8), SC)
    ds.PixelData = encapsulate([jpeg + b"\0" * (len(jpeg) % 2)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return to_bytes(ds, JPEGBaseline8Bit), jpeg


def test_a_lossy_image_is_passed_through_and_stays_marked_as_lossy() -> None:
    data, jpeg = jpeg_file()
    out, outcome = released(data)
    assert outcome.record.pixel_passthrough and jpeg in outcome.data
    assert out.LossyImageCompression == "01" and out.file_meta.TransferSyntaxUID == JPEGBaseline8Bit


def test_a_masked_lossy_image_is_written_uncompressed_and_never_recompressed() -> None:
    data, _ = jpeg_file()
    out, outcome = released(data, detector=FixedDetector(BOX))
    decoded = dcmread(io.BytesIO(data)).pixel_array
    mask = inside(decoded.shape, outcome)
    assert out.LossyImageCompression == "01" and out.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(out.pixel_array[~mask], decoded[~mask])


def test_a_comment_inside_the_code_stream_is_not_passed_through() -> None:
    data, _ = jpeg_file(b"Featherstone Wilhelmina")
    _, outcome = released(data)
    assert b"Featherstone" not in outcome.data and not outcome.record.pixel_passthrough


def test_broken_compressed_pixels_are_withheld() -> None:
    data, jpeg = jpeg_file()
    assert withheld(data.replace(jpeg[20:], b"\x11" * len(jpeg[20:]))) == "decode-failed"


def test_an_image_that_is_mostly_text_is_withheld_and_large_masks_ask_for_review() -> None:
    whole = Region(0, 0, 224, 250, 0.99)
    assert withheld(make_file(), detector=FixedDetector(whole)) in ("text-too-much", "text-left")
    _, outcome = released(make_file(), detector=FixedDetector(Region(10, 10, 180, 30, 0.99)))
    assert "mask-large" in outcome.review
    _, outcome = released(make_file(), detector=FixedDetector(Region(100, 110, 20, 6, 0.99)))
    assert "mask-over-lungs" in outcome.review


def test_text_that_will_not_go_is_withheld() -> None:
    class Stubborn(FixedDetector):
        def find(self, image: NDArray[np.float32], near: Sequence[Region] | None = None) -> list[Region]:
            self.calls = getattr(self, "calls", 0) + 1
            return [Region(5 + 30 * self.calls, 5, 20, 8, 0.9)]

    assert withheld(make_file(), detector=Stubborn()) == "text-left"


@pytest.mark.parametrize(
    "text",
    ["R", "L", "AP", "PA ERECT", "PORTABLE", "120kV 2.5mAs", "SEMI-ERECT", "120 kV", "kVp: 95 mA 320", "2.88 mAs"],
)
def test_markers_may_stay(text: str) -> None:
    assert is_marker(text, 0.99, Identifiers())
    assert not is_marker(text, 0.90, Identifiers())


@pytest.mark.parametrize(
    "text",
    ["SMITH R", "RL7", "", "R 12345", "APOLO", "01/02/2020", "R^L", "120", "MA", "MA 320", "kV", "12345 kV", "L 120"],
)
def test_anything_else_may_not(text: str) -> None:
    assert not is_marker(text, 1.0, Identifiers())


def test_a_marker_that_is_also_the_patients_name_may_not_stay() -> None:
    identifiers = Identifiers()
    identifiers.add_name("Port^Andrew")
    assert not is_marker("PORT", 1.0, identifiers)


def shipped(data: bytes) -> Released:
    from deid import Keyring, deidentify, load_policy

    outcome = deidentify(data, load_policy(), Keyring(SECRET, "test"))
    assert isinstance(outcome, Released), (outcome.reason, outcome.record.detail)
    return outcome


def test_an_image_without_text_is_left_alone_by_the_shipped_detector() -> None:
    for rows, columns in ((256, 224), (800, 700)):
        outcome = shipped(make_file(plain_chest(rows, columns)))
        assert outcome.masks == () and outcome.review == ()


def test_burned_in_names_on_real_radiographs_are_masked_and_side_markers_stay() -> None:
    for index, inverted in ((0, False), (3, True)):
        pixels = load_radiograph(real_radiographs()[index])[:720]
        columns = pixels.shape[1]
        if inverted:
            pixels = (4095 - pixels).astype(np.uint16)
        pixels, name = draw(pixels, "FEATHERSTONE W 12/04/1950", (50, 60), 22, 4095)
        pixels, marker = draw(pixels, "R", (columns - 150, 260), 50, 4095, font=1)
        outcome = shipped(make_file(pixels, PhotometricInterpretation="MONOCHROME1" if inverted else "MONOCHROME2"))
        out = dcmread(io.BytesIO(outcome.data)).pixel_array
        mask = inside(pixels.shape, outcome)
        assert mask[name].mean() > 0.99
        assert np.array_equal(out[~mask], pixels[~mask])
        if not inverted:
            assert mask[marker].mean() < 0.1 and outcome.record.markers_kept >= 1


def test_unusual_classes_of_colour_are_examined_too() -> None:
    grey = (plain_chest(400, 360) >> 4).astype(np.uint8)
    colour = np.dstack([grey] * 3)
    red = np.zeros((400, 360), np.uint16)
    red, glyphs = draw(red, "FEATHERSTONE", (60, 40), 20, 255)
    colour[..., 0] = np.maximum(colour[..., 0], red.astype(np.uint8))
    outcome = shipped(make_file(colour, SC))
    assert inside((400, 360), outcome)[glyphs].mean() > 0.99
    assert dcmread(io.BytesIO(outcome.data)).PhotometricInterpretation == "RGB"


def test_the_detector_is_deterministic() -> None:
    data = make_file(draw(plain_chest(400, 360), "FEATHERSTONE", (60, 40), 20, 4095)[0], CR)
    assert shipped(data).data == shipped(data).data


def test_clean_with_no_detector_given_uses_the_blind_one_only_in_tests() -> None:
    outcome = clean(make_file())
    assert outcome.record.detector == "blind"
