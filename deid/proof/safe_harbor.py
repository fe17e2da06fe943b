"""The 18 identifiers of HIPAA's Safe Harbor, 45 CFR 164.514(b)(2)(i)(A) to (R), and which DICOM attributes can carry each.

The mapping is ours (the standard has none): by keyword and VR, made for every row of Table E.1-1. An attribute may carry
several. Free text may carry any and is counted apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydicom.datadict import tag_for_keyword

from deid.dicomfile.element import standard_vr
from deid.policy import Policy
from deid.profile.table import find_row, table_rows

CITATION = "45 CFR 164.514(b)(2)(i)"
IDENTIFIERS: dict[str, str] = {
    "A": "Names",
    "B": "Geographic subdivisions smaller than a State",
    "C": "All elements of dates except the year, and ages over 89",
    "D": "Telephone numbers",
    "E": "Fax numbers",
    "F": "E-mail addresses",
    "G": "Social security numbers",
    "H": "Medical record numbers",
    "I": "Health plan beneficiary numbers",
    "J": "Account numbers",
    "K": "Certificate and license numbers",
    "L": "Vehicle identifiers and serial numbers, license plates",
    "M": "Device identifiers and serial numbers",
    "N": "Web universal resource locators (URLs)",
    "O": "Internet protocol (IP) addresses",
    "P": "Biometric identifiers, finger and voice prints",
    "Q": "Full-face photographs and comparable images",
    "R": "Any other unique identifying number, characteristic or code",
}
ANY_TEXT = "text"
"""The class of free text, which may carry any identifier."""
_FREE_TEXT = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
_RULES: tuple[tuple[str, str], ...] = (
    (r"(?:Patient|Birth|Mother|Person|Physician|Creator|Reviewer|Operator)s?\w*Name|Names?ToUse|PatientNames|OperatorsName"
     r"|PhysiciansOfRecord|(?:Physicians?|Operator|Person)\w*Identification", "A"),
    (r"Address|Institution|Location|Country|Region|Residence|Hospital|Department|GPS|ClinicalTrialSite", "B"),
    (r"Date|Time(?!point)|PatientAge|Timezone", "C"),
    (r"Telephone|Telecom|Phone|Contact(?!Display)", "DEF"),
    (r"^(?:OtherPatientID|PatientID|IssuerOfPatientID|MilitaryRank)", "GH"),
    (r"MedicalRecord|SubjectID|SubjectReadingID|Admission(?:ID|$)|AdmissionIDSequence|ServiceEpisodeID", "H"),
    (r"Insurance", "I"),
    (r"Accession|OrderNumber|ProcedureID|StudyID|StepID|AdmissionID|Specimen\w*(?:ID|Identifier)", "J"),
    (r"PersonIdentification|License|Certif|ApprovalNumber|Approver", "K"),
    (r"Vehicle", "L"),
    (r"Device|Serial|Station|Detector(?:ID|Sequence)|PlateID|GantryID|CassetteID|UDI|UniqueDevice|Source\w*ID|Scanner"
     r"|GeneratorID|XRayDetector", "M"),
    (r"UR[LI](?!\w*Name)", "N"),
    (r"AETitle|ReceivingAE|RequestingAE|DestinationAE|Network|NodeName", "O"),
    (r"Biometric|Voice|Audio", "P"),
    (r"^(?:PixelData|IconImage|OverlayData|OverlayComments|GraphicAnnotation|CurveData|Waveform)|Photo", "Q"),
)  # fmt: skip
_BY_VR = {"PN": "A", "DA": "C", "DT": "C", "TM": "C", "AS": "C", "UR": "N", "AE": "O"}
_OWN_WORDS: dict[str, str] = {
    "E": "DICOM has no attribute of its own for fax numbers: telecom attributes and free text can hold them.",
    "G": "DICOM has no attribute of its own for social security numbers: other patient IDs and free text can hold them.",
    "K": "No attribute of its own but identifications of persons and approvals; free text can hold them.",
    "L": "No attribute of DICOM is meant for them: only free text and burned-in text can hold them.",
    "O": "No attribute of its own; network names stand in AE titles, and addresses in free text.",
    "P": "A radiograph's header has none; voice recordings are another object class, which is withheld.",
    "Q": "A chest radiograph shows no face. Visible features (option 113102) are not claimed to be cleaned.",
    "R": "UIDs, every other number, private attributes and digital signatures.",
}  # fmt: skip


@cache
def letters_of(keyword: str, vr: str) -> frozenset[str]:
    """Letters of the identifiers that an attribute can carry, and "text" for free text. Never empty."""
    found: set[str] = set()
    for pattern, letters in _RULES:
        if re.search(pattern, keyword):
            found.update(letters)
    if vr in _BY_VR:
        found.add(_BY_VR[vr])
    tag = tag_for_keyword(keyword)
    row = find_row(tag) if tag is not None else None
    descriptor = row is not None and "clean_descriptors" in row.options
    if vr in _FREE_TEXT and (descriptor or not found):
        found.add(ANY_TEXT)
    if vr == "UI" or keyword.startswith("(") or not found:
        found.add("R")
    return frozenset(found)


@cache
def _table_letters() -> dict[str, tuple[str, ...]]:
    """Letter -> keywords of Table E.1-1, in the table's order."""
    result: dict[str, list[str]] = {letter: [] for letter in (*IDENTIFIERS, ANY_TEXT)}
    for row in table_rows():
        vr = "" if "X" in row.tag else standard_vr(int(row.tag, 16)) or ""
        for letter in letters_of(row.keyword, vr):
            result[letter].append(row.keyword)
    return {letter: tuple(words) for letter, words in result.items()}


