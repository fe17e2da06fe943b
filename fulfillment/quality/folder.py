"""Scoring the images of a folder: DICOM, PNG and JPEG, one row each, whatever is wrong with a file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fulfillment.conformance.facts import ImageFacts
from fulfillment.conformance.read import read_facts
from fulfillment.duplicates.files import Pixels, Unreadable, read_pixels
from fulfillment.quality.gates import grey_plane
from fulfillment.quality.result import Gate, QualityResult
from fulfillment.quality.score import score_image
from fulfillment.quality.truth import Truth, look
from fulfillment.quality.truth.display import as_displayed
from requests_app.spec.document import DatasetSpec

COLUMNS = (
    "file",
    "sop_instance_uid",
    "gate",
    "reason",
    "total",
    "weakest",
    "remedy",
    "resolution",
    "noise",
    "depth",
    "clipping",
    "blockiness",
    "contrast",
    "view",
    "view_confidence",
    "polarity",
    "rotation",
    "mirrored",
    "not_chest",
)
UNREADABLE = "NOT_READABLE"


@dataclass(frozen=True)
class FileScore:
    """One file's score. ``cause`` is set, and the rest missing, where it could not be read."""

    file: str
    sop_instance_uid: str = ""
    result: QualityResult | None = None
    truth: Truth | None = None
    cause: str = ""

    def row(self) -> dict[str, object]:
        """The values of ``COLUMNS``. ``total`` is the score of the components, also where a gate is closed."""
        blank: dict[str, object] = dict.fromkeys(COLUMNS, "")
        if self.result is None:
            return blank | {"file": self.file, "gate": "closed", "reason": UNREADABLE, "remedy": self.cause}
        result, truth = self.result, self.truth or Truth()
        shown = {name: f"{result.components[name]:.1f}" for name in COLUMNS if name in result.components}
        if result.components:
            # The table has one column for both: whichever is lower is what a picture lacks.
            shown["resolution"] = f"{min(result.components['resolution'], result.components['sharpness']):.1f}"
        return {
            **blank,
            **shown,
            "file": self.file,
            "sop_instance_uid": self.sop_instance_uid,
            "gate": "open" if result.gate else "closed",
            "reason": result.gate_reason,
            "total": f"{result.technical:.1f}" if result.components else "",
            "weakest": result.weakest,
            "remedy": result.remedy,
            "view": truth.view if truth.assessed else "",
            "view_confidence": f"{truth.view_confidence:.3f}" if truth.assessed else "",
            "polarity": truth.polarity if truth.assessed else "",
            "rotation": "" if truth.rotation is None or not truth.assessed else truth.rotation,
            "mirrored": "" if truth.mirrored is None else _word(truth.mirrored),
            "not_chest": _word(truth.not_chest) if truth.assessed else "",
        }


def _word(value: bool) -> str:
    return "true" if value else "false"


def score_file(folder: Path, name: str, spec: DatasetSpec | None = None) -> FileScore:
    """Score one file of a folder. Never raises on a bad file."""
    try:
        pixels = read_pixels(folder / name)
    except Unreadable as refusal:
        return FileScore(name, cause=str(refusal))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        facts = _picture_facts(pixels.stored) if pixels.dataset is None else read_facts(pixels.dataset)
    return _scored(name, pixels, facts, spec)


def _scored(name: str, pixels: Pixels, facts: ImageFacts, spec: DatasetSpec | None) -> FileScore:
    plane = grey_plane(pixels.stored, facts)
    truth = Truth()
    if not isinstance(plane, Gate):
        shown = plane if pixels.dataset is None else as_displayed(plane, pixels.dataset)
        truth = look(shown, photometric=facts.photometric, facts=facts)
    result = score_image(pixels.stored, facts, spec, frontal=truth.view == "frontal")
    return FileScore(name, facts.sop_instance_uid or "", result, truth)


def _picture_facts(stored: NDArray[Any]) -> ImageFacts:
    """What an exported picture says of itself: its size and depth, and that white is bright."""
    grey = stored.ndim == 2 or bool(np.all(stored[..., :1] == stored[..., :3]))
    bits = stored.dtype.itemsize * 8
    return ImageFacts(
        rows=int(stored.shape[0]),
        columns=int(stored.shape[1]),
        samples_per_pixel=1 if grey else 3,
        bits_allocated=bits,
        bits_stored=bits,
        photometric="MONOCHROME2" if grey else "RGB",
    )
