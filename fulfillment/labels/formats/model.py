"""What every format is read into and written from: images by name, statements of findings, shapes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fulfillment.labels.formats import rle
from fulfillment.labels.table import LabelProblem
from requests_app.taxonomy import LabelState

Problem = LabelProblem
ImageKind = Literal["sop_instance_uid", "accession_number", "file", "image_id"]
ShapeKind = Literal["box", "polygon", "mask"]
IMAGE_KINDS: tuple[str, ...] = get_args(ImageKind)
Size = tuple[int, int]
"""Rows and columns, in that order."""
Ring = tuple[tuple[float, float], ...]

MAX_POINTS = 100_000
MAX_COORDINATE = 1_000_000.0
MAX_TRAVEL = 1_000_000.0


@dataclass(frozen=True, slots=True, order=True)
class ImageRef:
    """How a file of labels names an image. ``image_id`` is a file name without its extension, or an id of the set's own."""

    kind: ImageKind
    value: str


@dataclass(frozen=True)
class Shape:
    """Where on the image, in pixels of the image as stored: x to the right, y down, (0, 0) the corner of the first pixel.

    box: ``box`` is x, y, width, height. polygon: ``rings``, each at least three (x, y); several rings are one region in parts.
    mask: ``size`` (rows, columns) and ``counts``, the run lengths in COCO's compressed text.
    """

    kind: ShapeKind
    box: tuple[float, float, float, float] | None = None
    rings: tuple[Ring, ...] = ()
    size: Size | None = None
    counts: str = ""

    @classmethod
    def of_box(cls, x: float, y: float, width: float, height: float) -> Shape:
        return cls("box", box=(float(x), float(y), float(width), float(height)))

    @classmethod
    def of_rings(cls, rings: Iterable[Iterable[Sequence[float]]]) -> Shape:
        return cls("polygon", rings=tuple(tuple((float(p[0]), float(p[1])) for p in ring) for ring in rings))

    @classmethod
    def of_mask(cls, mask: NDArray[Any]) -> Shape:
        """From an array (rows, columns), non-zero being the finding. Raises BadRuns where it is larger than any radiograph."""
        rle.check_size(*mask.shape)
        rows, columns = mask.shape
        return cls("mask", size=(rows, columns), counts=rle.to_text(rle.runs_of(mask)))

    @classmethod
    def of_runs(cls, runs: Iterable[int], size: Size) -> Shape:
        """From run lengths column by column, background first. Raises BadRuns where they do not fill ``size``."""
        return cls("mask", size=size, counts=rle.to_text(rle.settle_runs(runs, size)))

    @cached_property
    def _runs(self) -> list[int]:
        return rle.from_text(self.counts)

    def to_mask(self, rows: int, columns: int) -> NDArray[np.bool_]:
        """The shape as an array (rows, columns). A pixel belongs to a box or polygon if its centre does.

        Raises ValueError for a mask of another size (``check_against`` finds these), and for a size that no radiograph has.
        """
        rle.check_size(rows, columns)
        if self.kind == "mask":
            if self.size != (rows, columns):
                raise ValueError("The mask has another size than the image.")
            return rle.fill(self._runs, (rows, columns))
        from fulfillment.labels.formats.raster import fill_box, fill_rings

        if self.box is not None:
            return fill_box(self.box, rows, columns)
        return fill_rings(self.rings, rows, columns)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """x, y, width, height of the smallest box around it; all 0 for an empty one."""
        if self.box is not None:
            return self.box
        if self.kind == "mask":
            return rle.run_box(self._runs, self.size or (0, 0)) if self.counts else (0.0, 0.0, 0.0, 0.0)
        points = [point for ring in self.rings for point in ring]
        if not points:
            return 0.0, 0.0, 0.0, 0.0
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)

    @cached_property
    def area(self) -> float:
        """Square pixels: of a box or of its rings (shoelace, each counted), or the pixels of a mask."""
        if self.box is not None:
            return max(self.box[2], 0.0) * max(self.box[3], 0.0)
        if self.kind == "mask":
            return float(sum(self._runs[1::2]))
        return sum(_ring_area(ring) for ring in self.rings)

    def as_json(self) -> dict[str, Any]:
        """What ``json.dumps`` takes and ``from_json`` gives back."""
        if self.box is not None:
            return {"kind": "box", "box": list(self.box)}
        if self.kind == "mask":
            return {"kind": "mask", "size": list(self.size or ()), "counts": self.counts}
        return {"kind": "polygon", "rings": [[list(point) for point in ring] for ring in self.rings]}

    @classmethod
    def from_json(cls, value: Any) -> Shape:
        """Raises ValueError where the value is not what ``as_json`` gives."""
        try:
            match value["kind"]:
                case "box":
                    shape = cls.of_box(*(float(number) for number in value["box"]))
                case "polygon":
                    shape = cls.of_rings(value["rings"])
                case "mask":
                    rows, columns = (int(side) for side in value["size"])
                    shape = cls.of_runs(rle.from_text(str(value["counts"])), (rows, columns))
                case _:
                    raise ValueError("The kind of the shape is not box, polygon or mask.")
        except (KeyError, TypeError, IndexError, OverflowError) as error:
            raise ValueError("The shape is not complete.") from error
        fault = shape_fault(shape)
        if fault is not None:
            raise ValueError(fault[1])
        return shape


