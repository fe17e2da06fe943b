"""Hiding places inside the data set: each function plants the person somewhere and says so by its name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date
from functools import cache

import numpy as np
from pydicom.datadict import DicomDictionary, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.deid.corpus.identity import (
    DATE_WAYS,
    NAME_WAYS,
    NUMBER_WAYS,
    Person,
    Rng,
    coin,
    spell_date,
    spell_name,
    spell_number,
)
from tests.deid.corpus.survive import HARMLESS, code_item

Place = Callable[[Dataset, Person, Rng, list[str]], None]
_UNTOUCHED = {
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality",
    "PhotometricInterpretation", "BodyPartExamined", "NumberOfFrames", "ConversionType", "PatientID", "PatientName",
    "StudyDescription", "SeriesDescription", "IssuerOfPatientID", "FrameIncrementPointer", "ImageType", "StudyDate",
    "SeriesDate", "AcquisitionDate", "ContentDate", "PatientBirthDate", "EncapsulatedDocument", "PixelDataProviderURL",
    "LossyImageCompression", "LossyImageCompressionMethod", "PatientSex", "PatientAge",
}  # fmt: skip
_STUFFED_VRS = frozenset(
    ["PN", "LO", "SH", "LT", "ST", "UT", "UC", "UR", "AE", "DA", "DT", "TM", "UI", "AS", "IS", "DS", "CS"]
)
_STUFFED_VRS |= {"UN", "OB", "OW"}


def mention(person: Person, rng: Rng, unknown: list[str]) -> str:
    """A piece of text that identifies: name, number, date, place, contact, or somebody nobody has heard of."""
    kind = int(rng.integers(10))
    if kind <= 3:
        return spell_name(person, int(rng.integers(NAME_WAYS)))
    if kind == 4:
        return spell_number(str(rng.choice(person.numbers)), int(rng.integers(NUMBER_WAYS)))
    if kind == 5:
        return spell_date(person.dates[int(rng.integers(len(person.dates)))], int(rng.integers(DATE_WAYS)))
    if kind == 6:
        return str(rng.choice(person.place_words))
    if kind == 7:
        return str(
            rng.choice([person.email, f"tel {person.phone}", f"http://{person.city.lower()}.org/p", person.institution])
        )
    if kind == 8 and person.ideographic:
        return person.ideographic.replace("^", "")
    stranger = coin(rng)
    unknown.append(stranger)
    return str(
        rng.choice([f"Dr {stranger}", stranger, f"{stranger[0]}. {stranger}", f"({stranger})", f"chest_{stranger}"])
    )


def describe(person: Person, rng: Rng, unknown: list[str]) -> tuple[str, list[str]]:
    """(text with identity around harmless words, the harmless words that must survive)."""
    harmless = str(rng.choice(HARMLESS))
    frame = str(rng.choice(["{h} {m}", "{m} {h}", "{h} for {m}", "{h}, {m}", "{h} ({m})", "{h}/{m}", "{h} - {m}"]))
    return frame.format(h=harmless, m=mention(person, rng, unknown)), harmless.split()


def value_for(vr: str, person: Person, rng: Rng, unknown: list[str]) -> object:
    """An identifying value for a VR."""
    text = mention(person, rng, unknown)
    born = person.born.strftime("%Y%m%d")
    values: dict[str, object] = {
        "PN": [f"{person.surname}^{person.given}", f"{person.physician}^{person.physician_given}"][int(rng.integers(2))],
        "LO": text[:60], "SH": text[:16], "LT": f"see\r\n{text}", "ST": f"see {text}", "UT": f"see {text}", "UC": text,
        "UR": f"http://{person.city.lower()}.org/{person.physician.lower()}?id={person.mrn}",
        "AE": person.ae[:16], "DA": born, "DT": f"{born}101010.123+0100", "TM": "101010",
        "UI": f"{person.root}.{rng.integers(1, 999)}", "AS": "101Y", "IS": str(int("".join(filter(str.isdigit, person.mrn))) % 10**9),
        "DS": "".join(filter(str.isdigit, person.mrn))[:16], "CS": _upper(person)[:16],
        "UN": person.surname.encode("utf-8") + b" ", "OB": person.surname.encode("utf-8"), "OW": _even(person.surname),
    }  # fmt: skip
    return values[vr]


def _upper(person: Person) -> str:
    return "".join(c for c in person.physician.upper() if c.isascii())


def _even(text: str) -> bytes:
    raw = text.encode("utf-8")
    return raw + b" " * (len(raw) % 2)


@cache
def _attributes() -> tuple[tuple[int, str], ...]:
    found = []
    for tag, (vr, *_rest) in DicomDictionary.items():
        first = vr.split(" or ")[0]
        group = tag >> 16
        known = group >= 0x0008 and group not in (0x7FE0, 0x0028, 0xFFFE) and keyword_for_tag(tag) not in _UNTOUCHED
        if known and first in _STUFFED_VRS and (tag & 0xFFFF) != 0:
            found.append((tag, first))
    return tuple(found)


def stuff(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Forty attributes of PS3.6, retired ones too, at depths 0 to 6."""
    targets = [ds]
    for name in ("AnatomicRegionSequence", "RequestAttributesSequence", "SourceImageSequence", "ViewCodeSequence"):
        depth = int(rng.integers(1, 7))
        parent = ds
        for level in range(depth):
            item = Dataset()
            keyword = name if level == 0 else str(rng.choice(["ReferencedImageSequence", "RequestAttributesSequence"]))
            if keyword in parent and parent[keyword].value:
                item = parent[keyword].value[0]
            else:
                setattr(parent, keyword, Sequence([item]))
            parent = item
        targets.append(parent)
    attributes = _attributes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index in rng.choice(len(attributes), 40, replace=False):
            tag, vr = attributes[int(index)]
            target = targets[int(rng.integers(len(targets)))]
            if tag not in target:
                target.add_new(tag, vr, value_for(vr, person, rng, unknown))


