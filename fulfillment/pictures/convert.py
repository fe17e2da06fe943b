"""A PNG or JPEG and its row as a Secondary Capture object (PS3.3 A.8.1): pixels as they are, nothing of the file besides.

EXIF, XMP, colour profiles, text chunks and thumbnails stay behind: the object holds decoded values and the row's. What the picture is
worth is said: ConversionType WSD (workstation), ImageType DERIVED, and the lossy flags of a JPEG (PS3.3 C.7.6.1.1.5).
"""

from __future__ import annotations

import hashlib
import io
import re
import uuid
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from fulfillment.labels.formats.masks import picture_size
from fulfillment.pictures.table import PictureRow

MAX_PIXELS = 50_000_000
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_SECONDARY_CAPTURE = UID("1.2.840.10008.5.1.4.1.1.7")
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+\Z")
#: How far the channels of a grey picture may part: JPEG stores colour differences that round to one or two.
_MOST_COLOUR = 3


@dataclass(frozen=True)
class Cause:
    """Why a picture is not taken, in words for the hospital."""

    code: str
    message: str
    remedy: str


class PictureRefused(Exception):
    """The picture cannot become an object; ``cause`` says why."""

    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        super().__init__(cause.code)


NOT_PERMITTED = Cause(
    "PICTURE_NOT_PERMITTED",
    "This request takes DICOM files only, and this is a PNG or JPEG picture.",
    "Send the image as DICOM from your PACS. Whether pictures are taken is for the researcher to say.",
)
ROW_MISSING = Cause(
    "PICTURE_ROW_MISSING",
    "No table of pictures in this batch has a row for this file.",
    "Send a CSV table with the columns file, patient_id and study_id (and view, sex, age, pixel_spacing_mm where known) that names "
    "this file; it is then looked at again by itself.",
)
_BROKEN = Cause(
    "PICTURE_UNREADABLE",
    "The picture is damaged or cut short and cannot be decoded.",
    "Export it again, or send the image as DICOM.",
)
_TOO_LARGE = Cause(
    "PICTURE_TOO_LARGE",
    f"The picture says that it has more than {MAX_PIXELS:,} pixels, or none.",
    "Send single radiographs.",
)
_COLOURED = Cause(
    "PICTURE_COLOURED",
    "The picture has colours, and a radiograph has none: it may be annotated or a photograph.",
    "Export the image in grey, without annotations, or send it as DICOM.",
)


def is_picture(data: bytes) -> bool:
    """Whether the bytes are those of a PNG or a JPEG."""
    return data.startswith((_PNG, _JPEG))


def to_dicom(data: bytes, row: PictureRow) -> bytes:
    """A Part 10 file, the same for the same picture and row. Raises ``PictureRefused``."""
    size = picture_size(data)
    if size is None:
        raise PictureRefused(_BROKEN)
    if size[0] * size[1] > MAX_PIXELS:
        raise PictureRefused(_TOO_LARGE)
    pixels = _decoded(data)
    dataset = _described(row, pixels, data)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_uid("pictures", "1"))
    dataset.file_meta, dataset.preamble = meta, b"\0" * 128
    out = io.BytesIO()
    dcmwrite(out, dataset, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return out.getvalue()


def _decoded(data: bytes) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """(rows, columns) of 8 or 16 bits, upright as EXIF says it is to be shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise PictureRefused(_TOO_LARGE)
                picture.load()
                upright = ImageOps.exif_transpose(picture)
        except PictureRefused:
            raise
        except (MemoryError, KeyboardInterrupt):
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise PictureRefused(_TOO_LARGE) from None
        except Exception:  # Pillow raises half a dozen types for broken pictures
            raise PictureRefused(_BROKEN) from None
    if upright.mode in ("I;16", "I;16B", "I"):
        return np.asarray(upright).astype(np.uint16)
    if upright.mode in ("1", "L"):
        return np.asarray(upright.convert("L"))
    if upright.mode in ("LA", "La"):
        return np.asarray(upright.convert("LA"))[..., 0]
    colours = np.asarray(upright.convert("RGB"))
    spread = colours.max(axis=-1).astype(np.int16) - colours.min(axis=-1)
    if spread.size and float((spread > _MOST_COLOUR).mean()) > 0.001:
        raise PictureRefused(_COLOURED)
    return np.ascontiguousarray(colours[..., 1])


def _described(row: PictureRow, pixels: NDArray[np.uint8] | NDArray[np.uint16], data: bytes) -> Dataset:
    bits = pixels.dtype.itemsize * 8
    study = row.study if _UID.match(row.study) else _uid("study", row.patient, row.study)
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.SOPClassUID = _SECONDARY_CAPTURE
    dataset.SOPInstanceUID = _uid("instance", study, hashlib.sha256(data).hexdigest())
    dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber = row.date, "", row.accession
    dataset.Modality, dataset.ConversionType = row.modality or "OT", "WSD"
    dataset.Manufacturer, dataset.ManufacturerModelName = row.manufacturer, row.model
    dataset.ReferringPhysicianName = ""
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "", row.patient, ""
    dataset.PatientSex = row.sex
    if row.age is not None:
        dataset.PatientAge = f"{row.age:03d}Y"
    dataset.BodyPartExamined = row.body_part or "CHEST"
    if row.view:
        dataset.ViewPosition = row.view
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, _uid("series", study, row.view, row.modality)
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "", 1, 1
    dataset.PatientOrientation = ""
    if row.laterality in ("L", "R"):
        dataset.Laterality = row.laterality
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, row.photometric or "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    if row.spacing is not None:
        dataset.PixelSpacing = [f"{value:.6g}" for value in row.spacing]
    dataset.BitsAllocated = bits
    dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    if data.startswith(_JPEG):
        dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_10918_1"
        dataset.LossyImageCompressionRatio = f"{max(1.0, pixels.nbytes / len(data)):.4g}"
    # A PNG loses nothing, and what was lost before it was made nobody can tell: nothing is said (PS3.3 C.7.6.1.1.5).
    raw = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()
    dataset.PixelData = raw + b"\0" * (len(raw) % 2)
    dataset["PixelData"].VR = "OW" if bits == 16 else "OB"
    return dataset


def _uid(*parts: str) -> str:
    """A 2.25 UID made of the parts alone (PS3.5 B.2); the engine replaces it by a keyed one."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"
