"""DICOM objects that are no images, for deliveries that contain what they should not."""

from __future__ import annotations

import io

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from getdata.demo.dicomize import IMPLEMENTATION_UID, derived_uid, fill
from tests.support.identities import Hospital, Identity


def pdf_document(lines: list[str]) -> bytes:
    """A minimal one-page PDF that shows ``lines``."""
    shown = "".join(f"({_escaped(line)}) Tj 0 -18 Td " for line in lines)
    stream = f"BT /F1 12 Tf 60 780 Td {shown}ET".encode("latin-1", "replace")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(parts, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1))
    for offset in offsets:
        out.write(b"%010d 00000 n \n" % offset)
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(parts) + 1))
    out.write(b"startxref\n%d\n%%%%EOF\n" % start)
    return out.getvalue()


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def encapsulated_pdf(person: Identity, hospital: Hospital, study: int, uid: str, study_uid: str) -> bytes:
    """A valid Encapsulated PDF Storage object: a report with the patient's name on it."""
    day = person.visit(study)
    document = pdf_document(
        [
            hospital.name,
            f"Report for {person.given} {person.family}, born {person.birth:%d.%m.%Y}",
            f"MRN {person.patient_id}",
            "Chest X-ray: no acute finding.",
        ]
    )
    ds = Dataset()
    fill(
        ds,
        {
            "SpecificCharacterSet": "ISO_IR 192",
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1",
            "SOPInstanceUID": uid,
            "PatientName": person.person_name,
            "PatientID": person.patient_id,
            "PatientBirthDate": person.birth.strftime("%Y%m%d"),
            "PatientSex": person.sex,
            "StudyInstanceUID": study_uid,
            "StudyDate": day.strftime("%Y%m%d"),
            "StudyTime": "110000",
            "ReferringPhysicianName": hospital.physicians[0],
            "StudyID": "1",
            "AccessionNumber": person.accession(study),
            "Modality": "DOC",
            "SeriesInstanceUID": derived_uid("pdf-series", uid),
            "SeriesNumber": 99,
            "Manufacturer": hospital.manufacturer,
            "ConversionType": "WSD",
            "InstanceNumber": 1,
            "ContentDate": day.strftime("%Y%m%d"),
            "ContentTime": "110000",
            "AcquisitionDateTime": "",
            "BurnedInAnnotation": "YES",
            "DocumentTitle": f"Report {person.family}",
            "MIMETypeOfEncapsulatedDocument": "application/pdf",
            "EncapsulatedDocument": document + b"\0" * (len(document) % 2),
        },
    )
    ds.ConceptNameCodeSequence = []
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = UID(uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    ds.file_meta = meta
    ds.preamble = b"\0" * 128
    buffer = io.BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return buffer.getvalue()
