"""Type 1 and Type 2 attributes of the accepted IODs (PS3.3 A.2, A.8, A.26), as far as they stand at the top level."""

from __future__ import annotations

CR = "1.2.840.10008.5.1.4.1.1.1"
DX_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
DX_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
SC = "1.2.840.10008.5.1.4.1.1.7"
SC_MULTI = frozenset({"1.2.840.10008.5.1.4.1.1.7.2", "1.2.840.10008.5.1.4.1.1.7.3", "1.2.840.10008.5.1.4.1.1.7.4"})
DX_CLASSES = frozenset({DX_PRESENTATION, DX_PROCESSING})
SC_CLASSES = SC_MULTI | {SC}
ACCEPTED_CLASSES = DX_CLASSES | SC_CLASSES | {CR}

# Without these the file is no usable image: always demanded.
CORE_TYPE_1 = frozenset(
    {
        0x00080016,  # SOPClassUID
        0x00080018,  # SOPInstanceUID
        0x00080060,  # Modality
        0x0020000D,  # StudyInstanceUID
        0x0020000E,  # SeriesInstanceUID
        0x00280002,  # SamplesPerPixel
        0x00280004,  # PhotometricInterpretation
        0x00280010,  # Rows
        0x00280011,  # Columns
        0x00280100,  # BitsAllocated
        0x00280101,  # BitsStored
        0x00280102,  # HighBit
        0x00280103,  # PixelRepresentation
        0x7FE00010,  # PixelData
    }
)
_COMMON_TYPE_2 = frozenset(
    {
        0x00080020,  # StudyDate
        0x00080030,  # StudyTime
        0x00080050,  # AccessionNumber
        0x00080070,  # Manufacturer
        0x00080090,  # ReferringPhysicianName
        0x00100010,  # PatientName
        0x00100020,  # PatientID
        0x00100030,  # PatientBirthDate
        0x00100040,  # PatientSex
        0x00200010,  # StudyID
        0x00200011,  # SeriesNumber
        0x00200013,  # InstanceNumber
    }
)
_DX_TYPE_1 = frozenset(
    {
        0x00080008,  # ImageType
        0x00080068,  # PresentationIntentType
        0x00200020,  # PatientOrientation
        0x00200062,  # ImageLaterality
        0x00280301,  # BurnedInAnnotation
        0x00281040,  # PixelIntensityRelationship
        0x00281041,  # PixelIntensityRelationshipSign
        0x00281052,  # RescaleIntercept
        0x00281053,  # RescaleSlope
        0x00281054,  # RescaleType
        0x00282110,  # LossyImageCompression
        0x20500020,  # PresentationLUTShape
    }
)
_BY_CLASS_TYPE_1 = {CR: frozenset[int](), SC: frozenset({0x00080064})}
_BY_CLASS_TYPE_2 = {CR: frozenset({0x00180015, 0x00185101})}
_DX_TYPE_2 = frozenset(
    {
        0x00082218,  # AnatomicRegionSequence
        0x00187004,  # DetectorType
        0x00400555,  # AcquisitionContextSequence
    }
)


def type_1(sop_class: str) -> frozenset[int]:
    """Tags that the class demands with a value."""
    if sop_class in DX_CLASSES:
        return CORE_TYPE_1 | _DX_TYPE_1
    if sop_class in SC_MULTI:
        return CORE_TYPE_1 | {0x00080064, 0x00280301}
    return CORE_TYPE_1 | _BY_CLASS_TYPE_1.get(sop_class, frozenset())


def type_2(sop_class: str) -> frozenset[int]:
    """Tags that the class demands, possibly empty."""
    extra = _DX_TYPE_2 if sop_class in DX_CLASSES else _BY_CLASS_TYPE_2.get(sop_class, frozenset())
    return _COMMON_TYPE_2 | extra
