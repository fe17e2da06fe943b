"""Images in a batch without the pipeline: rows and small stored files, for tests of what comes after."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pydicom
from django.utils import timezone

from fulfillment.conformance import ImageFacts
from fulfillment.legal import kept_in_file
from fulfillment.models import (
    Batch,
    BatchStatus,
    Fulfillment,
    Image,
    Label,
    Patient,
    QualityScore,
    Series,
    SourceFile,
    SourceFileStatus,
    SourceKind,
    Study,
)
from fulfillment.services.inspections import current_inspection, record_looks
from getdata.accounts.models import Organization, Role, User
from getdata.common import storage
from getdata.demo.dicomize import encode
from requests_app.agreements import agreement_text
from requests_app.models import Agreement, Signature
from tests import factories

#: The smallest PNG there is, nearly.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


@cache
def tiny_dicom(number: int = 0) -> bytes:
    """A valid small CR of made-up pixels, as it might look after de-identification."""
    pixels = np.random.default_rng(number).integers(0, 4096, (24, 20), dtype=np.uint16)
    header = {
        "PatientID": f"GD-{number:04d}",
        "PatientSex": "FM"[number % 2],
        "ViewPosition": ("PA", "AP")[number % 2],
        "SOPInstanceUID": f"2.25.{7000 + number}",
        "StudyInstanceUID": f"2.25.{8000 + number}",
        "SeriesInstanceUID": f"2.25.{9000 + number}",
    }
    return encode(pixels, header)


def source_file(batch: Batch, *, status: str = SourceFileStatus.PASSED, reason: str = "", **fields: Any) -> SourceFile:
    """A settled file without bytes."""
    number = fields.pop("number", batch.files.count() + 1)
    findings = fields.pop("findings", None)
    if findings is None:
        findings = [{"code": reason, "message": "A made-up cause.", "remedy": "A made-up remedy."}] if reason else []
    return SourceFile.objects.create(
        batch=batch,
        number=number,
        sealed_name=b"",
        name_digest=hashlib.sha256(f"{batch.pk} name {number}".encode()).hexdigest(),
        content_digest=hashlib.sha256(f"{batch.pk} content {number}".encode()).hexdigest(),
        size=1000,
        status=status,
        reason=reason,
        findings=findings,
        settled_at=timezone.now(),
        **fields,
    )


def image(batch: Batch, *, quality: float = 80.0, store: bool = True, **fields: Any) -> Image:
    """One passed image with its rows, its score and its bytes in the released storage."""
    file = source_file(batch)
    serial = Image.objects.count()
    data = tiny_dicom(serial)
    dataset = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    facts = ImageFacts(
        sop_instance_uid=str(dataset.SOPInstanceUID),
        study_uid=str(dataset.StudyInstanceUID),
        series_uid=str(dataset.SeriesInstanceUID),
        patient=str(dataset.PatientID),
        modality="CR",
        view=str(dataset.ViewPosition),
        sex=str(dataset.PatientSex),
        age_years=51.0,
        manufacturer="Maker",
        rows=24,
        columns=20,
    )
    patient, _ = Patient.objects.get_or_create(fulfillment=batch.fulfillment, pseudonym=str(dataset.PatientID))
    study = Study.objects.create(patient=patient, study_instance_uid=str(dataset.StudyInstanceUID))
    series = Series.objects.create(study=study, series_instance_uid=str(dataset.SeriesInstanceUID), modality="CR")
    digest = hashlib.sha256(data).hexdigest()
    key, preview = f"instances/test/{digest}.dcm", f"test/{digest}.png"
    if store:
        storage.put(storage.released(), key, data)
        storage.put(storage.previews(), preview, PNG)
    made = Image.objects.create(
        **{
            "source": file,
            "series": series,
            "sop_instance_uid": facts.sop_instance_uid,
            "facts": facts.as_dict(),
            "view": facts.view,
            "sex": facts.sex,
            "age_years": 51,
            "output_sha256": digest,
            "pixel_sha256": digest,
            "size": len(data),
            "kept": kept_in_file(data),
            "stored": key,
            "preview": preview,
            "deid_record": {"engine": "deid/1", "table": "PS3.15 2026c", "policy": "cxr-research", "actions": {"Z": 3}},
            **fields,
        }
    )
    QualityScore.objects.create(
        image=made,
        version="q1",
        gate=True,
        total=quality,
        components={"resolution": quality, "contrast": 70.0},
        weakest="contrast",
    )
    return made


def label(of: Image, finding: str, state: str = "present", *, table: SourceFile | None = None, **fields: Any) -> Label:
    """A label of the image from a label table that passed."""
    batch = of.source.batch
    table = table or batch.files.filter(kind=SourceKind.LABELS).first() or source_file(batch, kind=SourceKind.LABELS)
    row = fields.pop("row", table.labels.count() + 2)
    return Label.objects.create(
        batch=fields.pop("batch", batch), table=table, image=of, row=row, finding=finding, state=state, **fields
    )


def signed_fulfillment(**fields: Any) -> Fulfillment:
    """A fulfillment under an agreement that both parties signed."""
    made = factories.fulfillment(**fields)
    drawn = agreement_text(made.offer)
    agreement = Agreement.objects.create(
        offer=made.offer,
        text=drawn.text,
        text_sha256=drawn.sha256,
        legal_class=drawn.legal_class,
        drawn_by=made.offer.created_by,
    )
    for party in agreement.parties:
        Signature.objects.create(
            agreement=agreement,
            organization=party,
            signed_by=made.offer.created_by,
            printed_name="A. Signatory",
            meaning="agrees",
            text_sha256=drawn.sha256,
        )
    return made


def sealed_batch(under: Fulfillment | None = None, *, images: int = 2, **fields: Any) -> Batch:
    """A sealed batch with passed images, delivered by a data manager of the hospital."""
    under = under or signed_fulfillment()
    manager = fields.pop("manager", None) or factories.member(under.hospital, Role.DATA_MANAGER)
    now = timezone.now()
    made = factories.batch(
        under,
        created_by=manager,
        sealed_by=manager,
        status=fields.pop("status", BatchStatus.SEALED),
        sealed_at=now,
        review_due_at=fields.pop("review_due_at", now + timedelta(days=5)),
        **fields,
    )
    for _ in range(images):
        image(made)
    return made


def accepted_batch(under: Fulfillment | None = None, *, images: int = 2, reviewer: User | None = None) -> Batch:
    """A batch that a reviewer accepted."""
    return sealed_batch(
        under,
        images=images,
        status=BatchStatus.ACCEPTED,
        reviewer=reviewer or factories.ReviewerFactory.create(),
        decided_at=timezone.now(),
    )


def looked_at(batch: Batch, reviewer: User) -> None:
    """The reviewer who holds the batch looks at its whole sample, as its acceptance asks."""
    inspection = current_inspection(Batch.objects.get(pk=batch.pk))
    assert inspection is not None, "the batch was not claimed"
    keys = list(inspection.items.values_list("image_id", flat=True))
    record_looks(batch=batch, shown=dict.fromkeys(keys, 900), actor=reviewer)


def people_of(organization: Organization) -> dict[str, User]:
    """One new person for each role."""
    return {role: factories.member(organization, role) for role in Role.values}
