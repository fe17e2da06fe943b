"""SIIM-ACR Pneumothorax: run lengths in a table, and RSNA's pneumonia boxes, which came from the same hand.

SIIM's runs go column by column; each start counts from the end of the run before it, not from the first pixel; -1 is "none here".
The table does not say how large the image is: 1024 x 1024 as published, unless sizes are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fulfillment.labels.formats.gather import Gathering, Member, Sizes
from fulfillment.labels.formats.model import Entry, ImageRef, Problem, Shape, Size, Written
from fulfillment.labels.formats.naming import finding_of
from fulfillment.labels.formats.rle import MAX_RUNS, BadRuns, from_text
from fulfillment.labels.formats.tabular import (
    CellProblem,
    Row,
    Verbatim,
    identity,
    need,
    normal,
    read_table,
    told,
    write_table,
)
from requests_app.taxonomy import LabelState, Taxonomy

FINDING = "Pneumothorax"
PUBLISHED_SIZE: Size = (1024, 1024)
_IMAGE = {"ImageId": ("imageid", "image_id")}
RSNA_FINDING = "Lung Opacity"


def read(member: Member, into: Gathering) -> None:
    """Read ``ImageId, EncodedPixels``. Several rows of one image are several masks."""
    table = read_table(member.data, into, long="encodedpixels")
    if table is None or not need(table, into, {**_IMAGE, "EncodedPixels": ("encodedpixels",)}):
        return
    for row in table.rows:
        try:
            value = identity(row.text(*_IMAGE["ImageId"]), "ImageId")
            ref = _ref(value)
            size = into.context.sizes.find(ref) or PUBLISHED_SIZE
            image = into.image(ref.kind, ref.value)
            text = row.text("encodedpixels")
            if text in ("-1", "-1.0"):
                into.entry(image, FINDING, LabelState.ABSENT, row=row.number)
                continue
            into.entry(image, FINDING, shape=decode(text, size), row=row.number)
        except CellProblem as problem:
            told(into, row, problem)


def _ref(value: str) -> ImageRef:
    """The set names images by SOPInstanceUID."""
    dotted = value.count(".") > 3 and value.replace(".", "").isdigit()
    return ImageRef("sop_instance_uid" if dotted else "image_id", value)


def decode(text: str, size: Size) -> Shape:
    """A mask from SIIM's run lengths. Raises CellProblem."""
    if not text:
        raise CellProblem("RLE_EMPTY", "EncodedPixels is empty.", "Write -1 where there is no pneumothorax.")
    words = text.split()
    if len(words) > 2 * MAX_RUNS:
        raise CellProblem("RLE_TOO_LONG", "The mask has more runs than any.", "Check the cell.")
    if any(not word.lstrip("-").isdigit() or not word.isascii() or len(word) > 12 for word in words):
        raise CellProblem(
            "RLE_MALFORMED",
            "EncodedPixels holds something else than whole numbers.",
            "Write start and length, by spaces.",
        )
    if len(words) % 2:
        raise CellProblem(
            "RLE_ODD",
            "EncodedPixels has a start without a length: the cell may be cut off.",
            "Send the whole cell again.",
        )
    numbers = [int(word) for word in words]
    rows, columns = size
    rest = rows * columns - sum(numbers)
    try:
        if min(numbers) < 0:
            raise BadRuns("RLE_NEGATIVE", "A start or a length is negative.")
        if rest < 0:
            raise BadRuns("RLE_PAST_IMAGE", f"The runs go past the {rows} x {columns} pixels of the image.")
        return Shape.of_runs([*numbers, rest], size)
    except BadRuns as bad:
        raise CellProblem(
            bad.code,
            str(bad),
            "Starts count from the end of the run before; if they count from the first pixel, or the image has another size, "
            "convert them or give the sizes.",
        ) from None


