"""``getdata request``: templates of the executable request, and a check before posting.

Exit status of ``getdata request lint``: 0 nothing blocks, 3 something does, 2 not a document.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from getdata.commands.frame import EXIT_PROBLEMS, SETTINGS, counted, printable, refuse
from requests_app.spec import spec_document, template_specs
from requests_app.spec.notes import LintNote
from requests_app.spec.reading import MAX_DOCUMENT_BYTES, check_document, read_json

request = typer.Typer(help="The executable request: templates, and a check before posting.", **SETTINGS)


@request.command()
def template(
    name: Annotated[str, typer.Argument(help="The template's name; --list shows them.", show_default=False)] = "",
    names: Annotated[bool, typer.Option("--list", help="List the names and what each asks for.")] = False,
) -> None:
    """Print a complete request as JSON, to be changed and posted. Its deadline is counted from today."""
    templates = template_specs(today=date.today())
    if names:
        width = max(map(len, templates))
        for key, spec in templates.items():
            typer.echo(f"{key:<{width}}  {spec.title}")
        return
    if not name:
        refuse("No template is named.", "getdata request template --list shows the names.")
    if name not in templates:
        refuse("There is no template of that name.", "getdata request template --list shows the names.")
    typer.echo(json.dumps(spec_document(templates[name]), indent=2, ensure_ascii=False))


@request.command()
def lint(file: Annotated[str, typer.Argument(help="A request as JSON; - reads standard input.")]) -> None:
    """Say what keeps a request from being posted: path, cause and cure of each problem.

    Exit status: 0 nothing does (advice may be given), 3 something does, 2 the file is not a document.
    """
    value, note = read_json(_read(file))
    if note is not None:
        refuse(note.message, note.remedy, where=file)
    if not isinstance(value, dict):
        refuse("The document is not a JSON object.", "Start from getdata request template NAME.", where=file)
    checked = check_document(value, today=date.today())
    for note in (*checked.blocking, *checked.advice):
        typer.echo(_text(note))
    problems, advice = len(checked.blocking), len(checked.advice)
    if problems:
        typer.echo(f"{counted(problems, 'problem')} to mend before this request can be posted.", err=True)
        raise typer.Exit(EXIT_PROBLEMS)
    also = f"; {counted(advice, 'remark')} above {'is' if advice == 1 else 'are'} advice" if advice else ""
    typer.echo(f"Nothing blocks this request{also}.", err=True)


def _read(file: str) -> bytes:
    """The file's bytes, one more than is allowed at most."""
    limit = MAX_DOCUMENT_BYTES + 1
    try:
        if file == "-":
            return sys.stdin.buffer.read(limit)
        with Path(file).open("rb") as stream:
            return stream.read(limit)
    except (OSError, ValueError) as error:  # ValueError: a name no file can have
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a file name"
        refuse(f"It cannot be read ({reason}).", "Check the name, and that you may read the file.", where=file)


def _text(note: LintNote) -> str:
    """Path, cause and cure, each on a line of its own, whatever the document calls its fields."""
    kind = "problem" if note.blocking else "advice"
    path, cause, cure = (printable(text) for text in (note.path or "(document)", note.message, note.remedy))
    return f"{path}  [{kind}: {note.code}]\n  cause: {cause}\n  cure:  {cure}"
