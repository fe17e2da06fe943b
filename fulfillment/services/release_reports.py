"""The reports of a release: one text file a study and a table of them, where the request asks for reports."""

from __future__ import annotations

import csv
import io

from fulfillment.models import BatchStatus, Release, Report
from requests_app.spec import DatasetSpec, ReportLinkage


def report_documents(release: Release, spec: DatasetSpec) -> dict[str, bytes]:
    """Path below ``data/`` -> bytes, in the order of their paths. Empty where the request takes no reports.

    A study's report is ``reports/<patient>/<study>.txt``, both pseudonymous; only reports of accepted batches whose study has an
    image in the release.
    """
    if spec.reports.linkage is ReportLinkage.NONE:
        return {}
    reports = (
        Report.objects.linked()
        .filter(study__series__images__release_items__release=release, batch__status=BatchStatus.ACCEPTED)
        .select_related("study__patient")
        .distinct()
    )
    files: dict[str, bytes] = {}
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["path", "patient", "study_instance_uid", "language", "passages_removed", "engine"])
    named = [
        (one.study.patient.pseudonym, one.study.study_instance_uid, one) for one in reports if one.study is not None
    ]
    for patient, study, report in sorted(named, key=lambda item: item[:2]):
        path = f"reports/{patient}/{study}.txt"
        files[path] = report.text.encode()
        writer.writerow([path, patient, study, report.language, sum(report.removed.values()), report.engine])
    files["metadata/reports.csv"] = table.getvalue().encode()
    return dict(sorted(files.items()))
