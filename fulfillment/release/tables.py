"""Tables of a release, written row by row as CSV and as parquet: the rows of one group are in memory, not more."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

Kind = Literal["text", "whole", "number", "yes_no"]
#: Rows of one parquet row group.
GROUP = 2000
# A spreadsheet runs a cell that starts like this as a formula; header values come from anybody's scanner.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Column:
    """One column; ``about`` says in one line what is in it."""

    name: str
    kind: Kind = "text"
    about: str = ""


class Table:
    """``folder/name.csv`` and ``folder/name.parquet`` with the same rows. What is not known is empty, or null.

    A text that a spreadsheet would run as a formula begins with an apostrophe in the CSV, and is as it was in the parquet.
    """

    def __init__(self, folder: Path, name: str, columns: Sequence[Column], *, parquet: bool = True) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {"text": pa.string(), "whole": pa.int64(), "number": pa.float64(), "yes_no": pa.bool_()}
        self.columns = columns
        self.rows = 0
        self.csv, self.parquet = folder / f"{name}.csv", folder / f"{name}.parquet"
        self._schema = pa.schema([(column.name, kinds[column.kind]) for column in columns])
        self._file: IO[str] = self.csv.open("w", encoding="utf-8", newline="")
        self._lines = csv.writer(self._file, lineterminator="\n")
        self._lines.writerow([column.name for column in columns])
        self._groups = pq.ParquetWriter(self.parquet, self._schema, compression="zstd") if parquet else None
        self._group: list[dict[str, Any]] = []

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, row: Mapping[str, Any]) -> None:
        """One row by column; a value of another kind than the column's is not known."""
        typed = {column.name: _typed(row.get(column.name), column.kind) for column in self.columns}
        self._lines.writerow([_cell(value) for value in typed.values()])
        self.rows += 1
        if self._groups is not None:
            self._group.append(typed)
            if len(self._group) >= GROUP:
                self._write_group()

    def _write_group(self) -> None:
        import pyarrow as pa

        if self._group and self._groups is not None:
            self._groups.write_table(pa.Table.from_pylist(self._group, schema=self._schema))
        self._group = []

    def close(self) -> None:
        self._write_group()
        self._file.close()
        if self._groups is not None:
            self._groups.close()


def _typed(value: Any, kind: Kind) -> Any:
    if value is None or value == "":
        return None
    if kind == "text":
        return str(value)
    if kind == "yes_no":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if kind == "whole" else float(value)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return safe(value)


def safe(value: Any) -> Any:
    """The value as a cell that no spreadsheet runs."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


class Spool:
    """Rows whose columns are known only at the end: kept on disk as lines of JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", encoding="utf-8")

    def add(self, row: Any) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def rows(self) -> Iterator[Any]:
        """Close it and read it, row by row; it is gone afterwards."""
        self._file.close()
        with self._path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
        self._path.unlink()