def encode(shape: Shape) -> str:
    """SIIM's run lengths of a mask; -1 for an empty one."""
    runs = from_text(shape.counts)
    if len(runs) < 2:
        return "-1"
    return " ".join(map(str, runs[: len(runs) // 2 * 2]))


def write(entries: Sequence[Entry], taxonomy: Taxonomy, sizes: Mapping[ImageRef, Size] | None = None) -> Written:
    """One finding only: pneumothorax. Boxes and polygons are drawn as masks of their image's size, 1024 x 1024 where unknown."""
    known = Sizes(sizes)
    table: list[list[object]] = []
    kept: list[Entry] = []
    left: list[Problem] = []
    for number, entry in enumerate(entries, start=1):
        finding = finding_of(entry, taxonomy)
        if finding is None or finding.concept != "pneumothorax":
            left.append(Problem(number, "NO_PLACE", "The table has pneumothorax only.", "Export COCO or SEG."))
        elif entry.state is LabelState.ABSENT:
            table.append([entry.image.value, Verbatim("-1")])
            kept.append(entry)
        elif entry.shape is None or entry.state is not LabelState.PRESENT:
            left.append(
                Problem(number, "STATE_LEFT_OUT", "The table says masks and their absence only.", "Export a table.")
            )
        else:
            shape = entry.shape
            if shape.kind != "mask":
                left.append(
                    Problem(number, "DRAWN_AS_MASK", "The outline was drawn as a mask.", "Export COCO to keep it.")
                )
                shape = Shape.of_mask(np.asarray(shape.to_mask(*(known.find(entry.image) or PUBLISHED_SIZE))))
            if shape.area == 0:
                left.append(Problem(number, "MASK_EMPTY", "An empty mask would read as absence.", "Leave it out."))
            else:
                table.append([entry.image.value, Verbatim(encode(shape))])
                kept.append(entry)
    return Written({"siim.csv": write_table(["ImageId", "EncodedPixels"], table)}, tuple(left), tuple(kept))


def read_rsna(member: Member, into: Gathering) -> None:
    """Read RSNA's ``patientId, x, y, width, height, Target``: Target 1 has a box, 0 none; each id is one image there."""
    table = read_table(member.data, into)
    sides = {name: (name,) for name in ("x", "y", "width", "height")}
    if table is None or not need(table, into, {"patientId": ("patientid",), **sides, "Target": ("target",)}):
        return
    for row in table.rows:
        try:
            image = into.image("image_id", identity(row.text("patientid"), "patientId"))
            _target(row, image, into)
        except CellProblem as problem:
            told(into, row, problem)


def _target(row: Row, image: ImageRef, into: Gathering) -> None:
    numbers = [row.number_in(name) for name in ("x", "y", "width", "height")]
    target = row.text("target")
    given = [number for number in numbers if number is not None]
    if target not in ("0", "1", "0.0", "1.0"):
        raise CellProblem("STATE_UNKNOWN", "Target is neither 0 nor 1.", "Write 1 with a box and 0 without.")
    if target.startswith("0"):
        if given:
            raise CellProblem("CONTRADICTION", "Target is 0 and the row has a box.", "Correct Target or empty the box.")
        into.entry(image, RSNA_FINDING, LabelState.ABSENT, row=row.number)
    elif len(given) < 4:
        raise CellProblem(
            "BOX_INCOMPLETE", "Target is 1 and the box is not complete.", "Fill in x, y, width and height."
        )
    else:
        into.entry(image, RSNA_FINDING, shape=Shape.of_box(*given), row=row.number)


def write_rsna(entries: Sequence[Entry], taxonomy: Taxonomy) -> Written:
    """One finding only: lung opacity."""
    table: list[list[object]] = []
    kept: list[Entry] = []
    left: list[Problem] = []
    for number, entry in enumerate(entries, start=1):
        finding = finding_of(entry, taxonomy)
        if finding is None or normal(RSNA_FINDING) not in map(normal, (finding.name, finding.concept)):
            left.append(
                Problem(number, "NO_PLACE", "The table has lung opacity only.", "Export COCO or VinDr's boxes.")
            )
        elif entry.state is LabelState.ABSENT:
            table.append([entry.image.value, None, None, None, None, 0])
            kept.append(entry)
        elif entry.shape is None or entry.state is not LabelState.PRESENT:
            left.append(
                Problem(number, "STATE_LEFT_OUT", "The table says boxes and their absence only.", "Export a table.")
            )
        else:
            if entry.shape.kind != "box":
                left.append(
                    Problem(number, "OUTLINE_LEFT_OUT", "Of the outline only its box is written.", "Export COCO too.")
                )
            table.append([entry.image.value, *entry.shape.bounds, 1])
            kept.append(entry)
    header = ["patientId", "x", "y", "width", "height", "Target"]
    return Written({"rsna.csv": write_table(header, table)}, tuple(left), tuple(kept))
