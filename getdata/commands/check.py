"""``getdata check``: the server's verdict over a folder, at home, before a byte leaves.

Exit status: 0 everything fits, 3 something would be refused or withheld, 2 it could not be done.
"""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from getdata.commands.frame import EXIT_PROBLEMS, counted, refuse
from getdata.commands.output import progress_bar, replacing

if TYPE_CHECKING:
    from fulfillment.kit.outcome import Outcome


def check(
    folder: Annotated[Path, typer.Argument(help="Folder as it would be sent: DICOM under any name, archives, tables.")],
    request: Annotated[Path, typer.Option("--request", help="The request as JSON (spec.json from its page).")],
    report: Annotated[Path | None, typer.Option("--report", help="Where the report for people goes, as HTML.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Where the report for programs goes.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes at work; 0 is one for each processor.")] = 0,
    site: Annotated[
        str, typer.Option(help="Your hospital's short name on the portal, for lines about one hospital.")
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a check that was stopped.")] = False,
    without_names: Annotated[
        bool, typer.Option("--without-names", help="Files by number in both reports, so that they may be handed on.")
    ] = False,
    near: Annotated[bool, typer.Option("--near/--no-near", help="Also look for one picture in several files.")] = True,
    batch: Annotated[
        str, typer.Option(help="The batch this is for: the report then shows the command to send it.")
    ] = "",
    server: Annotated[str, typer.Option(help="Address of the portal, for that command.")] = "",
) -> None:
    """Give every file the verdict that the server would give it, with the same code: de-identified in memory, held against the
    request, scored, compared. Nothing is sent, and nothing of a patient is kept.

    Exit status: 0 everything fits, 3 something would be refused, 2 it could not be done.
    """
    if report is None and json_out is None:
        refuse("No report is asked for.", "Add --report FILE.html, --json FILE.json or both.")
    if not folder.is_dir():
        refuse("There is no such folder.", "Name the folder that holds the files.", where=str(folder))
    from getdata.commands.score import read_spec

    spec = read_spec(request)
    from fulfillment.kit.run import Check, run_check
    from fulfillment.kit.state import State
    from requests_app.spec import spec_sha256

    outputs = [path for path in (report, json_out) if path is not None]
    memory = outputs[0].with_name(f".{outputs[0].name}.check")
    try:
        state = State(memory, spec_sha256=spec_sha256(spec), resume=resume)
    except OSError as error:
        refuse(f"It cannot be written ({error.strerror}).", "Name a folder that exists.", where=str(outputs[0].parent))
    todo = Check(folder, spec, site.strip(), workers or os.cpu_count() or 1, near, without=[*outputs, request, memory])
    try:
        with progress_bar() as progress:
            outcome = run_check(todo, state, progress)
        _write(outcome, report, json_out, names=not without_names, next_step=_push(folder, batch, server))
    except OSError as error:
        state.close()
        refuse(f"The disk refused ({error.strerror}).", "Make room, then run the same command with --resume.")
    except KeyboardInterrupt:
        state.close()
        refuse("Stopped.", "Run the same command with --resume to go on.")
    state.close()
    state.remove()
    _tell(outcome)
    if not outcome.fits:
        raise typer.Exit(EXIT_PROBLEMS)


def _write(outcome: Outcome, report: Path | None, json_out: Path | None, *, names: bool, next_step: str) -> None:
    from fulfillment.kit.outcome import document
    from fulfillment.kit.page import report_page

    if json_out is not None:
        with replacing(json_out) as stream:
            json.dump(document(outcome, names=names), stream, ensure_ascii=False, indent=1)
            stream.write("\n")
    if report is not None:
        with replacing(report) as stream:
            stream.write(report_page(outcome, names=names, made_on=date.today().isoformat(), next_step=next_step))


def _push(folder: Path, batch: str, server: str) -> str:
    return f"getdata push {batch} {folder} --server {server or 'https://YOUR-PORTAL'}" if batch else ""


def _tell(outcome: Outcome) -> None:
    """The verdict in a few lines, causes first; no name of a file."""
    for cause in outcome.causes:
        typer.echo(f"{counted(len(cause.numbers), 'file')}: {cause.message} [{cause.code}]", err=True)
        if cause.remedy:
            typer.echo(f"  {cause.remedy}", err=True)
    for doubt, number in outcome.reports.withheld.most_common():
        typer.echo(f"{counted(number, 'report')} withheld: {doubt.cause} [{doubt.code}]\n  {doubt.remedy}", err=True)
    typer.echo(
        f"{len(outcome.passed):,} of {counted(len(outcome.images), 'image')} fit; {counted(len(outcome.refused), 'file')} "
        "would be refused.",
        err=True,
    )
