"""Bytes of a file in any of the accepted transfer syntaxes, and what is hidden in the bytes around the elements."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path

import gdcm
import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian

from tests.deid.corpus.identity import Person, Rng

EXPLICIT, IMPLICIT, BIG, DEFLATED = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
)
RLE = "1.2.840.10008.1.2.5"
_GDCM = {
    "1.2.840.10008.1.2.4.70": "JPEGLosslessProcess14_1",
    "1.2.840.10008.1.2.4.57": "JPEGLosslessProcess14",
    "1.2.840.10008.1.2.4.90": "JPEG2000Lossless",
    "1.2.840.10008.1.2.4.91": "JPEG2000",
    "1.2.840.10008.1.2.4.80": "JPEGLSLossless",
    "1.2.840.10008.1.2.4.50": "JPEGBaselineProcess1",
    "1.2.840.10008.1.2.4.51": "JPEGExtendedProcess2_4",
}
LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.91")
SYNTAXES = (EXPLICIT, IMPLICIT, BIG, DEFLATED, RLE, *_GDCM)


def allowed(syntax: str, bits: int, allocated: int, signed: bool, colour: bool, frames: int) -> bool:
    """Whether an encoder of the test's can write these pixels in the syntax."""
    if syntax in LOSSY and (signed or frames > 1):
        return False
    if syntax == "1.2.840.10008.1.2.4.50":
        return bits == 8
    if syntax == "1.2.840.10008.1.2.4.51":
        return bits == 8 and not colour  # no codec that may be shipped decodes 12 bits: those are withheld
    if syntax in _GDCM and (signed or (colour and syntax not in ("1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90"))):
        return False
    return syntax not in _GDCM or bits in (8, 10, 12, 14, 16)


def to_file(ds: Dataset, syntax: str, person: Person) -> bytes:
    """A Part 10 file; identity stands in its file meta too."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.SourceApplicationEntityTitle = person.ae
    meta.SendingApplicationEntityTitle = meta.ReceivingApplicationEntityTitle = person.ae
    meta.PrivateInformationCreatorUID, meta.PrivateInformation = person.root, person.surname.encode("utf-8")
    meta.ImplementationVersionName = person.station
    ds.file_meta = meta
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if syntax == RLE:
            ds.compress(RLE, generate_instance_uid=False)
        elif syntax in _GDCM:
            _by_gdcm(ds, syntax)
        elif syntax == BIG and ds.BitsAllocated == 16:
            ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        meta.TransferSyntaxUID = syntax
        stream = io.BytesIO()
        ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _by_gdcm(ds: Dataset, syntax: str) -> None:
    """Compress Pixel Data with GDCM by way of a bare copy, so that GDCM sees none of the planted attributes."""
    bare = Dataset()
    for keyword in (
        "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows",
        "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "NumberOfFrames", "PixelData",
    ):  # fmt: skip
        if keyword in ds:
            bare[keyword] = ds[keyword]
    bare.SOPClassUID, bare.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.4"
    if ds.SamplesPerPixel == 1:
        bare.PhotometricInterpretation = "MONOCHROME2"
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    bare.file_meta.MediaStorageSOPClassUID, bare.file_meta.MediaStorageSOPInstanceUID = (
        bare.SOPClassUID,
        bare.SOPInstanceUID,
    )
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "a.dcm"), Path(folder, "b.dcm")
        bare.save_as(source, enforce_file_format=True)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, _GDCM[syntax])))
        change.SetInput(reader.GetImage())
        assert change.Change(), syntax
        writer = gdcm.ImageWriter()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(str(target))
        assert writer.Write(), syntax
        coded = dcmread(target)
    ds.PixelData = coded.PixelData
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    if ds.SamplesPerPixel == 3:
        ds.PhotometricInterpretation = coded.PhotometricInterpretation
    if "PlanarConfiguration" in coded:
        ds.PlanarConfiguration = coded.PlanarConfiguration


def hide_in_code_stream(ds: Dataset, person: Person) -> bool:
    """A comment segment with the name in the first JPEG or JPEG 2000 code stream; False for other encodings."""
    from pydicom.encaps import generate_frames

    frames = list(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames", 1) or 1)))
    name = person.physician.encode() + b" " + person.mrn.encode()
    first = frames[0]
    if first.startswith(b"\xff\xd8"):
        marker = b"\xff\xfe" + (len(name) + 2).to_bytes(2, "big") + name
        frames[0] = first[:2] + marker + first[2:]
    elif first.startswith(b"\xff\x4f\xff\x51"):
        at = 4 + int.from_bytes(first[4:6], "big")
        marker = b"\xff\x64" + (len(name) + 4).to_bytes(2, "big") + b"\0\1" + name
        frames[0] = first[:at] + marker + first[at:]
    else:
        return False
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return True


def hide_around(data: bytes, person: Person, rng: Rng, *, deflated: bool) -> bytes:
    """Identity in the preamble (made a TIFF header) and after the last element."""
    if rng.random() < 0.5:
        note = b"II*\0\x08\0\0\0" + person.physician.encode() + b" " + person.mrn.encode()
        data = note.ljust(128, b"\0")[:128] + data[128:]
    if rng.random() < 0.2:
        data = data.replace(b"ISO_IR 192", b"ISO_IR 100", 1)  # a character set that is not the one used
    if rng.random() < 0.3 and not deflated:
        data += b"\0\0" + person.physician.encode() * 3
    return data
