"""``getdata audit``: what a model could cheat on in a folder of labelled radiographs, how sure that is, what to do.

Exit status: 0 the audit is written (whatever it found), 2 nothing could be written.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from getdata.commands.frame import counted, printable, refuse

if TYPE_CHECKING:
    from requests_app.spec.document import DatasetSpec


def audit(
    folder: Annotated[
        Path, typer.Argument(help="Folder with images.csv and labels.csv; duplicates.csv if there is one.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Where the figures go, as JSON.")],
    html: Annotated[
        Path | None, typer.Option("--html", help="Where the page goes: one file, readable offline.")
    ] = None,
    request: Annotated[
        Path | None, typer.Option("--request", help="A request as JSON: its quota cells are counted.")
    ] = None,
    unmentioned: Annotated[
        str,
        typer.Option(help="Images labelled without a word on a finding: auto, absent or ignore."),
    ] = "auto",
    permutations: Annotated[
        int, typer.Option(min=100, help="Permutations of the labels, for what chance reaches.")
    ] = 200,
    pictures: Annotated[
        int, typer.Option(min=0, help="Pictures to read at most; patients are drawn beyond. 0: none.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 0,
    jobs: Annotated[int, typer.Option(min=0, help="Processes that read pictures; 0 is one for each processor.")] = 0,
) -> None:
    """Audit labelled radiographs: what is tied to each label besides the disease, how diverse the data is, whether a test on
    another hospital is possible.

    images.csv: image_id, patient_id, site, vendor, model, view, sex, age, path (of a DICOM, PNG or JPEG file, from the folder)
    and any further columns. labels.csv: image_id, finding, state (present, likely, possible, absent, not mentioned; 1, 0, -1),
    source, reader. duplicates.csv: image_id, cluster. Each test's verdict is green, amber, red or underpowered.
    """
    if not folder.is_dir():
        refuse("There is no such folder.", "Name the folder that holds images.csv and labels.csv.", where=str(folder))
    if unmentioned not in ("auto", "absent", "ignore"):
        refuse("--unmentioned takes auto, absent or ignore.", "Choose one of them.")
    from fulfillment.audits import render_html
    from fulfillment.audits.folder import BadTable, audit_folder
    from getdata.commands.output import progress_bar, replacing

    spec = read_spec(request) if request is not None else None
    with progress_bar() as progress:
        try:
            document = audit_folder(
                folder,
                spec=spec,
                unmentioned=unmentioned,  # type: ignore[arg-type]
                permutations=permutations,
                seed=seed,
                jobs=jobs or os.cpu_count() or 1,
                most_pictures=pictures,
                progress=progress,
            )
        except BadTable as refusal:
            refuse(refusal.cause, refusal.cure, where=str(folder / refusal.file))
    with replacing(out) as stream:
        json.dump(document, stream, indent=1, ensure_ascii=False)
        stream.write("\n")
    if html is not None:
        with replacing(html) as stream:
            stream.write(render_html(document))
    _tell(document)


def _tell(document: dict[str, object]) -> None:
    """Problems in the tables, then the verdicts, on standard error."""
    problems, verdicts = document["problems"], document["verdicts"]
    assert isinstance(problems, dict) and isinstance(verdicts, dict)
    for row in problems["rows"]:
        where = f"{row['file']}, row {row['row']}" if row["row"] else row["file"]
        typer.echo(f"{printable(where)}: {row['cause']} {row['cure']}", err=True)
    rest = problems["total"] - len(problems["rows"])
    if rest > 0:
        typer.echo(f"{counted(rest, 'further problem')} of these kinds.", err=True)
    told = ", ".join(f"{number} {name}" for name, number in verdicts.items())
    typer.echo(f"{counted(sum(verdicts.values()), 'test')}: {told}. Verdict: {document['verdict']}.", err=True)


def read_spec(path: Path) -> DatasetSpec:
    from getdata.commands.score import read_spec as read

    return read(path)
