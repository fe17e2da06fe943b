"""``getdata pull``: a release into a folder: several files at a time, resumable, verified, whole or a part of it.

Exit status: 0 everything asked for is there and right, 2 it could not be done (no access, no server, no room), 3 files are
damaged or missing and were named.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from getdata.commands.connection import Refused, Server, ServerOption, TokenFileOption, connect
from getdata.commands.frame import EXIT_PROBLEMS, counted, printable, refuse
from getdata.commands.output import progress_bar
from getdata.commands.pull_choice import IMAGES, LABELS, SPLITS, STATES, CannotChoose, Choice, File, choose
from getdata.commands.pull_fetch import Fetched, Fetcher
from getdata.commands.pull_folder import TAGS, NotPulled, Record, read_record, verify

EXIT_INTERRUPTED = 130
#: Bytes that stay free on the disk.
_SPARE = 64 * 1024**2


def pull(
    release: Annotated[str, typer.Argument(help="The release's id, as its page shows it.", show_default=False)] = "",
    to: Annotated[
        Path, typer.Option("--to", help="Folder that becomes the release's bag; the same again goes on.")
    ] = Path(),
    server: ServerOption = "",
    token_file: TokenFileOption = None,
    finding: Annotated[list[str] | None, typer.Option(help="Only images with this finding; may be repeated.")] = None,
    state: Annotated[
        str, typer.Option(help="In one of these states, joined by commas; present,likely if left out.")
    ] = "",
    view: Annotated[
        list[str] | None, typer.Option(help="Only images of this view, such as PA; may be repeated.")
    ] = None,
    split: Annotated[
        list[str] | None, typer.Option(help="Only images of this fold and role, such as test_site-01:train.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only this kind of files: metadata, dicom, png16 and others; may be repeated."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=16, help="Files at a time.")] = 4,
    check: Annotated[
        bool, typer.Option("--verify", help="Fetch nothing; check the folder against its manifests.")
    ] = False,
) -> None:
    """Fetch a release into a folder and check every file by its SHA-256.

    Run again, the same command fetches only what is missing. Tables and documents always come along. The token is read
    from --token-file or GETDATA_TOKEN and needs the scope releases:read. When everything was pulled, the folder is a
    whole BagIt bag.
    """
    if to == Path():
        refuse("No folder is named.", "Say where the release goes with --to FOLDER.")
    if check:
        _verify(to, jobs)
        return
    try:
        uuid.UUID(release)
    except ValueError:
        refuse("This is no id of a release.", "Copy it from the release's page.", where=printable(release) or "RELEASE")
    if not server:
        refuse("No portal is named.", "Give its address with --server, or in GETDATA_SERVER.")
    choice = _choice(finding, state, view, split, only)
    with connect(server, token_file, tell=_waiting()) as portal:
        try:
            _pull(portal, str(uuid.UUID(release)), to, choice, jobs)
        except Refused as refused:
            refuse(refused.cause, refused.remedy)
        except CannotChoose as unknown:
            refuse(printable(unknown.cause), printable(unknown.cure))
        except OSError as error:
            refuse(
                f"The folder cannot be written ({error.strerror}).", "Make room, or name another folder.", where=str(to)
            )
        except KeyboardInterrupt:
            typer.echo("Stopped. The same command goes on from here.", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None


def _choice(
    finding: list[str] | None, state: str, view: list[str] | None, split: list[str] | None, only: list[str] | None
) -> Choice:
    states = tuple(part.strip() for part in state.split(",") if part.strip())
    unknown = [part for part in states if part not in STATES]
    if unknown:
        refuse(f"There is no state “{printable(unknown[0])}”.", f"Use {', '.join(STATES)}.", where="--state")
    if states and not finding:
        refuse("A state is of a finding.", "Name the finding with --finding.", where="--state")
    kinds = tuple(part.strip() for value in only or () for part in value.split(",") if part.strip())
    return Choice(tuple(finding or ()), states, tuple(view or ()), tuple(split or ()), kinds)


def _pull(server: Server, release: str, folder: Path, choice: Choice, jobs: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    record = _record_of(folder, release)
    files = [
        File(row["path"], row["size"], row["sha256"])
        for row in server.pages(f"releases/{release}/files/?page_size=1000")
    ]
    tags = next((file for file in files if file.path == TAGS), None)
    if tags is None:
        refuse("The server lists no manifest for this release.", "Download the archive from the release's page.")
    session = str(uuid.uuid4())
    tables = {IMAGES} if not choice.is_everything else set()
    tables |= ({LABELS} if choice.findings else set()) | ({SPLITS} if choice.splits else set())
    first = [file for file in files if file.path in tables]
    if len(first) < len(tables):
        refuse("The release lacks the table by which to choose.", "Pull all of it, or another choice.")
    # The tables say what to fetch, so they come first; the record is there before any file is.
    choices = record.choices if choice in record.choices else (*record.choices, choice)
    replace(record, tags_sha256=tags.sha256, choices=choices).write(folder)
    early = Fetcher(server, release, folder, session=session).fetch(first, jobs=jobs)
    chosen = choose(files, choice, lambda path: (folder / path).read_bytes())
    rest = [file for file in chosen if file.path not in tables]
    _require_room(folder, rest)
    with _bytes_bar(sum(file.size for file in rest)) as progress:
        late = Fetcher(server, release, folder, session=session, progress=progress).fetch(rest, jobs=jobs)
    _say(folder, chosen, whole=len(chosen) == len(files), fetched=(early, late))


def _record_of(folder: Path, release: str) -> Record:
    try:
        record = read_record(folder)
    except NotPulled:
        record = None
        typer.echo("The folder's record was damaged; it is written anew.", err=True)
    if record is not None and record.release != release:
        refuse("Another release was pulled into this folder.", "Name an empty folder with --to.", where=str(folder))
    if record is None and any(folder.iterdir()) and not (folder / "bagit.txt").exists():
        refuse("The folder holds something else.", "Name an empty folder with --to.", where=str(folder))
    return record or Record(release, "", ())


def _require_room(folder: Path, files: list[File]) -> None:
    needed = sum(file.size for file in files if not (folder / file.path).exists())
    free = shutil.disk_usage(folder).free
    if needed + _SPARE > free:
        refuse(
            f"The release needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free.",
            "Make room, name another folder, or choose a part of it.",
            where=str(folder),
        )


def _say(folder: Path, chosen: list[File], *, whole: bool, fetched: tuple[Fetched, Fetched]) -> None:
    damaged = sorted(path for part in fetched for path in part.damaged)
    for path in sorted(path for part in fetched for path in part.again):
        if path not in damaged:
            typer.echo(f"{printable(path)}: it was damaged, and was fetched again.", err=True)
    for path in damaged:
        typer.echo(f"{printable(path)}: it came damaged twice and was refused. Tell GetDATA's staff.", err=True)
    kept = sum(len(part.kept) for part in fetched)
    new = sum(len(part.new) for part in fetched)
    received = sum(part.received for part in fetched)
    typer.echo(
        f"{counted(new, 'file')} fetched ({received:,} bytes), {kept} there already, {len(damaged)} damaged; "
        f"{len(chosen)} in all.",
        err=True,
    )
    if damaged:
        raise typer.Exit(EXIT_PROBLEMS)
    if whole:
        typer.echo(f"The folder is a whole bag: python -m bagit --validate {folder}", err=True)
    else:
        typer.echo(f"A part of the release. Check it with: getdata pull --verify --to {folder}", err=True)


def _verify(folder: Path, jobs: int) -> None:
    try:
        with progress_bar() as progress:
            verdict = verify(folder, jobs=jobs, progress=progress)
    except NotPulled:
        refuse(
            "No release was pulled into this folder, or its record is damaged.",
            "Pull it again into it.",
            where=str(folder),
        )
    for word, paths in (("damaged", verdict.damaged), ("missing", verdict.missing)):
        for path in paths:
            typer.echo(f"{word}: {printable(path)}")
    bad = len(verdict.damaged) + len(verdict.missing)
    typer.echo(f"{counted(verdict.expected, 'file')} checked, {bad} not as they should be.", err=True)
    if bad:
        typer.echo("getdata pull with the same choice fetches them again.", err=True)
        raise typer.Exit(EXIT_PROBLEMS)


def _waiting() -> Callable[[str], None]:
    """Say once for each cause that something is waited for."""
    told: set[str] = set()

    def tell(what: str) -> None:
        if what not in told:
            told.add(what)
            typer.echo(f"Waiting for {what}; it is tried again.", err=True)

    return tell


@contextmanager
def _bytes_bar(total: int) -> Iterator[Callable[[int], None]]:
    """A bar in bytes on a terminal; elsewhere a line for each tenth."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        with progress_bar() as show:
            done = 0

            def add(count: int) -> None:
                nonlocal done
                done += count
                show("bytes", done, total)

            yield add
        return
    columns = (TextColumn("pulling"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("pulling", total=total)
        yield lambda count: bar.advance(task, count)
