"""Setting an image right after the engine's verified output: polarity and quarter turns, if the request permits it. No database.

The bytes change after verification, so the record's digests are made anew here; and before a correction is kept it is taken
back once, which must give the verified output again.
"""

from __future__ import annotations

import copy
import hashlib
import io
from collections.abc import Sequence

import pydicom

from deid import Released
from deid.outcome import MaskBox
from deid.verify import pixel_sha256
from fulfillment.conformance import Finding, ImageFacts
from fulfillment.quality.truth import (
    Correction,
    NotCorrected,
    Truth,
    swap_polarity,
    truth_findings,
    turn,
    turn_box,
    undo,
)
from requests_app.spec import AnnotationType, DatasetSpec


def set_right(
    outcome: Released, truth: Truth, facts: ImageFacts, spec: DatasetSpec
) -> tuple[Released, tuple[Correction, ...]]:
    """The engine's output set right, and what was done; the same output and nothing if nothing is wrong, in doubt, not
    permitted, or not possible without loss (the finding then stands)."""
    rule = spec.image.upright
    if rule is None or not rule.correct or truth.view != "frontal":
        return outcome, ()
    wrong = {found.code for found in truth_findings(truth, facts, spec) if found.severity != "info"}
    data, made = outcome.data, []
    if "POLARITY_INVERTED" in wrong and _other(facts.photometric) in _accepted(spec):
        done = swap_polarity(data, confidence=truth.polarity_confidence, version=truth.version)
        if not isinstance(done, NotCorrected):
            data = done[0]
            made.append(done[1])
    # Marks drawn on the picture as it came would not turn with it: where a request asks for marks, the hospital turns it.
    marked = any(line.annotation is not AnnotationType.IMAGE for line in spec.labels.findings)
    if "ROTATED" in wrong and not marked:
        done = turn(data, (truth.rotation or 0) // 90, confidence=truth.rotation_confidence, version=truth.version)
        if not isinstance(done, NotCorrected):
            data = done[0]
            made.append(done[1])
    if not made or not _same(undo(data, made), outcome.data):
        return outcome, ()
    return _rebooked(outcome, data, made, facts), tuple(made)


def said_of(corrections: Sequence[Correction]) -> list[Finding]:
    """What the hospital reads of what was set right."""
    words = {
        "polarity": ("POLARITY_CORRECTED", "PhotometricInterpretation", "Black and white were exchanged; PhotometricInterpretation"
                     " was set right. No pixel was changed."),
        "rotation": ("ROTATION_CORRECTED", "PixelData", "The picture was turned by {} degrees clockwise and stands upright now."
                     " Every pixel value was kept."),
    }  # fmt: skip
    return [
        Finding(
            code,
            "info",
            "image.upright",
            tag,
            text.format(90 * made.turns),
            "Withdraw the file if it was right as it was.",
        )
        for made in corrections
        for code, tag, text in [words[made.kind]]
    ]


def turns_of(corrections: Sequence[Correction]) -> int:
    """Quarter turns counterclockwise that were made in all."""
    return sum(made.turns for made in corrections) % 4


def _other(photometric: str | None) -> str:
    return {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1"}.get(photometric or "", "")


def _accepted(spec: DatasetSpec) -> tuple[str, ...]:
    rule = spec.image.photometric
    return rule.allowed if rule is not None else ("MONOCHROME1", "MONOCHROME2")


def _same(undone: bytes, before: bytes) -> bool:
    """Byte for byte, or pixel for pixel where the pixels had been compressed."""
    if undone == before:
        return True
    one, other = (pydicom.dcmread(io.BytesIO(data)) for data in (undone, before))
    if not other.file_meta.TransferSyntaxUID.is_compressed:
        return False
    return one.pixel_array.shape == other.pixel_array.shape and bool((one.pixel_array == other.pixel_array).all())


def _rebooked(outcome: Released, data: bytes, made: Sequence[Correction], facts: ImageFacts) -> Released:
    """The outcome with new bytes, and digests, size and mask places that belong to them."""
    record = copy.copy(outcome.record)
    record.output_sha256, record.output_bytes = hashlib.sha256(data).hexdigest(), len(data)
    masks, turns = outcome.masks, turns_of(made)
    if turns:
        after = pydicom.dcmread(io.BytesIO(data))
        record.transfer_syntax_out = str(after.file_meta.TransferSyntaxUID)
        record.pixel_sha256_out = pixel_sha256(after.pixel_array[None])
        rows, columns = facts.rows or 0, facts.columns or 0
        masks = tuple(MaskBox(**turn_box(_plain(box), rows, columns, turns)) for box in masks)
    return Released(data, record, masks, outcome.review)


def _plain(box: MaskBox) -> dict[str, float]:
    return {name: getattr(box, name) for name in ("frame", "x", "y", "width", "height", "detector", "read")}
