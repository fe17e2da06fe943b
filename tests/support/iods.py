"""Type 1 and Type 2 attributes of the IODs that GetDATA's demo and tests write.

Typed in from PS3.3 (A.2 CR, A.8 Secondary Capture, A.26 DX), apart from the writer that it
checks; conditional attributes are stated with their condition.
"""

from __future__ import annotations

from pydicom.dataset import Dataset

CR = "1.2.840.10008.5.1.4.1.1.1"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
SC = "1.2.840.10008.5.1.4.1.1.7"
MF_BYTE = "1.2.840.10008.5.1.4.1.1.7.2"
MF_WORD = "1.2.840.10008.5.1.4.1.1.7.3"

_COMMON_1 = (
    "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality SamplesPerPixel "
    "PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation "
    "PixelData"
)
_COMMON_2 = (
    "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime "
    "ReferringPhysicianName StudyID AccessionNumber SeriesNumber InstanceNumber"
)
_EQUIPMENT_2 = "Manufacturer"
_MULTIFRAME_1 = "ConversionType NumberOfFrames FrameIncrementPointer BurnedInAnnotation"

TYPE_1: dict[str, str] = {
    CR: _COMMON_1,
    DX: _COMMON_1
    + " PresentationIntentType ImageLaterality AnatomicRegionSequence ImageType"
    + " PixelIntensityRelationship PixelIntensityRelationshipSign RescaleIntercept RescaleSlope"
    + " RescaleType PresentationLUTShape LossyImageCompression BurnedInAnnotation"
    + " PatientOrientation ImagerPixelSpacing ViewCodeSequence WindowCenter WindowWidth",
    SC: _COMMON_1 + " ConversionType",
    MF_BYTE: f"{_COMMON_1} {_MULTIFRAME_1}",
    MF_WORD: f"{_COMMON_1} {_MULTIFRAME_1}" + " RescaleIntercept RescaleSlope RescaleType PresentationLUTShape",
}
TYPE_2: dict[str, str] = {
    CR: f"{_COMMON_2} {_EQUIPMENT_2} BodyPartExamined ViewPosition",
    DX: f"{_COMMON_2} {_EQUIPMENT_2} AcquisitionContextSequence DetectorType",
    SC: _COMMON_2,
    MF_BYTE: _COMMON_2,
    MF_WORD: _COMMON_2,
}
_CODED = ("AnatomicRegionSequence", "ViewCodeSequence")
_DEFINED = {
    "PresentationIntentType": {"FOR PRESENTATION", "FOR PROCESSING"},
    "ImageLaterality": {"R", "L", "U", "B"},
    "BurnedInAnnotation": {"YES", "NO"},
    "LossyImageCompression": {"00", "01"},
    "PatientSex": {"M", "F", "O", ""},
    "ConversionType": {"DV", "DI", "DF", "WSD", "SD", "SI", "DRW", "SYN"},
    "PixelIntensityRelationship": {"LIN", "LOG"},
}


def iod_faults(ds: Dataset) -> list[str]:
    """What a validator would object to, as keywords with a reason; empty when valid."""
    faults = []
    sop_class = str(ds.get("SOPClassUID", ""))
    if sop_class not in TYPE_1:
        return ["SOPClassUID: not an IOD of this table"]
    for keyword in TYPE_1[sop_class].split():
        if keyword not in ds:
            faults.append(f"{keyword}: Type 1, absent")
        elif ds[keyword].is_empty:
            faults.append(f"{keyword}: Type 1, empty")
    for keyword in TYPE_2[sop_class].split():
        if keyword not in ds:
            faults.append(f"{keyword}: Type 2, absent")
    for keyword in _CODED:
        for item in ds.get(keyword) or ():
            for part in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning"):
                if not item.get(part):
                    faults.append(f"{keyword}.{part}: Type 1, absent")
    for keyword, allowed in _DEFINED.items():
        if keyword in ds and str(ds[keyword].value or "") not in allowed:
            faults.append(f"{keyword}: not a defined term")
    if ds.get("HighBit") != ds.get("BitsStored", 0) - 1:
        faults.append("HighBit: not BitsStored - 1")
    if "WindowCenter" in ds and "WindowWidth" not in ds:
        faults.append("WindowWidth: Type 1C, absent beside WindowCenter")
    inverse = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}
    if sop_class == DX and ds.get("PresentationLUTShape") != inverse.get(ds.get("PhotometricInterpretation", "")):
        faults.append("PresentationLUTShape: does not agree with PhotometricInterpretation")
    pointer = ds.get("FrameIncrementPointer")
    if pointer is not None and pointer not in ds:
        faults.append("FrameIncrementPointer: points at nothing")
    meta = ds.file_meta
    if meta.get("MediaStorageSOPInstanceUID") != ds.get("SOPInstanceUID"):
        faults.append("MediaStorageSOPInstanceUID: differs from SOPInstanceUID")
    if meta.get("MediaStorageSOPClassUID") != ds.get("SOPClassUID"):
        faults.append("MediaStorageSOPClassUID: differs from SOPClassUID")
    return faults
