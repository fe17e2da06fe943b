"""`look`: one plane of stored values -> `Truth`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fulfillment.conformance.facts import ImageFacts
from fulfillment.quality.truth.result import Truth

SMALLEST = 128


def look(plane: NDArray[np.generic], *, photometric: str | None, facts: ImageFacts | None = None) -> Truth:
    """Look at one picture.

    `plane`: stored values, (rows, columns), any integer or floating type. `photometric`: its PhotometricInterpretation;
    anything but MONOCHROME1 is shown as it is. `facts` may be left out: the answer is the picture's alone.
    Deterministic, one thread, never raises on a bad picture: what cannot be looked at says so in ``reason``.
    """
    array = np.asarray(plane)
    if array.ndim != 2 or array.dtype == np.bool_ or not np.issubdtype(array.dtype, np.number):
        return Truth(reason="The image is not a grey-scale plane.")
    if min(array.shape) < SMALLEST:
        return Truth(reason=f"The picture is smaller than {SMALLEST} pixels on a side.")
    return Truth(reason="No model is installed.")
