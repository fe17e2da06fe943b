"""DICOM objects for the engine's tests: valid CR, DX and SC files with identity planted in their headers, and
drawn text."""

from __future__ import annotations

import io
from collections.abc import Sequence as Several
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from deid import REASONS, Context, Keyring, Outcome, Quarantined, Released, deidentify, load_policy
from deid.pixels.detector import Region, TextDetector

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
CR = "1.2.840.10008.5.1.4.1.1.1"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
SC = "1.2.840.10008.5.1.4.1.1.7"
SC_MULTI_WORD = "1.2.840.10008.5.1.4.1.1.7.3"
SECRET = b"test secret of thirty-two bytes!"


def plain_chest(rows: int = 256, columns: int = 224, bits: int = 12, seed: int = 1) -> NDArray[np.uint16]:
    """Smooth chest-like shading without anything that could be read as text; shape (rows, columns), `bits` bits."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    body = 0.75 * np.exp(-((x / 0.9) ** 4) - (y / 1.1) ** 6)
    lungs = 0.5 * (
        np.exp(-(((x - 0.42) / 0.28) ** 2) - (y / 0.6) ** 2) + np.exp(-(((x + 0.42) / 0.28) ** 2) - (y / 0.6) ** 2)
    )
    noise = np.random.default_rng(seed).normal(0, 0.004, (rows, columns))
    return np.clip((0.12 + body - lungs + noise) * (2**bits - 1), 1, 2**bits - 2).astype(np.uint16)


def make_dataset(pixels: NDArray[np.generic], sop_class: str = CR, bits: int = 12, **header: object) -> Dataset:
    """A data set with identity planted at the top level, nested and in private elements. `header` overrides by
    keyword."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.1001"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20240315"
    ds.StudyTime = ds.ContentTime = "101530"
    ds.AccessionNumber = "ACC9988776"
    ds.Modality = "DX" if sop_class == DX else "OT" if sop_class.startswith(SC) else "CR"
    ds.Manufacturer = "Philips Medical Systems"
    ds.ManufacturerModelName = "DigitalDiagnost"
    ds.InstitutionName = "Saint Aldhelm Infirmary"
    ds.ReferringPhysicianName = "Quillfeather^Ottoline"
    ds.StationName = "XRAYROOM7B"
    ds.StudyDescription = "CHEST PA AND LATERAL Featherstone"
    ds.SeriesDescription = "PA upright for Dr. Quillfeather"
    ds.OperatorsName = "Brackwater^Tom"
    ds.PatientName = "Featherstone^Wilhelmina=ヤマダ^タロウ"
    ds.PatientName = "Featherstone^Wilhelmina"
    ds.PatientID = "0071829304"
    ds.PatientBirthDate = "19500412"
    ds.PatientSex = "F"
    ds.PatientAge = "073Y"
    ds.PatientSize = "1.63"
    ds.BodyPartExamined = "CHEST"
    ds.KVP = "120"
    ds.ViewPosition = "PA"
    ds.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.2001"
    ds.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.3001"
    ds.StudyID = "S5544"
    ds.SeriesNumber = "1"
    ds.InstanceNumber = "1"
    ds.PatientOrientation = ["L", "F"]
    request = Dataset()
    request.RequestedProcedureDescription = "CHEST Featherstone"
    request.RequestedProcedureID = "RP774411"
    request.ScheduledProcedureStepDescription = "PA chest"
    ds.RequestAttributesSequence = Sequence([request])
    reference = Dataset()
    reference.ReferencedSOPClassUID = CR
    reference.ReferencedSOPInstanceUID = "1.2.826.0.1.3680043.8.498.9001"
    ds.ReferencedImageSequence = Sequence([reference])
    block = ds.private_block(0x0099, "ACME PRIVATE", create=True)
    block.add_new(0x01, "LO", "Featherstone Wilhelmina")
    if sop_class.startswith(SC):
        ds.ConversionType = "WSD"
    if sop_class == DX:
        ds.PresentationIntentType = "FOR PRESENTATION"
        ds.ImageLaterality = "U"
        ds.BurnedInAnnotation = "NO"
        ds.PixelIntensityRelationship = "LOG"
        ds.PixelIntensityRelationshipSign = 1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
        ds.LossyImageCompression = "00"
        ds.PresentationLUTShape = "IDENTITY"
        ds.DetectorType = "SCINTILLATOR"
    put_pixels(ds, pixels, bits)
    for name, value in header.items():
        if value is None:
            if name in ds:
                delattr(ds, name)
        else:
            setattr(ds, name, value)
    return ds


