"""Pictures and their table in a batch: which row belongs to which file, whichever of them comes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from fulfillment.intake import originals
from fulfillment.models import Batch, SourceFile, SourceFileStatus, SourceKind
from fulfillment.pictures import (
    ROW_MISSING,
    PictureRefused,
    PictureRow,
    is_picture,
    read_picture_table,
    row_for,
)
from fulfillment.verdict.pictures import object_of, table_findings
from getdata.common.queue import enqueue
from getdata.common.states import StaleState, transition
from requests_app.spec import DatasetSpec

RING = "fulfillment.process_task"
_MOST_REMEMBERED = 4
_remembered: dict[tuple[object, str], Mapping[str, PictureRow]] = {}


def as_object(file: SourceFile, data: bytes, spec: DatasetSpec) -> bytes:
    """The file's bytes as DICOM: unchanged, or a picture made into an object by its row. Raises ``PictureRefused``."""
    return object_of(data, spec, lambda: _row_of(file))


def read_object(file: SourceFile) -> bytes:
    """The original of an image that passed, as DICOM. Raises what ``originals.read_original`` raises."""
    data = originals.read_original(file)
    if not is_picture(data):
        return data
    try:
        return as_object(file, data, DatasetSpec.model_validate(file.batch.spec_version.document))
    except PictureRefused as refused:  # its table was withdrawn since
        raise originals.StagingMissing from refused


def _row_of(file: SourceFile) -> PictureRow | None:
    name = originals.name_of(file)
    tables = SourceFile.objects.filter(batch=file.batch, kind=SourceKind.PICTURES, status=SourceFileStatus.PASSED)
    for table in tables.select_related("batch__fulfillment").order_by(
        "-number"
    ):  # the newest table is the one that counts
        row = row_for(_rows(table), name)
        if row is not None:
            return row
    return None


def _rows(table: SourceFile) -> Mapping[str, PictureRow]:
    """The rows of a table by file: read once for a batch of thousands of pictures."""
    key = (table.pk, table.content_digest)
    if key not in _remembered:
        if len(_remembered) >= _MOST_REMEMBERED:
            _remembered.clear()
        rows, _ = read_picture_table(originals.read_original(table))
        _remembered[key] = {row.file: row for row in rows}
    return _remembered[key]


def take_table(file: SourceFile, data: bytes) -> tuple[list[dict[str, Any]], bool]:
    """Read a table of pictures. Returns the findings for the hospital and whether any row was usable."""
    rows, problems = read_picture_table(data) if file.batch.takes_pictures else ([], [])
    return table_findings(rows, problems, permitted=file.batch.takes_pictures), bool(rows)


def row_came(file: SourceFile) -> bool:
    """Whether there is a row for a picture now that was settled without one: a table may have come in between."""
    return _row_of(file) is not None


def look_again(batch: Batch) -> int:
    """Have the pictures that lacked a row looked at again, now that a table came; returns how many."""
    waiting = SourceFile.objects.filter(batch=batch, status=SourceFileStatus.REJECTED, reason=ROW_MISSING.code)
    rung = 0
    for file in waiting.exclude(stored=""):
        try:
            with transaction.atomic():
                transition(
                    SourceFile,
                    file.pk,
                    SourceFileStatus.REJECTED,
                    SourceFileStatus.RECEIVED,
                    actor=None,
                    changes={"attempts": 0, "reason": "", "findings": [], "lease_until": None, "settled_at": None},
                    data={"number": file.number},
                )
                enqueue(RING, str(file.pk))
            rung += 1
        except StaleState:
            continue  # somebody retries it just now
    return rung
