"""Which objects are accepted (DEID.md, section 8): chest radiographs as CR, DX or secondary capture, and
nothing else."""

from __future__ import annotations

import re

from deid.dicomfile.charset import decode, read_charset
from deid.dicomfile.element import SPECIFIC_CHARACTER_SET, DataSet
from deid.dicomfile.read import DicomFile, is_uid
from deid.headers.required import ACCEPTED_CLASSES, CR, DX_CLASSES, SC_CLASSES
from deid.keyring import normalise_identifier
from deid.outcome import Refusal
from deid.text.vocabulary import fold

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_CHEST_WORDS = frozenset(
    [
        "chest",
        "thorax",
        "thoracic",
        "lung",
        "lungs",
        "rib",
        "ribs",
        "cxr",
        "heart",
        "sternum",
        "clavicle",
        "torax",
        "torace",
        "brustkorb",
        "poumon",
        "poumons",
        "thoraxaufnahme",
        "pulmon",
        "chestabdomen",
        "pulmao",
        "borstkas",
        "tspine",
        "pulmonary",
        "chst",
        "cardiac",
    ]
)
_OTHER_PARTS = frozenset(
    [
        "abdomen",
        "abd",
        "kub",
        "pelvis",
        "hip",
        "knee",
        "ankle",
        "foot",
        "toe",
        "hand",
        "wrist",
        "elbow",
        "forearm",
        "humerus",
        "shoulder",
        "femur",
        "tibia",
        "fibula",
        "tibfib",
        "skull",
        "head",
        "face",
        "sinus",
        "sinuses",
        "jaw",
        "mandible",
        "teeth",
        "dental",
        "lspine",
        "cspine",
        "lumbar",
        "sacrum",
        "coccyx",
        "breast",
        "mammo",
        "neck",
        "cervical",
        "leg",
        "arm",
        "finger",
        "thumb",
        "heel",
        "calcaneus",
        "patella",
        "orbit",
        "orbits",
        "nasal",
        "tmj",
        "brain",
        "liver",
        "kidney",
        "bladder",
        "prostate",
        "uterus",
        "extremity",
        "lowlimb",
        "uplimb",
        "cspine",
        "sspine",
    ]
)
_DESCRIPTIONS = (0x00081030, 0x0008103E, 0x00181030, 0x00400254, 0x00321060, 0x00181400)
_CHEST_CODES = frozenset({"T-D3000", "51185008", "T-28000", "39607008", "816094009", "43799004", "302551006"})


def accept(file: DicomFile) -> None:
    """Raise a Refusal when the object is not one the engine releases."""
    dataset, meta = file.dataset, file.meta
    sop_class, instance = dataset.ascii(0x00080016), dataset.ascii(0x00080018)
    declared_class, declared_instance = meta.ascii(0x00020002), meta.ascii(0x00020003)
    refuse_class(sop_class or declared_class)
    if not _one_uid(dataset, 0x00080016) or not _one_uid(dataset, 0x00080018):
        raise Refusal("sop-class-missing")
    if (declared_class and declared_class != sop_class) or (declared_instance and declared_instance != instance):
        raise Refusal("sop-class-contradicts")
    if 0x00420011 in dataset:
        raise Refusal("encapsulated-document")
    for tag in (0x0020000D, 0x0020000E):
        if not _one_uid(dataset, tag):
            raise Refusal("uid-missing")
    _accept_patient(dataset)
    modality = dataset.ascii(0x00080060).upper()
    allowed = {"CR", "DX", "RG"} | ({"OT"} if sop_class in SC_CLASSES else set())
    if modality not in allowed:
        raise Refusal("wrong-modality")
    if sop_class in DX_CLASSES | {CR} and modality == "OT":
        raise Refusal("sop-class-contradicts")
    _accept_body_part(dataset, demanded=sop_class in SC_CLASSES)


def _one_uid(dataset: DataSet, tag: int) -> bool:
    """Whether an element holds one well-formed UID; where two stand it is unclear which holds."""
    element = dataset.get(tag)
    return element is not None and b"\\" not in element.raw and is_uid(dataset.ascii(tag))


def _accept_patient(dataset: DataSet) -> None:
    """PatientID may be blank or hold one identifier. Numbers elsewhere (OtherPatientIDs, nested items) are other names of the
    same patient; they are removed and searched for."""
    element = dataset.get(0x00100020)
    parts = decode(element.raw, _codecs(dataset)).split("\\") if element is not None else []
    if len({normalise_identifier(part) for part in parts} - {""}) > 1:
        raise Refusal("two-patient-ids", "PatientID")


def _codecs(dataset: DataSet) -> tuple[str, ...]:
    declared = dataset.get(SPECIFIC_CHARACTER_SET)
    return read_charset(declared.raw) if declared is not None and declared.raw else ("iso8859",)


def refuse_class(sop_class: str) -> None:
    """Name the reason for classes that are never accepted."""
    if sop_class in ACCEPTED_CLASSES:
        return
    if sop_class == "1.2.840.10008.1.3.10":
        raise Refusal("dicomdir")
    if not sop_class:
        raise Refusal("sop-class-missing")
    if sop_class.startswith(_STORAGE + "104."):
        raise Refusal("encapsulated-document")
    if sop_class.startswith((_STORAGE + "88.", _STORAGE + "40")):
        raise Refusal("structured-report")
    if sop_class.startswith(_STORAGE + "11."):
        raise Refusal("presentation-state")
    if sop_class.startswith((_STORAGE + "481.", "1.2.840.10008.5.1.4.34.")):
        raise Refusal("radiotherapy-object")
    if sop_class in {_STORAGE + f"77.1.{n}.1" for n in (1, 2, 4)}:
        raise Refusal("video-object")
    if not is_uid(sop_class):
        raise Refusal("sop-class-missing")
    raise Refusal("wrong-class")


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", fold(text)) if word}


def _accept_body_part(dataset: DataSet, *, demanded: bool) -> None:
    """BodyPartExamined decides when it is clear; where it is empty (a third of real files) descriptions and
    codes are asked."""
    part = _words(dataset.ascii(0x00180015))
    chest_coded, other_coded = _coded_regions(dataset)
    if part & _CHEST_WORDS or chest_coded:
        return
    if part & _OTHER_PARTS:
        raise Refusal("non-chest", "BodyPartExamined")
    codecs = _codecs(dataset)
    described: set[str] = set()
    for tag in _DESCRIPTIONS:
        element = dataset.get(tag)
        if element is not None and element.raw:
            described |= _words(decode(element.raw, codecs))
    if described & _CHEST_WORDS:
        return
    if described & _OTHER_PARTS or other_coded:
        raise Refusal("non-chest", "descriptions")
    if demanded:
        raise Refusal("chest-not-stated")


def _coded_regions(dataset: DataSet) -> tuple[bool, bool]:
    """Whether AnatomicRegionSequence names the chest, or something else that words reveal."""
    element = dataset.get(0x00082218)
    chest = other = False
    for item in element.items if element is not None else []:
        words = _words(item.ascii(0x00080104))
        if item.ascii(0x00080100) in _CHEST_CODES or words & _CHEST_WORDS:
            chest = True
        elif words & _OTHER_PARTS:
            other = True
    return chest, other
