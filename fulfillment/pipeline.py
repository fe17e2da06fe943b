"""The one place where the stages stand in order.

``claim -> read -> deidentify -> verify -> check conformance, quality and truth -> set right -> find duplicates -> store -> settle``

The middle stages take and return values. Only claim, store and settle touch the database or storage; no transaction spans
pixels; no storage call happens inside one. A refusal is a value with cause and remedy; an exception is a bug or an outage and
costs the file one attempt.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection

from deid import REASONS, Keyring
from deid.dicomfile.limits import DEFAULT_LIMITS
from fulfillment import ledger
from fulfillment.examine import Examined
from fulfillment.intake import archives, discs, originals, pictures, reports, scanner, tables
from fulfillment.intake.linking import remember_twin
from fulfillment.models import Image, SourceFile, SourceFileStatus, SourceKind
from fulfillment.pictures import ROW_MISSING, PictureRefused
from fulfillment.services.clearances import is_cleared
from fulfillment.store import Refused, store
from fulfillment.verdict.instance import judge, refusal
from fulfillment.withheld_pictures import keep_picture
from fulfillment.zones import zones_with_hints
from getdata.common import storage
from getdata.common.states import StaleState
from requests_app.spec import DatasetSpec

logger = logging.getLogger("getdata.pipeline")


def process(pk: object) -> None:
    """Carry one file through every stage. Safe to call twice, or for a file that another worker holds: it then does nothing."""
    held = ledger.claim(pk)
    if held is not None:
        _carry(held)


def work() -> None:
    """Carry the file whose turn it is through every stage. A bell without work does nothing."""
    held = ledger.claim_next()
    if held is not None:
        _carry(held)


def _carry(held: ledger.Claim) -> None:
    pk = held.file.pk
    started = time.monotonic()
    try:
        _scan(held)
        match held.file.kind:
            case SourceKind.ARCHIVE:
                _archive(held, started)
            case SourceKind.LABELS:
                _labels(held, started)
            case SourceKind.REPORTS:
                _reports(held, started)
            case SourceKind.PICTURES:
                _pictures(held, started)
            case SourceKind.ASIDE:
                _aside(held, started)
            case _:
                _instance(held, started)
    except StaleState:
        logger.info("lease.lost", extra={"source_file": str(pk)})
    except scanner.Infected as found:
        _infected(held, started, found.signature)
    except scanner.ScannerDown:
        logger.warning("scanner.down", extra={"source_file": str(pk)})
        ledger.postpone(held, reason="SCANNER_DOWN")
    except scanner.ScannerRefuses:
        ledger.stumble(held, reason="SCANNER_REFUSES")
    except originals.StagingMissing:
        ledger.stumble(held, reason="STAGING_MISSING")
    except SoftTimeLimitExceeded:
        ledger.stumble(held, reason="TIME_LIMIT")
    except storage.Unreachable:
        logger.warning("store.unreachable", extra={"source_file": str(pk)})
        ledger.postpone(held, reason="STORE_UNREACHABLE")
    except (OperationalError, InterfaceError):
        logger.warning("database.unreachable", extra={"source_file": str(pk)})
        connection.close()  # the next use opens another
        ledger.postpone(held, reason="DATABASE_UNREACHABLE")
    except MemoryError:
        ledger.stumble(held, reason="MEMORY_LIMIT")
    except Exception:
        logger.exception("pipeline.broke", extra={"source_file": str(pk), "attempts": held.file.attempts})
        ledger.stumble(held, reason="INTERNAL_ERROR")


def _scan(held: ledger.Claim) -> None:
    """Ask the virus scanner, if there is one, before anything is read. An archive's members are asked about one by one."""
    file = held.file
    if not scanner.is_on() or file.kind in (SourceKind.ARCHIVE, SourceKind.ASIDE):
        return
    path = originals.staged_path(file)
    scanner.scan(scanner.blocks_of(path) if path is not None and not file.stored else [originals.read_original(file)])


def _infected(held: ledger.Claim, started: float, signature: str) -> None:
    message = f"The virus scanner found {signature} in this file. It was deleted and not looked at further."
    remedy = "Have the machine that it came from checked. If you are sure that the file is clean, tell the portal's operator."
    _settle(held, started, SourceFileStatus.REJECTED, "MALWARE_FOUND", [refusal("MALWARE_FOUND", message, remedy)])
    originals.forget_archive(held.file)


