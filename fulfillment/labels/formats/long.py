"""The portal's own table, a row a statement, with columns for shapes and for where the label comes from; as CSV and as parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from fulfillment.labels.formats.chexpert import IMAGE_COLUMNS
from fulfillment.labels.formats.gather import Gathering, Member
from fulfillment.labels.formats.model import IMAGE_KINDS, Entry, Shape, Written
from fulfillment.labels.formats.naming import finding_of
from fulfillment.labels.formats.rle import BadRuns
from fulfillment.labels.formats.tabular import (
    MAX_ROWS,
    CellProblem,
    Row,
    identity,
    need,
    normal,
    read_table,
    told,
    write_table,
)
from fulfillment.labels.table import STATES
from requests_app.taxonomy import Taxonomy

_CODES = {"snomed_ct": "SCT", "radlex": "RADLEX", "umls": "UMLS"}
#: Columns of an export after those of the image, in order. ``readers`` counts who spoke of this finding on this image.
_COLUMNS = ("finding", "state", "source", "reader", "readers", "adjudicated", "taxonomy", "key", *_CODES)
_SHAPE = ("shape", "x", "y", "width", "height", "outline")
_EXTRA = "provenance"
#: Columns that a sender may fill in: how the label was made. ``readers`` says how many people stand behind the row.
_MADE = ("readers", "board_certified", "blind_to_report", "adjudication", "tool", "tool_version", "laterality")
MAX_PARQUET_BYTES = 256 * 1024 * 1024


def read(member: Member, into: Gathering) -> None:
    """Read the table: sop_instance_uid, accession_number, file or image_id; finding; state; and what else there is."""
    table = read_table(member.data, into, long="outline")
    named = {normal(name) for name in table.columns} & set(IMAGE_COLUMNS) if table else set()
    wanted = {"finding": ("finding", "label"), "state": ("state",)}
    if not named:
        wanted = {"sop_instance_uid (or file, accession_number, image_id)": ("sop_instance_uid",), **wanted}
    if table is not None and need(table, into, wanted):
        for row in table.rows:
            _row(row, into)


def _row(row: Row, into: Gathering) -> None:
    try:
        column = next((name for name in IMAGE_COLUMNS if row.text(name)), "sop_instance_uid")
        image = into.image(IMAGE_COLUMNS[column], identity(row.text(column), column, uid=column.startswith("sop")))
        name = row.text("finding", "label")
        if not name:
            raise CellProblem("FINDING_EMPTY", "The row names no finding.", "Fill in finding.")
        state = STATES.get(row.text("state").casefold())
        if state is None:
            raise CellProblem(
                "STATE_UNKNOWN",
                "The state is not one of the five.",
                "Write present, likely, possible, absent or not_mentioned.",
            )
        shape = _shape(row)
        extra = _extra(row)
    except CellProblem as problem:
        told(into, row, problem)
        return
    into.entry(
        image,
        name,
        state,
        shape=shape,
        reader=row.text("reader"),
        method=row.text("source", "method"),
        row=row.number,
        extra=extra,
    )


def _shape(row: Row) -> Shape | None:
    kind = row.text("shape").casefold()
    if not kind and not any(row.text(name) for name in ("x", "y", "width", "height")):
        return None
    kind = kind or "box"
    if kind == "box":
        numbers = [row.number_in(name) for name in ("x", "y", "width", "height")]
        sides = [number for number in numbers if number is not None]
        if len(sides) < 4:
            raise CellProblem("BOX_INCOMPLETE", "The box is not complete.", "Fill in x, y, width and height in pixels.")
        return Shape.of_box(*sides)
    try:
        return Shape.from_json({**json.loads(row.text("outline")), "kind": kind})
    except BadRuns as bad:
        raise CellProblem(bad.code, str(bad), "Write the run lengths as COCO does, for the size given.") from None
    except (ValueError, TypeError, RecursionError):
        raise CellProblem(
            "OUTLINE_MALFORMED",
            "The outline is not one that this table has.",
            'Write {"rings": [[[x, y], ...]]} for a polygon, {"size": [rows, columns], "counts": "..."} for a mask.',
        ) from None


def _extra(row: Row) -> tuple[tuple[str, str], ...]:
    text = row.text(_EXTRA)
    extra: dict[str, str] = {}
    if text:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise CellProblem("PROVENANCE_MALFORMED", "provenance is not a JSON object of texts.", "Leave it empty.")
        extra.update(value)
    # An export counts in ``readers`` who spoke of the finding at all; what a row itself says is in its provenance.
    exported = _EXTRA in row.cells
    made = ("adjudicated", *(name for name in _MADE if name != "readers" or not exported))
    extra |= {name: row.text(name) for name in made if row.text(name)}
    return tuple(sorted(extra.items()))


def records(entries: Sequence[Entry], taxonomy: Taxonomy) -> Iterator[dict[str, Any]]:
    """The entries as rows by column. A label without a finding of the list keeps its name as written, and no key."""
    who: dict[tuple[Any, str], set[str]] = {}
    for entry in entries:
        who.setdefault((entry.image, entry.key or entry.finding), set()).add(entry.reader)
    for entry in entries:
        finding = finding_of(entry, taxonomy)
        codes = {
            name: code.code if finding and (code := finding.code(system)) else "" for name, system in _CODES.items()
        }
        x, y, width, height = entry.shape.bounds if entry.shape else (None, None, None, None)
        yield {
            **{kind: entry.image.value if entry.image.kind == kind else "" for kind in IMAGE_KINDS},
            "finding": finding.name if finding else entry.finding,
            "state": entry.state.value,
            "source": entry.method,
            "reader": entry.reader,
            "readers": len(who[entry.image, entry.key or entry.finding] - {""}),
            "adjudicated": entry.note("adjudicated"),
            "taxonomy": taxonomy.name if finding else "",
            "key": finding.key if finding else "",
            **codes,
            "shape": entry.shape.kind if entry.shape else "",
            "x": x,
            "y": y,
            "width": width,
            "height": height,
            "outline": _outline(entry.shape),
            _EXTRA: json.dumps({k: v for k, v in entry.extra if k != "adjudicated"}, ensure_ascii=False)
            if any(k != "adjudicated" for k, _ in entry.extra)
            else "",
        }


def _outline(shape: Shape | None) -> str:
    if shape is None or shape.kind == "box":
        return ""
    return json.dumps({key: value for key, value in shape.as_json().items() if key != "kind"}, separators=(",", ":"))


def write(entries: Sequence[Entry], taxonomy: Taxonomy) -> Written:
    """The table, everything in it; nothing is left out."""
    header = [*IMAGE_KINDS, *_COLUMNS, *_SHAPE, _EXTRA]
    return Written(
        {"labels.csv": write_table(header, [[row[name] for name in header] for row in records(entries, taxonomy)])}
    )


def row_schema() -> Any:
    """The columns of ``records`` as a pyarrow schema."""
    import pyarrow as pa

    header = [*IMAGE_KINDS, *_COLUMNS, *_SHAPE, _EXTRA]
    kinds = {**dict.fromkeys(("x", "y", "width", "height"), pa.float64()), "readers": pa.int32()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in header])


def write_parquet(entries: Sequence[Entry], taxonomy: Taxonomy) -> Written:
    """The same columns typed: numbers as numbers, ``readers`` an integer, empty texts as null but for the finding and state."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = row_schema()
    rows = [{name: value if value != "" else None for name, value in row.items()} for row in records(entries, taxonomy)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, compression="zstd")
    return Written({"labels.parquet": sink.getvalue().to_pybytes()})


