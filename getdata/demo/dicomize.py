"""Arrays to valid CR, DX and Secondary Capture Part-10 files in eight transfer syntaxes.

``encode`` fills every Type 1 and Type 2 attribute of the object's IOD (PS3.3 A.2 CR, A.26 DX,
A.8 Secondary Capture) with plausible values; the caller's header wins over each of them.  The
output depends on the arguments alone: UIDs that the caller leaves out are derived from them.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_fragments
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

SYNTAXES: Final[Mapping[str, UID]] = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "big-endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg-lossless": JPEGLosslessSV1,
    "jpeg-ls": JPEGLSLossless,
    "jpeg-2000": JPEG2000Lossless,
}
"""Every syntax ``encode`` writes, all of them lossless."""

SOP_CLASSES: Final[Mapping[str, UID]] = {
    "CR": UID("1.2.840.10008.5.1.4.1.1.1"),
    "DX": UID("1.2.840.10008.5.1.4.1.1.1.1"),  # For Presentation
    "SC": UID("1.2.840.10008.5.1.4.1.1.7"),
    "MFSC-BYTE": UID("1.2.840.10008.5.1.4.1.1.7.2"),
    "MFSC-WORD": UID("1.2.840.10008.5.1.4.1.1.7.3"),
}

IMPLEMENTATION_UID: Final = UID("2.25.217450302412960837402153164911275012437")
"""Ours: derived from a UUID (PS3.5 B.2), so that it needs no registered root."""

Header = Mapping[str, Any]

_VIEW_CODES: Final = {  # PS3.16 CID 4010
    "PA": ("272479007", "postero-anterior"),
    "AP": ("399348003", "antero-posterior"),
    "LL": ("399173006", "left lateral"),
    "RL": ("399198007", "right lateral"),
}


def derived_uid(*parts: object) -> str:
    """A ``2.25.`` UID made of the parts alone."""
    digest = hashlib.sha256("\x1f".join(str(p) for p in parts).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def encode(
    pixels: NDArray[Any],
    header: Header,
    *,
    sop_class: str = "CR",
    syntax: str = "explicit",
    bits_stored: int = 12,
    photometric: str = "MONOCHROME2",
    extra: Dataset | None = None,
    preamble: bytes | None = None,
    file_meta: Header | None = None,
    trailing: bytes = b"",
) -> bytes:
    """Write one image as a Part-10 file.

    ``pixels``: unsigned integers of shape (rows, columns), or (frames, rows, columns) for
    ``sop_class="SC"``, which then becomes a multi-frame object.  ``header``: DICOM keyword to
    value; a list of mappings is a sequence.  ``extra``: elements copied over the result as they
    are (private ones, overlays, an icon).  ``preamble`` (128 bytes), ``file_meta`` (keyword to
    value) and ``trailing`` bytes are written as given.

    Raises ValueError naming the argument when the array, class or syntax cannot be encoded.
    """
    array = _checked(pixels, sop_class, syntax, bits_stored, photometric, preamble)
    frames = array.shape[0] if array.ndim == 3 else 0
    class_name = sop_class
    if frames:
        class_name = "MFSC-BYTE" if array.dtype.itemsize == 1 else "MFSC-WORD"
    ds = Dataset()
    fill(ds, _defaults(array, header, class_name, bits_stored, photometric))
    fill(ds, header)
    if "SpecificCharacterSet" not in ds:
        ds.SpecificCharacterSet = "ISO_IR 192"
    if extra is not None:
        for element in extra:
            ds[element.tag] = element
    uid = SYNTAXES[syntax]
    _put_pixels(ds, array, syntax, bits_stored, photometric)

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = uid
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "GETDATA_DEMO_1"
    fill(meta, file_meta or {})
    ds.file_meta = meta
    ds.preamble = preamble or b"\0" * 128
    buffer = io.BytesIO()
    dcmwrite(
        buffer,
        ds,
        implicit_vr=uid.is_implicit_VR,
        little_endian=uid.is_little_endian,
        enforce_file_format=True,
    )
    return buffer.getvalue() + trailing


def fill(ds: Dataset, values: Header) -> None:
    """Set keywords on ``ds``; lists of mappings become sequences, at any depth."""
    for keyword, value in values.items():
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
            items = []
            for entry in value:
                item = Dataset()
                fill(item, entry)
                items.append(item)
            value = DicomSequence(items)
        setattr(ds, keyword, value)


def _checked(
    pixels: NDArray[Any],
    sop_class: str,
    syntax: str,
    bits_stored: int,
    photometric: str,
    preamble: bytes | None,
) -> NDArray[Any]:
    if sop_class not in ("CR", "DX", "SC"):
        raise ValueError(f"sop_class {sop_class!r} is not CR, DX or SC")
    if syntax not in SYNTAXES:
        raise ValueError(f"syntax {syntax!r} is unknown; choose one of {', '.join(SYNTAXES)}")
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError(f"photometric {photometric!r} is not MONOCHROME1 or MONOCHROME2")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"pixels are {pixels.dtype}; pass uint8 or uint16")
    if pixels.ndim != 2 and not (pixels.ndim == 3 and sop_class == "SC"):
        raise ValueError(f"pixels have {pixels.ndim} dimensions; only SC takes several frames")
    if not 1 <= bits_stored <= 8 * pixels.dtype.itemsize or int(pixels.max()) >> bits_stored:
        raise ValueError(f"bits_stored {bits_stored} does not hold the values of {pixels.dtype}")
    frame_size = pixels.shape[-1] * pixels.shape[-2]
    if syntax == "jpeg-lossless" and pixels.dtype == np.uint8 and frame_size % 2:
        raise ValueError("pixels of 8 bits and an odd count cannot be encoded as jpeg-lossless")
    if preamble is not None and len(preamble) != 128:
        raise ValueError(f"the preamble has {len(preamble)} bytes, not 128")
    return np.ascontiguousarray(pixels)


def _defaults(array: NDArray[Any], header: Header, class_name: str, bits: int, photometric: str) -> dict[str, Any]:
    """The IOD's Type 1 and 2 attributes, modules in the order of PS3.3."""
    said = repr(sorted((k, repr(v)) for k, v in header.items()))
    identity = hashlib.sha256(array.tobytes() + said.encode()).hexdigest()
    patient = header.get("PatientID", "")
    date = str(header.get("StudyDate", "20240101"))
    time = str(header.get("StudyTime", "101500"))
    study = header.get("StudyInstanceUID") or derived_uid("study", patient, date, time)
    view = str(header.get("ViewPosition", "PA"))
    values: dict[str, Any] = {
        "SOPClassUID": SOP_CLASSES[class_name],
        "SOPInstanceUID": derived_uid("instance", class_name, identity),
        "PatientName": "",
        "PatientID": "",
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyInstanceUID": study,
        "StudyDate": date,
        "StudyTime": time,
        "ReferringPhysicianName": "",
        "StudyID": "1",
        "AccessionNumber": "",
        "Modality": "OT" if "SC" in class_name else class_name,
        "SeriesInstanceUID": derived_uid("series", study, class_name, view),
        "SeriesNumber": 1,
        "SeriesDate": date,
        "SeriesTime": time,
        "Manufacturer": "Demonstration Imaging",
        "InstanceNumber": 1,
        "PatientOrientation": ["P", "F"] if view in ("LL", "RL") else ["L", "F"],
        "ContentDate": date,
        "ContentTime": time,
        "ImageType": ["ORIGINAL", "PRIMARY", ""] if class_name == "DX" else ["ORIGINAL", "PRIMARY"],
        "BurnedInAnnotation": "NO",
        "LossyImageCompression": "00",
    }
    if class_name == "CR":
        values |= _cr(view)
    elif class_name == "DX":
        values |= _dx(view, date, time)
    else:
        values |= {"ConversionType": "WSD", "DateOfSecondaryCapture": date}
        values["ImageType"] = ["DERIVED", "SECONDARY"]
        if class_name.startswith("MFSC"):
            values |= {
                "NumberOfFrames": array.shape[0],
                "FrameIncrementPointer": 0x00182001,  # PageNumberVector
                "PageNumberVector": list(range(1, array.shape[0] + 1)),
            }
            if bits > 8:  # PS3.3 C.8.6.3
                values |= {"RescaleIntercept": 0, "RescaleSlope": 1, "RescaleType": "US"}
                values["PresentationLUTShape"] = "IDENTITY"
    if class_name in ("CR", "DX"):
        values |= {
            "AcquisitionDate": date,
            "AcquisitionTime": time,
            "WindowCenter": 1 << (bits - 1),
            "WindowWidth": 1 << bits,
        }
    if class_name == "DX":
        inverted = photometric == "MONOCHROME1"
        values["PresentationLUTShape"] = "INVERSE" if inverted else "IDENTITY"
    return values


