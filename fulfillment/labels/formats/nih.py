"""NIH ChestX-ray14 (Wang 2017): the Data_Entry table, with findings joined by ``|``, and the table of boxes.

Finding Labels says what is present and nothing of what is absent. Further columns of YES and NO, as Google's adjudicated labels
of 2019 have them, are read as findings of their own, marked ``list=columns`` so that the two sources do not contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from fulfillment.labels.formats.gather import Gathering, Member
from fulfillment.labels.formats.model import Entry, ImageRef, Problem, Shape, Size, Written, extras
from fulfillment.labels.formats.tabular import (
    CellProblem,
    Row,
    Table,
    identity,
    need,
    normal,
    read_table,
    told,
    write_table,
)
from fulfillment.labels.table import STATES
from requests_app.taxonomy import FindingKind, LabelState, Taxonomy

IMAGE = {"Image Index": ("image_index", "image")}
BOX_COLUMNS = {"x": ("x", "bbox_[x"), "y": ("y",), "w": ("w", "width"), "h": ("h", "h]", "height")}
ENTRY_COLUMNS = ("Image Index", "Finding Labels", "Reader", "Method")
_LABEL = ("finding_label", "label", "finding_labels")


def read_entries(member: Member, into: Gathering) -> None:
    """Read a Data_Entry table."""
    table = read_table(member.data, into)
    if table is None or not need(table, into, {**IMAGE, "Finding Labels": ("finding_labels",)}):
        return
    extra = _state_columns(table, into)
    shown = dict(zip(map(normal, table.columns), table.columns, strict=True))
    for row in table.rows:
        try:
            image = into.image("file", identity(row.text(*IMAGE["Image Index"]), "Image Index"), _size(row))
        except CellProblem as problem:
            told(into, row, problem)
            continue
        _labels(row, image, into)
        for column in extra:
            state = STATES.get(row.text(column).casefold())
            if state is None:
                into.problem(
                    row.number,
                    "STATE_UNKNOWN",
                    f"The cell in {shown[column]} is no state.",
                    "Write YES, NO or nothing.",
                )
            elif state is not LabelState.NOT_MENTIONED:
                into.entry(
                    image,
                    shown[column],
                    state,
                    row=row.number,
                    reader=row.text("reader"),
                    method=row.text("method"),
                    extra=extras(list="columns"),
                )


def _labels(row: Row, image: ImageRef, into: Gathering) -> None:
    names = [name.strip() for name in row.text("finding_labels").split("|")]
    if not any(names):
        into.problem(
            row.number,
            "FINDINGS_EMPTY",
            "Finding Labels is empty.",
            "Write No Finding where nothing was found, or leave the row out where nobody looked.",
        )
        return
    for name in dict.fromkeys(names):
        if not name:
            into.problem(row.number, "FINDING_EMPTY", "Two | stand side by side.", "Write one | between two findings.")
        elif ("," in name or ";" in name) and not into.context.is_finding(name):
            into.problem(
                row.number,
                "LIST_SEPARATOR",
                "The findings are joined by a comma or semicolon, and not by |.",
                "Join the findings of one image with |.",
            )
        else:
            into.entry(image, name, row=row.number, reader=row.text("reader"), method=row.text("method"))


def _size(row: Row) -> Size | None:
    """OriginalImage[Width,Height] is the size before NIH made all images 1024 x 1024: not the size boxes are drawn on."""
    try:
        rows, columns = row.number_in("image_rows"), row.number_in("image_columns")
    except CellProblem:
        return None
    return (int(rows), int(columns)) if rows and columns and 0 < rows < 1e5 and 0 < columns < 1e5 else None


def _state_columns(table: Table, into: Gathering) -> list[str]:
    """Columns named after a finding, most of whose cells are states."""
    found = []
    for name in table.columns:
        column = normal(name)
        if column == "finding_labels" or not into.context.is_finding(name):
            continue
        cells = [row.text(column).casefold() for row in table.rows[:1_000]]
        if cells and 2 * sum(cell in STATES for cell in cells) > len(cells):
            found.append(column)
    return found


def read_boxes(member: Member, into: Gathering) -> None:
    """Read a table of boxes: ``Image Index, Finding Label, Bbox [x, y, w, h]`` as published, or image, label, x, y, w, h."""
    table = read_table(member.data, into)
    if table is None or not need(
        table, into, {"Image Index": IMAGE["Image Index"], "Finding Label": _LABEL, **BOX_COLUMNS}
    ):
        return
    for row in table.rows:
        try:
            image = into.image("file", identity(row.text(*IMAGE["Image Index"]), "Image Index"))
            numbers = [_side(row, name, columns) for name, columns in BOX_COLUMNS.items()]
        except CellProblem as problem:
            told(into, row, problem)
            continue
        name = row.text(*_LABEL)
        if not name:
            into.problem(row.number, "FINDING_EMPTY", "The row names no finding.", "Fill in Finding Label.")
            continue
        into.entry(
            image,
            name,
            shape=Shape.of_box(*numbers),
            row=row.number,
            reader=row.text("reader"),
            method=row.text("method"),
        )


def _side(row: Row, name: str, columns: Sequence[str]) -> float:
    value = next((found for column in columns if (found := row.number_in(column)) is not None), None)
    if value is None:
        raise CellProblem("BOX_INCOMPLETE", f"The box has no {name}.", "Fill in x, y, w and h in pixels.")
    return value


def write_entries(entries: Sequence[Entry], taxonomy: Taxonomy) -> Written:
    """Present findings joined by ``|``, a row for each image, reader and method; what is not present has no place."""
    left: list[Problem] = []
    table = present_rows(entries, taxonomy, left)
    width = 4 if any(reader or method for _, _, reader, method in table) else 2
    return Written({"nih.csv": write_table(ENTRY_COLUMNS[:width], [row[:width] for row in table])}, tuple(left))


def present_rows(entries: Sequence[Entry], taxonomy: Taxonomy, left: list[Problem]) -> list[list[str]]:
    """The rows of ``ENTRY_COLUMNS``; what has no place there is added to ``left``."""
    rows: dict[tuple[ImageRef, str, str], list[str]] = {}
    for number, entry in enumerate(entries, start=1):
        if entry.key not in taxonomy:
            left.append(Problem(number, "NO_PLACE", "The label has no finding of the list.", "Map its name first."))
            continue
        names = rows.setdefault((entry.image, entry.reader, entry.method), [])
        name = taxonomy[entry.key].name
        if entry.state is not LabelState.PRESENT:
            left.append(
                Problem(
                    number, "STATE_LEFT_OUT", "The table says only what is present.", "Export the portal's table too."
                )
            )
        elif "|" in name:
            left.append(Problem(number, "NO_PLACE", "The name of the finding holds |.", "Export CheXpert's table."))
        elif name not in names:
            names.append(name)
        if entry.shape is not None:
            left.append(
                Problem(number, "SHAPE_LEFT_OUT", "The table has no place for shapes.", "Export nih-boxes too.")
            )
    normals = {finding.name for finding in taxonomy.findings if finding.kind is FindingKind.NORMAL}
    # "No Finding" beside a finding would be read as both: the finding says more.
    spoken = ((key, [name for name in names if name not in normals] or names) for key, names in rows.items())
    return [[image.value, "|".join(said), reader, method] for (image, reader, method), said in spoken if said]


def write_boxes(entries: Sequence[Entry], taxonomy: Taxonomy) -> Written:
    """A row for each box; polygons and masks by the box around them, which is told."""
    table: list[list[object]] = []
    left: list[Problem] = []
    for number, entry in enumerate(entries, start=1):
        if entry.key not in taxonomy or entry.shape is None or entry.state is not LabelState.PRESENT:
            left.append(Problem(number, "NO_PLACE", "The table has boxes of present findings only.", "Export nih too."))
            continue
        if entry.shape.kind != "box":
            left.append(
                Problem(number, "OUTLINE_LEFT_OUT", "Of the outline only its box is written.", "Export COCO too.")
            )
        table.append([entry.image.value, taxonomy[entry.key].name, *entry.shape.bounds, entry.reader, entry.method])
    header = ["Image Index", "Finding Label", "x", "y", "w", "h", "Reader", "Method"]
    return Written({"nih-boxes.csv": write_table(header, table)}, tuple(left))
