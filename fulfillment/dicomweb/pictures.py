"""Pixels of a stored instance: decoded, as Explicit VR Little Endian, as frames, and rendered for a screen (PS3.18 8.3.5, 10.4)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian

from deid.dicomfile.limits import DEFAULT_LIMITS, Limits
from deid.dicomfile.read import NATIVE_SYNTAXES, read_file
from deid.outcome import Refusal
from deid.pixels.decode import decode_pixels

_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
MAX_VIEWPORT = 8192
_MOST = 255.0
_BAD_TABLE = (ValueError, TypeError, AttributeError, IndexError, KeyError, NotImplementedError)


class NoPicture(ValueError):
    """The instance has no such frame, or its pixels cannot be decoded."""


class BadParameter(ValueError):
    """A rendering parameter that cannot be read. ``args[0]`` is its name."""


@dataclass(frozen=True)
class Decoded:
    """Stored values, shape (frames, rows, columns) or (frames, rows, columns, 3), and what they mean."""

    values: NDArray[Any]
    photometric: str

    def frame_bytes(self, number: int) -> bytes:
        """One frame, little-endian; ``number`` counts from 1."""
        if not 1 <= number <= len(self.values):
            raise NoPicture("frame")
        return bytes(np.ascontiguousarray(self.values[number - 1]).tobytes())


def decode(data: bytes, limits: Limits | None = None) -> Decoded:
    """Decode every frame of a Part 10 file. Raises ``NoPicture``."""
    # A deflated file grows when it is opened: its own length is no limit for that.
    limits = limits or Limits(file_bytes=max(len(data), DEFAULT_LIMITS.file_bytes))
    try:
        file = read_file(data, limits)
        pixels = decode_pixels(file.dataset, file.syntax, limits)
    except Refusal as refusal:
        raise NoPicture("pixels") from refusal
    return Decoded(pixels.values, pixels.photometric)


def as_explicit(data: bytes) -> bytes:
    """The same instance in Explicit VR Little Endian. Raises ``NoPicture``."""
    dataset = dcmread(io.BytesIO(data))
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    if syntax not in NATIVE_SYNTAXES:
        decoded = decode(data)
        plain = b"".join(decoded.frame_bytes(number) for number in range(1, len(decoded.values) + 1))
        wide = decoded.values.dtype.itemsize > 1
        dataset.add_new(0x7FE00010, "OW" if wide else "OB", plain + b"\0" * (len(plain) % 2))
        dataset.PhotometricInterpretation = decoded.photometric
        if decoded.values.ndim == 4:
            dataset.PlanarConfiguration = 0
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    dcmwrite(out, dataset, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return out.getvalue()


def count_frames(header: Dataset) -> int:
    """Number of frames a header announces."""
    try:
        return max(1, int(header.get("NumberOfFrames") or 1))
    except (TypeError, ValueError):
        return 1


def stored_frame(data: bytes, number: int) -> bytes:
    """One frame's code stream as it is stored; ``number`` counts from 1. Raises ``NoPicture``."""
    dataset = dcmread(io.BytesIO(data))
    frames = count_frames(dataset)
    if not 1 <= number <= frames:
        raise NoPicture("frame")
    try:
        return bytes(get_frame(dataset.PixelData, number - 1, number_of_frames=frames))
    except (ValueError, AttributeError, IndexError) as error:
        raise NoPicture("frame") from error


@dataclass(frozen=True)
class Window:
    """Centre and width in output units of the modality LUT, and the function of PS3.3 C.11.2.1."""

    centre: float
    width: float
    function: str = "LINEAR"


def parse_window(text: str) -> Window:
    """``centre,width,function``. Raises ``BadParameter``."""
    parts = text.split(",")
    function = parts[2].strip().upper().replace("-", "_") if len(parts) == 3 else "LINEAR"
    try:
        centre, width = float(parts[0]), float(parts[1])
    except (ValueError, IndexError) as error:
        raise BadParameter("window") from error
    if len(parts) > 3 or function not in _FUNCTIONS or not np.isfinite([centre, width]).all() or width < 1:
        raise BadParameter("window")
    return Window(centre, width, function)


def parse_viewport(text: str) -> tuple[int, int]:
    """``width,height`` of the box the picture must fit into. Cropping is not supported. Raises ``BadParameter``."""
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() and len(part.strip()) <= 5 for part in parts):
        raise BadParameter("viewport")
    width, height = (int(part) for part in parts)
    if not (1 <= width <= MAX_VIEWPORT and 1 <= height <= MAX_VIEWPORT):
        raise BadParameter("viewport")
    return width, height


def render(
    data: bytes,
    *,
    frame: int = 1,
    window: Window | None = None,
    viewport: tuple[int, int] | None = None,
    media_type: str = "image/jpeg",
    quality: int = 90,
) -> bytes:
    """One frame as it should look on a screen. Raises ``NoPicture``."""
    decoded = decode(data)
    if not 1 <= frame <= len(decoded.values):
        raise NoPicture("frame")
    header = dcmread(io.BytesIO(data), stop_before_pixels=True)
    picture = Picture.fromarray(_displayed(decoded.values[frame - 1], header, decoded.photometric, window))
    if viewport is not None:
        scale = min(viewport[0] / picture.width, viewport[1] / picture.height)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Picture.Resampling.LANCZOS if scale < 1 else Picture.Resampling.BICUBIC)
    out = io.BytesIO()
    if media_type == "image/png":
        picture.save(out, "PNG", compress_level=3)
    else:
        picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _displayed(plane: NDArray[Any], header: Dataset, photometric: str, window: Window | None) -> NDArray[np.uint8]:
    """8-bit values for a screen: modality LUT, window, and black and white the right way round."""
    if plane.ndim == 3:
        return plane.astype(np.uint8)
    grey = _grey(plane, header, window)
    if photometric == "MONOCHROME1":
        grey = 1 - grey
    return np.clip(grey * _MOST + 0.5, 0, _MOST).astype(np.uint8)


def _grey(plane: NDArray[Any], header: Dataset, window: Window | None) -> NDArray[np.float32]:
    """0 to 1 (and beyond, where the window cuts) in the order of the header's tables. A table that cannot be used is left out."""
    values: NDArray[Any] = plane
    try:
        values = apply_modality_lut(plane, header)
        if window is None and header.get("VOILUTSequence"):
            bits = int(header.VOILUTSequence[0].LUTDescriptor[2])
            return np.asarray(apply_voi_lut(values, header), dtype=np.float32) / float(2**bits - 1)
    except _BAD_TABLE:
        values = plane
    return _windowed(np.asarray(values, dtype=np.float32), window or _own_window(header))


def _own_window(header: Dataset) -> Window | None:
    """The first window of the header."""
    try:
        centre, width = header.get("WindowCenter"), header.get("WindowWidth")
        first = [float(value if isinstance(value, str | float | int) else value[0]) for value in (centre, width)]
    except _BAD_TABLE:
        return None
    function = str(header.get("VOILUTFunction") or "LINEAR")
    return Window(first[0], first[1], function if function in _FUNCTIONS else "LINEAR") if first[1] >= 1 else None


def _windowed(values: NDArray[np.float32], window: Window | None) -> NDArray[np.float32]:
    if window is None:
        low, high = (float(bound) for bound in np.percentile(values[::4, ::4], [0.5, 99.5]))
        return (values - low) / max(high - low, 1.0)
    if window.function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - window.centre) / window.width, -80, 80)))
    if window.function == "LINEAR":
        return (values - (window.centre - 0.5)) / max(window.width - 1, 1e-6) + 0.5
    return (values - window.centre) / window.width + 0.5
