"""Examining an image: find text on every frame, decide what may stay, mask the rest, and look again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from deid.outcome import MaskBox, Refusal
from deid.pixels.decode import DecodedPixels, PixelForm, Samples
from deid.pixels.detector import Gray, Region, TextDetector, TextReader
from deid.pixels.markers import is_marker
from deid.pixels.masking import fill_region, with_margin
from deid.text.identifiers import Identifiers

REVIEW_AREA = 0.08
REFUSE_AREA = 0.5
_PASSES = 4
_SETTLED = 0.6


@dataclass
class Examination:
    """What was found: boxes masked, markers kept, review codes, and the cleaned values."""

    values: Samples
    masks: list[MaskBox] = field(default_factory=list)
    markers_kept: int = 0
    review: tuple[str, ...] = ()


def examine(pixels: DecodedPixels, identifiers: Identifiers, detector: TextDetector, reader: TextReader) -> Examination:
    """Every frame is examined, whatever BurnedInAnnotation says (johnperry/CTP#16).

    Raises Refusal("text-left") when text remains after the last pass, ("text-too-much") when the image is mostly text.
    """
    values = pixels.values
    result = Examination(values)
    review: set[str] = set()
    for index in range(pixels.form.frames):
        frame = np.array(values[index])
        masks, markers = _clean_frame(frame, index, pixels.form, identifiers, detector, reader, review)
        result.markers_kept += markers
        if masks:
            if result.values is values:
                result.values = np.array(values)
            result.values[index] = frame
            result.masks.extend(masks)
    result.review = tuple(sorted(review))
    return result


def _clean_frame(
    frame: Samples,
    index: int,
    form: PixelForm,
    identifiers: Identifiers,
    detector: TextDetector,
    reader: TextReader,
    review: set[str],
) -> tuple[list[MaskBox], int]:
    masks: list[MaskBox] = []
    covered = np.zeros(frame.shape[:2], dtype=bool)
    markers: list[Region] = []
    pending_boxes: list[Region] = []
    for attempt in range(_PASSES):
        image = _gray(frame)
        pending = []
        # After masking only the neighbourhood of the masks can look different, so only that is looked at again.
        regions = detector.find(image, None if attempt == 0 else pending_boxes)
        for region in regions:
            if _already(region, covered) or any(_inside(region, kept) for kept in markers):
                continue
            text, confidence = reader.read(image, region)
            if attempt == 0 and is_marker(text, confidence, identifiers):
                markers.append(region)
                continue
            pending.append((region, confidence))
        if not pending:
            break
        if attempt == _PASSES - 1:
            raise Refusal("text-left", f"frame {index}, {len(pending)} regions")
        pending_boxes = [with_margin(region, form.rows, form.columns) for region, _ in pending]
        for region, confidence in pending:
            grown = with_margin(region, form.rows, form.columns)
            fill_region(frame, grown, form)
            covered[grown.y : grown.y + grown.height, grown.x : grown.x + grown.width] = True
            masks.append(MaskBox(index, grown.x, grown.y, grown.width, grown.height, region.score, confidence))
            if region.doubtful:
                review.add("mask-doubtful")
            if _over_lungs(grown, form):
                review.add("mask-over-lungs")
    share = float(covered.mean())
    if share > REFUSE_AREA:
        raise Refusal("text-too-much", f"frame {index}")
    if share > REVIEW_AREA:
        review.add("mask-large")
    return masks, len(markers)


def _gray(frame: Samples) -> Gray:
    """One channel of stored values: colour as its mean, because text of any colour must show."""
    plain = frame.astype(np.float32)
    return plain.mean(axis=2) if plain.ndim == 3 else plain


def _already(region: Region, covered: np.ndarray) -> bool:
    """Whether a region lies in what is masked already: the fill is flat, so what is seen there is its edge."""
    window = covered[region.y : region.y + region.height, region.x : region.x + region.width]
    return bool(window.size) and float(window.mean()) >= _SETTLED


def _inside(region: Region, kept: Region) -> bool:
    left, top = max(region.x, kept.x), max(region.y, kept.y)
    right = min(region.x + region.width, kept.x + kept.width)
    bottom = min(region.y + region.height, kept.y + kept.height)
    return right > left and bottom > top and (right - left) * (bottom - top) >= 0.7 * region.area


def _over_lungs(region: Region, form: PixelForm) -> bool:
    """Whether a box's centre lies over the middle of the lung fields: 20 to 80 % across and 25 to 70 % down
    the frame."""
    x = (region.x + region.width / 2) / form.columns
    y = (region.y + region.height / 2) / form.rows
    return 0.2 < x < 0.8 and 0.25 < y < 0.7
