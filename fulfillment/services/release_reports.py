"""The reports of a release: one text file a study and a table of them, where the request asks for reports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db.models import Q

from fulfillment.models import BatchStatus, Release, Report, ReportState, SourceFileStatus
from fulfillment.release import Entry
from fulfillment.release.tables import Column, Table
from requests_app.spec import DatasetSpec, ReportLinkage

_COLUMNS = (
    Column("path", about="the text, below data/"),
    Column("patient_id", about="pseudonym of the patient, within one hospital"),
    Column("study_uid", about="replaced StudyInstanceUID"),
    Column("language", about="ISO 639-1"),
    Column("passages_removed", "whole", "passages that de-identification took out"),
    Column("engine", about="version of the text cleaner"),
)


def report_table(release: Release, spec: DatasetSpec, folder: Path) -> Path | None:
    """``reports.csv`` in the folder; None where the request takes no reports."""
    if spec.reports.linkage is ReportLinkage.NONE:
        return None
    with Table(folder, "reports", _COLUMNS, parquet=False) as out:
        for path, report in _reports(release):
            study = report.study
            assert study is not None
            out.add(
                {
                    "path": path,
                    "patient_id": study.patient.pseudonym,
                    "study_uid": study.study_instance_uid,
                    "language": report.language,
                    "passages_removed": sum(report.removed.values()),
                    "engine": report.engine,
                }
            )
    return out.csv


def report_texts(release: Release, spec: DatasetSpec) -> Iterator[Entry]:
    """The texts, ``reports/<patient>/<study>.txt``, both pseudonymous."""
    if spec.reports.linkage is not ReportLinkage.NONE:
        for path, report in _reports(release):
            yield Entry(path, report.text.encode)


def _reports(release: Release) -> Iterator[tuple[str, Any]]:
    """Reports of accepted batches whose study has an image in the release, as they stood when it was prepared."""
    rows = (
        Report.objects.filter(
            Q(superseded_by=None) | Q(superseded_by__created_at__gt=release.created_at),
            created_at__lte=release.created_at,
            source__status=SourceFileStatus.PASSED,
            state=ReportState.LINKED,
            study__series__images__release_items__release=release,
            batch__status=BatchStatus.ACCEPTED,
        )
        .select_related("study__patient")
        .order_by("study__patient__pseudonym", "study__study_instance_uid", "pk")
        .distinct()
    )
    for report in rows.iterator(chunk_size=500):
        study = report.study
        assert study is not None
        yield f"reports/{study.patient.pseudonym}/{study.study_instance_uid}.txt", report
