"""De-identified headers and facts for tests."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from fulfillment.conformance import ImageFacts


def header(**changes: Any) -> Dataset:
    """A chest CR as it leaves de-identification; a change of None removes the attribute."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    values: dict[str, Any] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
        "SOPInstanceUID": "2.25.1",
        "StudyInstanceUID": "2.25.2",
        "SeriesInstanceUID": "2.25.3",
        "PatientID": "P1",
        "PatientSex": "F",
        "PatientAge": "067Y",
        "Modality": "CR",
        "Manufacturer": "PHILIPS Medical Systems",
        "ManufacturerModelName": "Digital Diagnost",
        "ViewPosition": "PA",
        "Rows": 2500,
        "Columns": 2048,
        "SamplesPerPixel": 1,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "PixelRepresentation": 0,
        "PhotometricInterpretation": "MONOCHROME2",
        "PixelSpacing": [0.143, 0.143],
        "StudyDate": "20190304",
        "KVP": "0",
        **changes,
    }
    for keyword, value in values.items():
        if value is not None:
            setattr(ds, keyword, value)
    return ds


def coded(code: str) -> Sequence:
    item = Dataset()
    item.CodeValue = code
    item.CodingSchemeDesignator = "SCT"
    return Sequence([item])


def facts(**changes: Any) -> ImageFacts:
    """An image that every default rule accepts."""
    return ImageFacts(
        **{
            "sop_instance_uid": "2.25.1",
            "study_uid": "2.25.2",
            "patient": "P1",
            "modality": "CR",
            "view": "PA",
            "view_source": "ViewPosition",
            "sex": "F",
            "age_years": 67.0,
            "manufacturer": "Philips",
            "vendor": "Philips",
            "model": "DigitalDiagnost",
            "rows": 2500,
            "columns": 2048,
            "bits_stored": 12,
            "photometric": "MONOCHROME2",
            "spacing_mm": (0.143, 0.143),
            "spacing_source": "PixelSpacing",
            **changes,
        }
    )