def _instance(held: ledger.Claim, started: float) -> None:
    file = held.file
    if (
        file.size > DEFAULT_LIMITS.file_bytes
    ):  # known without reading: it is not copied into quarantine to be refused there
        reason = REASONS["file-too-large"]
        _settle(
            held, started, SourceFileStatus.REJECTED, reason.code, [refusal(reason.code, reason.cause, reason.remedy)]
        )
        originals.forget_archive(file)
        return
    data = originals.read_original(file)
    originals.forget_staged(file)
    spec = DatasetSpec.model_validate(file.batch.spec_version.document)
    secret, key_id = originals.pseudonym_secret(file.batch)
    keyring = Keyring(secret=secret, key_id=key_id)
    try:
        data = pictures.as_object(file, data, spec)
    except PictureRefused as refused:
        cause = refused.cause
        _settle(
            held, started, SourceFileStatus.REJECTED, cause.code, [refusal(cause.code, cause.message, cause.remedy)]
        )
        if cause is ROW_MISSING and pictures.row_came(file):
            pictures.look_again(file.batch)
        return
    verdict = judge(
        data,
        spec,
        keyring,
        zones_for=partial(zones_with_hints, file.batch),
        as_it_came=file.as_it_came,
        cleared=is_cleared(file),
    )
    if verdict.outcome is None or verdict.seen is None or verdict.reason:
        keep_picture(file, data, verdict.reason)
        _settle(held, started, SourceFileStatus(verdict.status), verdict.reason, verdict.findings)
        return
    image = _keep(held, started, verdict.outcome, verdict.seen)
    if image is not None:
        reports.adopt_reports(image, data, keyring)


def _keep(held: ledger.Claim, started: float, outcome: Any, seen: Examined) -> Image | None:
    try:
        return store(held, outcome, seen, seconds=time.monotonic() - started)
    except Refused as refused:
        _settle(held, started, refused.status, refused.code, [refusal(refused.code, refused.message, refused.remedy)])
        if refused.twin is not None:
            remember_twin(held.file, refused.twin, refused.twin_uid)
        return None


def _archive(held: ledger.Claim, started: float) -> None:
    with originals.archive_on_disk(held.file) as path:
        opened = archives.unpack(held.file, path)
    status, reason = opened.verdict
    _settle(held, started, SourceFileStatus(status), reason, opened.findings())
    originals.forget_archive(held.file)


def _aside(held: ledger.Claim, started: float) -> None:
    """Left aside with a reason: the bytes are deleted, wherever they lie."""
    with originals.archive_on_disk(held.file) as path:
        index = path.read_bytes() if path.stat().st_size <= discs.MOST_BYTES else None
        findings = discs.findings_of(held.file, originals.first_bytes(path), index)
    _settle(held, started, SourceFileStatus.PASSED, "", findings)
    originals.forget_archive(held.file)


def _pictures(held: ledger.Claim, started: float) -> None:
    file = held.file
    data = originals.read_original(file)
    originals.forget_staged(file)
    findings, usable = pictures.take_table(file, data)
    status = SourceFileStatus.PASSED if usable else SourceFileStatus.REJECTED
    _settle(held, started, status, "" if usable else findings[0]["code"] if findings else "TABLE_UNUSABLE", findings)
    if usable:
        pictures.look_again(file.batch)


def _labels(held: ledger.Claim, started: float) -> None:
    file = held.file
    data = originals.read_original(file)
    originals.forget_staged(file)
    secret, key_id = originals.pseudonym_secret(file.batch)
    spec = DatasetSpec.model_validate(file.batch.spec_version.document)
    findings, usable = tables.take_labels(file, data, spec, Keyring(secret=secret, key_id=key_id))
    status = SourceFileStatus.PASSED if usable else SourceFileStatus.REJECTED
    _settle(held, started, status, "" if usable else "LABELS_UNUSABLE", findings)


def _reports(held: ledger.Claim, started: float) -> None:
    file = held.file
    data = originals.read_original(file)
    originals.forget_staged(file)
    secret, key_id = originals.pseudonym_secret(file.batch)
    findings, usable = reports.take_reports(file, data, Keyring(secret=secret, key_id=key_id))
    status = SourceFileStatus.PASSED if usable else SourceFileStatus.REJECTED
    _settle(held, started, status, "" if usable else "REPORTS_UNUSABLE", findings)


def _settle(
    held: ledger.Claim, started: float, status: SourceFileStatus, reason: str, findings: list[dict[str, Any]]
) -> SourceFile:
    return ledger.settle(held, status, reason=reason, findings=findings, seconds=time.monotonic() - started)
