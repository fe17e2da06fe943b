"""PNG and JPEG pictures and the table beside them, as the request takes them or not. For server and kit alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fulfillment.conformance.finding import Finding
from fulfillment.pictures import (
    NOT_PERMITTED,
    ROW_MISSING,
    PictureRefused,
    PictureRow,
    TableProblem,
    is_picture,
    to_dicom,
)
from requests_app.spec import DatasetSpec

MAX_TOLD = 200


def object_of(data: bytes, spec: DatasetSpec, row_of: Callable[[], PictureRow | None]) -> bytes:
    """The file's bytes as DICOM: unchanged, or a picture made into an object by its row. Raises ``PictureRefused``."""
    if not is_picture(data):
        return data
    if not spec.delivery.pictures:
        raise PictureRefused(NOT_PERMITTED)
    row = row_of()
    if row is None:
        raise PictureRefused(ROW_MISSING)
    return to_dicom(data, row)


def table_findings(
    rows: Sequence[PictureRow], problems: Sequence[TableProblem], *, permitted: bool
) -> list[dict[str, Any]]:
    """What the hospital reads of a table of pictures."""
    if not permitted:
        return [_finding(NOT_PERMITTED.code, "must", NOT_PERMITTED.message, NOT_PERMITTED.remedy)]
    findings = [
        _finding(problem.code, "should", f"Row {problem.row}: {problem.cause}", problem.remedy)
        for problem in problems[:MAX_TOLD]
    ]
    if rows:
        findings.insert(0, _finding("PICTURES_NAMED", "info", f"Pictures: {len(rows):,} rows taken in.", ""))
    return findings


def _finding(code: str, severity: str, message: str, remedy: str) -> dict[str, Any]:
    return Finding(code, severity, "", "", message, remedy).as_dict()  # type: ignore[arg-type]
