"""Compressed Pixel Data: JPEG Extended of 12 bits, and bytes that RLE decoders do not read."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian

from deid import Quarantined
from deid.dicomfile.limits import DEFAULT_LIMITS
from deid.dicomfile.read import read_file
from deid.pixels.decode import decode_pixels
from deid.pixels.detector import Region
from tests.deid.corpus import encode
from tests.deid.objects import FixedDetector, clean, make_dataset, plain_chest, released, to_bytes
from tests.deid.zoo import stream, with_stream


def extended(pixels: NDArray[np.uint16]) -> bytes:
    """JPEG Extended of 12 bits, made by GDCM."""
    pytest.importorskip("gdcm", reason="no JPEG Extended encoder to make the test's input with")
    ds = make_dataset(pixels)
    encode._by_gdcm(ds, "1.2.840.10008.1.2.4.51")
    return to_bytes(ds, "1.2.840.10008.1.2.4.51")


def test_jpeg_extended_of_twelve_bits_is_examined_and_passes_through() -> None:
    pixels = plain_chest()
    _, outcome = released(extended(pixels))
    assert outcome.record.pixel_passthrough and outcome.record.transfer_syntax_out == "1.2.840.10008.1.2.4.51"
    file = read_file(outcome.data)
    values = decode_pixels(file.dataset, file.syntax, DEFAULT_LIMITS).values
    assert np.abs(values[0].astype(int) - pixels).max() <= 2


def test_masks_over_jpeg_extended_of_twelve_bits_are_written_uncompressed_and_marked_lossy() -> None:
    out, outcome = released(extended(plain_chest()), detector=FixedDetector(Region(20, 30, 60, 16, 0.9)))
    assert outcome.masks and out.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert out.LossyImageCompression == "01" and int(out.pixel_array.max()) < 4096


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "JPEG-lossy.dcm"])
def test_values_of_jpeg_extended_are_those_that_other_decoders_give(name: str) -> None:
    """Two values that pydicom's own tests hold, from another decoder."""
    path = Path(pydicom.data.__file__).parent / "test_files" / name
    if not path.exists():
        pytest.skip(f"this pydicom ships without {name}")
    file = read_file(path.read_bytes())
    values = decode_pixels(file.dataset, file.syntax, DEFAULT_LIMITS).values[0]
    assert (values[420, 140], values[230, 120]) == (244, 95)


RLE_SYNTAX = "1.2.840.10008.1.2.5"


def rle_frame(change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """The good RLE file with its segments changed."""
    code = stream(RLE_SYNTAX)
    count = struct.unpack("<I", code[:4])[0]
    offsets = [*struct.unpack(f"<{count}I", code[4 : 4 + 4 * count]), len(code)]
    segments = change([code[a:b] for a, b in itertools.pairwise(offsets)])
    begins = [64 + sum(map(len, segments[:n])) for n in range(len(segments))]
    return with_stream(RLE_SYNTAX, struct.pack("<16I", count, *begins, *[0] * (15 - count)) + b"".join(segments))


@pytest.mark.parametrize(
    "hidden", [b"Featherstone", b"\0\0", b"F", b"\x0bFeatherstone", b"\x00F\x00e\x00a\x00t\x00h\x00e\x00r"]
)
@pytest.mark.parametrize("place", [0, 1])
def test_bytes_behind_the_last_run_of_an_rle_segment_do_not_pass_through(hidden: bytes, place: int) -> None:
    def change(segments: list[bytes]) -> list[bytes]:
        segments[place] += hidden
        return segments

    outcome = clean(rle_frame(change))
    assert isinstance(outcome, Quarantined) or not outcome.record.pixel_passthrough
    assert hidden not in getattr(outcome, "data", b"") or len(hidden) < 3
    good = clean(rle_frame(lambda segments: segments))
    assert not isinstance(good, Quarantined) and good.record.pixel_passthrough