def people(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Everybody around the visit, several of them in one element."""
    doctor = f"{person.physician}^{person.physician_given}^^Dr"
    ds.ReferringPhysicianName = doctor
    ds.PerformingPhysicianName = [doctor, f"{person.operator}^A"]
    ds.NameOfPhysiciansReadingStudy = doctor
    ds.OperatorsName = [f"{person.operator}^A", f"{coin(rng)}^B"]
    ds.RequestingPhysician = doctor
    ds.OtherPatientNames = [f"{person.surname}^{person.given}", f"{coin(rng)}^Alias"]
    ds.PatientMotherBirthName = f"{coin(rng)}^X"
    ds.ResponsiblePerson = f"{person.surname}^{coin(rng)}"


def house(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Institution, machine and numbers."""
    ds.InstitutionName, ds.InstitutionAddress = person.institution, f"{person.street}, {person.postcode} {person.city}"
    ds.InstitutionalDepartmentName = f"Radiology {person.short_institution}"
    ds.StationName, ds.DeviceSerialNumber, ds.DetectorID = person.station, person.serial, f"SN{person.serial}"
    ds.PlateID, ds.CassetteID, ds.GantryID = person.serial, person.serial, person.serial
    ds.PerformedStationAETitle, ds.RetrieveAETitle = person.ae, person.ae
    ds.PatientAddress, ds.PatientTelephoneNumbers = (
        f"{person.street}\n{person.postcode} {person.city}"[:60],
        person.phone[:16],
    )
    ds.OtherPatientIDs = [person.ssn, person.requests[0]]
    ds.AdmissionID, ds.RequestedProcedureID, ds.FillerOrderNumberImagingServiceRequest = person.requests[1:4]
    ds.PatientInsurancePlanCodeSequence = Sequence([code_item(person.requests[2], "99INS", person.institution)])
    ds.DateOfLastCalibration, ds.PatientBirthTime, ds.MilitaryRank = _free_day(person), "031500", "Captain"


def _free_day(person: Person) -> str:
    """A day whose weekday no other date of the person has, so that its shifted form is none of them."""
    taken = {day.weekday() for day in person.dates}
    return next(f"201901{day:02d}" for day in range(1, 8) if date(2019, 1, day).weekday() not in taken)


def codes_of_the_house(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Local code schemes whose meanings and values hold names."""
    local = code_item(person.requests[3], f"99{person.short_institution}"[:16], f"CHEST {person.physician}")
    ds.ProcedureCodeSequence = Sequence(
        [local, code_item("1234", "L", f"XR chest {mention(person, rng, unknown)}"[:60])]
    )
    ds.PerformedProtocolCodeSequence = Sequence([code_item("X1", "99ACME", spell_name(person, 2))])


def history(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Long texts."""
    lines = [f"{h} {mention(person, rng, unknown)}." for h in rng.choice(HARMLESS, 4)]
    ds.PatientComments, ds.ImageComments = "\r\n".join(lines), lines[0]
    ds.AdditionalPatientHistory, ds.StudyComments = " ".join(lines[:2]), lines[2][:60]
    ds.RequestedProcedureComments, ds.DerivationDescription = lines[3], f"exported as {spell_number(person.mrn, 6)}"
    ds.TextComments = lines[0]
    ds.AdmittingDiagnosesDescription = f"fever, {spell_name(person, int(rng.integers(NAME_WAYS)))}"[:60]
    ds.Occupation, ds.PatientReligiousPreference = f"nurse at {person.institution}"[:16], coin(rng)


def private_blocks(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Known and unknown creators, several blocks, names in creators, orphans, private sequences."""
    creator = str(
        rng.choice(["SIEMENS CSA HEADER", "GEMS_GENIE_1", "AGFA", f"{person.surname} TOOLS", "Philips Imaging DD 001"])
    )
    for block_number in (0x10, 0x44):
        ds.add_new((0x0029 << 16) | block_number, "LO", creator if block_number == 0x10 else f"OTHER {person.operator}")
        ds.add_new((0x0029 << 16) | (block_number << 8) | 0x10, "LO", mention(person, rng, unknown)[:60])
        ds.add_new((0x0029 << 16) | (block_number << 8) | 0x11, "OB", person.surname.encode("utf-8"))
    ds.add_new(0x00331020, "LT", mention(person, rng, unknown))  # no creator: an orphan
    inner = Dataset()
    inner.PatientName, inner.PatientID = (
        person.name.split("=")[0] if person.name.isascii() else person.physician,
        person.mrn,
    )
    ds.add_new(0x00350010, "LO", "ACME SEQ")
    ds.add_new(0x00351001, "SQ", Sequence([inner]))


def retired_groups(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Overlays, curves, icon, signatures, original attributes, documents, structured content, graphics."""
    name = person.physician
    ds.add_new(0x60000010, "US", 8)
    ds.add_new(0x60000011, "US", 8)
    ds.add_new(0x60003000, "OW", b"\xaa" * 8)
    ds.add_new(0x60021500, "LO", f"overlay {person.surname}"[:60])
    ds.add_new(0x60020022, "LO", f"of {name}")
    ds.add_new(0x50000022, "LO", f"curve {name}")
    ds.add_new(0x50003000, "OW", _even(name))
    icon = Dataset()
    icon.Rows, icon.Columns, icon.BitsAllocated, icon.BitsStored, icon.HighBit = 4, 4, 8, 8, 7
    icon.SamplesPerPixel, icon.PixelRepresentation, icon.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    icon.PixelData = (name * 3).encode()[:16]
    icon["PixelData"].VR = "OB"
    ds.IconImageSequence = Sequence([icon])
    original = Dataset()
    modified = Dataset()
    modified.PatientName = f"{person.operator}^Old"
    original.ModifiedAttributesSequence = Sequence([modified])
    original.AttributeModificationDateTime = person.told.strftime("%Y%m%d") + "101010+0100"
    original.SourceOfPreviousValues = person.institution
    ds.OriginalAttributesSequence = Sequence([original])
    content = Dataset()
    content.ValueType, content.TextValue = "TEXT", f"seen by {person.physician}"
    deeper = Dataset()
    deeper.ValueType, deeper.PersonName = "PNAME", f"{person.physician}^X"
    content.ContentSequence = Sequence([deeper])
    ds.ContentSequence = Sequence([content])
    ds.AcquisitionContextSequence = Sequence([content])
    ds.DataSetTrailingPadding = name.encode() * 2
    ds.EncryptedAttributesSequence = Sequence([_encrypted(name)])
    ds.DigitalSignaturesSequence = Sequence([_signature(person)])


def _encrypted(name: str) -> Dataset:
    item = Dataset()
    item.EncryptedContentTransferSyntaxUID, item.EncryptedContent = "1.2.840.10008.1.2.1", _even(name)
    return item


def _signature(person: Person) -> Dataset:
    item = Dataset()
    item.DigitalSignatureDateTime = person.told.strftime("%Y%m%d") + "000000"
    item.CertificateOfSigner = _even(person.institution)
    return item


def uid_roots(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """UIDs that hold the record number or a date, in places that are not the usual ones."""
    dated = f"1.3.12.2.{person.told.strftime('%Y%m%d')}.{rng.integers(1, 99999)}"
    ds.FrameOfReferenceUID, ds.IrradiationEventUID, ds.DeviceUID = dated, f"{person.root}.5", f"{person.root}.6"
    ds.SynchronizationFrameOfReferenceUID, ds.InstanceCreatorUID = dated, person.root
    ds.ConcatenationUID, ds.StorageMediaFileSetUID, ds.TransactionUID = f"{person.root}.8", f"{person.root}.9", dated


def odd_dates(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Dates where no date belongs, partial dates, ranges, dates and times with offsets."""
    told = person.told
    ds.AcquisitionDateTime = person.visits[0].strftime("%Y%m%d") + "101530.000000+0100"
    ds.SoftwareVersions = f"V1.2 {told.strftime('%d.%m.%Y')}"
    ds.ProtocolName = f"chest {spell_date(told, int(rng.integers(DATE_WAYS)))}"
    ds.ScheduledProcedureStepDescription = f"PA {spell_date(person.born, int(rng.integers(DATE_WAYS)))}"
    ds.LastMenstrualDate, ds.PatientAge = told.strftime("%Y%m%d"), str(rng.choice(["101Y", "095Y", "120Y"]))
    ds.IssueDateOfImagingServiceRequest = told.strftime("%Y%m%d")
    ds.TimeOfLastCalibration = "101010"


def reports(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Interpretation and visit attributes, most of them retired."""
    ds.add_new(0x4008010B, "ST", f"Findings read by {person.physician}: {mention(person, rng, unknown)}")
    ds.add_new(0x40080300, "ST", f"impression {spell_name(person, 2)}")
    ds.add_new(0x40080115, "LT", f"{person.surname}, {person.given}")
    ds.add_new(0x40084000, "ST", mention(person, rng, unknown))
    ds.add_new(0x00380300, "LO", f"ward {coin(rng)}")
    ds.VisitComments = f"visit {spell_name(person, 3)}"
    ds.add_new(0x00321000, "DA", person.told.strftime("%Y%m%d"))
    ds.add_new(0x00321020, "LO", person.institution)
    ds.add_new(0x00404052, "DT", person.told.strftime("%Y%m%d%H%M%S"))
    ds.PatientState = spell_name(person, 1)[:60]


def aliases(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Other numbers and names of the same patient, in sequences that have a PatientID of their own."""
    other, group = Dataset(), Dataset()
    other.PatientID, other.TypeOfPatientID, other.IssuerOfPatientID = person.ssn, "TEXT", person.institution
    group.PatientID, group.PatientName = person.requests[1], f"{person.operator}^Twin"
    ds.OtherPatientIDsSequence = Sequence([other])
    ds.SourcePatientGroupIdentificationSequence = Sequence([group])
    ds.ReasonForStudy = f"see {spell_number(person.ssn, int(rng.integers(NUMBER_WAYS)))}"
    ds.ImageComments = f"twin of {person.operator}"


def carriers(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Text as numbers, in tables, in palettes and in private numbers of the safe list."""
    stranger = coin(rng)
    unknown.append(stranger)
    raw = _even(stranger)
    item = Dataset()
    item.add_new(0x00283002, "US", [2, 0, 16])
    item.add_new(0x00283006, "OW", b"\1\0\2\0" + raw)
    ds.ModalityLUTSequence = Sequence([item])
    ds.add_new(0x00281201, "OW", raw)
    ds.add_new(0x00280106, "US", [int(v) for v in np.frombuffer(raw, "<u2")])
    whole = (raw * 4)[:8]
    ds.add_new(0x00189073, "FD", float(np.frombuffer(whole, "<f8")[0]))
    ds.add_new(0x001B0010, "LO", "GEMS_HELIOS_01")
    ds.add_new(0x00450011, "LO", "GEMS_HELIOS_01")
    ds.add_new(0x00451102, "FL", [float(v) for v in np.frombuffer((raw * 2)[:8], "<f4")])


def apart(ds: Dataset, person: Person, rng: Rng, unknown: list[str]) -> None:
    """Names in pieces and letter by letter, logins beside device codes."""
    name = person.physician
    ds.StudyComments = f"chest {' '.join(name)} erect"
    ds.ImageComments = f"PA {name[:4]} {name[4:]}"
    ds.RequestedProcedureComments = f"seen {'.'.join(name.upper())}"
    stranger = coin(rng)
    unknown.append(stranger)
    ds.SoftwareVersions = ["V1.2", f"{stranger.lower()}{rng.integers(1, 99)}"]


PLACES: tuple[Place, ...] = (
    stuff, people, house, codes_of_the_house, history, private_blocks, retired_groups, uid_roots, odd_dates, reports,
    aliases, carriers, apart,
)  # fmt: skip
