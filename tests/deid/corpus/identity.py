"""Invented people: names in many scripts, numbers, dates, places, and the spellings that they take in text."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

Rng = np.random.Generator
_PARTS = [
    "bru",
    "ven",
    "tho",
    "ril",
    "vex",
    "mun",
    "dol",
    "quo",
    "zar",
    "wen",
    "yth",
    "lor",
    "pim",
    "gwa",
    "kre",
    "jax",
    "ost",
    "ubi",
    "hel",
    "nif",
    "tuz",
    "wyc",
    "dra",
    "fen",
    "goz",
]
_PARTICLES = ("van der {}", "de la {}", "O'{}", "von {}", "Mc{}", "{}-{}", "St {}", "Al-{}")
_ACCENTS = {"o": "ö", "e": "é", "u": "ü", "a": "å", "i": "í", "n": "ñ", "c": "ç", "z": "ž", "l": "ł"}
_SCRIPTS: dict[str, tuple[str, str]] = {
    "ISO_IR 144": ("Бвгджзклмнпрстф", "аеиоуя"),
    "ISO_IR 126": ("Βγδζθκλμνξπρστφ", "αεηιου"),
    "ISO_IR 127": ("بتجحدرسشصطعفقكلم", "اوي"),
    "ISO_IR 138": ("בגדזחטכלמנספצקרשת", "אוי"),
    "ISO_IR 166": ("กขคงจชดตนบปผพมยรลวส", "าเแโ"),
    "ISO 2022 IR 87": ("山田鈴木佐藤高橋渡辺伊東村上林松", "太郎花子一美"),
    "ISO 2022 IR 149": ("김이박최정강조윤장임한오서신권황", "민서준지현우진수영은"),
    "GB18030": ("王李张刘陈杨黄赵吴周徐孙马朱胡", "伟芳娜敏静丽强磊军洋"),
}
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_GERMAN = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
_FRENCH = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]


def coin(rng: Rng, parts: int = 3) -> str:
    """A pronounceable word that no language has, capitalised."""
    return "".join(str(rng.choice(_PARTS)) for _ in range(parts)).capitalize()


def digits(rng: Rng, count: int) -> str:
    """That many digits, the first of them not zero."""
    return str(rng.integers(1, 10)) + "".join(str(d) for d in rng.integers(0, 10, count - 1))


def plain(text: str) -> str:
    """Without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).replace("ł", "l")


@dataclass
class Person:
    """One invented patient with everything that surrounds the visit. `charset` is SpecificCharacterSet as written."""

    surname: str
    given: str
    middle: str
    ideographic: str
    charset: str | list[str]
    mrn: str
    ssn: str
    phone: str
    email: str
    street: str
    city: str
    postcode: str
    sex: str
    born: date
    visits: list[date]
    told: date
    physician: str
    physician_given: str
    operator: str
    institution: str
    short_institution: str
    station: str
    ae: str
    serial: str
    root: str
    requests: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """PatientName with as many component groups as the character set carries."""
        alphabetic = f"{self.surname}^{self.given}^{self.middle}"
        if not self.ideographic:
            return alphabetic
        single = isinstance(self.charset, str) and self.charset not in ("ISO_IR 192", "GB18030")
        return self.ideographic if single else f"{alphabetic}={self.ideographic}"

    @property
    def words(self) -> list[str]:
        """Parts of person names, of four letters and more, in the scripts in which they are written."""
        parts = [self.surname, self.given, self.middle, self.physician, self.physician_given, self.operator]
        found = [w for part in parts for w in part.replace("-", " ").replace("'", " ").split() if len(w) >= 4]
        return found + [w for w in self.ideographic.replace("^", " ").split() if w]

    @property
    def place_words(self) -> list[str]:
        """Words of institution, address and machine."""
        return [self.institution.split()[0], self.street.split()[1], self.city, self.station, self.ae]

    @property
    def numbers(self) -> list[str]:
        """Numbers that identify."""
        return [self.mrn, self.ssn, self.phone, self.serial, *self.requests]

    @property
    def dates(self) -> list[date]:
        """Every date of the person; no two fall on one weekday, so that a shift by weeks never maps one on another."""
        return [self.born, *self.visits, self.told]


