"""``getdata duplicates``: the radiographs that are in a folder twice, however they were exported.

Exit status: 0 the pairs are written (files that could not be read are named on standard error), 2 nothing could be written.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from getdata.commands.frame import counted, printable, refuse
from getdata.commands.output import progress_bar, replacing, written

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
    with replacing(out) as stream, progress_bar() as progress:
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
        written(lambda: write_list(hashes_out, comparison.entries), hashes_out)
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