def read_parquet(member: Member, into: Gathering) -> None:
    """Read a table that ``write_parquet`` or pandas wrote with the portal's columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    broken = (
        "NOT_PARQUET",
        "The file is not parquet, or is cut short or damaged.",
        "Write it again and send it whole.",
    )
    if len(member.data) > MAX_PARQUET_BYTES:
        into.problem(0, "FILE_TOO_LARGE", "The table is larger than 256 MiB.", "Split it into several.")
        return
    try:
        file = pq.ParquetFile(pa.BufferReader(member.data))
        meta, names = file.metadata, file.schema_arrow.names
        size = sum(meta.row_group(index).total_byte_size for index in range(meta.num_row_groups))
    except (pa.ArrowException, OSError, ValueError):
        into.problem(0, *broken)
        return
    into.columns = tuple(names)
    by_name = {normal(name): name for name in names}
    if meta.num_rows > MAX_ROWS or size > 4 * MAX_PARQUET_BYTES:
        into.problem(0, "TABLE_TOO_LONG", f"The table has more than {MAX_ROWS:,} rows, or is too large.", "Split it.")
        return
    if len(by_name) < len(names):
        into.problem(1, "COLUMN_TWICE", "Two columns have the same name.", "Give each column a name of its own.")
        return
    lacking = [name for name in ("finding", "state") if name not in by_name]
    if not set(IMAGE_COLUMNS) & set(by_name):
        lacking.insert(0, "sop_instance_uid (or file, accession_number, image_id)")
    if lacking:
        into.problem(1, "COLUMN_MISSING", f"The table has no column {', '.join(lacking)}.", "Name the columns so.")
        return
    used = [
        name
        for key, name in by_name.items()
        if key in {*IMAGE_COLUMNS, *_COLUMNS, *_MADE, *_SHAPE, _EXTRA, "label", "method"}
    ]
    number = 1
    try:
        for batch in file.iter_batches(batch_size=10_000, columns=used):
            for values in batch.to_pylist():
                number += 1
                into.rows += 1
                _row(Row(number, {normal(name): _text(value) for name, value in values.items()}), into)
    except (pa.ArrowException, OSError, ValueError):
        into.problem(number, *broken)


def _text(value: Any) -> str:
    """A cell as text; a list, a dictionary or bytes is nothing that belongs here."""
    if value is None or isinstance(value, list | dict | bytes):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, float) else str(value)
