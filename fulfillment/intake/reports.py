"""Reports on their way in: named by replaced UID and keyed digests at once, cleaned when their study's originals are here.

A report is cleaned with every identifier in the headers of its study's originals; these are opened in memory for it. A report whose
study has not come waits, sealed in quarantine; so does nothing else of it exist. Whatever leaves a doubt quarantines the report.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from deid import ENGINE_VERSION, Keyring, Policy, days_moved, load_policy
from deid.text.identifiers import Identifiers
from deid.text.report import clean_report
from fulfillment.intake import originals, pictures, sealing
from fulfillment.intake.report_files import ReportRow, read_report_file
from fulfillment.labels.reports import sections
from fulfillment.models import Batch, Image, Report, ReportState, SourceFile, SourceFileStatus, SourceKind, Study
from fulfillment.uploads import names
from fulfillment.verdict.report import (
    AMBIGUOUS,
    MOST_ORIGINALS,
    ORIGINALS_GONE,
    TWICE,
    WAITS,
    Doubt,
    accession_in,
    identifiers_in,
    join_identifiers,
    judge_report,
    report_findings,
)
from getdata.common import crypto
from requests_app.spec import DatasetSpec

_ENDINGS = (".dcm", ".dicom", ".ima", ".DCM", "")


def take_reports(file: SourceFile, data: bytes, keyring: Keyring) -> tuple[list[dict[str, Any]], bool]:
    """Read a file of reports. Returns the findings for the hospital and whether any row was usable."""
    rows, problems = read_report_file(data, originals.name_of(file))
    findings = report_findings(problems)
    Report.objects.filter(source=file).delete()  # an interrupted attempt may have left some
    for row in rows:
        _take(file, row, keyring)
    return findings, bool(rows)


def _take(file: SourceFile, row: ReportRow, keyring: Keyring) -> None:
    report = Report(
        batch=file.batch,
        source=file,
        row=row.row,
        language=row.language,
        study_instance_uid=keyring.uid(row.uid) if row.uid else "",
        accession=keyring.accession(row.accession) if row.accession else "",
        name_digest=names.stem_digest(file.batch, row.file) if row.file else "",
    )
    studies = _studies_of(report, row.file)
    if len(studies) == 1:
        _clean(report, studies[0], row.text, keyring)
    else:
        _withhold(report, row.text, AMBIGUOUS if studies else WAITS)
    report.save()
    if report.state == ReportState.WAITING:
        # An image that came while the row was being written did not see it.
        found = _studies_of(report, row.file)
        if len(found) == 1:
            settle_waiting(report, found[0], keyring)


def _studies_of(report: Report, path: str = "") -> list[Study]:
    """The studies with images here that a report names; the UID decides where there is one."""
    here = Study.objects.filter(
        patient__fulfillment=report.batch.fulfillment_id, series__images__source__status=SourceFileStatus.PASSED
    )
    if report.study_instance_uid:
        return list(here.filter(study_instance_uid=report.study_instance_uid).distinct())
    found: list[Study] = []
    if report.accession:
        found = list(here.filter(accession=report.accession).distinct()[:2])
    if not found and report.name_digest:
        files = SourceFile.objects.filter(batch=report.batch, kind=SourceKind.INSTANCE, status=SourceFileStatus.PASSED)
        named = files.none()
        if path:
            digests = [names.name_digest(report.batch, path + ending) for ending in _ENDINGS]
            named = files.filter(name_digest__in=digests)
        images = named if named.exists() else files.filter(stem_digest=report.name_digest)
        found = list(here.filter(series__images__source__in=images).distinct()[:2])
    return found


def adopt_reports(image: Image, data: bytes, keyring: Keyring) -> None:
    """An image arrived: note its study's accession number, clean the reports that waited for it, and look once more through
    the study's report with what this header says."""
    study = image.series.study
    known = identifiers_in(data)
    accession = accession_in(data)
    if accession and not study.accession:
        Study.objects.filter(pk=study.pk, accession="").update(accession=keyring.accession(accession))
        study.refresh_from_db()
    waiting = (
        Report.objects.current()
        .filter(batch__fulfillment=study.patient.fulfillment_id, state=ReportState.WAITING)
        .exclude(sealed="")  # its original was destroyed on schedule
    )
    named = waiting.filter(study_instance_uid=study.study_instance_uid)
    if study.accession:
        named = named | waiting.filter(study_instance_uid="", accession=study.accession)
    if image.source.stem_digest:
        named = named | waiting.filter(
            study_instance_uid="", batch=image.source.batch, name_digest=image.source.stem_digest
        )
    for report in named.select_related("batch__fulfillment", "source"):
        settle_waiting(report, study, keyring)
    for report in (
        _standing().filter(state=ReportState.LINKED, study=study).select_related("batch__fulfillment", "source")
    ):
        _look_again(report, known)


