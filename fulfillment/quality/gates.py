"""Gates: conditions that must hold before a quality score means anything. Each has a cause and a remedy.

Only what pixels and header together can tell is judged here. Clear of identity, duplicates, and the header
against the picture (view, polarity, rotation) are judged by their own stages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fulfillment.conformance.facts import ImageFacts
from fulfillment.quality.result import Gate
from requests_app.spec.document import DatasetSpec
from requests_app.spec.vocabulary import Level

SMALLEST_MEASURABLE = 64
DEFAULT_SHORT_SIDE = 1024
DEFAULT_BITS = 10


@dataclass(frozen=True, slots=True)
class GateRules:
    """What the gates ask; a request may ask less. 0 and False switch a gate off."""

    short_side: int = DEFAULT_SHORT_SIDE
    bits_stored: int = DEFAULT_BITS
    spacing: bool = True
    view: bool = True

    @classmethod
    def for_spec(cls, spec: DatasetSpec | None) -> GateRules:
        """The rules of a request: only its "must" lines gate; without a request, the portal's own."""
        if spec is None:
            return cls()
        side, bits, spacing = spec.image.short_side, spec.image.bits_stored, spec.image.pixel_spacing
        return cls(
            short_side=side.min_px if side is not None and side.level is Level.MUST else 0,
            bits_stored=bits.min if bits is not None and bits.level is Level.MUST else 0,
            spacing=spacing is not None and spacing.level is Level.MUST,
            view=any(line.level is Level.MUST for line in spec.projections),
        )


def grey_plane(pixels: NDArray[np.generic], facts: ImageFacts) -> NDArray[np.integer] | Gate:
    """The (rows, columns) plane to be measured: the image, or the middle frame of several; else a gate."""
    array = np.asarray(pixels)
    if array.ndim == 3 and facts.frames > 1 and array.shape[0] == facts.frames:
        array = array[facts.frames // 2]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 or (facts.samples_per_pixel or 1) > 1:
        return Gate(
            "NOT_GREY",
            "image.photometric",
            "PhotometricInterpretation",
            "The image is not a grey-scale plane.",
            "Send the original grey-scale radiograph; colour usually means a screen capture.",
        )
    if array.dtype == np.bool_ or not np.issubdtype(array.dtype, np.integer) or array.size == 0:
        return Gate(
            "NOT_DECODED",
            "",
            "PixelData",
            "The pixels are not stored integer values.",
            "Send the image again; if it fails again, send it uncompressed.",
        )
    if min(array.shape) < SMALLEST_MEASURABLE:
        return Gate(
            "TOO_SMALL_TO_MEASURE",
            "image.short_side",
            "Rows",
            f"The image is smaller than {SMALLEST_MEASURABLE} pixels on a side.",
            "Send the original, not an icon.",
        )
    if int(array.min()) == int(array.max()):
        return Gate(
            "EMPTY_IMAGE",
            "",
            "PixelData",
            "Every pixel has the same value: there is no picture.",
            "Leave the image out, or send it again if it shows a chest at the source.",
        )
    return array


def header_gates(plane: NDArray[np.integer], facts: ImageFacts, rules: GateRules) -> list[Gate]:
    """The gates that need the header, in order of weight."""
    failed: list[Gate] = []
    if facts.photometric is not None and facts.photometric not in {"MONOCHROME1", "MONOCHROME2"}:
        failed.append(
            Gate(
                "PHOTOMETRIC_NOT_GREY",
                "image.photometric",
                "PhotometricInterpretation",
                "PhotometricInterpretation is neither MONOCHROME1 nor MONOCHROME2.",
                "Send the original grey-scale radiograph.",
            )
        )
    elif facts.photometric is None:
        failed.append(
            Gate(
                "PHOTOMETRIC_MISSING",
                "image.photometric",
                "PhotometricInterpretation",
                "PhotometricInterpretation is missing, so black and white cannot be told apart.",
                "Fill it in at the source and send the image again.",
            )
        )
    side = min(plane.shape)
    if side < rules.short_side:
        failed.append(
            Gate(
                "SHORT_SIDE",
                "image.short_side",
                "Rows" if plane.shape[0] <= plane.shape[1] else "Columns",
                f"The short side is {side:,} pixels; at least {rules.short_side:,} are needed.",
                "Send the original size, not a reduced copy.",
            )
        )
    if (facts.bits_stored or 0) < rules.bits_stored:
        stored = "missing" if facts.bits_stored is None else str(facts.bits_stored)
        failed.append(
            Gate(
                "BITS_STORED",
                "image.bits_stored",
                "BitsStored",
                f"BitsStored is {stored}; at least {rules.bits_stored} are needed.",
                "Send the original from the archive, not a viewer's export.",
            )
        )
    if rules.spacing and facts.spacing_mm is None:
        failed.append(
            Gate(
                "SPACING",
                "image.pixel_spacing",
                "PixelSpacing",
                "The size of a pixel is not in the header.",
                "Fill in ImagerPixelSpacing from the detector's data sheet, or PixelSpacing if calibrated.",
            )
        )
    if rules.view and facts.view is None:
        failed.append(
            Gate(
                "VIEW",
                "projections",
                "ViewPosition",
                "The projection is not in the header.",
                "Fill in ViewPosition (PA, AP, LL or RL) at the source.",
            )
        )
    return failed
