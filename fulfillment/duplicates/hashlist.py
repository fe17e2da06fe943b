"""Lists of fingerprints: what a set of images is recognised by without the images. docs/duplicates.md is the format's description.

Columns: ``image`` (a name that means something to the set), ``version`` (of the fingerprint), ``pixel_sha256``, ``fingerprint`` (64
hexadecimal digits a hash, 5 crops, then up to 16 anchors). CSV in UTF-8, or parquet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fulfillment.duplicates.fingerprint import VERSION, Fingerprint, as_bytes, from_bytes

if TYPE_CHECKING:
    from fulfillment.duplicates.folder import Entry

COLUMNS: Final = ("image", "version", "pixel_sha256", "fingerprint")
LONGEST_NAME: Final = 300
_PARQUET: Final = b"PAR1"
_SHA256_DIGITS: Final = 64


@dataclass(frozen=True, eq=False)
class Listed:
    """One image of a list; ``print_`` is None where only its exact pixels are known."""

    image: str
    pixel_sha256: str
    print_: Fingerprint | None


@dataclass(frozen=True)
class BadList:
    """Why a list cannot be used; ``row`` counts from 1 below the heading, 0 for the file."""

    row: int
    message: str
    remedy: str


def write_list(path: Path, entries: Iterable[Entry]) -> None:
    """Write a list, as the file's ending says (.csv or .parquet)."""
    rows = [
        (e.name, VERSION, e.pixel_sha256, as_bytes(e.print_).hex() if e.print_ is not None else "") for e in entries
    ]
    if path.suffix.lower() == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = [[row[n] for row in rows] for n in range(len(COLUMNS))]
        pq.write_table(pa.table(dict(zip(COLUMNS, [pa.array(c, pa.string()) for c in columns], strict=True))), path)
        return
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def read_list(data: bytes, *, most: int = 2_000_000) -> list[Listed] | BadList:
    """The images of a list, or why it cannot be used. ``most``: how many rows it may have."""
    try:
        rows = list(_take(_parquet_rows(data) if data[:4] == _PARQUET else _csv_rows(data), most + 1))
    except _Unusable as error:
        return error.why
    if len(rows) > most:
        return BadList(0, f"The list has more than {most:,} rows.", "Divide it into several lists.")
    if not rows:
        return BadList(0, "The list has no rows.", "Write it with getdata duplicates FOLDER --hashes-out.")
    listed = []
    for number, row in enumerate(rows, 1):
        one = _listed(number, row)
        if isinstance(one, BadList):
            return one
        listed.append(one)
    return listed


class _Unusable(Exception):
    def __init__(self, message: str, remedy: str) -> None:
        self.why = BadList(0, message, remedy)
        super().__init__(message)


def _take(rows: Iterator[tuple[str, ...]], most: int) -> Iterator[tuple[str, ...]]:
    for _, row in zip(range(most), rows, strict=False):
        yield row


def _csv_rows(data: bytes) -> Iterator[tuple[str, ...]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Unusable("The list is not CSV in UTF-8, and not parquet.", "Use the file as it was written.") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        heading = next(reader, [])
        _check_heading(heading)
        places = [heading.index(column) for column in COLUMNS]
        for row in reader:
            if row:
                yield tuple(row[place] if place < len(row) else "" for place in places)
    except csv.Error:
        raise _Unusable("The list is not CSV.", "Use the file as it was written.") from None


def _parquet_rows(data: bytes) -> Iterator[tuple[str, ...]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        _check_heading(file.schema_arrow.names)
        for batch in file.iter_batches(columns=list(COLUMNS), batch_size=10_000):
            columns: list[list[Any]] = [batch.column(name).to_pylist() for name in COLUMNS]
            for row in zip(*columns, strict=True):
                yield tuple("" if value is None else str(value) for value in row)
    except (pa.ArrowException, OSError):
        raise _Unusable("The list is not a parquet file that can be read.", "Write it again.") from None


def _check_heading(heading: list[str]) -> None:
    missing = [column for column in COLUMNS if column not in heading]
    if missing:
        raise _Unusable(
            f"The list has no column {', '.join(missing)}.", "Write it with getdata duplicates FOLDER --hashes-out."
        )


def _listed(number: int, row: tuple[str, ...]) -> Listed | BadList:
    image, version, digest, text = row
    if version != VERSION:
        return BadList(
            number, "The fingerprint is of another version.", f"This portal compares {VERSION}: write the list again."
        )
    if not image or len(image) > LONGEST_NAME:
        return BadList(
            number, f"The image's name is empty or longer than {LONGEST_NAME} characters.", "Give it a name."
        )
    if digest and (len(digest) != _SHA256_DIGITS or not _is_hex(digest)):
        return BadList(number, "pixel_sha256 is not 64 hexadecimal digits.", "Write the list again.")
    if not text:
        return Listed(image, digest.lower(), None)
    try:
        return Listed(image, digest.lower(), from_bytes(bytes.fromhex(text)))
    except ValueError:
        return BadList(number, "The fingerprint is damaged.", "Write the list again.")


def _is_hex(text: str) -> bool:
    return all(c in "0123456789abcdefABCDEF" for c in text)
