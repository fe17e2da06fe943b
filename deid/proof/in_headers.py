"""Planting synthetic identities into a header: at many places, nested, private, hidden as UN, around the data set, and
in free text among words of radiology."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from deid.dicomfile.charset import decode, read_charset
from deid.dicomfile.element import PIXEL_DATA, SPECIFIC_CHARACTER_SET, TEXT_VRS, DataSet, Element
from deid.dicomfile.read import DicomFile
from deid.dicomfile.write import write_file
from deid.proof.identities import Forge
from deid.proof.search import Planted

_NAMES = (
    (0x00100010, "PatientName"), (0x00101001, "OtherPatientNames"), (0x00101005, "PatientBirthName"),
    (0x00080090, "ReferringPhysicianName"), (0x00081050, "PerformingPhysicianName"), (0x00081070, "OperatorsName"),
    (0x00081060, "NameOfPhysiciansReadingStudy"), (0x00102297, "ResponsiblePerson"),
)  # fmt: skip
_NUMBERS = (
    (0x00100020, "LO", "PatientID"), (0x00080050, "SH", "AccessionNumber"), (0x00200010, "SH", "StudyID"),
    (0x00101050, "LO", "InsurancePlanIdentification"), (0x00101090, "LO", "MedicalRecordLocator"),
    (0x00380010, "LO", "AdmissionID"), (0x00402016, "LO", "PlacerOrderNumberImagingServiceRequest"),
    (0x00402017, "LO", "FillerOrderNumberImagingServiceRequest"), (0x00181000, "LO", "DeviceSerialNumber"),
    (0x00181004, "LO", "PlateID"), (0x0018700A, "SH", "DetectorID"), (0x00120040, "LO", "ClinicalTrialSubjectID"),
    (0x00400253, "SH", "PerformedProcedureStepID"),
)  # fmt: skip
_WORDS = (
    (0x00081040, "LO", "InstitutionalDepartmentName"), (0x00081010, "SH", "StationName"),
    (0x00380300, "LO", "CurrentPatientLocation"), (0x00102180, "SH", "Occupation"),
    (0x001021F0, "LO", "PatientReligiousPreference"), (0x00080054, "AE", "RetrieveAETitle"),
    (0x00400241, "AE", "PerformedStationAETitle"), (0x0018FFF1, "LO", "unknown public attribute"),
    (0x50000022, "LO", "CurveDescription"), (0x00420010, "ST", "DocumentTitle"), (0x00100021, "LO", "IssuerOfPatientID"),
)  # fmt: skip
_DATES = (
    (0x00080020, "DA", "StudyDate"), (0x00080021, "DA", "SeriesDate"), (0x00080022, "DA", "AcquisitionDate"),
    (0x00080023, "DA", "ContentDate"), (0x0008002A, "DT", "AcquisitionDateTime"),
    (0x00400244, "DA", "PerformedProcedureStepStartDate"),
)  # fmt: skip
_TEXTS = (
    (0x00081030, "LO", "StudyDescription", "CHEST PA {}"), (0x0008103E, "LO", "SeriesDescription", "PA upright {}"),
    (0x00181030, "LO", "ProtocolName", "Chest {} lateral"), (0x00204000, "LT", "ImageComments", "Left lung clear, {}"),
    (0x00104000, "LT", "PatientComments", "{} portable chest"),
    (0x001021B0, "LT", "AdditionalPatientHistory", "Known effusion. {} Follow-up."),
    (0x00082111, "ST", "DerivationDescription", "Processed {}"), (0x00184000, "LT", "AcquisitionComments", "AP supine {}"),
    (0x00400254, "LO", "PerformedProcedureStepDescription", "CHEST {}"),
    (0x00402400, "LT", "ImagingServiceRequestComments", "Chest, {} pneumonia?"),
    (0x00181400, "LO", "AcquisitionDeviceProcessingDescription", "CHEST {}"),
)  # fmt: skip
_TEXT_LIMIT = {"LO": 64, "SH": 16, "ST": 1024, "LT": 10240}
_STYLES = (
    ("iso8859", b"ISO_IR 100", "accented"), ("utf-8", b"ISO_IR 192", "han"), ("iso8859_5", b"ISO_IR 144", "cyrillic"),
    ("gb18030", b"GB18030", "han"), ("utf-8", b"ISO_IR 192", "arabic"), ("utf-8", b"ISO_IR 192", "hangul"),
    ("iso8859_7", b"ISO_IR 126", "greek"), ("utf-8", b"ISO_IR 192", "kana"), ("iso8859_8", b"ISO_IR 138", "hebrew"),
)  # fmt: skip
_KEPT_CODECS = frozenset({"iso8859", "utf-8", "latin-1", "ascii"})


@dataclass
class PlantedFile:
    """A file with synthetic identities: its data set, what goes around it, what was planted, and the codec of its text."""

    dataset: DataSet
    codec: str
    planted: list[Planted] = field(default_factory=list)
    preamble: bytes = b"\0" * 128
    meta: list[Element] = field(default_factory=list)
    trailing: bytes = b""

    def to_bytes(self, syntax: str) -> bytes:
        """The Part 10 file, with what was planted around the data set."""
        plain = write_file(self.dataset, syntax)
        extra = b"".join(_explicit(element) for element in sorted(self.meta, key=lambda element: element.tag))
        # write_file puts the meta group's length first: tag, VR and length take 8 bytes, its value 4.
        length = int.from_bytes(plain[140:144], "little")
        meta_end = 144 + length
        return (
            self.preamble + plain[128:140] + struct.pack("<I", length + len(extra))
            + plain[144:meta_end] + extra + plain[meta_end:] + self.trailing
        )  # fmt: skip


def plant_in_header(file: DicomFile, forge: Forge, *, dates_kept: bool, style: int) -> PlantedFile:
    """A copy of a parsed file with an identity of its own at every place.

    style: which character set and script the names are in. dates_kept: the policy keeps study dates, so a date that
    stays there is no failure and none is planted.
    """
    codec, declared, script = _STYLES[style % len(_STYLES)]
    dataset = _recoded(file.dataset, codec)
    if dataset is None:
        codec, declared = "utf-8", b"ISO_IR 192"
        dataset = _recoded(file.dataset, codec) or DataSet()
    dataset.put(Element(SPECIFIC_CHARACTER_SET, "CS", declared))
    planter = _Planter(PlantedFile(dataset, codec), forge, codec, script)
    planter.plain()
    planter.dates(dates_kept)
    planter.nested()
    planter.private()
    planter.hidden()
    planter.around()
    planter.texts()
    return planter.result


def _recoded(source: DataSet, codec: str) -> DataSet | None:
    """A copy whose text is in `codec`; None when some of it has no such spelling. Sequences are copied at every depth."""
    root = DataSet()
    stack: list[tuple[DataSet, DataSet, tuple[str, ...]]] = [(source, root, ("iso8859",))]
    while stack:
        old, new, inherited = stack.pop()
        declared = old.get(SPECIFIC_CHARACTER_SET)
        codecs = read_charset(declared.raw) if declared is not None and declared.raw else inherited
        for tag, element in old.elements.items():
            if tag == SPECIFIC_CHARACTER_SET:
                continue
            if isinstance(element.value, list):
                items = [DataSet() for _ in element.value]
                new.put(Element(tag, "SQ", items))
                stack.extend((item, copy, codecs) for item, copy in zip(element.value, items, strict=True))
            elif element.vr in TEXT_VRS and isinstance(element.value, bytes) and not element.value.isascii():
                try:
                    new.put(Element(tag, element.vr, decode(element.value, codecs).encode(codec)))
                except UnicodeEncodeError:
                    return None
            else:
                new.put(Element(tag, element.vr, element.value))
    return root


class _Planter:
    """Plants into one data set and keeps the list of what was planted."""

    def __init__(self, result: PlantedFile, forge: Forge, codec: str, script: str) -> None:
        self.result, self.forge, self.codec, self.script = result, forge, codec, script
        self.dataset = result.dataset

    def _note(self, place: str, *needles: str, kind: str = "headers", raw: tuple[bytes, ...] = ()) -> None:
        self.result.planted.append(Planted(kind, place, needles, raw))

    def _text(self, tag: int, vr: str, text: str) -> Element:
        return Element(tag, vr, text.encode(self.codec))

    def _name(self) -> tuple[str, tuple[str, ...]]:
        """A PN value in this copy's script, and the words that would betray it."""
        latin = self.forge.accented() if self.codec in _KEPT_CODECS else self.forge.word()
        given = self.forge.word()
        if self.script == "accented":
            return f"{latin}^{given}", (latin, given)
        native = self.forge.scripted(self.script)
        if self.codec in ("utf-8", "gb18030"):
            return f"{latin}^{given}={native}", (latin, given, native)
        return f"{native}^{given}", (native, given)

    def _append_item(self, tag: int, item: DataSet) -> None:
        element = self.dataset.get(tag)
        self.dataset.put(Element(tag, "SQ", [*(element.items if element is not None else []), item]))

    def plain(self) -> None:
        """Attributes of the main data set."""
        for tag, place in _NAMES:
            value, words = self._name()
            self.dataset.put(self._text(tag, "PN", value))
            self._note(place, *words)
        for tag, vr, place in _NUMBERS:
            number = self.forge.number()
            self.dataset.put(self._text(tag, vr, number))
            self._note(place, number)
        for tag, vr, place in _WORDS:
            word = self.forge.word()
            self.dataset.put(self._text(tag, vr, word))
            self._note(place, word)
        other = self.forge.digits(10)
        self.dataset.put(self._text(0x00101000, "LO", other))
        self.dataset.put(Element(0x00181110, "DS", other.encode("ascii")))  # a number attribute holding a record number
        self._note("OtherPatientIDs", other)
        institution, street = self.forge.institution(), self.forge.street()
        self.dataset.put(self._text(0x00080080, "LO", institution))
        self._note("InstitutionName", institution.split()[0])
        self.dataset.put(self._text(0x00080081, "ST", street))
        self._note("InstitutionAddress", street.split()[1])
        home = self.forge.street()
        self.dataset.put(self._text(0x00101040, "LO", home))
        self._note("PatientAddress", home.split()[1])
        phone, mail, security = self.forge.phone(), self.forge.mail(), self.forge.social_security()
        self.dataset.put(self._text(0x00102154, "SH", phone.replace(" ", "")))
        self._note("PatientTelephoneNumbers", phone)
        self.dataset.put(self._text(0x00102155, "LT", mail))
        self._note("PatientTelecomInformation", mail.partition("@")[0], mail.partition("@")[2])
        self.dataset.put(self._text(0x00401400, "LT", f"SSN {security}"))
        self._note("RequestedProcedureComments", security)
        host = self.forge.word().lower()
        self.dataset.put(Element(0x00081190, "UR", f"http://{host}.invalid/studies".encode("ascii")))
        self._note("RetrieveURL", host)
        code = self.forge.word().upper()
        image_type = self.dataset.ascii(0x00080008) or "ORIGINAL"
        self.dataset.put(Element(0x00080008, "CS", f"{image_type}\\PRIMARY\\\\{code}".encode("latin-1")))
        self._note("ImageType", code)
        for tag, place in ((0x00080018, "SOPInstanceUID"), (0x0020000D, "StudyInstanceUID"),
                           (0x0020000E, "SeriesInstanceUID"), (0x00200052, "FrameOfReferenceUID"),
                           (0x00181002, "DeviceUID")):  # fmt: skip
            uid = self.forge.uid()
            self.dataset.put(Element(tag, "UI", uid.encode("ascii")))
            self._note(place, uid)

    def dates(self, kept: bool) -> None:
        """Dates of the study and the patient."""
        born = self.forge.date()
        self.dataset.put(Element(0x00100030, "DA", born.encode("ascii")))
        self._note("PatientBirthDate", born)
        for tag, vr, place in () if kept else _DATES:
            day = self.forge.date()
            self.dataset.put(Element(tag, vr, (day if vr == "DA" else day + "101530.000+0100").encode("ascii")))
            self._note(place, day)

    def nested(self) -> None:
        """Inside sequences, up to three deep."""
        patient, words = self._name()
        item = DataSet()
        item.put(self._text(0x00100010, "PN", patient))
        self._note("ReferencedPatientSequence.PatientName", *words)
        self._append_item(0x00081120, item)

        number, issuer = self.forge.number(), self.forge.word()
        item = DataSet()
        item.put(self._text(0x00100020, "LO", number))
        item.put(self._text(0x00100021, "LO", issuer))
        self._note("OtherPatientIDsSequence.PatientID", number)
        self._note("OtherPatientIDsSequence.IssuerOfPatientID", issuer)
        self._append_item(0x00101002, item)

        meaning, value = self.forge.word(), self.forge.word().upper()
        code = DataSet()
        for tag, vr, text in (
            (0x00080100, "SH", value),
            (0x00080102, "SH", "99ZQ"),
            (0x00080104, "LO", f"Chest {meaning}"),
        ):
            code.put(self._text(tag, vr, text))
        physician, words = self._name()
        request_id, wanted = self.forge.number(), self.forge.word()
        item = DataSet()
        item.put(Element(0x00321064, "SQ", [code]))
        item.put(self._text(0x00321032, "PN", physician))
        item.put(self._text(0x00401001, "SH", request_id))
        item.put(self._text(0x00321060, "LO", f"CHEST {wanted}"))
        self._note("RequestAttributesSequence.RequestedProcedureCodeSequence.CodeValue", value)
        self._note("RequestAttributesSequence.RequestedProcedureCodeSequence.CodeMeaning", meaning, kind="text")
        self._note("RequestAttributesSequence.RequestingPhysician", *words)
        self._note("RequestAttributesSequence.RequestedProcedureID", request_id)
        self._note("RequestAttributesSequence.RequestedProcedureDescription", wanted, kind="text")
        self._append_item(0x00400275, item)

        said, inner_said = self.forge.word(), self.forge.word()
        inner, middle, outer = DataSet(), DataSet(), DataSet()
        inner.put(self._text(0x0040A160, "UT", f"No pneumothorax, {inner_said}"))
        middle.put(Element(0x0040A730, "SQ", [inner]))
        middle.put(self._text(0x0040A160, "UT", f"{said}: clear lungs"))
        outer.put(Element(0x0040A730, "SQ", [middle]))
        self._note("ContentSequence, two deep", said, kind="text")
        self._note("ContentSequence, three deep", inner_said, kind="text")
        self._append_item(0x0040A730, outer)

        uid = self.forge.uid()
        item = DataSet()
        item.put(Element(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.1"))
        item.put(Element(0x00081155, "UI", uid.encode("ascii")))
        self._note("ReferencedImageSequence.ReferencedSOPInstanceUID", uid)
        self._append_item(0x00081140, item)

    def private(self) -> None:
        """In a private block of a creator nobody knows: text, a sequence, bytes; and an element without a creator."""
        group = next(odd for odd in range(0x0013, 0x00FF, 2) if not any(t >> 16 == odd for t in self.dataset.elements))
        base = group << 16
        self.dataset.put(Element(base | 0x0010, "LO", b"ZQ CANARY"))
        plain, blob, orphan = self.forge.word(), self.forge.word(), self.forge.word()
        inside, words = self._name()
        item = DataSet()
        item.put(self._text(0x00100010, "PN", inside))
        hidden, hidden_words = self._name()
        self.dataset.put(self._text(base | 0x1001, "LO", plain))
        self.dataset.put(Element(base | 0x1002, "SQ", [item]))
        self.dataset.put(Element(base | 0x1003, "UN", _implicit_sequence(0x00100010, hidden.encode(self.codec))))
        self.dataset.put(Element(base | 0x1004, "OB", (blob + " " * (len(blob) % 2)).encode("utf-16-le")))
        self.dataset.put(self._text((base + 0x20000) | 0x1001, "LO", orphan))
        self._note("private text", plain)
        self._note("private sequence", *words)
        self._note("private sequence sent as UN", *hidden_words)
        self._note("private bytes in UTF-16", blob)
        self._note("private without creator", orphan)

    def hidden(self) -> None:
        """Where cleaners do not look: UN, original attributes, icon, overlay, graphic annotation."""
        mother, words = self._name()
        self.dataset.put(Element(0x00101060, "UN", _even(mother.encode(self.codec))))
        self._note("PatientMotherBirthName sent as UN", *words)
        number = self.forge.number()
        self.dataset.put(Element(0x00081110, "UN", _implicit_sequence(0x00100020, number.encode("ascii"))))
        self._note("ReferencedStudySequence sent as UN", number)

        before, words = self._name()
        changed, original = DataSet(), DataSet()
        changed.put(self._text(0x00100010, "PN", before))
        original.put(Element(0x04000550, "SQ", [changed]))
        self._append_item(0x04000561, original)
        self._note("OriginalAttributesSequence", *words)

        written = self.forge.word()
        drawn, icon = DataSet(), DataSet()
        drawn.put(self._text(0x00700006, "ST", written))
        graphic = DataSet()
        graphic.put(Element(0x00700008, "SQ", [drawn]))
        self._append_item(0x00700001, graphic)
        self._note("GraphicAnnotationSequence", written)
        small = self.forge.word().encode("ascii") * 8
        icon.put(Element(PIXEL_DATA, "OB", _even(small)))
        self._append_item(0x00880200, icon)
        self._note("IconImageSequence", kind="overlays", raw=(small[:24],))
        self._overlay()

    def _overlay(self) -> None:
        label, about = self.forge.word(), self.forge.word()
        bits = bytes(self.forge.draw.below(256) for _ in range(128))
        for element in (
            Element(0x60020010, "US", struct.pack("<H", 32)), Element(0x60020011, "US", struct.pack("<H", 32)),
            Element(0x60020040, "CS", b"G "), Element(0x60020050, "SS", struct.pack("<hh", 1, 1)),
            Element(0x60020100, "US", struct.pack("<H", 1)), Element(0x60020102, "US", struct.pack("<H", 0)),
            self._text(0x60020022, "LO", about), self._text(0x60021500, "LO", label), Element(0x60023000, "OB", bits),
        ):  # fmt: skip
            self.dataset.put(element)
        self._note("OverlayDescription", about)
        self._note("OverlayLabel", label)
        self._note("OverlayData", kind="overlays", raw=(bits[:32], bits[-32:]))

    def around(self) -> None:
        """Preamble, file meta, and bytes after the last element."""
        title, secret, front, padding, tail = (self.forge.word() for _ in range(5))
        self.result.preamble = (b"II*\0" + front.encode("ascii") * 3)[:128].ljust(128, b"\0")
        self.result.meta = [
            Element(0x00020016, "AE", title.encode("ascii")), Element(0x00020100, "UI", b"2.999.1"),
            Element(0x00020102, "OB", secret.encode("ascii")),
        ]  # fmt: skip
        self.dataset.put(Element(0xFFFCFFFC, "OB", _even(padding.encode("ascii") * 2)))
        self.result.trailing = _even(tail.encode("ascii") * 2)
        self._note("file preamble", front)
        self._note("SourceApplicationEntityTitle", title)
        self._note("PrivateInformation of the file meta", secret)
        self._note("DataSetTrailingPadding", padding)
        self._note("bytes after the last element", tail)

    def texts(self) -> None:
        """Free text: names no header attribute holds, physicians, dates, numbers, among words of radiology."""
        for index, (tag, vr, place, frame) in enumerate(_TEXTS):
            phrase, needles, manner = self._phrase(index)
            text = frame.format(phrase)[: _TEXT_LIMIT[vr]]
            self.dataset.put(self._text(tag, vr, text))
            self.result.planted.append(Planted("text", place, needles, groups=(f"text: {manner}",)))

    def _phrase(self, index: int) -> tuple[str, tuple[str, ...], str]:
        forge, manner = self.forge, index % 8
        if manner == 0:
            name = forge.word()
            return name, (name,), "a bare name"
        if manner == 1:
            name = forge.word()
            return f"Dr. {name}", (name,), "a title and a name"
        if manner == 2:
            day = forge.date()
            return f"{day[6:]}.{day[4:6]}.{day[:4]}", (day,), "a date"
        if manner == 3:
            number = forge.number()
            return f"MRN {number}", (number,), "a record number"
        if manner == 4:
            first, last = forge.word(), forge.word()
            return f"{last.upper()}, {first}", (first, last), "surname and given name"
        if manner == 5:
            phone = forge.phone()
            return phone, (phone,), "a telephone number"
        if manner == 6:
            house = forge.institution()
            return f"seen at {house}", (house.split()[0],), "an institution"
        if self.script == "accented" or self.codec not in ("utf-8", "gb18030", "iso8859_5", "iso8859_7", "iso8859_8"):
            name = forge.accented()
            return name, (name,), "an accented name"
        name = forge.scripted(self.script)
        return name, (name,), "a name in another script"


def _even(value: bytes) -> bytes:
    return value + b"\0" * (len(value) % 2)


def _implicit_sequence(tag: int, value: bytes) -> bytes:
    """One item with one element, in implicit VR little endian: how a sequence looks inside UN (PS3.5 6.2.2)."""
    value = value + b" " * (len(value) % 2)
    element = struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(element)) + element


def _explicit(element: Element) -> bytes:
    value = element.raw + (b"\0" if element.vr in ("UI", "OB") else b" ") * (len(element.raw) % 2)
    head = struct.pack("<HH", element.tag >> 16, element.tag & 0xFFFF) + element.vr.encode("ascii")
    return (
        head
        + (b"\0\0" + struct.pack("<I", len(value)) if element.vr == "OB" else struct.pack("<H", len(value)))
        + value
    )
