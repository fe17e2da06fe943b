"""Where labels come from, beside the files of formats that have no place for it: one table, a row a label, in the files' order."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from fulfillment.labels.formats.gather import Context, Gathering, Member, stem
from fulfillment.labels.formats.model import IMAGE_KINDS, Entry, ImageKind, ImageRef, Imported
from fulfillment.labels.formats.tabular import Row, need, normal, read_table, write_table
from requests_app.taxonomy import Taxonomy, normalise_name

SIDECAR = "provenance.csv"
_HEADER = ["written_as", "image", "image_kind", "finding", "place", "reader", "method", "provenance"]
_KEPT = re.compile(r"[^\w.+=,() -]")


def safe_name(text: str) -> str:
    """A name for a file on any system; others than letters, digits and a few signs become _."""
    name = _KEPT.sub("_", stem(text)).strip(". ")
    return re.sub("_+", "_", name)[:150] or "image"


def file_names(images: Iterable[ImageRef]) -> dict[ImageRef, str]:
    """A file name without extension for each image, all different."""
    names: dict[ImageRef, str] = {}
    taken: set[str] = set()
    for image in dict.fromkeys(images):
        name, number = safe_name(image.value), 1
        while (fresh := name if number == 1 else f"{name} ({number})").casefold() in taken:
            number += 1
        taken.add(fresh.casefold())
        names[image] = fresh
    return names


def write_provenance(
    entries: Sequence[Entry], taxonomy: Taxonomy, names: Mapping[ImageRef, str] | None = None, *, by_key: bool = False
) -> bytes:
    """The sidecar of these entries, which must be those written, in the order in which the files are read again.

    ``names``: what the files call each image, where that is not its name. ``by_key``: the files call findings by their keys.
    ``place`` counts the labels of one finding on one image, from 1.
    """
    count: defaultdict[tuple[str, str], int] = defaultdict(int)
    rows: list[list[object]] = []
    for entry in entries:
        finding = entry.key if by_key else taxonomy[entry.key].name if entry.key in taxonomy else entry.finding
        written = (names or {}).get(entry.image, entry.image.value)
        count[written, finding] += 1
        extra = json.dumps(dict(entry.extra), ensure_ascii=False) if entry.extra else ""
        place = count[written, finding]
        rows.append([written, entry.image.value, entry.image.kind, finding, place, entry.reader, entry.method, extra])
    return write_table(_HEADER, rows)


def with_provenance(imported: Imported, sidecar: Member) -> Imported:
    """The entries with what the sidecar says of them; its own problems are added, under its name."""
    into = Gathering(Context())
    into.file = sidecar.name
    table = read_table(sidecar.data, into)
    if table is None or not need(table, into, {name: (normal(name),) for name in _HEADER}):
        return replace(imported, problems=(*imported.problems, *into.done("").problems))
    said: dict[tuple[str, str, int], Row] = {}
    for row in table.rows:
        place = row.text("place")
        if place.isdigit() and len(place) < 8 and row.text("image_kind") in IMAGE_KINDS:
            said[stem(row.text("written_as")), normalise_name(row.text("finding")), int(place)] = row
        else:
            into.problem(
                row.number, "PROVENANCE_MALFORMED", "The row has no place or no kind of image.", "Write it again."
            )
    count: defaultdict[tuple[str, str], int] = defaultdict(int)
    entries = []
    for entry in imported.entries:
        key = stem(entry.image.value), normalise_name(entry.finding)
        count[key] += 1
        found = said.get((*key, count[key]))
        entries.append(entry if found is None else _joined(entry, found))
    return replace(imported, entries=tuple(entries), problems=(*imported.problems, *into.done("").problems))


def _joined(entry: Entry, row: Row) -> Entry:
    try:
        extra = json.loads(row.text("provenance") or "{}")
    except (ValueError, RecursionError):
        extra = {}
    pairs = {str(k): str(v) for k, v in extra.items()} if isinstance(extra, dict) else {}
    return replace(
        entry,
        image=ImageRef(cast(ImageKind, row.text("image_kind")), row.text("image")),
        reader=row.text("reader"),
        method=row.text("method"),
        extra=tuple(sorted({**dict(entry.extra), **pairs}.items())),
    )
