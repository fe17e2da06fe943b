"""Looking at one de-identified instance: facts, verdict against the specification, quality, pixel hash, preview. No database."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pydicom
from PIL import Image as Picture

from fulfillment.conformance import ImageFacts, check_image, read_facts
from fulfillment.duplicates import pixel_sha256
from fulfillment.quality import QualityResult, check_quality, score_image
from fulfillment.quality.completeness import Completeness
from fulfillment.quality.header import header_completeness
from fulfillment.quality.truth import Correction, Truth, as_displayed, look, plausibility, truth_findings
from fulfillment.righting import said_of
from requests_app.spec import DatasetSpec

PREVIEW_SIDE = 1024
FRONTAL = frozenset({"PA", "AP"})


@dataclass(frozen=True)
class Examined:
    """What is known about the image. ``refusal`` is the first finding that keeps it out, or None."""

    facts: ImageFacts
    findings: list[dict[str, Any]]
    refusal: dict[str, Any] | None
    quality: QualityResult
    completeness: Completeness
    pixel_sha256: str
    preview_png: bytes
    truth: Truth
    corrections: tuple[Correction, ...] = ()


def examine(
    data: bytes, spec: DatasetSpec, corrections: tuple[Correction, ...] = (), *, as_it_came: bool = False
) -> Examined:
    """Examine the bytes of a de-identified Part-10 file against a specification; ``corrections`` were made to it before.

    ``as_it_came``: how the picture stands is remarked on and refuses nothing.
    """
    dataset = pydicom.dcmread(io.BytesIO(data))
    facts = read_facts(dataset)
    pixels = dataset.pixel_array
    findings = [finding.as_dict() for finding in check_image(facts, spec)]
    plane = _first_frame(pixels, dataset)
    truth = look(as_displayed(plane, dataset), photometric=facts.photometric, facts=facts)
    frontal = facts.view in FRONTAL and truth.view != "lateral" and not truth.not_chest
    quality = score_image(plane, facts, spec, frontal=frontal)
    known = {finding["code"] for finding in findings}  # a gate and a line of the request may say the same
    findings += [finding.as_dict() for finding in check_quality(quality, spec) if finding.code not in known]
    remarks = truth_findings(truth, facts, spec)
    if as_it_came:
        remarks = [replace(one, severity="should") if one.severity == "must" else one for one in remarks]
    findings += [finding.as_dict() for finding in (*remarks, *plausibility(dataset))]
    findings += [finding.as_dict() for finding in said_of(corrections)]
    refusal = next((finding for finding in findings if finding["severity"] == "must"), None)
    header = header_completeness(dataset, facts, spec)
    return Examined(
        facts, findings, refusal, quality, header, pixel_sha256(pixels), preview(pixels, dataset), truth, corrections
    )


def preview(pixels: np.ndarray, dataset: pydicom.Dataset) -> bytes:
    """An 8-bit PNG, at most 1024 px on the long side, between the 0.5 and 99.5 percentiles, bright bones.

    ``pixels``: (rows, columns), (frames, rows, columns) or (rows, columns, 3) in stored values.
    """
    plane = _first_frame(pixels, dataset).astype(np.float32)
    step = max(1, int(max(plane.shape) / 400))
    low, high = np.percentile(plane[::step, ::step], (0.5, 99.5))
    grey = np.clip((plane - low) * (255.0 / max(1e-6, high - low)), 0, 255).astype(np.uint8)
    if str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        grey = 255 - grey
    picture = Picture.fromarray(grey)
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Picture.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _first_frame(pixels: np.ndarray, dataset: pydicom.Dataset) -> np.ndarray:
    """One grey plane: the first frame, colours averaged."""
    plane = pixels[0] if int(dataset.get("NumberOfFrames", 1) or 1) > 1 else pixels
    return plane.mean(axis=-1) if plane.ndim == 3 else plane
