"""``getdata counts``: how many images of a folder meet each line of a request, from headers alone, small counts suppressed.

Exit status: 0 the counts are written, 2 they could not be.
"""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from getdata.commands.frame import counted, refuse
from getdata.commands.output import progress_bar, replacing

if TYPE_CHECKING:
    from fulfillment.kit.counting import ProfileLine, Tally


def counts(
    folder: Annotated[Path, typer.Argument(help="Folder with DICOM files under any name, and folders of them.")],
    out: Annotated[Path, typer.Option("--out", help="Where the counts go: .csv or .json, as the portal reads them.")],
    request: Annotated[
        Path | None, typer.Option("--request", help="The request as JSON; without it, what kinds of image there are.")
    ] = None,
    site: Annotated[
        str, typer.Option(help="Your hospital's short name on the portal, for lines about one hospital.")
    ] = "",
    workers: Annotated[int, typer.Option(min=0, help="Processes at work; 0 is one for each processor.")] = 0,
) -> None:
    """Count without data: no image and no identity is in the file. A count under 11, none included, is written "<11", and a larger
    one that would give a small one away is "withheld".

    Only headers are read, so lines about a finding are left out, and archives are not opened.
    """
    if not folder.is_dir():
        refuse("There is no such folder.", "Name the folder that holds the files.", where=str(folder))
    if out.suffix.lower() not in (".csv", ".json"):
        refuse("Counts are .csv or .json.", "Give --out one of these endings.", where=str(out))
    from getdata.commands.score import read_spec

    spec = read_spec(request) if request is not None else None
    from fulfillment.kit.counting import count_for, not_counted, profile
    from requests_app.feasibility import Counts, count_lines, write_csv, write_json
    from requests_app.spec import spec_sha256

    tally = _read(folder, out, workers or os.cpu_count() or 1)
    as_json = out.suffix.lower() == ".json"
    if spec is None:
        text = _profile(profile(tally.images), as_json)
    else:
        shown = count_for(tally.images, spec, site=site.strip())
        found = Counts(spec_sha256=spec_sha256(spec), counted_on=date.today(), counts=shown)
        text = write_json(found) if as_json else write_csv(found, count_lines(spec))
        for line in not_counted(spec, site=site.strip()):
            typer.echo(f"Not in a header, so not counted: {line}.", err=True)
    with replacing(out) as stream:
        stream.write(text)
    _tell(tally)


def _read(folder: Path, out: Path, workers: int) -> Tally:
    from fulfillment.duplicates.processes import shared_out
    from fulfillment.kit.counting import ReadHeader, Tally
    from fulfillment.kit.folder import files_below

    names = files_below(folder, without=[out])
    work, tally = ReadHeader(folder, secrets.token_bytes(32)), Tally()
    with progress_bar() as progress:
        for number, (_, header) in enumerate(shared_out(work, names, jobs=workers), 1):
            tally.add(header)
            progress("reading headers", number, len(names))
    return tally


def _profile(lines: list[ProfileLine], as_json: bool) -> str:
    if as_json:
        found = {"format": "getdata-profile", "version": 1, "counts": {line.key: line.count for line in lines}}
        return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["key", "count", "what"])
    writer.writerows((line.key, line.count, line.words) for line in lines)
    return text.getvalue()


def _tell(tally: Tally) -> None:
    typer.echo(f"{counted(len(tally.images), 'image')} counted.", err=True)
    if tally.twice:
        typer.echo(f"{counted(tally.twice, 'file')} repeated an instance and counted once.", err=True)
    if tally.archives:
        typer.echo(f"{counted(tally.archives, 'archive')} not opened: unpack them to have them counted.", err=True)
    if tally.others:
        typer.echo(f"{counted(tally.others, 'file')} not counted: no readable DICOM header.", err=True)
