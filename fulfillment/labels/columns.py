"""The header of a table of labels: its columns shown, and given another meaning than their names have. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from fulfillment.labels.formats.chexpert import IMAGE_COLUMNS
from fulfillment.labels.formats.tabular import normal

#: What a person may say that a column holds; the key is the name that every reader of tables knows it by.
MEANINGS: Mapping[str, str] = {
    "sop_instance_uid": "the image: its SOPInstanceUID",
    "file": "the image: its file name",
    "accession_number": "the study: its accession number",
    "finding": "the name of the finding",
    "state": "the state of the finding",
    "reader": "the reader",
    "source": "how the label was made",
    "x": "the box: left edge",
    "y": "the box: upper edge",
    "width": "the box: width",
    "height": "the box: height",
    "ignore": "nothing: leave the column out",
}
_HEADER_BYTES = 64 * 1024
MAX_COLUMNS = 200


@dataclass(frozen=True)
class Header:
    """The first row of a table as written; ``end`` is where it ends in ``text``."""

    columns: tuple[str, ...]
    delimiter: str
    text: str
    end: int


def header_of(data: bytes) -> Header | None:
    """The header, or None where the bytes are no table of text."""
    if b"\0" in data[:4096] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return None
    text = _text(data)
    line = text[:_HEADER_BYTES].split("\n", 1)[0]
    first = line.rstrip("\r")
    if not first.strip() or first.lstrip()[:1] in "[{<" or len(line) >= _HEADER_BYTES:
        return None
    delimiter = max(",;\t|", key=first.count)
    try:
        columns = next(csv.reader([first], delimiter=delimiter))
    except (csv.Error, StopIteration):
        return None
    if not 2 <= len(columns) <= MAX_COLUMNS:
        return None
    return Header(tuple(columns), delimiter, text, len(line))


def _text(data: bytes) -> str:
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def with_meanings(data: bytes, meanings: Mapping[int, str]) -> bytes:
    """The table under a header that says what its columns mean; ``meanings`` by place, from 0. Other columns keep their names.

    A column that is said to name the image takes that from all others. The bytes come back as they are where nothing is said, or
    where they are no table.
    """
    said = {place: meaning for place, meaning in meanings.items() if meaning in MEANINGS}
    header = header_of(data) if said else None
    if header is None:
        return data
    image_said = any(meaning in IMAGE_COLUMNS for meaning in said.values())
    names = []
    for place, name in enumerate(header.columns):
        meaning = said.get(place)
        if meaning is not None:
            names.append("" if meaning == "ignore" else meaning)
        else:
            names.append("" if image_said and normal(name) in IMAGE_COLUMNS else name)
    out = io.StringIO()
    csv.writer(out, delimiter=header.delimiter, lineterminator="").writerow(names)
    return (out.getvalue() + header.text[header.end :]).encode()