def _standing() -> QuerySet[Report]:
    """Rows that no later one supersedes, of files that are at work or passed: `Report.objects.current` knows only the latter."""
    at_work = (SourceFileStatus.PROCESSING, SourceFileStatus.PASSED)
    return Report.objects.filter(superseded_by=None, source__status__in=at_work)


def settle_waiting(report: Report, study: Study, keyring: Keyring) -> None:
    """Clean a report that waited, as a new row in its place."""
    text = sealing.get(report.batch.fulfillment.hospital_id, report.sealed).decode()
    later = _successor(report)
    if len(_studies_of(report)) > 1:
        _mark(later, ReportState.QUARANTINED, AMBIGUOUS)
    else:
        _clean(later, study, text, keyring)
    _supersede(later)


def _successor(report: Report) -> Report:
    return Report(
        batch=report.batch,
        source=report.source,
        row=report.row,
        language=report.language,
        study_instance_uid=report.study_instance_uid,
        accession=report.accession,
        name_digest=report.name_digest,
        sealed=report.sealed,
        supersedes=report,
    )


def _supersede(later: Report) -> None:
    try:
        with transaction.atomic():
            later.save()
    except IntegrityError:
        return  # another worker was faster


def _clean(report: Report, study: Study, text: str, keyring: Keyring) -> None:
    """Fill in a report: cleaned and linked, or quarantined with its cause."""
    others = _standing().filter(state=ReportState.LINKED, study=study)
    if (others.exclude(pk=report.supersedes_id) if report.supersedes_id else others).exists():
        _withhold(report, text, TWICE)
        return
    policy = _policy(report.batch)
    read = _read_originals(study, policy, keyring)
    if read is None:
        _withhold(report, text, ORIGINALS_GONE)
        return
    known, days = read
    images = list(Image.objects.live().filter(series__study=study)[:MOST_ORIGINALS])
    verdict = judge_report(
        text, report.language, known, [image.facts for image in images], dates=policy.date_mode, days=days
    )
    if verdict.doubt is not None:
        _withhold(report, text, verdict.doubt)
        return
    result = verdict.cleaned
    report.study, report.state, report.reason = study, ReportState.LINKED, ""
    report.text, report.language, report.removed = result.text, result.language, result.counts
    report.sections = [[part.name, part.start, part.end] for part in sections(result.text)]
    report.findings = [remark.finding("should") for remark in verdict.remarks]
    report.engine = ENGINE_VERSION


def _look_again(report: Report, known: Identifiers) -> None:
    """A later image of the study may name somebody that the earlier ones did not."""
    result = clean_report(report.text, known, report.language or None, dates="keep")
    if result.text == report.text:
        return
    later = _successor(report)
    later.study, later.state, later.language, later.engine = (
        report.study,
        ReportState.LINKED,
        report.language,
        ENGINE_VERSION,
    )
    later.text, later.findings = result.text, report.findings
    later.removed = {
        kind: report.removed.get(kind, 0) + result.counts.get(kind, 0) for kind in report.removed | result.counts
    }
    later.sections = [[part.name, part.start, part.end] for part in sections(result.text)]
    _supersede(later)


def _withhold(report: Report, text: str, doubt: Doubt) -> None:
    """No text; the original is sealed where the hospital's originals lie."""
    if not report.sealed:
        hospital = report.batch.fulfillment.hospital_id
        key = f"{hospital}/{report.batch_id}/{report.source_id}-{report.row}"
        sealing.put(hospital, key, text.encode("utf-8", "replace"))
        report.sealed = key
    _mark(report, ReportState.WAITING if doubt is WAITS else ReportState.QUARANTINED, doubt)


def _mark(report: Report, state: ReportState, doubt: Doubt) -> None:
    report.study, report.text, report.state, report.reason = None, "", state, doubt.code
    report.findings = [doubt.finding()]


def _policy(batch: Batch) -> Policy:
    """The policy that the batch's request asks for: what becomes of dates in headers becomes of those in reports."""
    return load_policy(DatasetSpec.model_validate(batch.spec_version.document).deidentification.policy.value)


def _read_originals(study: Study, policy: Policy, keyring: Keyring) -> tuple[Identifiers, int] | None:
    """What the headers of the study's originals say, and the days by which their dates went back; None where an original
    cannot be read any more."""
    found, days = Identifiers(), 0
    images = (
        Image.objects.live().filter(series__study=study).select_related("source__batch__fulfillment")[:MOST_ORIGINALS]
    )
    for image in images:
        try:
            data = pictures.read_object(image.source)
        except (originals.StagingMissing, OSError, crypto.CannotOpen):
            return None
        join_identifiers(found, identifiers_in(data))
        days = days or days_moved(data, policy, keyring)
    return found, days