def make_person(rng: Rng) -> Person:
    """A person of the seed's choosing."""
    surname = coin(rng, int(rng.integers(2, 4)))
    if len(surname) < 6:
        surname += coin(rng, 1).lower()
    charset: str | list[str] = "ISO_IR 100"
    ideographic = ""
    draw = rng.random()
    if draw < 0.25:
        surname = str(rng.choice(_PARTICLES)).replace("{}", "{0}", 1).replace("-{}", "-{1}").format(surname, coin(rng))
    elif draw < 0.45:
        surname = _accented(surname)
        charset = str(rng.choice(["ISO_IR 192", "ISO_IR 100"])) if _fits(surname, "latin-1") else "ISO_IR 192"
    elif draw < 0.75:
        script = str(rng.choice(sorted(_SCRIPTS)))
        ideographic = _foreign(rng, script)
        charset = ["", script] if script.startswith("ISO 2022") else script
        if rng.random() < 0.3:
            charset = "ISO_IR 192"
    elif draw < 0.82:
        charset = ""
    dates = _dates(rng)
    mrn = "0" * int(rng.integers(0, 4)) + digits(rng, int(rng.integers(6, 9)))
    if rng.random() < 0.3:
        mrn = f"{coin(rng, 1)[:2].upper()}{mrn[:4]}-{mrn[4:]}"
    ward = coin(rng)
    return Person(
        surname=surname, given=coin(rng), middle=coin(rng, 2) if rng.random() < 0.5 else "", ideographic=ideographic,
        charset=charset, mrn=mrn, ssn=f"{digits(rng, 3)}-{digits(rng, 2)}-{digits(rng, 4)}",
        phone=f"+{digits(rng, 2)} {digits(rng, 3)} {digits(rng, 3)} {digits(rng, 4)}",
        email=f"{coin(rng).lower()}@{coin(rng).lower()}.org", street=f"{rng.integers(1, 99)} {coin(rng)} Street",
        city=coin(rng), postcode=digits(rng, 5), sex=str(rng.choice(["M", "F", "O"])), born=dates[0], visits=dates[1:4],
        told=dates[4], physician=coin(rng), physician_given=coin(rng), operator=coin(rng),
        institution=f"{ward} General Hospital", short_institution=ward[:5].upper() + "GH",
        station=f"{coin(rng, 2).upper()}{rng.integers(1, 9)}", ae=f"{coin(rng, 2).upper()}_AE", serial=digits(rng, 8),
        root=f"1.2.840.{digits(rng, 6)}.{mrn.lstrip('0') if mrn.isdigit() else digits(rng, 7)}",
        requests=[f"{coin(rng, 1)[:1].upper()}{digits(rng, 7)}" for _ in range(4)],
    )  # fmt: skip


def _accented(word: str) -> str:
    return "".join(_ACCENTS.get(c, c) if i else c for i, c in enumerate(word))


def _fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _foreign(rng: Rng, script: str) -> str:
    hard, soft = _SCRIPTS[script]
    if script in ("ISO 2022 IR 87", "ISO 2022 IR 149", "GB18030"):
        family = "".join(rng.choice(list(hard), 2 if script == "ISO 2022 IR 87" else 1))
        return f"{family}^{''.join(rng.choice(list(soft), 2))}"
    word = ["".join(str(rng.choice(list(s))) for s in (hard, soft, hard, soft, hard)) for _ in range(2)]
    return f"{word[0]}^{word[1]}"


def _dates(rng: Rng) -> list[date]:
    born = date(1925, 1, 1) + timedelta(days=int(rng.integers(0, 365 * 75)))
    found = [born]
    while len(found) < 5:
        day = date(2015, 1, 1) + timedelta(days=int(rng.integers(0, 365 * 9)))
        if len(found) == 4:
            day = date(2006, 1, 1) + timedelta(days=int(rng.integers(0, 365 * 5)))
        if day.weekday() not in {d.weekday() for d in found} and day.day > 12 and day.year != born.year:
            found.append(day)
    return found[:1] + sorted(found[1:4]) + found[4:]


def spell_date(day: date, way: int) -> str:
    """One of twelve spellings that people write."""
    month = day.month - 1
    ways = (
        day.strftime("%Y%m%d"), day.strftime("%Y-%m-%d"), day.strftime("%d.%m.%Y"), day.strftime("%m/%d/%Y"),
        day.strftime("%d/%m/%Y"), f"{day.day} {MONTHS[month]} {day.year}", f"{MONTHS[month]} {day.day}, {day.year}",
        f"{day.day}. {_GERMAN[month]} {day.year}", f"{day.day} {_FRENCH[month]} {day.year}",
        f"{day.day:02d}-{MONTHS[month][:3].upper()}-{day.year}", day.strftime("%d.%m.%y"),
        f"{day.day}{MONTHS[month][:3].lower()}{day.year}",
    )  # fmt: skip
    return ways[way % len(ways)]


DATE_WAYS = 12


def spell_number(number: str, way: int) -> str:
    """A number as written, without zeros in front, with and without punctuation, prefixed, or inside a file name."""
    compact = "".join(c for c in number if c.isalnum())
    bare = compact.lstrip("0")
    ways = (
        number, bare, f"{compact[:3]}-{compact[3:]}", f"{compact[:2]} {compact[2:5]} {compact[5:]}",
        f"MRN:{number}", f"#{bare}", f"img_{compact}_01.dcm", f"00{bare}", f"{compact[:4]}.{compact[4:]}",
    )  # fmt: skip
    return ways[way % len(ways)]


NUMBER_WAYS = 9


def spell_name(person: Person, way: int) -> str:
    """The patient's name as descriptions, file names and letters write it."""
    first, last = person.given, person.surname
    ways = (
        f"{last}^{first}", f"{first} {last}", f"{last}, {first}", last.upper(), plain(last), f"{first[0]}. {last}",
        f"{last}_{first}", f"Mr {last}", f"Dr. {person.physician}", last.replace("-", " ").replace("'", " "),
        f"{last.replace(' ', '').lower()}.{first.lower()}.jpg", f"for {first}", f"{last}'s", f"{last}{first}",
    )  # fmt: skip
    return ways[way % len(ways)]


NAME_WAYS = 14
