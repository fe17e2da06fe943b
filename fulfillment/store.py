"""Keeping an image: its bytes first (content-addressed, so a retry rewrites the same), then its rows in one transaction."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q

from deid import Released
from fulfillment import ledger
from fulfillment.examine import Examined
from fulfillment.intake.linking import adopt_labels
from fulfillment.legal import kept_in_file
from fulfillment.models import (
    DuplicateHit,
    Fulfillment,
    Image,
    Patient,
    QualityScore,
    Series,
    SourceFile,
    SourceFileStatus,
    Study,
)
from fulfillment.models.imaging import AS_IT_CAME
from fulfillment.services.withdrawals import is_withdrawn
from fulfillment.verdict.repeats import Twin, repetition
from getdata.common import crypto, storage
from getdata.common.queue import enqueue

COMPARE = "fulfillment.compare_task"
#: Parts of the engine's audit record that would let somebody match originals: they stay out of the database.
_MATCHES_ORIGINALS = ("input_sha256", "pixel_sha256_in", "input_bytes")


class Refused(Exception):
    """The image cannot be kept beside what is already here; the values are shown to the hospital."""

    def __init__(
        self,
        status: SourceFileStatus,
        code: str,
        message: str,
        remedy: str,
        *,
        twin: Image | None = None,
        twin_uid: str = "",
    ) -> None:
        self.status, self.code, self.message, self.remedy = status, code, message, remedy
        self.twin, self.twin_uid = twin, twin_uid
        super().__init__(code)


def store(held: ledger.Claim, outcome: Released, seen: Examined, *, seconds: float) -> Image:
    """Store the clean instance and its preview, then settle the file as passed and make the rows. Raises ``Refused``."""
    record = outcome.record.as_dict()
    key = f"instances/{held.file.batch.fulfillment_id}/{record['output_sha256']}.dcm"
    preview = f"{held.file.batch.fulfillment_id}/{record['output_sha256']}.png"
    storage.put(storage.released(), key, outcome.data)
    storage.put(storage.previews(), preview, seen.preview_png)
    with transaction.atomic():
        # One settle at a time within a fulfillment: two equal images finishing together must see each other.
        fulfillment = Fulfillment.objects.select_for_update().get(pk=held.file.batch.fulfillment_id)
        _refuse_withdrawn(fulfillment, seen)
        original = _original_digest(held.file, record)
        _refuse_repetition(fulfillment, held.file, seen, original)
        file = ledger.settle(held, SourceFileStatus.PASSED, findings=seen.findings, seconds=seconds)
        image = _rows(fulfillment, file, outcome, seen, record, key, preview, original)
        _note_duplicates_elsewhere(image)
        enqueue(COMPARE, str(image.pk))
    return image


def _original_digest(file: SourceFile, record: dict[str, Any]) -> str:
    """A fingerprint of the pixels before masking that only means something within this hospital."""
    pixels = str(record.get("pixel_sha256_in") or "")
    return crypto.digest(pixels, scope=f"pixels:{file.batch.fulfillment.hospital_id}") if pixels else ""


def _refuse_withdrawn(fulfillment: Fulfillment, seen: Examined) -> None:
    if is_withdrawn(fulfillment=fulfillment, pseudonym=seen.facts.patient or "", study_uid=seen.facts.study_uid or ""):
        raise Refused(
            SourceFileStatus.REJECTED,
            "WITHDRAWN",
            "Your hospital withdrew this patient or study from this request.",
            "Leave it out: what was withdrawn is not taken in again.",
        )


def _refuse_repetition(fulfillment: Fulfillment, file: SourceFile, seen: Examined, original: str) -> None:
    found = repetition(seen.facts, seen.pixel_sha256, _Here(fulfillment, file, original))
    if found is not None:
        raise Refused(
            SourceFileStatus(found.status),
            found.code,
            found.message,
            found.remedy,
            twin=found.twin.key if found.twin else None,
            twin_uid=(seen.facts.sop_instance_uid or "") if found.twin else "",
        )


class _Here:
    """The fulfillment's live images beside those of one file. ``original``: the file's fingerprint before masking, or ""."""

    def __init__(self, fulfillment: Fulfillment, file: SourceFile, original: str) -> None:
        self._fulfillment, self._original = fulfillment, original
        self._images = Image.objects.live().filter(source__batch__fulfillment=fulfillment).exclude(source=file)

    def of_instance(self, sop_instance_uid: str | None) -> Twin | None:
        return self._first(Q(sop_instance_uid=sop_instance_uid))

    def of_picture(self, pixel_sha256: str) -> Twin | None:
        same_pixels = Q(pixel_sha256=pixel_sha256)
        if self._original:  # masked otherwise, and still the same picture
            same_pixels |= Q(original_digest=self._original)
        return self._first(same_pixels)

    def of_another_patient(self, study_uid: str | None, patient: str | None) -> bool:
        studies = Study.objects.filter(
            study_instance_uid=study_uid, patient__fulfillment=self._fulfillment, series__images__isnull=False
        )
        return studies.exclude(patient__pseudonym=patient).exists()

    def _first(self, which: Q) -> Twin | None:
        image = self._images.filter(which).select_related("source__batch").first()
        if image is None:
            return None
        place = f"file {image.source.number} of batch {image.source.batch.number}"
        return Twin(place, image.pixel_sha256, image)


def _rows(
    fulfillment: Fulfillment,
    file: SourceFile,
    outcome: Released,
    seen: Examined,
    record: dict[str, Any],
    key: str,
    preview: str,
    original: str,
) -> Image:
    facts = seen.facts
    patient, _ = Patient.objects.get_or_create(fulfillment=fulfillment, pseudonym=facts.patient or "")
    study, _ = Study.objects.get_or_create(patient=patient, study_instance_uid=facts.study_uid or "")
    series, _ = Series.objects.get_or_create(
        study=study, series_instance_uid=facts.series_uid or "", defaults={"modality": facts.modality or ""}
    )
    Image.objects.filter(source=file).delete()  # a retried file leaves its earlier image behind
    image = Image.objects.create(
        source=file,
        series=series,
        sop_instance_uid=facts.sop_instance_uid or "",
        facts=facts.as_dict(),
        view=facts.view or "",
        sex=(facts.sex or "")[:1],
        age_years=None if facts.age_years is None else int(facts.age_years),
        output_sha256=record["output_sha256"],
        pixel_sha256=seen.pixel_sha256,
        original_digest=original,
        size=len(outcome.data),
        stored=key,
        preview=preview,
        masks=[box.as_dict() for box in outcome.masks],
        review_reasons=[*outcome.review, *([AS_IT_CAME] if file.as_it_came else [])],
        deid_record={name: value for name, value in record.items() if name not in _MATCHES_ORIGINALS},
        kept=kept_in_file(outcome.data),
        findings=seen.findings,
        truth=seen.truth.as_dict(),
        corrections=[made.as_dict() for made in seen.corrections],
        conforms=seen.refusal is None,
    )
    quality = seen.quality
    QualityScore.objects.create(
        image=image,
        version=quality.version,
        gate=quality.gate,
        gate_reason=quality.gate_reason,
        total=quality.total,
        components=quality.components,
        weakest=quality.weakest,
        remedy=quality.remedy,
        gain=quality.gain,
        measures=quality.measures,
        completeness=seen.completeness.as_dict(),
    )
    adopt_labels(file, image, image.sop_instance_uid)
    return image


def _note_duplicates_elsewhere(image: Image) -> None:
    """The same pixels from another hospital or for another request: a reviewer looks; no hospital is told."""
    others = (
        Image.objects.live()
        .filter(pixel_sha256=image.pixel_sha256)
        .exclude(source__batch__fulfillment=image.source.batch.fulfillment_id)[:20]
    )
    DuplicateHit.objects.bulk_create(
        DuplicateHit(image=image, other=other, kind="exact", version="pixel-sha256/1") for other in others
    )