def _ring_area(ring: Ring) -> float:
    turned = (*ring[1:], *ring[:1])
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, turned, strict=True))) / 2


def _height(ring: Ring) -> float:
    """How far the pen goes up and down; what filling the ring costs."""
    return sum(abs(a[1] - b[1]) for a, b in zip(ring, (*ring[1:], *ring[:1]), strict=True))


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement by one reader: this finding has this state on this image, here.

    ``finding`` is the name as written and ``key`` the taxonomy's finding it stands for, empty until one is agreed. A shape is
    present unless its file says otherwise. ``reader`` and ``method`` are the sender's own words: a reader may be a person's name.
    ``row`` is the table's line, or the place in a file without rows. ``extra`` holds what else the format says of where the
    label comes from, as pairs sorted by name: tool, tool_version, score, adjudicated, board_certified, blind, list ...
    """

    image: ImageRef
    finding: str
    state: LabelState = LabelState.PRESENT
    shape: Shape | None = None
    reader: str = ""
    method: str = ""
    row: int | str = 0
    key: str = ""
    extra: tuple[tuple[str, str], ...] = ()
    file: str = ""

    def note(self, name: str) -> str:
        """A value of ``extra``, or nothing."""
        return next((value for key, value in self.extra if key == name), "")


def extras(**values: str) -> tuple[tuple[str, str], ...]:
    """``extra`` from what is not empty."""
    return tuple(sorted((key, value) for key, value in values.items() if value))


@dataclass(frozen=True)
class Imported:
    """What a file held. Nothing of it is lost: what could not be read is in ``problems``, with its place.

    ``columns``: the table's header as written, or the fields read. ``findings_seen``: names as written and how often.
    ``image_sizes``: rows and columns where the file says them; ``images``: every image it names, with labels or without, in order.
    """

    format: str
    columns: tuple[str, ...] = ()
    findings_seen: Mapping[str, int] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()
    image_sizes: Mapping[ImageRef, Size] = field(default_factory=dict)
    images: tuple[ImageRef, ...] = ()
    rows: int = 0


@dataclass(frozen=True)
class Written:
    """Files by name, and what they could not say (``row`` counts the entries given, from 1).

    ``kept``: the entries as they will be read again, in that order, from formats that need a sidecar for where these come from.
    """

    files: Mapping[str, bytes]
    left_out: tuple[Problem, ...] = ()
    kept: tuple[Entry, ...] = ()


def shape_fault(shape: Shape) -> tuple[str, str, str] | None:
    """Code, cause and remedy if a box or polygon cannot be one on any image; None if it can."""
    numbers = [*(shape.box or ()), *(number for ring in shape.rings for point in ring for number in point)]
    if not all(math.isfinite(number) for number in numbers):
        return "NUMBER_NOT_FINITE", "A coordinate is not a number.", "Write the coordinate, or leave the row out."
    if any(abs(number) > MAX_COORDINATE for number in numbers):
        return (
            "NUMBER_TOO_LARGE",
            "A coordinate is larger than any image.",
            "Write coordinates in pixels of the image as stored.",
        )
    if shape.box is not None:
        _, _, width, height = shape.box
        if width < 0 or height < 0:
            return (
                "BOX_NEGATIVE",
                "The box has a negative width or height: its corners are swapped, or the columns are.",
                "Give the upper left corner first: x_min < x_max and y_min < y_max.",
            )
        if width == 0 or height == 0:
            return (
                "BOX_EMPTY",
                "The box has no area.",
                "Draw the box again, or leave it out and keep the label of the image.",
            )
    if shape.kind == "polygon":
        if not shape.rings or any(len(set(ring)) < 3 for ring in shape.rings):
            return "POLYGON_TOO_FEW", "A polygon has fewer than three different points.", "Give at least three."
        if sum(len(ring) for ring in shape.rings) > MAX_POINTS:
            return "POLYGON_TOO_LONG", f"A polygon has more than {MAX_POINTS:,} points.", "Simplify its outline."
        if sum(_height(ring) for ring in shape.rings) > MAX_TRAVEL:
            return "POLYGON_TOO_LONG", "The outline of a polygon is longer than any on a radiograph.", "Draw it again."
        if shape.area < 1e-6:
            return "POLYGON_EMPTY", "The polygon has no area: its points lie on a line.", "Draw the outline again."
    return None
