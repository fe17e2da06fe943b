"""Image rows for tests that need a result without the pipeline."""

from __future__ import annotations

from typing import Any

from fulfillment.conformance import ImageFacts
from fulfillment.models import Image, Patient, Series, SourceFile, SourceFileStatus, Study
from getdata.common import storage


def facts_document(**changes: Any) -> dict[str, Any]:
    """``ImageFacts.as_dict()`` of a small chest film."""
    import pydicom

    from fulfillment.conformance import read_facts

    dataset = pydicom.Dataset()
    dataset.Modality, dataset.ViewPosition, dataset.PatientSex, dataset.PatientAge = "DX", "PA", "F", "054Y"
    dataset.Rows, dataset.Columns, dataset.BitsStored = 2048, 2048, 12
    for name, value in changes.items():
        setattr(dataset, name, value)
    document = read_facts(dataset).as_dict()
    assert ImageFacts.from_dict(document)
    return document


def add_image(file: SourceFile, *, patient: str = "P1", preview: bytes = b"", **facts: Any) -> Image:
    """Make the file a passed one with its image."""
    SourceFile.objects.filter(pk=file.pk).update(status=SourceFileStatus.PASSED, staged="")
    who, _ = Patient.objects.get_or_create(fulfillment=file.batch.fulfillment, pseudonym=patient)
    study, _ = Study.objects.get_or_create(patient=who, study_instance_uid=f"2.25.{file.number}")
    series, _ = Series.objects.get_or_create(study=study, series_instance_uid=f"2.25.1{file.number}", modality="DX")
    key = f"tests/{file.pk}.png" if preview else ""
    if preview:
        storage.put(storage.previews(), key, preview)
    return Image.objects.create(
        source=file,
        series=series,
        sop_instance_uid=f"2.25.2{file.number}",
        facts=facts_document(**facts),
        view="PA",
        output_sha256=f"{file.number:064x}",
        pixel_sha256=f"{file.number:064x}",
        size=10,
        stored="nowhere",
        preview=key,
    )
