"""Type 1 and Type 2 attributes by SOP class, from the module tables of PS3.3 A.2, A.8 and A.26: a reading of its own."""

from __future__ import annotations

from functools import cache

from pydicom.datadict import tag_for_keyword

_IMAGE_PIXEL = "SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation PixelData"
_SOP = "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality"
_PATIENT_STUDY = (
    "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber "
    "SeriesNumber InstanceNumber Manufacturer"
)
_DX = (
    "ImageType PresentationIntentType PatientOrientation ImageLaterality BurnedInAnnotation PixelIntensityRelationship "
    "PixelIntensityRelationshipSign RescaleIntercept RescaleSlope RescaleType LossyImageCompression PresentationLUTShape "
    "ImagerPixelSpacing"
)
_ROOT = "1.2.840.10008.5.1.4.1.1."
_ONE = {
    _ROOT + "1": "",
    _ROOT + "1.1": _DX,
    _ROOT + "1.1.1": _DX,
    _ROOT + "7": "ConversionType",
    **{_ROOT + f"7.{kind}": "ConversionType BurnedInAnnotation NumberOfFrames" for kind in (2, 3, 4)},
}
_TWO = {
    _ROOT + "1": "BodyPartExamined ViewPosition",
    _ROOT + "1.1": "DetectorType AnatomicRegionSequence AcquisitionContextSequence",
    _ROOT + "1.1.1": "DetectorType AnatomicRegionSequence AcquisitionContextSequence",
}
# Conditional attributes that are numbers: where the input has them, losing them breaks the object (PS3.3 C.7.6.3, C.11.1, C.11.2).
# Codes are not among them: one that holds no defined term is emptied on purpose.
_NOT_LOST = (
    "RescaleIntercept RescaleSlope RescaleType WindowCenter WindowWidth PlanarConfiguration "
    "NumberOfFrames FrameIncrementPointer"
)


@cache
def _tags(words: str) -> tuple[int, ...]:
    found = [tag_for_keyword(word) for word in words.split()]
    assert None not in found
    return tuple(int(tag) for tag in found if tag is not None)


def always(sop_class: str) -> tuple[int, ...]:
    """Tags without whose value the object is no usable image; what they hold is checked in every output."""
    return _tags(f"{_SOP} {_IMAGE_PIXEL}")


def not_to_lose(sop_class: str) -> tuple[int, ...]:
    """Tags of Type 1 and 1C: where the input has a value the output must have one."""
    return _tags(f"{_ONE.get(sop_class, '')} {_NOT_LOST}")


def present(sop_class: str) -> tuple[int, ...]:
    """Tags of Type 2: there, possibly empty."""
    return _tags(f"{_PATIENT_STUDY} {_TWO.get(sop_class, '')}")
