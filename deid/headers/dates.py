"""Dates and times (DEID.md, section 3): one shift per patient, at every depth, in every spelling that DICOM allows."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

_DA = re.compile(r"(\d{4})(?:[.\-/]?(\d{2})(?:[.\-/]?(\d{2}))?)?\Z")
_DT = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?([+-]\d{4})?\Z")
_TM = re.compile(r"(?:[01]\d|2[0-3]):?(?:[0-5]\d:?(?:[0-5]\d|60)?(?:\.\d{1,6})?)?\Z")
_OFFSET = re.compile(r"[+-](?:0\d|1[0-4])[0-5]\d\Z")


def parse_da(text: str) -> tuple[date, int] | None:
    """(date, digits) of one DA value: 8 digits, or 6 or 4 for a partial one (day and month then count as the first)."""
    found = _DA.match(text.strip(" \0"))
    if not found:
        return None
    year, month, day = found.groups()
    try:
        value = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return value, 8 if day else 6 if month else 4


def _moved(value: date, digits: int, days: int) -> str | None:
    try:
        moved = value - timedelta(days=days)
    except OverflowError:
        return None
    if moved.year < 1000:
        return None
    return moved.strftime("%Y%m%d")[:digits]


def shift_da(text: str, days: int) -> str | None:
    """One DA value moved back by `days`; ranges (A-B, A-, -B) move at both ends; None when it is not a date."""
    text = text.strip(" \0")
    single = parse_da(text)
    if single:
        return _moved(*single, days)
    parts = text.split("-")
    if len(parts) != 2 or not any(parts):
        return None
    moved = []
    for part in parts:
        if not part.strip():
            moved.append("")
            continue
        found = parse_da(part)
        shifted = _moved(*found, days) if found else None
        if shifted is None:
            return None
        moved.append(shifted)
    return "-".join(moved)


def shift_dt(text: str, days: int) -> str | None:
    """One DT value moved back by `days`; time and offset from UTC stay as they are; None when it is not a date
    and time."""
    found = _DT.match(text.strip(" \0"))
    if not found:
        parts = text.strip(" \0").split("-")
        if len(parts) == 2 and all(_DT.match(part) for part in parts):
            ends = [shift_dt(part, days) for part in parts]
            return None if None in ends else "-".join(end or "" for end in ends)
        return None
    year, month, day, time, offset = found.groups()
    if time and not (_TM.match(time) and day):
        return None
    try:
        value = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    moved = _moved(value, 8 if day else 6 if month else 4, days)
    return None if moved is None else moved + (time or "") + (offset or "")


def year_da(text: str) -> str | None:
    """Only the year of a DA value, written as the first of January, because DA has no shorter form."""
    found = parse_da(text)
    return f"{found[0].year:04d}0101" if found else None


def year_dt(text: str) -> str | None:
    """Only the year of a DT value (PS3.5 allows a DT of four digits)."""
    found = _DT.match(text.strip(" \0"))
    return found.group(1) if found else None


def valid_tm(text: str) -> str | None:
    """The TM value without ACR-NEMA colons, None when it is not a time; ranges are accepted."""
    text = text.strip(" \0")
    parts = text.split("-") if "-" in text else [text]
    if len(parts) > 2 or not all(_TM.match(part) for part in parts if part) or not any(parts):
        return None
    return text.replace(":", "")


def valid_offset(text: str) -> str | None:
    """TimezoneOffsetFromUTC as &ZZXX, None when malformed."""
    text = text.strip(" \0")
    return text if _OFFSET.match(text) else None


def age_at(born: date, seen: date) -> str | None:
    """PatientAge (VR AS) between two dates: months below two years, else years; None when it would be negative."""
    if seen < born:
        return None
    months = (seen.year - born.year) * 12 + seen.month - born.month
    last_day = monthrange(seen.year, seen.month)[1]
    if seen.day < min(born.day, last_day):
        months -= 1
    return f"{max(months, 0):03d}M" if months < 24 else f"{min(months // 12, 999):03d}Y"


def cap_age(text: str, cap_years: int) -> str | None:
    """An AS value with years above the cap grouped (101Y with cap 89 -> 090Y); None when it is not an age."""
    found = re.match(r"(\d{1,3})([DWMY])?\Z", text.strip(" \0").upper())
    if not found:
        return None
    number, unit = int(found.group(1)), found.group(2) or "Y"
    years = {"D": number / 365.25, "W": number / 52.18, "M": number / 12, "Y": float(number)}[unit]
    if years >= cap_years + 1:
        return f"{cap_years + 1:03d}Y"
    return f"{number:03d}{unit}"
