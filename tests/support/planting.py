"""Wraps one radiograph as CR or DX with a plausible header and identity in every hiding place."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from getdata.demo.burn import burn_text, glyph_coverage
from getdata.demo.dicomize import derived_uid, encode
from tests.support.identities import Hospital, Identity
from tests.support.radiographs import Pixels, Radiograph

PLACES: Final = (
    "top", "nested", "original-attributes", "private", "private-unknown-vr", "orphan-private",
    "file-meta", "preamble", "overlay", "icon", "trailing", "descriptors", "burned-in",
)  # fmt: skip
"""Where identity is planted; ``Wrapped.places`` says which of them one file uses."""


@dataclass(frozen=True)
class Wrapped:
    """One planted file.  ``glyphs``: bool mask of burned-in text; ``clean``: pixels without it."""

    data: bytes
    sop_instance_uid: str
    study_instance_uid: str
    sop_class: str
    syntax: str
    photometric: str
    pixels: Pixels
    glyphs: NDArray[np.bool_] | None
    clean: Pixels | None
    places: tuple[str, ...]
    must_survive: dict[str, tuple[str, ...]]


def wrap(
    radiograph: Radiograph,
    identity: Identity,
    hospital: Hospital,
    *,
    number: int,
    sop_class: str,
    syntax: str,
    burn: bool,
    uid_salt: str = "",
) -> Wrapped:
    """Make one file.  ``number`` varies which hiding places and spellings are used."""
    pixels = radiograph.load()
    photometric = "MONOCHROME1" if number % 2 else "MONOCHROME2"
    if photometric == "MONOCHROME1":
        pixels = ((1 << radiograph.bits_stored) - 1 - pixels).astype(np.uint16)
    clean = glyphs = None
    if burn:
        clean = pixels
        pixels, glyphs = _burn(pixels, identity, radiograph, number, photometric)
    header, survive = _header(radiograph, identity, hospital, number)
    header["SOPInstanceUID"] = derived_uid("planted", radiograph.name, hospital.slug, uid_salt)
    places = ["top", "descriptors"]
    extra = Dataset()
    if number % 2 == 0:
        header |= _nested(identity, hospital, radiograph.study, number)
        places.append("nested")
    if number % 3 == 0:
        header |= _original_attributes(identity, hospital, radiograph.study)
        places.append("original-attributes")
    if number % 3 != 1:
        unknown_vr = syntax != "big-endian"
        _private(extra, identity, hospital, as_un=unknown_vr and syntax != "implicit")
        places += ["private", "orphan-private"] + ["private-unknown-vr"] * unknown_vr
    if number % 4 == 1:
        _overlay(extra, identity, pixels.shape)
        places.append("overlay")
    if number % 4 == 2:
        _icon(extra, identity, pixels)
        places.append("icon")
    meta: dict[str, Any] = {}
    if number % 2:
        meta = {
            "SourceApplicationEntityTitle": hospital.ae_title,
            "SendingApplicationEntityTitle": hospital.sending_ae,
            "PrivateInformationCreatorUID": "1.2.826.0.1.3680043.9.9999.1",
            "PrivateInformation": _ascii(f"{identity.family}^{identity.given}|{identity.patient_id}"),
        }
        places.append("file-meta")
    preamble = None
    if number % 5 == 2:
        preamble = (b"II*\0" + _ascii(f"{identity.family} {identity.patient_id}")).ljust(128, b"\0")
        preamble = preamble[:128]
        places.append("preamble")
    trailing = b""
    if number % 5 == 3 or syntax == "deflated":
        padding = _ascii(f"{identity.family}^{identity.given} {identity.phone}")
        extra.add_new(0xFFFCFFFC, "OB", padding + b" " * (len(padding) % 2))
        places.append("trailing")
        if syntax == "deflated":  # bytes after the end of a deflate stream are never inflated
            trailing = _ascii(f"{identity.patient_id} {identity.email}")
    if burn:
        places.append("burned-in")
    data = encode(
        pixels,
        header,
        sop_class=sop_class,
        syntax=syntax,
        bits_stored=radiograph.bits_stored,
        photometric=photometric,
        extra=extra,
        preamble=preamble,
        file_meta=meta,
        trailing=trailing,
    )
    return Wrapped(
        data=data,
        sop_instance_uid=header["SOPInstanceUID"],
        study_instance_uid=header["StudyInstanceUID"],
        sop_class=sop_class,
        syntax=syntax,
        photometric=photometric,
        pixels=pixels,
        glyphs=glyphs,
        clean=clean,
        places=tuple(places),
        must_survive=survive,
    )


def _ascii(text: str) -> bytes:
    raw = text.encode("utf-8")
    return raw + b" " * (len(raw) % 2)


def _charset(identity: Identity) -> str | list[str]:
    first, _, second = identity.charset.partition("\\")
    return [first, second] if second else first


def _header(r: Radiograph, p: Identity, h: Hospital, number: int) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """Top-level attributes, and the harmless words in them that de-identification must keep."""
    day = p.visit(r.study).strftime("%Y%m%d")
    time = f"{8 + number % 10:02d}{(7 * number) % 60:02d}23"
    physician = h.physicians[number % len(h.physicians)]
    spoken = p.given if number % 2 else p.family
    survive = {
        "StudyDescription": ("Chest", r.view),
        "SeriesDescription": ("Thorax", "erect"),
        "Manufacturer": tuple(h.manufacturer.split()),
    }
    header: dict[str, Any] = {
        "SpecificCharacterSet": _charset(p),
        "StudyInstanceUID": derived_uid("study", h.slug, p.patient_id, r.study),
        "SeriesInstanceUID": derived_uid("series", h.slug, p.patient_id, r.study),
        "PatientName": p.person_name,
        "PatientID": p.patient_id,
        "IssuerOfPatientID": h.issuer,
        "PatientBirthDate": p.birth.strftime("%Y%m%d"),
        "PatientBirthTime": "043000",
        "PatientSex": r.sex or p.sex,
        "PatientAge": p.age_at(r.study) if r.age is None else f"{r.age:03d}Y",
        "PatientAddress": f"{p.street}, {p.town}",
        "PatientTelephoneNumbers": p.phone,
        "PatientMotherBirthName": p.mother,
        "OtherPatientNames": f"{p.mother}^{p.given}",
        "ResponsiblePerson": p.relative,
        "AdmissionID": p.admission_id,
        "AdditionalPatientHistory": f"Cough. {spoken} seen by {physician.split('^')[0]} on "
        f"{p.visit(r.study):%d.%m.%Y}, call {p.phone} or {p.email}",
        "PatientComments": f"Insurance {p.national_id}, lives in {p.town}",
        "ImageComments": f"Repeat for {p.given} {p.family}, MRN {p.patient_id.lstrip('0')}",
        "AccessionNumber": p.accession(r.study),
        "StudyID": p.accession(r.study)[-8:],
        "StudyDate": day,
        "StudyTime": time,
        "SeriesDate": day,
        "SeriesTime": time,
        "AcquisitionDateTime": f"{day}{time}.000000+0100",
        "StudyDescription": f"Chest {r.view} for {spoken}",
        "SeriesDescription": f"Thorax erect {p.accession(r.study)}",
        "ProtocolName": f"CHEST {r.view} {h.department}",
        "RequestedProcedureDescription": f"Chest X-ray 2 views, Dr {physician.split('^')[0]}",
        "DerivationDescription": f"\\\\\\\\{h.domain}\\\\export\\\\{p.patient_id}".replace("\\", "/"),
        "ReferringPhysicianName": physician,
        "PerformingPhysicianName": list(h.physicians),
        "NameOfPhysiciansReadingStudy": h.physicians[-1],
        "RequestingPhysician": physician,
        "OperatorsName": list(h.operators),
        "InstitutionName": h.name,
        "InstitutionAddress": h.address,
        "InstitutionalDepartmentName": h.department,
        "StationName": h.station,
        "Manufacturer": h.manufacturer,
        "ManufacturerModelName": h.model,
        "DeviceSerialNumber": h.device_serial,
        "DetectorID": h.detector_id,
        "SoftwareVersions": h.software,
        "RetrieveAETitle": h.ae_title,
        "ViewPosition": r.view,
        "InstanceNumber": 1 + number,
        # What the header claims about burned-in text is wrong as often as right.
        "BurnedInAnnotation": "NO",
    }
    return header, survive


def _nested(p: Identity, h: Hospital, study: int, number: int) -> dict[str, Any]:
    day = p.visit(study).strftime("%Y%m%d")
    return {
        "OtherPatientIDsSequence": [
            {"PatientID": p.other_id, "IssuerOfPatientID": h.issuer, "TypeOfPatientID": "TEXT"}
        ],
        "RequestAttributesSequence": [
            {
                "RequestedProcedureID": p.accession(study),
                "AccessionNumber": p.accession(study),
                "RequestedProcedureDescription": f"Chest for {p.family}",
                "ScheduledProcedureStepDescription": f"Thorax {p.given} {p.birth:%d.%m.%Y}",
                "ReasonForTheRequestedProcedure": f"Dyspnoea, {p.given} {p.family}",
                "RequestingPhysician": h.physicians[0],
            }
        ],
        "ReferencedStudySequence": [
            {
                "ReferencedSOPClassUID": "1.2.840.10008.3.1.2.3.1",
                "ReferencedSOPInstanceUID": derived_uid("study", h.slug, p.patient_id, study),
            }
        ],
        "ReferencedPatientSequence": [
            {
                "ReferencedSOPClassUID": "1.2.840.10008.3.1.2.1.1",
                "ReferencedSOPInstanceUID": derived_uid("patient", p.patient_id),
                "PatientName": p.person_name,
                "PatientID": p.patient_id,
            }
        ],
        "PerformedProcedureStepID": p.admission_id,
        "PerformedProcedureStepStartDate": day,
        "ReferringPhysicianIdentificationSequence": [
            {
                "InstitutionName": h.name,
                "PersonTelephoneNumbers": h.phone,
                "PersonIdentificationCodeSequence": [
                    {
                        "CodeValue": f"{4000 + number}",
                        "CodingSchemeDesignator": "99LOCAL",
                        "CodeMeaning": h.physicians[0].replace("^", " "),
                    }
                ],
            }
        ],
    }


def _original_attributes(p: Identity, h: Hospital, study: int) -> dict[str, Any]:
    return {
        "OriginalAttributesSequence": [
            {
                "SourceOfPreviousValues": h.name,
                "AttributeModificationDateTime": p.visit(study).strftime("%Y%m%d") + "120000",
                "ModifyingSystem": h.station,
                "ReasonForTheAttributeModification": "CORRECT",
                "ModifiedAttributesSequence": [
                    {
                        "PatientName": f"{p.mother}^{p.given}",
                        "PatientID": p.other_id,
                        "PatientBirthDate": p.birth.strftime("%Y%m%d"),
                    }
                ],
            }
        ]
    }


def _private(extra: Dataset, p: Identity, h: Hospital, *, as_un: bool) -> None:
    """Private elements: an unknown creator, a known one, a sequence hidden in UN, an orphan.

    In implicit VR every one of them is read as UN by who does not know the creator.  A big-endian file
    keeps its sequence: PS3.5 6.2.2 leaves the byte order inside a UN value of known length open.
    """
    block = extra.private_block(0x0009, "KUNIPACS LOCAL 4.2", create=True)
    block.add_new(0x10, "LO", p.person_name.split("=")[0])
    block.add_new(0x11, "LO", p.patient_id)
    block.add_new(0x12, "ST", f"{p.street}; {p.email}; {p.birth:%Y-%m-%d}")
    inner = Dataset()
    inner.PatientName = f"{p.family}^{p.given}"
    inner.PatientID = p.patient_id
    inner.SpecificCharacterSet = "ISO_IR 192"
    deeper = Dataset()
    deeper.RequestAttributesSequence = Sequence([inner])
    if not as_un:
        block.add_new(0x20, "SQ", Sequence([deeper]))
    else:
        # As archives write private sequences whose VR they did not know: implicit VR bytes in UN.
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, True
        holder = Dataset()
        holder.add_new(0x00091020, "SQ", Sequence([deeper]))
        write_dataset(buffer, holder, "utf-8")
        # Tag and length of the sequence element itself are the UN element's own.
        block.add_new(0x20, "UN", buffer.getvalue()[8:])
    known = extra.private_block(0x7053, "Philips PET Private Group", create=True)
    known.add_new(0x00, "DS", "1.625")  # safe by PS3.15 E.3.10-1
    known.add_new(0x30, "LO", f"{p.given} {p.family}")  # the same creator, not safe
    # No creator reserves this block.
    extra.add(DataElement(0x00213145, "LO", f"{p.family}/{p.admission_id}"))
    extra.add(DataElement(0x00213146, "LO", h.phone))


def _overlay(extra: Dataset, p: Identity, shape: tuple[int, ...]) -> None:
    """An overlay plane whose bits spell the name, with the name in its label too."""
    rows, cols = 64, 512
    ink = glyph_coverage(f"{p.family} {p.patient_id}", size=30) > 0.5
    plane = np.zeros((rows, cols), bool)
    height, width = min(rows, ink.shape[0]), min(cols, ink.shape[1])
    plane[:height, :width] = ink[:height, :width]
    extra.add_new(0x60000010, "US", rows)
    extra.add_new(0x60000011, "US", cols)
    extra.add_new(0x60000022, "LO", f"Annotation {p.family}")
    extra.add_new(0x60000040, "CS", "G")
    extra.add_new(0x60000050, "SS", [1, 1])
    extra.add_new(0x60000100, "US", 1)
    extra.add_new(0x60000102, "US", 0)
    extra.add_new(0x60001500, "LO", f"{p.given} {p.family}")
    extra.add_new(0x60003000, "OW", np.packbits(plane, bitorder="little").tobytes())


def _icon(extra: Dataset, p: Identity, pixels: Pixels) -> None:
    """A thumbnail with the name burned in: what stays behind when only the main image is masked."""
    thumbnail = pixels[:: max(1, pixels.shape[0] // 128), :: max(1, pixels.shape[1] // 128)] >> 4
    thumbnail = thumbnail[:128, :128]
    small = burn_text(thumbnail.astype(np.uint8), p.family, position=(4, 4), size=16, bits_stored=8).pixels
    if small.shape[1] % 2:
        small = small[:, :-1]
    if small.size % 2:
        small = small[:-1]
    icon = Dataset()
    icon.SamplesPerPixel = 1
    icon.PhotometricInterpretation = "MONOCHROME2"
    icon.Rows, icon.Columns = small.shape
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.PixelData = np.ascontiguousarray(small).tobytes()
    icon["PixelData"].VR = "OW"
    extra.IconImageSequence = Sequence([icon])


def _burn(
    pixels: Pixels, p: Identity, r: Radiograph, number: int, photometric: str
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Corner labels as devices place them: name and number, then birth and study dates."""
    # Cap heights of a 1,500 px image, smaller on a smaller one but never below what is legible.
    size = max(14, round((26, 34, 22, 42)[number % 4] * max(pixels.shape) / 1500))
    latin = f"{p.family.upper()}, {p.given}" if p.family.isascii() else p.family
    labels = [
        (latin, (24, 24)),
        (f"ID {p.patient_id}", (24, 24 + round(size * 1.5))),
        (f"DOB {p.birth:%d.%m.%Y}", (-24, -24)),
        (f"{p.visit(r.study):%Y-%m-%d} {p.accession(r.study)}", (24, -24)),
    ]
    glyphs = np.zeros(pixels.shape, bool)
    for text, position in labels:
        burned = burn_text(
            pixels,
            text,
            position=position,
            size=size,
            bits_stored=r.bits_stored,
            photometric=photometric,
            plate=number % 3 == 0,
        )
        pixels = burned.pixels.astype(np.uint16)
        glyphs |= burned.mask
    return pixels, glyphs


def decode(data: bytes) -> Pixels:
    """The pixels of a Part-10 file (first frame order kept)."""
    from pydicom import dcmread

    return np.asarray(dcmread(io.BytesIO(data), force=True).pixel_array)