def identifiers_section(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One entry an identifier: attributes of the table, and what was done to them in these audit records.

    actions: action -> times it was applied; attributes_touched: keyword -> times, of those seen in this batch.
    """
    actions: dict[str, Counter[str]] = {letter: Counter() for letter in (*IDENTIFIERS, ANY_TEXT)}
    touched: dict[str, Counter[str]] = {letter: Counter() for letter in (*IDENTIFIERS, ANY_TEXT)}
    for record in records:
        entries = record.get("touched")
        for path, action in entries.items() if isinstance(entries, dict) else ():
            keyword = re.sub(r"\[\d+\]", "", str(path)).rsplit(".", 1)[-1]
            for letter in letters_of(keyword, _vr(keyword)):
                actions[letter][str(action)] += 1
                touched[letter][keyword] += 1
    table = _table_letters()
    section = []
    for letter, words in (*IDENTIFIERS.items(), (ANY_TEXT, "Free text, which can hold any of the above")):
        entry: dict[str, Any] = {
            "letter": letter,
            "identifier": words,
            "table_attributes": list(table[letter]),
            "actions": dict(sorted(actions[letter].items())),
            "attributes_touched": dict(sorted(touched[letter].items())),
        }
        if letter in _OWN_WORDS:
            entry["note"] = _OWN_WORDS[letter]
        section.append(entry)
    return section


@cache
def _vr(keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    return (standard_vr(tag) or "") if tag is not None else ""


def mapped_keywords() -> frozenset[str]:
    """Keywords of Table E.1-1 that are mapped to at least one identifier."""
    return frozenset(word for words in _table_letters().values() for word in words)


@dataclass(frozen=True)
class LegalClass:
    """What the policy's retained elements make of a batch, in words."""

    name: str
    statement: str
    retained: tuple[str, ...]
    against: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The certificate's section."""
        return {
            "class": self.name,
            "statement": self.statement,
            "retained": list(self.retained),
            "against_safe_harbor": list(self.against),
        }


def legal_class(policy: Policy, *, missed: int) -> LegalClass:
    """The class that follows from what a policy keeps (45 CFR 164.514(b)(2) and (e)). `missed`: canaries that survived."""
    retained, against = [], []
    if policy.date_mode == "keep":
        retained.append("Dates and times of the study, as they were")
        against.append("Dates are kept in full, and Safe Harbor allows the year alone (identifier C).")
    elif policy.date_mode == "shift":
        retained.append("Dates, all of one patient moved back by the same secret number of days, and times of day")
        against.append(
            "Dates finer than the year are present, although shifted, and times of day are kept; Safe Harbor allows the "
            "year alone (identifier C)."
        )
    else:
        retained.append("The year of dates")
    if policy.retain_patient_characteristics:
        cap = policy.age_cap_years
        retained.append(f"Sex, size, weight and age, ages above {cap} years written as {cap + 1}")
        if cap > 89:
            against.append("Ages above 89 are not grouped (identifier C).")
    if policy.retain_device_model:
        retained.append("Maker, model and software version of the device (no serial number, no station name)")
    if policy.retain_safe_private:
        retained.append("Numeric private attributes of the shipped list (a subset of PS3.15 Table E.3.10-1)")
    retained.append("Keyed pseudonyms for patient, study, accession number and UIDs")
    if not policy.clean_pixels:
        against.append("Text burned into the pixels is not removed.")
    if missed:
        against.append(f"{missed} planted synthetic value(s) survived, so real ones may have.")
    if not against:
        return LegalClass(
            "safe-harbor-possible",
            "Nothing that the policy keeps stands against a Safe Harbor claim. The claim itself is the covered entity's: it "
            "also needs that the entity knows of no way to identify a person from what is left (45 CFR 164.514(b)(2)(ii)).",
            tuple(retained),
            (),
        )
    if missed:
        statement = (
            "No class is established: the measurement found values that survive. Mend the cause, de-identify again and "
            "issue a new certificate before anything is handed on."
        )
        return LegalClass("not-established", statement, tuple(retained), tuple(against))
    return LegalClass(
        "limited-data-set",
        "To be treated as a limited data set (45 CFR 164.514(e)): a data use agreement is needed, unless an expert "
        "determines otherwise under 45 CFR 164.514(b)(1). No Safe Harbor claim is possible.",
        tuple(retained),
        tuple(against),
    )
