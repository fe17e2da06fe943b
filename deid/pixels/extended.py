"""JPEG Extended (process 4) of 12 bits, which pydicom's decoders decline although GDCM reads it; also as GDCM itself writes
it, with a declared precision of 16 bits."""

from __future__ import annotations

import gdcm
import numpy as np
from numpy.typing import NDArray

from deid.dicomfile.element import Encapsulated
from deid.outcome import Refusal
from deid.pixels.codestream import split_frames

_SYNTAX = gdcm.TransferSyntax.JPEGExtendedProcess2_4


def decode_extended(pixels: Encapsulated, rows: int, columns: int, frames: int) -> NDArray[np.uint16]:
    """Stored values of 12 bits, one sample a pixel, shape (frames, rows, columns). Raises Refusal("decode-failed")."""
    streams = [b"".join(group) for group in split_frames(pixels.fragments, b"\xff\xd8")]
    if len(streams) != frames:
        raise Refusal("decode-failed", "frames")
    values = np.empty((frames, rows, columns), dtype="<u2")
    for index, stream in enumerate(streams):
        raw = _decode(stream, rows, columns)
        if len(raw) != rows * columns * 2:
            raise Refusal("decode-failed", "code stream")
        values[index] = np.frombuffer(raw, "<u2").reshape(rows, columns)
    return values


def _decode(stream: bytes, rows: int, columns: int) -> bytes:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(_SYNTAX))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, 0))
    try:
        # GDCM's bindings give bytes as text.
        return bytes(image.GetBuffer().encode("utf-8", "surrogateescape"))
    except (RuntimeError, ValueError, UnicodeError) as problem:
        raise Refusal("decode-failed", type(problem).__name__) from None
