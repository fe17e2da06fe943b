"""``getdata duplicates``: the radiographs that are in a folder twice, however they were exported.

Exit status: 0 the pairs are written (files that could not be read are named on standard error), 2 nothing could be written.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from getdata.commands.frame import counted, printable, refuse

if TYPE_CHECKING:
    from fulfillment.duplicates.folder import Comparison, Pair

COLUMNS = ("file_a", "file_b", "kind", "distance", "inliers", "verified")


def duplicates(
    folder: Annotated[Path, typer.Argument(help="Folder with DICOM, PNG and JPEG files, and folders of them.")],
    out: Annotated[Path, typer.Option("--out", help="Where the pairs go, as CSV.")],
    hashes_out: Annotated[
        Path | None,
        typer.Option(help="Also write every image's fingerprint, for a list of a published set (.csv or .parquet)."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Processes at work; 0 is one for each processor.")] = 0,
    doubtful: Annotated[
        bool, typer.Option("--doubtful", help="Also write candidates that the second look did not confirm.")
    ] = False,
) -> None:
    """Find the radiographs that a folder holds twice: exact copies, and the same exposure resized, cropped, turned,
    windowed, inverted, written on or masked.

    One row a pair: file_a, file_b, kind (exact or near), distance (bits of 256 in which the nearest hashes
    differ), inliers (features that agree on where one lies in the other), verified.
    """
    if not folder.is_dir():
        refuse("There is no such folder.", "Name the folder that holds the files.", where=str(folder))
    if hashes_out is not None and hashes_out.suffix.lower() not in (".csv", ".parquet"):
        refuse("A list of fingerprints is .csv or .parquet.", "Give it one of these endings.", where=str(hashes_out))
    from fulfillment.duplicates.folder import Comparison, files_in
    from fulfillment.duplicates.hashlist import write_list

    skipped = {path.resolve() for path in (out, hashes_out) if path is not None}
    names = [name for name in files_in(folder) if (folder / name).resolve() not in skipped]
    with _replacing(out) as stream, _bar() as progress:
        comparison = Comparison(folder, jobs=jobs or os.cpu_count() or 1, progress=progress)
        comparison.read(names)
        number = exact = 0
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for pair in comparison.pairs(doubtful=doubtful):
            writer.writerow(_row(pair))
            number += pair.verified
            exact += pair.kind == "exact"
    if hashes_out is not None:
        _written(lambda: write_list(hashes_out, comparison.entries), hashes_out)
    _tell(comparison)
    typer.echo(
        f"{counted(len(comparison.entries), 'image')} compared, {counted(len(comparison.bad), 'file')} not read. "
        f"{counted(number, 'pair')}: {exact} exact, {number - exact} near.",
        err=True,
    )


def _row(pair: Pair) -> tuple[object, ...]:
    return pair.file_a, pair.file_b, pair.kind, pair.distance, pair.inliers, "true" if pair.verified else "false"


def _tell(comparison: Comparison) -> None:
    """Files that were not read, or only in part, with the cause."""
    notes = [(bad.name, bad.cause) for bad in comparison.bad]
    notes += [(entry.name, entry.note) for entry in comparison.entries if entry.note]
    for name, cause in sorted(notes):
        typer.echo(f"{printable(name)}: {cause}", err=True)


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A file that takes the place of the old one once it is whole."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}", suffix=".part")
    except OSError as error:
        refuse(f"It cannot be written ({error.strerror}).", "Name a file in a folder that exists.", where=str(path))
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            yield stream
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        _written(lambda: os.replace(name, path), path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _written(write: Callable[[], object], path: Path) -> None:
    try:
        write()
    except OSError as error:
        refuse(f"It cannot be written ({error.strerror}).", "Name a file in a folder that exists.", where=str(path))


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal; elsewhere a line for each tenth."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        tasks: dict[str, object] = {}

        def show(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=of)
            progress.update(tasks[stage], completed=done, total=of)  # type: ignore[arg-type]

        yield show


def _lines() -> Callable[[str, int, int], None]:
    told: dict[str, int] = {}

    def show(stage: str, done: int, of: int) -> None:
        tenth = 10 * done // max(1, of)
        if tenth > told.get(stage, 0):
            told[stage] = tenth
            typer.echo(f"{stage}: {done} of {of}", err=True)

    return show
