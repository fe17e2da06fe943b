"""PNG copies of released images, for those who asked for them."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pydicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from requests_app.spec import ImageFormat


def as_png(data: bytes, form: ImageFormat) -> bytes:
    """One de-identified Part-10 file (bytes) as PNG, bright bones; the first frame of several.

    ``PNG16`` keeps the stored values (unsigned 16 bit; signed values are moved up by half the range). ``PNG8`` applies
    the rescale and then the header's own window or VOI table, over its full range, or the 0.5 to 99.5 percentile window
    where the header has neither. Colours become grey by their mean.
    """
    dataset = pydicom.dcmread(io.BytesIO(data))
    plane = dataset.pixel_array
    plane = plane[0] if int(dataset.get("NumberOfFrames", 1) or 1) > 1 else plane
    if plane.ndim == 3:
        picture = _sixteen_bit(plane.mean(axis=-1)) if form is ImageFormat.PNG16 else _stretched(plane.mean(axis=-1))
        return _encoded(picture)
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    if form is ImageFormat.PNG16:
        stored = plane.astype(np.int32)
        bits = int(dataset.BitsStored)
        if dataset.PixelRepresentation:
            stored = stored + (1 << (bits - 1))
        if inverted:
            stored = ((1 << bits) - 1) - stored
        return _encoded(_sixteen_bit(stored))
    picture = _windowed(plane, dataset)
    return _encoded(255 - picture if inverted else picture)


def _windowed(plane: np.ndarray, dataset: pydicom.Dataset) -> np.ndarray:
    """8-bit picture of stored values (rows, columns) as the header says it should look (PS3.3 C.11.2)."""
    values = apply_modality_lut(plane, dataset)
    limits = _voi_limits(dataset)
    if limits is None:
        return _stretched(values)
    return _scaled(apply_voi_lut(values, dataset), *limits)


def _voi_limits(dataset: pydicom.Dataset) -> tuple[float, float] | None:
    """The range that the VOI table or window maps onto, as pydicom's ``apply_voi_lut`` does; None without one."""
    sequence = dataset.get("VOILUTSequence")
    if sequence and sequence[0].get("LUTDescriptor") is not None and sequence[0].get("LUTData") is not None:
        return 0.0, float(2 ** int(sequence[0].LUTDescriptor[2]) - 1)
    if dataset.get("WindowCenter") is None or dataset.get("WindowWidth") is None:
        return None
    bits = int(dataset.BitsStored)
    low, high = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if dataset.PixelRepresentation else (0.0, 2.0**bits - 1)
    if dataset.get("ModalityLUTSequence"):
        low, high = 0.0, 2.0 ** int(dataset.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if slope is not None and intercept is not None:
        low, high = low * float(slope) + float(intercept), high * float(slope) + float(intercept)
    return min(low, high), max(low, high)


def _stretched(values: np.ndarray) -> np.ndarray:
    low, high = (float(bound) for bound in np.percentile(values, (0.5, 99.5)))
    return _scaled(values, low, high)


def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    scaled = (values.astype(np.float32) - low) * (255.0 / max(1e-6, high - low))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _sixteen_bit(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 65535).astype(np.uint16)


def _encoded(picture: np.ndarray) -> bytes:
    done, encoded = cv2.imencode(".png", picture)
    if not done:
        raise ValueError("the picture could not be encoded as PNG")
    return bytes(encoded)
