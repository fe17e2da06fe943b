"""The files of a patient's disc that are no images: left aside with a reason; its index is read as a map."""

from __future__ import annotations

from typing import Any

from deid.dicomfile.limits import Limits
from deid.dicomfile.read import read_file
from deid.outcome import Refusal
from fulfillment.conformance import Finding
from fulfillment.intake.originals import name_of
from fulfillment.models import SourceFile
from fulfillment.uploads import names
from fulfillment.verdict.aside import INDEX, left_aside

_RECORDS, _FILE_ID = 0x00041220, 0x00041500
#: An index of a disc is larger than a radiograph's header, and still no book.
MOST_BYTES = 32 * 1024 * 1024
_LIMITS = Limits(file_bytes=MOST_BYTES, elements=400_000, text_bytes=16 * 1024 * 1024)
_MOST_ASKED = 20_000


def findings_of(file: SourceFile, head: bytes, whole: bytes | None) -> list[dict[str, Any]]:
    """Why the file is left aside. ``whole``: all its bytes, unless it is too large to be read as an index."""
    aside = left_aside(head, name_of(file))
    if aside is None:  # the rule changed since it was taken in
        return [_info("NOT_AN_IMAGE", "Not an image. Nothing of it was stored.")]
    said = [_info(aside.code, aside.message)]
    if aside is INDEX and whole is not None:
        said += _counted(file, whole)
    return said


def _counted(file: SourceFile, data: bytes) -> list[dict[str, Any]]:
    listed = listed_files(data)
    if not listed:
        return []
    folder = name_of(file).rpartition("/")[0]
    wanted = [names.name_digest(file.batch, f"{folder}/{path}" if folder else path) for path in listed[:_MOST_ASKED]]
    here = 0
    for at in range(0, len(wanted), 500):
        some = SourceFile.objects.filter(batch=file.batch, name_digest__in=wanted[at : at + 500])
        here += some.values("name_digest").distinct().count()
    message = f"It lists {len(listed):,} files; {here:,} of them were in the batch when it was read."
    return [_info("DISC_INDEX_COUNTED", message)]


def listed_files(data: bytes) -> list[str]:
    """Relative paths that a DICOMDIR lists (0004,1500), in its order, each once; empty where it cannot be followed."""
    try:
        records = read_file(data, _LIMITS).dataset.get(_RECORDS)
    except Refusal:
        return []
    found: dict[str, None] = {}
    for record in records.items if records is not None else []:
        element = record.get(_FILE_ID)
        if element is not None:  # each value is one folder, the last the file
            found.setdefault("/".join(part.strip(" \0") for part in element.raw.decode("latin-1").split("\\")))
    return [path for path in found if path.strip("/")]


def _info(code: str, message: str) -> dict[str, Any]:
    return Finding(code, "info", "", "", message, "").as_dict()
