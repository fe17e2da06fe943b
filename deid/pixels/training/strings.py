"""Random strings of the kinds that are burned into radiographs: names, numbers, dates, places, technique, markers."""

from __future__ import annotations

import numpy as np

_ONSETS = "b br c ch d dr f fl g gr h j k kl l m n p pr qu r s sch sh sk st t th tr v w y z".split()
_NUCLEI = "a e i o u ai au ea ee ei ie oa oo ou y ä ö ü é ó".split()
_CODAS = ["", "", "l", "n", "r", "s", "t", "ck", "ld", "m", "nd", "ng", "nn", "rd", "rt", "ss", "tz", "x"]
_WORDS = (
    "hospital clinic radiology department st. general university medical center ward room bed icu er "
    "patient name id sex male female dob birth date time study exam acc mrn no physician dr ref "
    "operator tech station emergency trauma outpatient inpatient portable chest thorax adult child "
    "series image view copy original scanned film report urgent stat confidential"
).split()
_MARKERS = (
    "L R LT RT LEFT RIGHT PA AP LAT LATERAL PORTABLE ERECT UPRIGHT SUPINE SITTING MOBILE SEMI-ERECT "
    "INSPIRATION EXPIRATION DECUB STANDING PRONE BEDSIDE"
).split()
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC January March Juni octubre".split()
SCRIPTS: dict[str, tuple[int, int]] = {
    "cyrillic": (0x0410, 0x044F),
    "greek": (0x0391, 0x03C9),
    "hebrew": (0x05D0, 0x05EA),
    "arabic": (0x0627, 0x064A),
    "devanagari": (0x0905, 0x0939),
    "thai": (0x0E01, 0x0E2E),
    "kana": (0x30A1, 0x30F6),
    "han": (0x4E00, 0x7FFF),
    "hangul": (0xAC00, 0xD7A3),
}
"""Scripts beyond Latin, as ranges of code points to draw letters from."""


def _pick(rng: np.random.Generator, items: list[str]) -> str:
    return items[int(rng.integers(len(items)))]


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(str(d) for d in rng.integers(0, 10, count))


def _name(rng: np.random.Generator) -> str:
    parts = [_pick(rng, _ONSETS) + _pick(rng, _NUCLEI) + _pick(rng, _CODAS) for _ in range(int(rng.integers(1, 4)))]
    return "".join(parts).capitalize()


def _date(rng: np.random.Generator) -> str:
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1920, 2030))
    forms = (
        f"{day:02d}/{month:02d}/{year}", f"{day}.{month}.{year}", f"{year}-{month:02d}-{day:02d}", f"{year}{month:02d}{day:02d}",
        f"{day:02d}-{_pick(rng, _MONTHS)}-{year}", f"{_pick(rng, _MONTHS)} {day}, {year}", f"{month}/{day}/{year % 100:02d}",
    )  # fmt: skip
    return _pick(rng, list(forms))


def _time(rng: np.random.Generator) -> str:
    hour, minute, second = (int(v) for v in rng.integers(0, (24, 60, 60)))
    return _pick(
        rng, [f"{hour:02d}:{minute:02d}", f"{hour:02d}:{minute:02d}:{second:02d}", f"{hour % 12 + 1}:{minute:02d} PM"]
    )


def _number(rng: np.random.Generator) -> str:
    plain = _digits(rng, int(rng.integers(2, 11)))
    forms = (
        plain, f"MRN {plain}", f"ID:{plain}", f"#{plain}", f"{plain[:3]}-{plain[3:]}", f"{_pick(rng, list('ABCDEFXZ'))}{plain}",
        f"ACC{plain}", f"{plain[:2]}.{plain[2:]}", f"({_digits(rng, 3)}) {_digits(rng, 3)}-{_digits(rng, 4)}",
    )  # fmt: skip
    return _pick(rng, list(forms))


def _technique(rng: np.random.Generator) -> str:
    forms = (
        f"{rng.integers(50, 150)} kV", f"{rng.integers(1, 400)} mAs", f"kVp {rng.integers(60, 140)} mA:{rng.integers(100, 500)}",
        f"S={rng.integers(50, 999)}", f"EI {rng.integers(100, 3000)}", f"W:{rng.integers(500, 4096)} L:{rng.integers(200, 2048)}",
        f"{rng.integers(100, 200)} cm", f"{rng.random() * 10:.2f}",
    )  # fmt: skip
    return _pick(rng, list(forms))


def random_letters(rng: np.random.Generator, script: str) -> str:
    """One to three words of a script beyond Latin."""
    low, high = SCRIPTS[script]
    words = [
        "".join(chr(int(c)) for c in rng.integers(low, high, int(rng.integers(1, 7))))
        for _ in range(int(rng.integers(1, 4)))
    ]
    return " ".join(words)


def random_text(rng: np.random.Generator) -> str:
    """One line of Latin text of 1 to about 40 characters."""
    kind = rng.random()
    if kind < 0.36:
        name = _pick(rng, [f"{_name(rng)}, {_name(rng)}", f"{_name(rng)} {_name(rng)}", _name(rng), f"{_name(rng)}^{_name(rng)}",
                           f"{_name(rng)} {_pick(rng, list('ABCJKMRST'))}.", f"Dr. {_name(rng)}"])  # fmt: skip
        text = name if rng.random() < 0.7 else f"{name} {_pick(rng, [_date(rng), _number(rng), 'M', 'F', '45Y'])}"
    elif kind < 0.54:
        text = _number(rng)
    elif kind < 0.70:
        text = _pick(rng, [_date(rng), _time(rng), f"{_date(rng)} {_time(rng)}", f"DOB {_date(rng)}"])
    elif kind < 0.80:
        text = " ".join(_pick(rng, _WORDS) for _ in range(int(rng.integers(1, 5))))
    elif kind < 0.92:
        text = " ".join(_pick(rng, _MARKERS) for _ in range(int(rng.integers(1, 3))))
    else:
        text = _technique(rng)
    case = rng.random()
    return text.upper() if case < 0.45 else text.lower() if case < 0.52 else text
