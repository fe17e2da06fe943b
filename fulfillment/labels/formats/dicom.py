"""What SR and SEG share: reading hostile DICOM within limits, codes, and the image that an object is about.

Headers are read with the engine's own walker, which keeps its own stack and counts elements, so that nesting costs a refusal and not
the process. No value of a header is ever repeated in a problem.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from fulfillment.labels.formats.gather import Gathering
from fulfillment.labels.formats.model import Entry, Size
from requests_app.taxonomy import Finding

if TYPE_CHECKING:
    from deid.dicomfile.element import DataSet
    from deid.dicomfile.read import DicomFile

SCHEME = "99GETDATA"
_REASONS = {
    "not-dicom": ("NOT_DICOM", "The file is no DICOM Part 10 file, or is cut off in its first bytes."),
    "file-too-large": ("FILE_TOO_LARGE", "The file is larger than 256 MiB."),
    "nested-too-deep": ("NESTED_TOO_DEEP", "The file's sequences are nested deeper than any object of this kind."),
    "too-many-elements": ("TOO_MANY_ELEMENTS", "The file has more elements than any object of this kind."),
    "unknown-transfer-syntax": ("TRANSFER_SYNTAX", "The transfer syntax is missing or not known."),
    "video-object": ("TRANSFER_SYNTAX", "The file is a video."),
    "duplicate-element": ("DICOM_BROKEN", "An element stands twice in the file."),
}


@dataclass(frozen=True)
class DicomSource:
    """The image that an exported object is about: UIDs and the size, all the writers need. ``patient_id`` is a pseudonym."""

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    study_instance_uid: str
    rows: int
    columns: int
    patient_id: str = ""

    @property
    def size(self) -> Size:
        return self.rows, self.columns

    def dataset(self) -> Any:
        """A data set with these and the Type 2 attributes that highdicom copies, empty."""
        from pydicom.dataset import Dataset, FileMetaDataset
        from pydicom.uid import ExplicitVRLittleEndian

        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPInstanceUID, image.SOPClassUID = self.sop_instance_uid, self.sop_class_uid
        image.StudyInstanceUID, image.SeriesInstanceUID = self.study_instance_uid, self.series_instance_uid
        image.Rows, image.Columns = self.rows, self.columns
        image.PatientID = self.patient_id
        for keyword in (
            "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime",
            "ReferringPhysicianName",
        ):  # fmt: skip
            setattr(image, keyword, "")
        image.Modality, image.InstanceNumber, image.SeriesNumber = "DX", 1, 1
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation, image.SamplesPerPixel = 15, 0, 1
        image.PhotometricInterpretation = "MONOCHROME2"
        return image


def open_dicom(data: bytes, into: Gathering) -> DicomFile | None:
    """The file, or None and a problem."""
    from deid.dicomfile.limits import Limits
    from deid.dicomfile.read import read_file
    from deid.outcome import Refusal

    if not data:
        into.problem(0, "EMPTY_FILE", "The file is empty.", "Send the whole file.")
        return None
    try:
        return read_file(data, Limits(elements=400_000, depth=24, text_bytes=16 * 1024 * 1024))
    except Refusal as refusal:
        code, cause = _REASONS.get(refusal.code, ("DICOM_BROKEN", "The file is damaged or cut short."))
        where = refusal.detail if refusal.detail.replace(" ", "").isalnum() else ""
        into.problem(0, code, cause, "Write the object again and send it whole.", place=where or "header")
        return None


@cache
def tag(keyword: str) -> int:
    """The tag of a keyword."""
    from pydicom.datadict import tag_for_keyword

    found = tag_for_keyword(keyword)
    assert found is not None
    return int(found)


def items(dataset: DataSet | None, keyword: str) -> list[DataSet]:
    """The items of a sequence; none where there is none."""
    element = dataset.get(tag(keyword)) if dataset is not None else None
    return element.items if element is not None else []


def item(dataset: DataSet | None, *path: str) -> DataSet | None:
    """The first item of the first item of ... ; None where one lacks."""
    for keyword in path:
        found = items(dataset, keyword)
        if not found:
            return None
        dataset = found[0]
    return dataset


def text(dataset: DataSet | None, keyword: str, codecs: Any = ()) -> str:
    """A text value, decoded by the file's character set."""
    from deid.dicomfile.charset import decode

    element = dataset.get(tag(keyword)) if dataset is not None else None
    if element is None or not isinstance(element.value, bytes):
        return ""
    try:
        return decode(element.value, codecs).strip(" \0")
    except Exception:  # a character set that lies about its bytes
        return element.value.decode("latin-1").strip(" \0")


def codecs_of(file: DicomFile) -> tuple[str, ...]:
    """The codecs of the file's SpecificCharacterSet; Latin where it is none that is known."""
    from deid.dicomfile.charset import read_charset

    element = file.dataset.get(0x00080005)
    try:
        return read_charset(element.raw if element is not None else b"")
    except Exception:  # an unknown name is refused there; for labels the ASCII part is enough
        return ("latin-1",)


def floats(dataset: DataSet | None, keyword: str) -> list[float]:
    """The values of an FL or FD element."""
    element = dataset.get(tag(keyword)) if dataset is not None else None
    if element is None or not isinstance(element.value, bytes):
        return []
    size, code = (8, "d") if element.vr == "FD" else (4, "f")
    raw = element.value[: len(element.value) // size * size]
    return [value for (value,) in struct.iter_unpack(f"<{code}", raw)]


def codes(sequence: list[DataSet], codecs: Any = ()) -> Iterator[tuple[str, str, str]]:
    """Scheme, value and meaning of the items of a code sequence."""
    for each in sequence:
        value = text(each, "CodeValue") or text(each, "LongCodeValue") or text(each, "URNCodeValue")
        yield text(each, "CodingSchemeDesignator"), value, text(each, "CodeMeaning", codecs)


def code(dataset: DataSet | None, keyword: str, codecs: Any = ()) -> tuple[str, str, str]:
    """The first code of a sequence; empty texts where there is none."""
    return next(codes(items(dataset, keyword), codecs), ("", "", ""))


def coded(finding: Finding) -> Any:
    """The code of a finding: SNOMED CT where one is verified, else the project's own. The meaning is the taxonomy's spelling."""
    from highdicom.sr import CodedConcept

    found = finding.code("SCT")
    value = "".join(character for character in finding.key if character.isalnum() or character == "_").upper()
    # Code Value is an SH: 16 characters at most; a longer one goes into Long Code Value by itself.
    scheme, value = ("SCT", found.code) if found is not None else (SCHEME, value)
    return CodedConcept(value=value, scheme_designator=scheme, meaning=finding.name[:64])


def note_of(entry: Entry) -> str:
    """What DICOM has no attribute for, as JSON that ``noted`` reads."""
    said = {"reader": entry.reader, "method": entry.method, **dict(entry.extra)}
    return json.dumps({"getdata": {key: value for key, value in said.items() if value}}, ensure_ascii=True)


def noted(note: str) -> dict[str, str] | None:
    """What ``note_of`` wrote; None for any other text, which is never looked at."""
    if not note.startswith('{"getdata"') or len(note) > 20_000:
        return None
    try:
        value = json.loads(note)["getdata"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return {str(key): str(each) for key, each in value.items()} if isinstance(value, dict) else None


def derived_uid(*parts: str) -> str:
    """A UID that is the same for the same parts (2.25 and a hash), so that an export can be repeated byte for byte."""
    import hashlib

    return f"2.25.{int.from_bytes(hashlib.sha256('|'.join(parts).encode()).digest()[:15], 'big')}"