def _cr(view: str) -> dict[str, Any]:
    """CR Series and CR Image modules (PS3.3 C.8.1)."""
    return {
        "BodyPartExamined": "CHEST",
        "ViewPosition": view,
        "KVP": "125",
        "DistanceSourceToDetector": "1800",
        "ExposureTime": 10,
        "XRayTubeCurrent": 320,
        "Exposure": 3,
        "ImagerPixelSpacing": ["0.2", "0.2"],
        "PlateType": "IP",
        "CassetteSize": "35CMX43CM",
        "Sensitivity": "400",
    }


def _dx(view: str, date: str, time: str) -> dict[str, Any]:
    """DX Series, Anatomy Imaged, Image, Detector and Positioning modules (PS3.3 C.8.11)."""
    code, meaning = _VIEW_CODES.get(view, _VIEW_CODES["PA"])
    return {
        "PresentationIntentType": "FOR PRESENTATION",
        "AcquisitionContextSequence": DicomSequence([]),
        "ImageLaterality": "U",
        "BodyPartExamined": "CHEST",
        "AnatomicRegionSequence": [{"CodeValue": "51185008", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Chest"}],
        "ViewPosition": view,
        "ViewCodeSequence": [{"CodeValue": code, "CodingSchemeDesignator": "SCT", "CodeMeaning": meaning}],
        "PatientOrientation": ["P", "F"] if view in ("LL", "RL") else ["L", "F"],
        "PixelIntensityRelationship": "LOG",
        "PixelIntensityRelationshipSign": -1,
        "RescaleIntercept": "0",
        "RescaleSlope": "1",
        "RescaleType": "US",
        "DetectorType": "SCINTILLATOR",
        "DetectorDescription": "CsI flat panel",
        "DetectorActiveShape": "RECTANGLE",
        "ImagerPixelSpacing": ["0.148", "0.148"],
        "DateOfLastDetectorCalibration": date,
        "TimeOfLastDetectorCalibration": time,
        "KVP": "120",
        "DistanceSourceToDetector": "1800",
        "DistanceSourceToPatient": "1700",
        "PositionerType": "COLUMN",
        "ExposureTime": 8,
        "XRayTubeCurrent": 400,
        "Exposure": 3,
        "Grid": ["FIXED", "FOCUSED"],
    }


def _put_pixels(ds: Dataset, array: NDArray[Any], syntax: str, bits_stored: int, photometric: str) -> None:
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = photometric
    ds.Rows, ds.Columns = array.shape[-2:]
    ds.BitsAllocated = 8 * array.dtype.itemsize
    ds.BitsStored = bits_stored
    ds.HighBit = bits_stored - 1
    ds.PixelRepresentation = 0
    uid = SYNTAXES[syntax]
    if uid.is_compressed and uid != DeflatedExplicitVRLittleEndian:
        frames = array if array.ndim == 3 else array[None]
        packed = [_packed(frame, bits_stored, syntax) for frame in frames]
        ds.PixelData = encapsulate(packed)
        ds["PixelData"].is_undefined_length = True
        ds["PixelData"].VR = "OB"
        return
    little = uid.is_little_endian
    data = array.astype(array.dtype.newbyteorder("<" if little else ">")).tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    # Implicit VR is always OW; explicit 8-bit data is OB so that no byte order is implied.
    wide = array.dtype.itemsize == 2 or uid.is_implicit_VR
    ds["PixelData"].VR = "OW" if wide else "OB"


def _packed(frame: NDArray[Any], bits_stored: int, syntax: str) -> bytes:
    """One frame in a compressed syntax."""
    if syntax == "rle":
        import rle.utils

        return rle.utils.encode_pixel_data(
            frame.tobytes(),
            byteorder="<",
            rows=frame.shape[0],
            columns=frame.shape[1],
            samples_per_pixel=1,
            bits_allocated=8 * frame.dtype.itemsize,
        )
    if syntax == "jpeg-2000":
        # Not by GDCM: its JPEG 2000 encoder was seen to corrupt the heap on odd sizes.
        import openjpeg.utils

        return openjpeg.utils.encode_array(frame, bits_stored=bits_stored, photometric_interpretation=2)
    return _gdcm_frame(frame, bits_stored, syntax)


def _gdcm_frame(frame: NDArray[Any], bits_stored: int, syntax: str) -> bytes:
    """One frame through GDCM's JPEG Lossless SV1 or JPEG-LS encoder.

    By way of files: images made in memory through the Python binding are freed twice.
    """
    import gdcm
    from pydicom import dcmread

    target = gdcm.TransferSyntax(
        gdcm.TransferSyntax.JPEGLosslessProcess14_1 if syntax == "jpeg-lossless" else gdcm.TransferSyntax.JPEGLSLossless
    )
    native = encode(frame, {}, sop_class="SC", bits_stored=bits_stored)
    with tempfile.TemporaryDirectory() as folder:
        source, packed = Path(folder) / "native.dcm", Path(folder) / "packed.dcm"
        source.write_bytes(native)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        if not reader.Read():
            raise ValueError(f"GDCM could not read a {frame.shape} {frame.dtype} frame")
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(target)
        change.SetInput(reader.GetImage())
        if not change.Change():
            raise ValueError(f"GDCM could not encode a {frame.shape} frame as {syntax}")
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(packed))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        if not writer.Write():
            raise ValueError(f"GDCM could not write a frame as {syntax}")
        fragments = list(generate_fragments(dcmread(packed).PixelData))
    return b"".join(fragments[1:])  # the first is the offset table
