"""``getdata push``: a folder into a batch, only what is missing, from where the last run stopped.

Exit status: 0 everything is there (with --wait: and passed), 3 something was refused, 2 it could not be done.
"""

from __future__ import annotations

import csv
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from getdata.commands.frame import EXIT_PROBLEMS, counted, printable, refuse
from getdata.commands.output import progress_bar, replacing

if TYPE_CHECKING:
    from getdata.commands.connection import Refused, Server
    from getdata.commands.sending import Sent


def push(
    batch: Annotated[str, typer.Argument(help="The batch's id, as its page shows it.")],
    folder: Annotated[Path, typer.Argument(help="Folder to send: DICOM under any name, archives, tables.")],
    server: Annotated[str, typer.Option("--server", envvar="GETDATA_SERVER", help="Address of the portal.")],
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="File with the API token; else GETDATA_TOKEN is read.")
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="Files on their way at once.")] = 4,
    wait: Annotated[
        bool, typer.Option("--wait", help="Then follow the batch until every file has its verdict.")
    ] = False,
    only_failed: Annotated[
        bool,
        typer.Option("--only-failed", help="Send again only files that the server refused, where they were changed."),
    ] = False,
    refused_out: Annotated[
        Path | None, typer.Option("--refused", help="CSV of files that did not pass, with names, causes and remedies.")
    ] = None,
) -> None:
    """Send a folder into a batch. What the server has is not sent again; after a cut or a kill, run the same command again.

    The token comes from --token-file or GETDATA_TOKEN and is never shown. File names are sent to your hospital's own part of
    the portal, sealed there, and printed nowhere.
    """
    if not folder.is_dir():
        refuse("There is no such folder.", "Name the folder that holds the files.", where=str(folder))
    from getdata.commands.connection import Refused, connect

    with connect(server, token_file, tell=lambda what: typer.echo(f"Waiting for {what} ...", err=True)) as portal:
        try:
            ends_well = _push(portal, batch, folder, parallel, wait, only_failed, refused_out)
        except Refused as refusal:
            refuse(refusal.cause, refusal.remedy, where=refusal.code or "server")
        except KeyboardInterrupt:
            refuse("Stopped.", "Run the same command again to go on.")
    if not ends_well:
        raise typer.Exit(EXIT_PROBLEMS)


def _push(
    portal: Server, batch: str, folder: Path, parallel: int, wait: bool, only_failed: bool, refused_out: Path | None
) -> bool:
    from fulfillment.kit.folder import files_below
    from getdata.commands.sending import Sent, local_files, refused_by_server, send_all, sort_out, wait_until_settled

    names = files_below(folder, without=[] if refused_out is None else [refused_out])
    if only_failed:
        names = _failed(portal, batch, names)
    files = [one for one in local_files(folder, names) if one.size]
    empty = len(names) - len(files)
    with progress_bar() as progress:
        asked = Counter[str]()

        def told(number: int) -> None:
            asked["files"] += number
            progress("asking what is there", asked["files"], len(files))

        wanted, here = sort_out(portal, batch, files, told)
    total = sum(one.file.size for one in wanted)
    sent = Sent()
    if wanted:
        with _transfer_bar(total, len(wanted)) as moved:
            sent = send_all(portal, batch, wanted, parallel=parallel, moved=moved)
    sent.here = here
    _tell(sent, empty)
    rows: list[dict[str, Any]] = []
    if wait:
        with progress_bar() as progress:
            wait_until_settled(portal, batch, lambda done, of: progress("verdicts", done, of))
        rows = refused_by_server(portal, batch)
        _tell_refused(rows)
    if refused_out is not None:
        _write_refused(refused_out, sent.refused, rows if wait else refused_by_server(portal, batch))
    return not sent.refused and not rows