def put_pixels(ds: Dataset, pixels: NDArray[np.generic], bits: int = 12) -> None:
    """The Image Pixel module: (rows, columns), (rows, columns, 3) of 8 bits, or (frames, rows, columns)."""
    colour = pixels.ndim == 3 and pixels.shape[-1] == 3
    shape = pixels.shape[:2] if colour else pixels.shape[-2:]
    ds.SamplesPerPixel = 3 if colour else 1
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        ds.PlanarConfiguration = 0
    elif pixels.ndim == 3:
        ds.NumberOfFrames = pixels.shape[0]
    ds.Rows, ds.Columns = shape
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = min(bits, ds.BitsAllocated)
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = 1 if pixels.dtype.kind == "i" else 0
    raw = pixels.tobytes()
    ds.PixelData = raw + b"\0" * (len(raw) % 2)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"


def to_bytes(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """A Part 10 file of the data set."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.SourceApplicationEntityTitle = "ALDHELM_AE"
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def make_file(pixels: NDArray[np.generic] | None = None, sop_class: str = CR, **header: object) -> bytes:
    """Bytes of a CR, DX or SC file."""
    return to_bytes(make_dataset(plain_chest() if pixels is None else pixels, sop_class, **header))


@cache
def font_files() -> tuple[str, ...]:
    """TrueType files of this machine, found by search; empty when there are none."""
    found: list[str] = []
    for folder in ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "C:/Windows/Fonts"):
        root = Path(folder)
        if root.is_dir():
            found += [str(path) for path in sorted(root.rglob("*.ttf"))]
    return tuple(path for path in found if "Mono" in path or "Sans" in path or "Serif" in path)


def draw(
    pixels: NDArray[np.uint16], text: str, at: tuple[int, int], height: int, value: int, font: int = 0
) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """(image with the text, mask of its glyphs). `at` is (x, y); `height` of capitals in pixels. Skips without
    fonts."""
    if not font_files():
        pytest.skip("no TrueType font on this machine to draw burned-in text with")
    face = ImageFont.truetype(font_files()[font % len(font_files())], max(6, round(height / 0.72)))
    layer = Image.new("L", (pixels.shape[1], pixels.shape[0]), 0)
    ImageDraw.Draw(layer).text(at, text, fill=255, font=face)
    alpha = np.asarray(layer, dtype=np.float64) / 255
    mixed = pixels * (1 - alpha) + value * alpha
    return np.round(mixed).astype(pixels.dtype), alpha > 0.5


def real_radiographs() -> list[Path]:
    """Real radiographs of ../shared/data; skips with the reason when they are absent."""
    folder = SHARED / "images" / "nih"
    if not folder.is_dir():
        pytest.skip("../shared/data/images is absent: no real radiographs on this machine")
    return sorted(folder.glob("*.png"))


def load_radiograph(path: Path, bits: int = 12, enlarge: float = 1.0) -> NDArray[np.uint16]:
    """A PNG as stored values of `bits` bits, optionally enlarged."""
    image = Image.open(path).convert("L")
    if enlarge != 1.0:
        size = (round(image.width * enlarge), round(image.height * enlarge))
        image = image.resize(size, Image.Resampling.BICUBIC)
    return np.round(np.asarray(image, dtype=np.float64) / 255 * (2**bits - 1)).astype(np.uint16)


class BlindDetector:
    """Sees nothing: for tests of headers, where pixels hold no text."""

    name = "blind"

    def find(self, image: NDArray[np.float32], near: Several[Region] | None = None) -> list[Region]:
        return []


class FixedDetector:
    """Reports given regions until they are masked flat: for tests of masking without a network."""

    name = "fixed"

    def __init__(self, *regions: Region) -> None:
        self.regions = regions

    def find(self, image: NDArray[np.float32], near: Several[Region] | None = None) -> list[Region]:
        return [r for r in self.regions if np.ptp(image[r.y : r.y + r.height, r.x : r.x + r.width]) > 0]


class SilentReader:
    """Reads nothing, so no region is taken for a marker."""

    def read(self, image: NDArray[np.float32], region: Region) -> tuple[str, float]:
        return "", 0.0


def clean(
    data: bytes, policy: str = "cxr-research", detector: TextDetector | None = None, known: tuple[str, ...] = ()
) -> Outcome:
    """The engine with a detector that sees nothing, unless one is given."""
    return deidentify(
        data, load_policy(policy), Keyring(SECRET, "test"), Context(frozenset(known)),
        detector=detector or BlindDetector(), reader=SilentReader(),
    )  # fmt: skip


def released(data: bytes, **options: Any) -> tuple[Dataset, Released]:
    """The released data set, read by pydicom, and the outcome; fails when the object was withheld."""
    outcome = clean(data, **options)
    assert isinstance(outcome, Released), (outcome.reason, outcome.record.detail)
    return dcmread(io.BytesIO(outcome.data)), outcome


def withheld(data: bytes, **options: Any) -> str:
    """The reason for which the object was withheld; fails when it was released."""
    outcome = clean(data, **options)
    assert isinstance(outcome, Quarantined), "released"
    assert outcome.reason in REASONS
    return outcome.reason
