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

    ``PNG16`` keeps the stored values (unsigned 16 bit; signed values are moved up to zero). ``PNG8`` applies the rescale and the
    header's own window, or the 0.5 to 99.5 percentile window where it has none.
    """
    dataset = pydicom.dcmread(io.BytesIO(data))
    plane = dataset.pixel_array
    plane = plane[0] if int(dataset.get("NumberOfFrames", 1) or 1) > 1 else plane
    plane = plane.mean(axis=-1).astype(np.uint16) if plane.ndim == 3 else plane
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    if form is ImageFormat.PNG16:
        stored = plane.astype(np.int32)
        if dataset.PixelRepresentation:
            stored = stored + (1 << (int(dataset.BitsStored) - 1))
        if inverted:
            stored = ((1 << int(dataset.BitsStored)) - 1) - stored
        picture = np.clip(stored, 0, 65535).astype(np.uint16)
    else:
        values = apply_voi_lut(apply_modality_lut(plane, dataset), dataset).astype(np.float32)
        if "WindowCenter" in dataset or "VOILUTSequence" in dataset:
            low, high = float(values.min()), float(values.max())
        else:
            low, high = (float(bound) for bound in np.percentile(values, (0.5, 99.5)))
        picture = np.clip((values - low) * (255.0 / max(1e-6, high - low)), 0, 255).astype(np.uint8)
        picture = 255 - picture if inverted else picture
    done, encoded = cv2.imencode(".png", picture)
    if not done:
        raise ValueError("the picture could not be encoded as PNG")
    return bytes(encoded)
