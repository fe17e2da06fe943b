"""Stored values as far as a display would turn their order round: lookup tables and a falling rescale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from fulfillment.conformance.values import BAD_VALUE, number_values

_SIDE = 900


def as_displayed(plane: NDArray[np.generic], dataset: Dataset) -> NDArray[Any]:
    """The plane, or where the header's tables could exchange black and white (ModalityLUTSequence, VOILUTSequence, a negative
    RescaleSlope) a reduced copy seen through them. `plane`: (rows, columns), stored values. Never raises on a bad table."""
    falling = any(slope < 0 for slope in number_values(dataset, "RescaleSlope"))
    if not (falling or "ModalityLUTSequence" in dataset or "VOILUTSequence" in dataset):
        return plane
    step = max(1, max(plane.shape) // _SIDE)
    small: NDArray[Any] = np.ascontiguousarray(plane[::step, ::step])
    try:
        seen = apply_modality_lut(small, dataset)
        return apply_voi_lut(seen, dataset, prefer_lut=True) if "VOILUTSequence" in dataset else seen
    except (*BAD_VALUE, IndexError):
        return plane
