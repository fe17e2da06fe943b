"""``getdata score``: the technical quality of every image in a folder, and what the picture shows.

Exit status: 0 the table is written (files that could not be read have a row that says why), 2 nothing could be written.
"""

from __future__ import annotations

import csv
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from getdata.commands.frame import counted, refuse

if TYPE_CHECKING:
    from requests_app.spec.document import DatasetSpec


def score(
    folder: Annotated[Path, typer.Argument(help="Folder with DICOM, PNG and JPEG files, and folders of them.")],
    out: Annotated[Path, typer.Option("--out", help="Where the table goes, as CSV.")],
    request: Annotated[
        Path | None, typer.Option("--request", help="A request as JSON: its gates hold instead of the portal's own.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes at work; as many as processors if left out.")
    ] = None,
) -> None:
    """Score every image of a folder from 0 to 100, name the weakest component and what would raise it.

    gate: open or closed, with the reason. total: the score of the components, also where a gate is closed. view,
    polarity, rotation (clockwise turn the picture has), mirrored and not_chest are read off the pixels; unknown or
    blank where they were not assessed.
    """
    if not folder.is_dir():
        refuse("There is no such folder.", "Name the folder that holds the files.", where=str(folder))
    spec = read_spec(request) if request is not None else None
    from fulfillment.duplicates.folder import files_in
    from fulfillment.duplicates.processes import shared_out
    from fulfillment.quality.folder import COLUMNS, FileScore, score_file
    from getdata.commands.output import progress_bar, replacing

    names = [name for name in files_in(folder) if (folder / name).resolve() != out.resolve()]
    bad = closed = 0
    with replacing(out) as stream, progress_bar() as progress:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        work = partial(score_file, folder, spec=spec)
        for done, (name, found) in enumerate(shared_out(work, names, jobs=jobs or os.cpu_count() or 1), start=1):
            row = found or FileScore(name, cause="Reading it ended the process: it is damaged. Copy it again.")
            writer.writerow(row.row())
            bad += row.result is None
            closed += row.result is not None and not row.result.gate
            progress("scored", done, len(names))
    typer.echo(
        f"{counted(len(names) - bad, 'image')} scored, {closed} with a closed gate, {counted(bad, 'file')} not read.",
        err=True,
    )


def read_spec(path: Path) -> DatasetSpec:
    """The request in a file; the command ends with cause and cure where it is none."""
    from requests_app.spec import DatasetSpec
    from requests_app.spec.reading import MAX_DOCUMENT_BYTES, read_json

    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        refuse(f"It cannot be read ({error.strerror}).", "Check the name.", where=str(path))
    value, note = read_json(data)
    if note is not None:
        refuse(note.message, note.remedy, where=str(path))
    try:
        return DatasetSpec.model_validate(value)
    except ValueError:
        refuse("It is not a complete request.", "getdata request lint FILE says what is missing.", where=str(path))
