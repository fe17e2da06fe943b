"""Certificates of de-identification: made when a batch is sealed, signed with the portal's key, put into each release.

The measurement plants synthetic identities into copies of a few of the batch's originals, in memory. It never stands in
the way of a batch: what cannot be measured is said not to have been, with the reason; what survived is shown to the reviewer.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from deid import Keyring, Policy, deidentify, load_policy
from deid.proof import (
    BatchFacts,
    CanaryOutcome,
    Measured,
    NotMeasured,
    ReportFacts,
    build_certificate,
    canary_count,
    measure,
    render,
    run_canary,
)
from deid.proof.canaries import choose
from deid.proof.pdf import certificate_pdf
from deid.report import chain_values
from fulfillment.intake import originals
from fulfillment.intake.pictures import read_object
from fulfillment.models import (
    Batch,
    BatchStatus,
    DeidCertificate,
    Image,
    PseudonymKey,
    Release,
    SourceFile,
    SourceFileStatus,
)
from getdata.audit.chain import record
from getdata.common.queue import enqueue
from getdata.trust.signing import signing_key
from requests_app.spec import DatasetSpec

logger = logging.getLogger("getdata.certificates")
CERTIFY_TASK = "fulfillment.certify_batch_task"
#: Longer than the task may run: by then its worker is certainly gone.
PATIENCE = timedelta(minutes=35)
_ISSUER = "GetDATA portal"
_WITHHELD = (SourceFileStatus.REJECTED, SourceFileStatus.QUARANTINED, SourceFileStatus.FAILED)


def certify_batch(pk: UUID | str) -> DeidCertificate | None:
    """Measure and certify a sealed batch. Safe to call twice; does nothing for a batch that is open again."""
    batch = Batch.objects.select_related("fulfillment__hospital", "fulfillment__request", "spec_version").get(pk=pk)
    if batch.sealed_at is None or batch.is_writable:
        return None
    existing = current_certificate(batch)
    if existing is not None or not cache.add(_held(batch), 1, int(PATIENCE.total_seconds())):
        return existing
    try:
        return _issue(batch, _measure(batch))
    finally:
        cache.delete(_held(batch))


def current_certificate(batch: Batch) -> DeidCertificate | None:
    """The certificate of the batch as it stands, None while it is being made or the batch is open."""
    if batch.sealed_at is None or batch.is_writable:
        return None
    return batch.certificates.filter(sealed_at=batch.sealed_at).first()


def ring_for_uncertified() -> int:
    """Ring again for sealed batches whose bell was lost or whose worker died. Returns how many were rung for."""
    now = timezone.now()
    waiting = Batch.objects.filter(
        status__in=[BatchStatus.SEALED, BatchStatus.IN_REVIEW, BatchStatus.ACCEPTED], sealed_at__lt=now - PATIENCE
    ).exclude(certificates__sealed_at=F("sealed_at"))
    keys = list(waiting.values_list("pk", flat=True))
    with transaction.atomic():
        for pk in keys:
            enqueue(CERTIFY_TASK, str(pk))
    return len(keys)


def certificate_as_pdf(certificate: DeidCertificate) -> bytes:
    """The reading copy; the same certificate gives the same bytes."""
    return certificate_pdf(json.loads(certificate.text))


def release_certificates(release: Release) -> dict[str, bytes]:
    """Path in the package -> certificate of the images of a release: one file, or one a policy where batches differ."""
    inside = release.items.values("image__source__batch")
    groups: dict[str, list[Batch]] = {}
    for batch in Batch.objects.filter(pk__in=inside).select_related("spec_version", "fulfillment").order_by("pk"):
        groups.setdefault(_policy_name(batch), []).append(batch)
    files: dict[str, bytes] = {}
    for name, batches in sorted(groups.items()):
        batches.sort(key=lambda batch: str(batch.pk))
        document = _document(
            _ReleasedRecords(release, batches),
            batches,
            load_policy(name),
            _together(batches),
            issued_at=release.created_at,
            subject={"release": f"{release.request.slug}-v{release.number}"},
        )
        suffix = "" if len(groups) == 1 else f"-{name}"
        files[f"deid_certificate{suffix}.json"] = render(document)
        files[f"deid_certificate{suffix}.pdf"] = certificate_pdf(document)
    return files


# --- the measurement ---------------------------------------------------------------------------------------------------


def _measure(batch: Batch) -> Measured | NotMeasured:
    """Recall on copies of a few originals. Whatever goes wrong becomes a reason, never an exception."""
    outcomes: list[CanaryOutcome | None] = []
    try:
        files = list(SourceFile.objects.filter(batch=batch, status=SourceFileStatus.PASSED, image__isnull=False))
        if not files:
            return NotMeasured("No image of the batch has passed.")
        secret, key_id = originals.pseudonym_secret(batch)
        keyring, policy = Keyring(secret=secret, key_id=key_id), load_policy(_policy_name(batch))
        count = min(settings.CANARY_COPIES, canary_count(len(files)))
        if count < 1:
            return NotMeasured("Whoever runs this portal has switched the measurement off.")
        for style, index in enumerate(choose([file.content_digest for file in files], keyring, count)):
            outcomes.append(_one(files[index], policy, keyring, style))
    except SoftTimeLimitExceeded:
        if not any(outcomes):
            return NotMeasured("The measurement took longer than it may.")
    except PseudonymKey.DoesNotExist:
        return NotMeasured("The key of this hospital and request was destroyed.")
    except Exception as problem:
        # A bug or an outage must not hold a batch up; the reviewer sees that nothing was measured, and why.
        logger.exception("certificate.not_measured", extra={"batch": str(batch.pk)})
        return NotMeasured(f"Something on our side went wrong while measuring ({type(problem).__name__}).")
    if not any(outcomes):
        return NotMeasured("No original of the batch is here any more to be copied.")
    return measure(outcomes)


def _one(file: SourceFile, policy: Policy, keyring: Keyring, style: int) -> CanaryOutcome | None:
    try:
        data = read_object(file)
    except (originals.StagingMissing, OSError):
        return None
    return run_canary(data, policy, keyring, deidentify, style=style)


def _policy_name(batch: Batch) -> str:
    return DatasetSpec.model_validate(batch.spec_version.document).deidentification.policy.value


def _together(batches: Sequence[Batch]) -> Measured | NotMeasured:
    """The measurements of several batches as one; a batch that was not measured makes the whole not measured."""
    total = Measured()
    for batch in batches:
        certificate = current_certificate(batch)
        if certificate is None or not certificate.measured:
            note = certificate.note if certificate is not None else "The measurement is not finished."
            return NotMeasured(f"One of {len(batches)} batches was not measured. {note}")
        section = json.loads(certificate.text)["statement"]["canaries"]
        total.copies += section["copies"]
        total.withheld.update(section["withheld_reasons"])
        total.withheld_values += section["values_in_withheld_copies"]
        for kind in section["by_kind"]:
            _add(total.kinds.setdefault(kind["kind"], [0, 0]), kind)
        for place in section["by_place"]:
            _add(total.places.setdefault((place["kind"], place["place"]), [0, 0]), place)
    return total


def _add(tally: list[int], more: dict[str, Any]) -> None:
    tally[0] += more["planted"]
    tally[1] += more["removed"]


# --- the document ------------------------------------------------------------------------------------------------------


def _issue(batch: Batch, canaries: Measured | NotMeasured) -> DeidCertificate:
    assert batch.sealed_at is not None
    images = Image.objects.live().filter(source__batch=batch).select_related("series__study__patient")
    document = _document(
        sorted(
            (
                _record(image.path_in_release, image.deid_record, image.output_sha256, image.pixel_sha256)
                for image in images
            ),
            key=lambda one: str(one["output"]),
        ),
        [batch],
        load_policy(_policy_name(batch)),
        canaries,
        issued_at=batch.sealed_at,
        subject={"batch": str(batch.pk), "number": str(batch.number)},
    )
    planted = sum(tally[0] for tally in canaries.kinds.values()) if isinstance(canaries, Measured) else 0
    with transaction.atomic():
        certificate, made = DeidCertificate.objects.get_or_create(
            batch=batch,
            sealed_at=batch.sealed_at,
            defaults={
                "text": render(document).decode(),
                "measured": isinstance(canaries, Measured),
                "planted": planted,
                "missed": canaries.missed,
                "note": canaries.reason[:200] if isinstance(canaries, NotMeasured) else "",
            },
        )
        if made:
            record(
                verb="batch.certified",
                target=batch,
                organization_id=batch.fulfillment.hospital_id,
                data={
                    "certificate": str(certificate.pk),
                    "sha256": hashlib.sha256(certificate.text.encode()).hexdigest(),
                    "measured": certificate.measured,
                    "planted": planted,
                    "missed": certificate.missed,
                },
            )
    return certificate


def _record(path: str, record: dict[str, Any], output: str, pixels: str) -> dict[str, Any]:
    return {
        **record,
        "output": path,
        "output_sha256": output,
        "pixel_sha256_out": record.get("pixel_sha256_out", pixels),
    }


class _ReleasedRecords(Sequence[Mapping[str, Any]]):
    """The audit records of a release's images in their order, read from the database each time somebody goes through them:
    a release may have more than fit into memory."""

    def __init__(self, release: Release, batches: Sequence[Batch]) -> None:
        self._rows = (
            release.items.filter(image__source__batch__in=batches)
            .order_by("path", "pk")
            .values_list("path", "image__deid_record", "image__output_sha256", "image__pixel_sha256")
        )

    def __len__(self) -> int:
        return self._rows.count()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (_record(*row) for row in self._rows.iterator(chunk_size=1000))

    def __getitem__(self, place: Any) -> Any:
        return list(self._rows)[place]


def _document(
    records: Sequence[Mapping[str, Any]],
    batches: Sequence[Batch],
    policy: Policy,
    canaries: Measured | NotMeasured,
    *,
    issued_at: datetime,
    subject: dict[str, str],
) -> dict[str, Any]:
    withheld = SourceFile.objects.filter(batch__in=batches, status__in=_WITHHELD).exclude(reason="")
    reasons: Counter[str] = Counter()
    causes: dict[str, tuple[str, str]] = {}
    for reason, status in withheld.values_list("reason", "status").order_by("reason", "status"):
        reasons[reason] += 1
        causes[reason] = (status, "")
    keys = sorted({str(item.get("key_id", "")) for item in records} - {""})
    facts = BatchFacts(
        policy=policy,
        key_id=", ".join(keys),
        issued_at=issued_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        released=records,
        withheld=reasons,
        canaries=canaries,
        report=ReportFacts(tuple(chain_values(records))),
        issuer=_ISSUER,
        subject=subject,
        causes=causes,
    )
    return build_certificate(facts, signing_key())


def _held(batch: Batch) -> str:
    return f"certify:{batch.pk}"
