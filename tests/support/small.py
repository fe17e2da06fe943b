"""A quick picture in a valid CR, for tests that need an image and no database."""

from __future__ import annotations

import numpy as np

from getdata.demo.dicomize import encode


def small_radiograph(seed: int = 0, *, side: int = 1100, **header: object) -> bytes:
    """A quick grey picture in a valid CR: enough for the pipeline, cheap to make. Not anatomy."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    lungs = np.exp(-(((x - 0.3) / 0.15) ** 2 + ((y - 0.5) / 0.3) ** 2)) + np.exp(
        -(((x - 0.7) / 0.15) ** 2 + ((y - 0.5) / 0.3) ** 2)
    )
    field = 2600 - 1500 * lungs + 300 * np.sin(18 * y) + rng.normal(0, 25, (side, side))
    pixels = np.clip(field, 0, 4095).astype(np.uint16)
    fields: dict[str, object] = {
        "PatientName": "SMITH^JANE",
        "PatientID": f"00{seed:06d}",
        "PatientSex": "F",
        "PatientAge": "051Y",
        "ViewPosition": "PA",
        "BodyPartExamined": "CHEST",
        "StudyInstanceUID": f"1.2.826.0.1.99.{seed}.1",
        "SeriesInstanceUID": f"1.2.826.0.1.99.{seed}.2",
        "SOPInstanceUID": f"1.2.826.0.1.99.{seed}.3",
        "PixelSpacing": [0.3, 0.3],
        "StudyDate": "20240612",
        "StudyDescription": "Chest PA",
    }
    return encode(pixels, {**fields, **header})
