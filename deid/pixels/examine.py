"""Examining an image: find text on every frame, decide what may stay, mask the rest, and look again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from deid.outcome import MaskBox, Refusal
from deid.pixels.decode import DecodedPixels, PixelForm, Samples
from deid.pixels.detector import Gray, Region, TextDetector, TextReader
from deid.pixels.evidence import names_the_patient, reads_as_text
from deid.pixels.markers import is_marker, on_one_line
from deid.pixels.masking import fill_region, with_margin
from deid.pixels.regions import STRONG
from deid.pixels.zones import Zone, in_a_zone
from deid.text.identifiers import Identifiers

REVIEW_AREA = 0.02
REVIEW_HINT = 0.6
REFUSE_AREA = 0.5
_PASSES = 4
_SETTLED = 0.6
_MOST_HINTS = 40
_MOST_PIECES = 5
_COLOUR = 0.02


@dataclass
class Examination:
    """What was found: boxes masked, hints left alone, markers kept, review codes, and the cleaned values."""

    values: Samples
    masks: list[MaskBox] = field(default_factory=list)
    hints: list[MaskBox] = field(default_factory=list)
    markers_kept: int = 0
    review: tuple[str, ...] = ()


@dataclass
class _Frame:
    """One frame on its way: its values (a copy as soon as something is masked), what was decided, and what helps to decide."""

    index: int
    values: Samples
    form: PixelForm
    identifiers: Identifiers
    detector: TextDetector
    reader: TextReader
    zones: Sequence[Zone]
    cleared: bool = False
    masks: list[MaskBox] = field(default_factory=list)
    hints: list[MaskBox] = field(default_factory=list)
    markers: list[Region] = field(default_factory=list)
    review: set[str] = field(default_factory=set)


def examine(
    pixels: DecodedPixels,
    identifiers: Identifiers,
    detector: TextDetector,
    reader: TextReader,
    zones: Sequence[Zone] = (),
    *,
    cleared: bool = False,
) -> Examination:
    """Every frame is examined, whatever BurnedInAnnotation says (johnperry/CTP#16).

    zones: where the batch shows this device to write; a hint there counts as text.
    cleared: people looked and say that what is left names nobody (`Context.cleared`): it is masked, and asks for a look.
    Raises Refusal("text-left") when text remains after the last pass, ("text-too-much") when the image is mostly text.
    """
    values = pixels.values
    result = Examination(values)
    review: set[str] = set()
    for index in range(pixels.form.frames):
        frame = _Frame(index, values[index], pixels.form, identifiers, detector, reader, zones, cleared)
        _clean(frame)
        result.markers_kept += len(frame.markers)
        result.hints.extend(frame.hints)
        review |= frame.review
        if frame.masks:
            if result.values is values:
                result.values = np.array(values)
            result.values[index] = frame.values
            result.masks.extend(frame.masks)
    result.review = tuple(sorted(review))
    return result


def _clean(frame: _Frame) -> None:
    form = frame.form
    covered = np.zeros(frame.values.shape[:2], dtype=bool)
    near: list[Region] | None = None
    for attempt in range(_PASSES):
        pending = [found for image in _views(frame.values) for found in _texts(frame, image, near, covered)]
        if not pending:
            break
        if attempt == _PASSES - 1:
            if not frame.cleared:
                left = [_box(frame.index, region, confidence) for region, confidence in pending]
                detail = f"frame {frame.index}, {len(pending)} regions"
                raise Refusal("text-left", detail, {"boxes": [*left, *frame.masks]})
            frame.review.add("cleared-by-hospital")
        if not frame.masks:
            frame.values = np.array(frame.values)  # what came in is left as it was
        # After masking only the neighbourhood of the masks can look different, so only that is looked at again.
        near = []
        for region, confidence in pending:
            grown = with_margin(region, form.rows, form.columns)
            fill_region(frame.values, grown, form)
            covered[grown.y : grown.y + grown.height, grown.x : grown.x + grown.width] = True
            frame.masks.append(_box(frame.index, grown, confidence))
            near.append(grown)
            if region.doubtful:
                frame.review.add("mask-doubtful")
            if _over_lungs(grown, form):
                frame.review.add("mask-over-lungs")
    share = float(covered.mean())
    if share > REFUSE_AREA:
        raise Refusal("text-too-much", f"frame {frame.index}", {"boxes": frame.masks})
    if share > REVIEW_AREA:
        frame.review.add("mask-large")
    frame.hints = [hint for hint in frame.hints if not _already(_region(hint), covered)]
    if any(hint.detector >= REVIEW_HINT for hint in frame.hints):
        frame.review.add("text-possible")


def _texts(frame: _Frame, image: Gray, near: list[Region] | None, covered: np.ndarray) -> list[tuple[Region, float]]:
    """What is to be masked of one look, with the reader's confidence. The first look also sorts out markers and hints."""
    first, asked = near is None, 0
    found: list[tuple[Region, float]] = []
    markers: list[tuple[Region, float]] = []
    for region in frame.detector.find(image, near):
        if _already(region, covered) or any(_inside(region, kept) for kept in frame.markers):
            continue
        sure = region.score >= STRONG or in_a_zone(region, frame.zones, frame.form.rows, frame.form.columns)
        if not sure and (not first or asked >= _MOST_HINTS):
            continue
        asked += not sure
        text, confidence = frame.reader.read(image, region)
        if is_marker(text, confidence, frame.identifiers):
            if first:
                markers.append((region, confidence))
                continue
            if any(_inside(kept, region) for kept in frame.markers):
                continue  # a marker that stays, seen again in a somewhat larger box
        if sure or reads_as_text(text, confidence) or names_the_patient(text, frame.identifiers):
            found.append((region, confidence))
        else:
            frame.hints.append(_box(frame.index, region, confidence))
    return found + _settle_markers(frame, image, found, markers)


def _settle_markers(
    frame: _Frame, image: Gray, found: list[tuple[Region, float]], markers: list[tuple[Region, float]]
) -> list[tuple[Region, float]]:
    """Which markers may stay; gives back those that go. Takes out of `found` what is a marker together with its neighbours.

    A letter beside a name is the name's initial, so a marker on the line of other text goes with it; but a marker that the
    detector saw in two pieces is still a marker.
    """
    gone: list[tuple[Region, float]] = []
    for line in _lines([*found, *markers]):
        others = [piece for piece in line if any(piece is other for other in found)]
        if not others:
            frame.markers += [region for region, _ in line]
            continue
        if 1 < len(line) <= _MOST_PIECES and is_marker(*frame.reader.read(image, _around(line)), frame.identifiers):
            frame.markers += [region for region, _ in line]
            found[:] = [piece for piece in found if all(piece is not other for other in others)]
            continue
        gone += [piece for piece in line if all(piece is not other for other in others)]
    return gone


def _lines(pieces: list[tuple[Region, float]]) -> list[list[tuple[Region, float]]]:
    """Pieces that stand beside each other, group by group."""
    left, groups = list(pieces), []
    while left:
        group, edge = [], [left.pop()]
        while edge:
            piece = edge.pop()
            group.append(piece)
            beside = [other for other in left if on_one_line(piece[0], other[0]) or on_one_line(other[0], piece[0])]
            left = [other for other in left if all(other is not each for each in beside)]
            edge += beside
        groups.append(group)
    return groups


def _around(line: list[tuple[Region, float]]) -> Region:
    left, top = min(r.x for r, _ in line), min(r.y for r, _ in line)
    right, bottom = max(r.x + r.width for r, _ in line), max(r.y + r.height for r, _ in line)
    return Region(left, top, right - left, bottom - top, max(r.score for r, _ in line))


def _views(values: Samples) -> list[Gray]:
    """The frame in grey; of a coloured one also how far its channels part, so that text of the ground's brightness shows."""
    plain = values.astype(np.float32)
    if plain.ndim == 2:
        return [plain]
    colour = plain.max(axis=2) - plain.min(axis=2)
    grey = plain.mean(axis=2)
    return [grey, colour] if float(colour.max()) > _COLOUR * max(float(plain.max()), 1.0) else [grey]


def _box(frame: int, region: Region, confidence: float) -> MaskBox:
    return MaskBox(frame, region.x, region.y, region.width, region.height, region.score, confidence)


def _region(box: MaskBox) -> Region:
    return Region(box.x, box.y, box.width, box.height, box.detector)


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
    """Whether a box's centre lies over the middle of the lung fields: 20 to 80 % across and 25 to 70 % down the frame."""
    x = (region.x + region.width / 2) / form.columns
    y = (region.y + region.height / 2) / form.rows
    return 0.2 < x < 0.8 and 0.25 < y < 0.7
