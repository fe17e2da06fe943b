"""VinDr-CXR (Nguyen 2022): boxes, a row each with its reader, and the wide table of image-level labels per reader."""

from __future__ import annotations

from collections.abc import Sequence

from fulfillment.labels.formats.chexpert import columns_of
from fulfillment.labels.formats.gather import Gathering, Member
from fulfillment.labels.formats.model import Entry, ImageRef, Problem, Shape, Written, extras
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
from fulfillment.labels.table import STATES
from requests_app.taxonomy import LabelState, Taxonomy

_CORNERS = ("x_min", "y_min", "x_max", "y_max")
_READER = {"rad_id": ("rad_id", "rad_ids", "reader")}
IMAGE = {"image_id": ("image_id",)}


def read_boxes(member: Member, into: Gathering) -> None:
    """Read ``image_id, class_name, class_id, rad_id, x_min, y_min, x_max, y_max``. A row without corners labels the image."""
    table = read_table(member.data, into)
    wanted = {**IMAGE, "class_name": ("class_name",), **{name: (name,) for name in _CORNERS}}
    if table is None or not need(table, into, wanted):
        return
    classes: dict[str, str] = {}
    for row in table.rows:
        try:
            image = into.image("image_id", identity(row.text("image_id"), "image_id"))
            shape = _box(row)
        except CellProblem as problem:
            told(into, row, problem)
            continue
        name, number = row.text("class_name"), row.text("class_id")
        if not name:
            into.problem(row.number, "FINDING_EMPTY", "The row names no finding.", "Fill in class_name.")
            continue
        if number and classes.setdefault(number, name) != name:
            into.problem(
                row.number,
                "CLASS_CONTRADICTION",
                "class_id stands for another class_name in an earlier row; class_name was taken.",
                "Use one number for each finding.",
            )
        into.entry(
            image,
            name,
            shape=shape,
            reader=row.text(*_READER["rad_id"]),
            method=row.text("method"),
            row=row.number,
            extra=extras(rad_ids=row.text("rad_ids")),
        )


def _box(row: Row) -> Shape | None:
    corners = [row.number_in(name) for name in _CORNERS]
    if all(value is None for value in corners):
        return None
    left, top, right, bottom = (-1.0 if value is None else value for value in corners)
    if any(value is None for value in corners):
        raise CellProblem(
            "BOX_INCOMPLETE",
            "The box has fewer than four corners.",
            "Fill in x_min, y_min, x_max and y_max, or none of them.",
        )
    if right < left or bottom < top:
        raise CellProblem(
            "CORNERS_SWAPPED",
            "The box ends before it begins: x_max is less than x_min, or y_max less than y_min.",
            "Swap the corners; check that x and y are not mixed up.",
        )
    return Shape.of_box(left, top, right - left, bottom - top)


def read_images(member: Member, into: Gathering) -> None:
    """Read ``image_id, rad_id`` and one column of 0 and 1 a finding. Both are statements: 0 is absent."""
    table = read_table(member.data, into)
    if table is None or not need(table, into, {**IMAGE, **_READER}):
        return
    findings = columns_of((name for name in table.columns if normal(name) not in _READER["rad_id"]), into.context)
    shown = dict(zip(map(normal, table.columns), table.columns, strict=True))
    if not findings:
        into.problem(1, "COLUMN_MISSING", "No column has the name of a finding.", "Name one column after each finding.")
        return
    for row in table.rows:
        try:
            image = into.image("image_id", identity(row.text("image_id"), "image_id"))
        except CellProblem as problem:
            told(into, row, problem)
            continue
        for column in findings:
            state = STATES.get(row.text(column).casefold())
            if state is None:
                into.problem(
                    row.number, "STATE_UNKNOWN", f"The cell in {shown[column]} is neither 0 nor 1.", "Write 0 or 1."
                )
            elif state is not LabelState.NOT_MENTIONED:
                into.entry(
                    image,
                    shown[column],
                    state,
                    reader=row.text(*_READER["rad_id"]),
                    method=row.text("method"),
                    row=row.number,
                )


def write_boxes(entries: Sequence[Entry], taxonomy: Taxonomy) -> Written:
    """A row for each present finding, with its box where it has one; a normal image as ``No finding`` without a box is."""
    table: list[list[object]] = []
    left: list[Problem] = []
    numbers = {key: number for number, key in enumerate(taxonomy.keys)}
    for number, entry in enumerate(entries, start=1):
        if entry.key not in numbers or entry.state is not LabelState.PRESENT:
            left.append(Problem(number, "NO_PLACE", "The table says only what is present.", "Export vindr-images too."))
            continue
        if entry.shape is not None and entry.shape.kind != "box":
            left.append(
                Problem(number, "OUTLINE_LEFT_OUT", "Of the outline only its box is written.", "Export COCO too.")
            )
        corners: list[object] = [None] * 4
        if entry.shape is not None:
            x, y, width, height = entry.shape.bounds
            corners = [x, y, x + width, y + height]
        table.append(
            [entry.image.value, taxonomy[entry.key].name, numbers[entry.key], entry.reader, *corners, entry.method]
        )
    header = ["image_id", "class_name", "class_id", "rad_id", *_CORNERS, "method"]
    return Written({"vindr-boxes.csv": write_table(header, table)}, tuple(left))


def write_images(entries: Sequence[Entry], taxonomy: Taxonomy) -> Written:
    """A row for each image and reader, 1 present and 0 absent; uncertain states have no place, blank is not mentioned."""
    rows: dict[tuple[ImageRef, str, str], dict[str, LabelState]] = {}
    left: list[Problem] = []
    for number, entry in enumerate(entries, start=1):
        if entry.key not in taxonomy or entry.state not in (LabelState.PRESENT, LabelState.ABSENT):
            left.append(
                Problem(number, "STATE_LEFT_OUT", "The table says present and absent only.", "Export chexpert.")
            )
            continue
        if entry.shape is not None:
            left.append(
                Problem(number, "SHAPE_LEFT_OUT", "The table has no place for shapes.", "Export vindr-boxes too.")
            )
        cells = rows.setdefault((entry.image, entry.reader, entry.method), {})
        if cells.get(entry.key) is not LabelState.PRESENT:
            cells[entry.key] = entry.state
    sign = {LabelState.PRESENT: "1", LabelState.ABSENT: "0"}
    table = [
        [image.value, reader, *(Verbatim(sign[cells[key]]) if key in cells else "" for key in taxonomy.keys), method]
        for (image, reader, method), cells in rows.items()
    ]
    return Written(
        {"vindr-images.csv": write_table(["image_id", "rad_id", *taxonomy.names, "method"], table)}, tuple(left)
    )