def _failed(portal: Server, batch: str, names: list[str]) -> list[str]:
    """Of the folder's files those that the server refused. Ones that only broke on the server are asked for again there."""
    from getdata.commands.sending import refused_by_server

    rows = refused_by_server(portal, batch)
    broken = [row for row in rows if row["status"] == "failed"]
    for row in broken:
        portal.call("POST", f"files/{row['id']}/retry/")
    if broken:
        typer.echo(f"{counted(len(broken), 'file')} that broke on the server: asked for once more.", err=True)
    refused = {row["original_name"] for row in rows if row["status"] != "failed"}
    if None in refused:
        refuse(
            "Your role does not see the names of refused files.", "Ask a data manager of your hospital to send them."
        )
    found = [name for name in names if name in refused]
    missing = len(refused) - len(found)
    if missing:
        typer.echo(f"{counted(missing, 'refused file')} not in this folder.", err=True)
    return found


@contextmanager
def _transfer_bar(total: int, files: int) -> Iterator[Callable[[int, int], None]]:
    """Bytes, files, speed and time left on a terminal; elsewhere a line for each tenth."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console, lock, done = Console(stderr=True), threading.Lock(), Counter[str]()
    if not console.is_terminal:

        def line(size: int, number: int) -> None:
            with lock:
                done["bytes"] += size
                done["files"] += number
                tenth = 10 * done["bytes"] // max(1, total)
                if tenth > done["told"]:
                    done["told"] = tenth
                    amount = f"{done['bytes'] / 1e6:,.1f} of {total / 1e6:,.1f} MB"
                    typer.echo(f"sent: {amount}, {done['files']} of {files} files", err=True)

        yield line
        return
    columns = (
        TextColumn("{task.fields[files]}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("sending", total=total, files=f"0 of {files} files")

        def show(size: int, number: int) -> None:
            with lock:
                done["files"] += number
            bar.update(task, advance=size, files=f"{done['files']} of {files} files")

        yield show


def _tell(sent: Sent, empty: int) -> None:
    said = [f"{counted(sent.taken, 'file')} sent ({sent.bytes / 1e6:,.1f} MB)", f"{sent.here:,} already there"]
    if sent.refused:
        said.append(f"{counted(len(sent.refused), 'file')} not taken")
    typer.echo("; ".join(said) + ".", err=True)
    if empty:
        typer.echo(f"{counted(empty, 'empty file')} left out.", err=True)
    causes = Counter((refusal.cause, refusal.remedy, refusal.code) for refusal in sent.refused.values())
    for (cause, remedy, code), number in causes.most_common():
        typer.echo(f"{counted(number, 'file')}: {printable(cause)} [{code}]\n  {printable(remedy)}", err=True)


def _tell_refused(rows: list[dict[str, Any]]) -> None:
    """Refusals grouped by cause with the remedy, files by number."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["status"], row["reason"]), []).append(row)
    for (status, code), members in sorted(groups.items(), key=lambda item: -len(item[1])):
        cause, remedy = _words(members[0])
        numbers = ", ".join(str(row["number"]) for row in members[:12]) + (" ..." if len(members) > 12 else "")
        typer.echo(f"{counted(len(members), 'file')} {status} ({numbers}): {cause} [{code}]", err=True)
        if remedy:
            typer.echo(f"  {remedy}", err=True)
    if not rows:
        typer.echo("Every file passed.", err=True)


def _words(row: dict[str, Any]) -> tuple[str, str]:
    finding = next((one for one in row["findings"] if one["code"] == row["reason"]), None)
    finding = finding or (row["findings"][0] if row["findings"] else {"cause": "", "remedy": ""})
    return printable(finding["cause"]), printable(finding["remedy"])


def _write_refused(out: Path, local: dict[str, Refused], rows: list[dict[str, Any]]) -> None:
    """The list with names: it stays with the hospital."""
    with replacing(out) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["file", "number", "status", "code", "cause", "remedy"])
        for name, refusal in sorted(local.items()):
            writer.writerow([name, "", "not taken", refusal.code, refusal.cause, refusal.remedy])
        for row in rows:
            writer.writerow([row["original_name"] or "", row["number"], row["status"], row["reason"], *_words(row)])
