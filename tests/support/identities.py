"""Invented patients and hospitals whose every trait is planted, so that a leak can be recognised.

Nobody here exists.  The names are chosen to be hard: accents, three component groups, other
scripts, and names that resemble radiology words (Hilliard, Portman, Lungershausen).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

DATE = "date"
NAME = "name"
NUMBER = "number"


@dataclass(frozen=True)
class Planted:
    """One identifier that was planted.

    ``kind`` says what it is and is safe to print; ``value`` never is.  ``everywhere`` is False
    for dates of a visit: the shifted date of one patient may by chance be the real one of
    another, so those are looked for in the patient's own files only.
    """

    kind: str
    value: str = field(repr=False)
    sort: str = NAME
    everywhere: bool = True


@dataclass(frozen=True)
class Hospital:
    """A hospital's own traits, which are identifying too."""

    slug: str
    name: str
    address: str
    department: str
    city: str
    domain: str
    issuer: str
    ae_title: str
    sending_ae: str
    station: str
    manufacturer: str
    model: str
    device_serial: str
    detector_id: str
    software: str
    physicians: tuple[str, ...]
    operators: tuple[str, ...]
    phone: str

    @property
    def planted(self) -> tuple[Planted, ...]:
        """Everything about the hospital that must not come out (maker and model may)."""
        rows = [
            Planted("hospital.name", self.name),
            Planted("hospital.address", self.address),
            Planted("hospital.city", self.city),
            Planted("hospital.domain", self.domain),
            Planted("hospital.issuer", self.issuer),
            Planted("hospital.ae_title", self.ae_title),
            Planted("hospital.sending_ae", self.sending_ae),
            Planted("hospital.station", self.station),
            Planted("hospital.device_serial", self.device_serial),
            Planted("hospital.detector_id", self.detector_id),
            Planted("hospital.phone", self.phone, NUMBER),
        ]
        for role, people in (("physician", self.physicians), ("operator", self.operators)):
            for person in people:
                rows.append(Planted(f"hospital.{role}", person))
                rows.append(Planted(f"hospital.{role}.family", person.split("^")[0]))
        return tuple(rows)


@dataclass(frozen=True)
class Identity:
    """One invented patient."""

    family: str
    given: str
    title: str
    other_groups: str  # "=ideographic=phonetic", or empty
    charset: str
    patient_id: str
    other_id: str
    national_id: str
    accession_stem: str
    admission_id: str
    birth: date
    sex: str
    street: str
    town: str
    phone: str
    email: str
    mother: str
    relative: str
    first_visit: date

    @property
    def person_name(self) -> str:
        """The DICOM PN with all its component groups."""
        prefix = f"^^{self.title}" if self.title else ""
        return f"{self.family}^{self.given}{prefix}{self.other_groups}"

    def visit(self, number: int) -> date:
        """The day of study ``number`` of this patient."""
        return self.first_visit + timedelta(days=37 * number)

    def accession(self, number: int) -> str:
        """The accession number of study ``number``."""
        return f"{self.accession_stem}-{number:03d}"

    def age_at(self, number: int) -> str:
        """The AS value at study ``number``."""
        day = self.visit(number)
        before = (day.month, day.day) < (self.birth.month, self.birth.day)
        return f"{day.year - self.birth.year - before:03d}Y"

    @property
    def planted(self) -> tuple[Planted, ...]:
        """Everything about the patient that must not come out anywhere."""
        rows = [
            Planted("patient.family", self.family),
            Planted("patient.given", self.given),
            Planted("patient.name", f"{self.family}^{self.given}"),
            Planted("patient.name.reversed", f"{self.given} {self.family}"),
            Planted("patient.id", self.patient_id, NUMBER),
            Planted("patient.id.no_zeros", self.patient_id.lstrip("0"), NUMBER),
            Planted("patient.other_id", self.other_id),
            Planted("patient.national_id", self.national_id, NUMBER),
            Planted("patient.accession", self.accession_stem),
            Planted("patient.admission", self.admission_id),
            Planted("patient.birth_date", self.birth.strftime("%Y%m%d"), DATE),
            Planted("patient.street", self.street),
            Planted("patient.town", self.town),
            Planted("patient.phone", self.phone, NUMBER),
            Planted("patient.email", self.email),
            Planted("patient.mother", self.mother),
            Planted("patient.relative", self.relative),
        ]
        for label, group in zip(("ideographic", "phonetic"), self.other_groups.split("=")[1:], strict=False):
            if group:
                rows.append(Planted(f"patient.{label}", group))
        return tuple(rows)

    def planted_at(self, number: int) -> tuple[Planted, ...]:
        """``planted`` and the date of study ``number``: for this patient's own files."""
        day = Planted("study.date", self.visit(number).strftime("%Y%m%d"), DATE, everywhere=False)
        return (*self.planted, day)


