"""The one place where the stages stand in order.

``claim -> read -> deidentify -> verify -> check conformance, quality and truth -> set right -> find duplicates -> store -> settle``

The middle stages take and return values. Only claim, store and settle touch the database or storage; no transaction spans
pixels; no storage call happens inside one. A refusal is a value with cause and remedy; an exception is a bug or an outage and
costs the file one attempt.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded

from deid import REASONS, Context, Keyring, Quarantined, Released, deidentify, load_policy
from fulfillment import ledger
from fulfillment.examine import Examined, examine
from fulfillment.intake import archives, originals, reports, tables
from fulfillment.intake.linking import remember_twin
from fulfillment.models import Image, SourceFile, SourceFileStatus, SourceKind
from fulfillment.righting import set_right
from fulfillment.store import Refused, store
from fulfillment.zones import zones_with_hints
from getdata.common.states import StaleState
from requests_app.spec import DatasetSpec

logger = logging.getLogger("getdata.pipeline")


def process(pk: object) -> None:
    """Carry one file through every stage. Safe to call twice, or for a file that another worker holds: it then does nothing."""
    held = ledger.claim(pk)
    if held is None:
        return
    started = time.monotonic()
    try:
        match held.file.kind:
            case SourceKind.ARCHIVE:
                _archive(held, started)
            case SourceKind.LABELS:
                _labels(held, started)
            case SourceKind.REPORTS:
                _reports(held, started)
            case _:
                _instance(held, started)
    except StaleState:
        logger.info("lease.lost", extra={"source_file": str(pk)})
    except originals.StagingMissing:
        ledger.stumble(held, reason="STAGING_MISSING")
    except SoftTimeLimitExceeded:
        ledger.stumble(held, reason="TIME_LIMIT")
    except MemoryError:
        ledger.stumble(held, reason="MEMORY_LIMIT")
    except Exception:
        logger.exception("pipeline.broke", extra={"source_file": str(pk), "attempts": held.file.attempts})
        ledger.stumble(held, reason="INTERNAL_ERROR")


def _instance(held: ledger.Claim, started: float) -> None:
    file = held.file
    data = originals.read_original(file)
    originals.forget_staged(file)
    spec = DatasetSpec.model_validate(file.batch.spec_version.document)
    secret, key_id = originals.pseudonym_secret(file.batch)
    policy = load_policy(spec.deidentification.policy.value)
    keyring = Keyring(secret=secret, key_id=key_id)
    outcome = deidentify(data, policy, keyring, Context())
    if isinstance(outcome, Released) and (zones := zones_with_hints(file.batch, outcome)):
        outcome = deidentify(data, policy, keyring, Context(zones=zones))
    if isinstance(outcome, Quarantined):
        reason = REASONS[outcome.reason]
        status = SourceFileStatus.REJECTED if reason.kind == "rejected" else SourceFileStatus.QUARANTINED
        _settle(held, started, status, outcome.reason, [_finding(outcome.reason, reason.cause, reason.remedy)])
        return
    seen = examine(outcome.data, spec)
    outcome, corrections = set_right(outcome, seen.truth, seen.facts, spec)
    if corrections:
        seen = examine(outcome.data, spec, corrections)
    if seen.refusal is not None:
        _settle(held, started, SourceFileStatus.REJECTED, seen.refusal["code"], seen.findings)
        return
    image = _keep(held, started, outcome, seen)
    if image is not None:
        reports.adopt_reports(image, data, keyring)


def _keep(held: ledger.Claim, started: float, outcome: Any, seen: Examined) -> Image | None:
    try:
        return store(held, outcome, seen, seconds=time.monotonic() - started)
    except Refused as refusal:
        _settle(held, started, refusal.status, refusal.code, [_finding(refusal.code, refusal.message, refusal.remedy)])
        if refusal.twin is not None:
            remember_twin(held.file, refusal.twin, refusal.twin_uid)
        return None


def _archive(held: ledger.Claim, started: float) -> None:
    path = originals.staged_path(held.file)
    if path is None:
        raise originals.StagingMissing
    try:
        taken, known = tables.unpack(held.file, path)
    except archives.ArchiveRefused as refusal:
        finding = _finding(refusal.code, refusal.message, refusal.remedy)
        _settle(held, started, SourceFileStatus.REJECTED, refusal.code, [finding])
    else:
        message = f"Opened: {taken} files taken in" + (f", {known} were already here." if known else ".")
        _settle(held, started, SourceFileStatus.PASSED, "", [_finding("ARCHIVE_OPENED", message, "", severity="info")])
    originals.forget_staged(held.file)


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


def _finding(code: str, message: str, remedy: str, *, severity: str = "must") -> dict[str, Any]:
    from fulfillment.conformance import Finding

    return asdict(Finding(code=code, severity=severity, check_id="", tag="", message=message, remedy=remedy))  # type: ignore[arg-type]
