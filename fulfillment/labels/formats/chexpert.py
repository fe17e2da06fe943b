"""CheXpert's wide table (Irvin 2019), and MIMIC-CXR-JPG's: one row an image or study, one column a finding.

1 present, 0 absent, -1 uncertain, blank not mentioned. What we add when writing: a row per reader, with columns Reader and Method.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fulfillment.labels.export import chexpert_cell, strongest
from fulfillment.labels.formats.gather import Context, Gathering, Member
from fulfillment.labels.formats.model import Entry, ImageKind, ImageRef, Problem, Written
from fulfillment.labels.formats.tabular import (
    CellProblem,
    Row,
    Table,
    Verbatim,
    identity,
    normal,
    read_table,
    told,
    write_table,
)
from fulfillment.labels.table import STATES
from requests_app.spec.document import UncertaintyPolicy
from requests_app.taxonomy import LabelState, Relation, Taxonomy, map_taxonomy

IMAGE_COLUMNS: Mapping[str, ImageKind] = {
    "sop_instance_uid": "sop_instance_uid",
    "sopinstanceuid": "sop_instance_uid",
    "path": "file",
    "file": "file",
    "filename": "file",
    "file_name": "file",
    "image": "file",
    "dicom_id": "image_id",
    "image_id": "image_id",
    "accession_number": "accession_number",
    "accessionnumber": "accession_number",
    "study_id": "accession_number",
}
_ABOUT = {
    "sex", "age", "frontal/lateral", "ap/pa", "subject_id", "patient_id", "patientid", "study_id", "split", "reader", "method",
    "patient", "view", "report", "report_impression", "fold", "race", "ethnicity", "deid_patient_id", "patient_report_date_order",
    *IMAGE_COLUMNS,
}  # fmt: skip


def columns_of(header: Iterable[str], context: Context) -> list[str]:
    """The columns, normalised, whose names are findings of some list."""
    return [normal(name) for name in header if normal(name) not in _ABOUT and context.is_finding(name)]


def image_column(header: Iterable[str]) -> str | None:
    """The column that names the image, the most exact first."""
    here = {normal(name) for name in header}
    return next((name for name in IMAGE_COLUMNS if name in here), None)


def read(member: Member, into: Gathering) -> None:
    """Read one table."""
    table = read_table(member.data, into)
    if table is None:
        return
    image, findings = image_column(table.columns), columns_of(table.columns, into.context)
    if image is None or not findings:
        lacking = "Path" if image is None else "with the name of a finding"
        into.problem(
            1,
            "COLUMN_MISSING",
            f"The header has no column {lacking}.",
            "Name the first column Path (or sop_instance_uid, file, accession_number) and one column after each finding; "
            "commas, semicolons or tabs separate them.",
        )
        return
    shown = dict(zip(map(normal, table.columns), table.columns, strict=True))
    findings += _others(table, findings, into)
    for row in table.rows:
        try:
            ref = into.image(IMAGE_COLUMNS[image], identity(row.text(image), shown[image], uid=image.startswith("sop")))
        except CellProblem as problem:
            told(into, row, problem)
            continue
        for column in findings:
            _cell(row, column, shown[column], ref, into)


def _others(table: Table, known: Sequence[str], into: Gathering) -> list[str]:
    """Columns under names we do not know that hold nothing but states: findings that want a mapping. Others are told."""
    more = []
    for index, name in enumerate(table.columns):
        column = normal(name)
        if not column or column in known or column in _ABOUT:
            continue
        cells = {row.text(column).casefold() for row in table.rows[:5_000]} - {""}
        if cells and cells <= set(STATES):
            more.append(column)
        else:
            into.problem(
                1,
                "COLUMN_NOT_READ",
                f"Column {index + 1} is neither a finding that we know nor a column of states; it was not read.",
                "Nothing to do if it holds something else. If it is a finding, its cells must be 1, 0, -1 or empty.",
            )
    return more


def _cell(row: Row, column: str, name: str, image: ImageRef, into: Gathering) -> None:
    text = row.text(column)
    state = STATES.get(text.casefold())
    if state is None:
        into.problem(
            row.number,
            "STATE_UNKNOWN",
            f"The state of {name} is not one of 1, 0, -1 and empty.",
            "Write 1 for present, 0 for absent, -1 for uncertain, and nothing for not mentioned.",
        )
    elif state is not LabelState.NOT_MENTIONED:
        into.entry(image, name, state, reader=row.text("reader"), method=row.text("method"), row=row.number)


def write(
    entries: Sequence[Entry],
    taxonomy: Taxonomy,
    *,
    policy: UncertaintyPolicy | None = None,
    target: Taxonomy | None = None,
) -> Written:
    """One row for each image, reader and method; first column ``Path`` (``sop_instance_uid`` where all images go by it).

    With ``target`` the findings are mapped onto its columns, a child making its parent present and never the other way. Boxes,
    polygons and masks have no place here: the finding they mark is written, the shape is told.
    """
    policy = policy or UncertaintyPolicy()
    columns = target or taxonomy
    links = map_taxonomy(taxonomy, columns) if target is not None else ()
    rows: dict[tuple[ImageRef, str, str], dict[str, list[LabelState]]] = {}
    left: list[Problem] = []
    for number, entry in enumerate(entries, start=1):
        cells = rows.setdefault((entry.image, entry.reader, entry.method), {})
        if entry.key not in taxonomy:
            left.append(Problem(number, "NO_PLACE", "The label has no finding of the list.", "Map its name first."))
            continue
        if entry.shape is not None:
            left.append(
                Problem(number, "SHAPE_LEFT_OUT", "The table has no place for shapes.", "Export COCO or SEG too.")
            )
        if target is None:
            cells.setdefault(entry.key, []).append(entry.state)
            continue
        carried = [(link, link.carry(entry.state)) for link in links if link.source == entry.key]
        if all(link.relation is Relation.NARROWER for link, _ in carried):
            left.append(
                Problem(number, "NO_PLACE", f"{columns.title} has no column for it.", "Export another list too.")
            )
        for link, state in carried:
            cells.setdefault(link.target, []).append(state)
    kinds = {image.kind for image, _, _ in rows}
    first = "sop_instance_uid" if kinds == {"sop_instance_uid"} else "Path"
    by_reader = any(reader or method for _, reader, method in rows)
    nothing = [LabelState.NOT_MENTIONED]
    table = [
        [
            image.value,
            *(Verbatim(chexpert_cell(strongest(cells.get(key, nothing)), policy)) for key in columns.keys),
            *([reader, method] if by_reader else []),
        ]
        for (image, reader, method), cells in rows.items()
    ]
    header = [first, *columns.names, *(["Reader", "Method"] if by_reader else [])]
    return Written({"chexpert.csv": write_table(header, table)}, tuple(left))