# (family, given, other groups, charset); names of six letters or more are searched in raw bytes.
_LATIN = [
    ("Hilliard", "Benedikt", "", "ISO_IR 100"),
    ("Müllerschön", "Änneliese", "", "ISO_IR 100"),
    ("Portman", "Rosalind", "", "ISO_IR 100"),
    ("Núñez-Ibáñez", "Concepción", "", "ISO_IR 192"),
    ("O'Callaghan", "Siobhán", "", "ISO_IR 192"),
    ("Lungershausen", "Friedhelm", "", "ISO_IR 100"),
    ("Bjørnstad", "Sølvi", "", "ISO_IR 192"),
    ("Apicella", "Domenico", "", "ISO_IR 6"),
    ("Żółkiewski", "Wawrzyniec", "", "ISO_IR 192"),
    ("D'Agostino-Frontal", "Mariangela", "", "ISO_IR 6"),
    ("Hřebíčková", "Květoslava", "", "ISO_IR 192"),
    ("Medialdea", "Encarnación", "", "ISO_IR 100"),
    ("Costalunga", "Pierluigi", "", "ISO_IR 6"),
    ("Thoraxman", "Wendeline", "", "ISO_IR 6"),
    ("Aortega", "Hortensia", "", "ISO_IR 192"),
]
_OTHER = [
    ("Yamadera", "Tarokichi", "=山田寺^太郎吉=やまでら^たろうきち", "\\ISO 2022 IR 87"),
    ("Hongseo", "Gildongsu", "=洪瑞^吉洞秀=홍서연^길동수", "\\ISO 2022 IR 149"),
    ("Люксембургова", "Святослава", "", "ISO_IR 144"),
    ("Διονυσόπουλος", "Αριστείδης", "", "ISO_IR 126"),
    ("Zhangsun", "Xiaodongmei", "=長孫無^小東美=ㄓㄤㄙㄨㄣ^ㄒㄧㄠ", "ISO_IR 192"),
]
_STREETS = ["Kastanienwinkel", "Ferrymead Crescent", "Rue des Lavandieres", "Calle Almendralejo"]
_TOWNS = ["Wolkramshausen", "Kirkcudbright", "Villefranche-d'Albigeois", "Almendralejo"]


def make_identities(count: int, *, seed: int) -> list[Identity]:
    """``count`` patients, none of whom shares a number with another; names repeat after 20."""
    rng = np.random.default_rng([seed, 7001])
    # Other scripts come early, so that a small set has some too.
    pool = [*_LATIN]
    for place, entry in zip((1, 4, 7, 10, 13), _OTHER, strict=True):
        pool.insert(place, entry)
    people = []
    for index in range(count):
        family, given, groups, charset = pool[index % len(pool)]
        if index >= len(pool):
            suffix = chr(ord("a") + index // len(pool) - 1)
            family, given = f"{family}{suffix}ris", f"{given}{suffix}l"
            if groups:
                groups = ""
        ascii_name = "".join(c for c in family.lower() if c.isascii() and c.isalpha())
        digits = "".join(str(d) for d in rng.integers(1, 10, 40))
        people.append(
            Identity(
                family=family,
                given=given,
                title=("Dr" if index % 6 == 2 else ""),
                other_groups=groups,
                charset=charset,
                patient_id="00" + digits[:9],
                other_id=f"KIS{digits[9:17]}",
                national_id=f"{digits[17:20]}-{digits[20:23]}-{digits[23:27]}",
                accession_stem=f"ACC{digits[27:35]}",
                admission_id=f"ADM{digits[30:38]}",
                birth=date(1931, 1, 1) + timedelta(days=int(rng.integers(0, 62 * 365))),
                sex="FM"[index % 2],
                street=f"{_STREETS[index % 4]} {11 + index}",
                town=_TOWNS[index % 4],
                phone=f"+49 511 {digits[4:8]} {digits[12:16]}",
                email=f"{ascii_name or 'patient'}.{digits[:5]}@postbox.example",
                mother=f"Geburtsname{chr(97 + index % 26)}berg",
                relative=f"Angehoerige{chr(97 + index % 26)}mann^Wilhelmine",
                first_visit=date(2021, 3, 1) + timedelta(days=int(rng.integers(0, 700))),
            )
        )
    return people


def make_hospitals() -> tuple[Hospital, Hospital]:
    """Two hospitals with different makers, departments and habits."""
    return (
        Hospital(
            slug="hospital-a",
            name="Klinikum Sankt Kunigunde",
            address="Domplatz 7, 31134 Kunigundenburg",
            department="Radiologie Haus 4",
            city="Kunigundenburg",
            domain="kunigunde-klinikum.example",
            issuer="KUNIGUNDE-KIS",
            ae_title="KUNIPACS01",
            sending_ae="KUNIXRAY03",
            station="KUNI-RAD-07",
            manufacturer="Philips Medical Systems",
            model="digital DIAGNOST",
            device_serial="SN7F3K29418",
            detector_id="DET884213077",
            software="PMS81.101.1.1",
            physicians=("Weizsaecker^Ottokar^^Prof", "Brettschneider^Ulrike"),
            operators=("Vogelsang^Marlene", "Dombrowski^Kasimir"),
            phone="+49 5121 777 4400",
        ),
        Hospital(
            slug="hospital-b",
            name="Saint Brannoc Infirmary",
            address="2 Lighthouse Terrace, Porthcurnow TR19",
            department="Imaging West Wing",
            city="Porthcurnow",
            domain="brannoc-infirmary.example",
            issuer="BRANNOC-PAS",
            ae_title="BRANNOCPACS",
            sending_ae="BRANNOCDX2",
            station="BRANNOC-DX2",
            manufacturer="Carestream Health",
            model="DRX-Evolution",
            device_serial="CSH55820931",
            detector_id="PANEL6620917",
            software="5.7.412.7005",
            physicians=("Penhaligon^Tristan^^Dr", "Okonkwo-Reyes^Adaeze"),
            operators=("Trevelyan^Demelza",),
            phone="+44 1736 555 0142",
        ),
    )
