"""What people write into the cells of tables, read leniently: ages, sexes, views, and the many ways to say nothing."""

from __future__ import annotations

import math
import re
from typing import Any

from fulfillment.labels.table import STATES
from requests_app.taxonomy import LabelState

_NOTHING = frozenset(
    ("", "none", "nan", "na", "n/a", "null", "unknown", "unk", "not stated", "not available", "undefined", "missing", "-", "?")
)  # fmt: skip
_SEXES = {
    "m": "male", "male": "male", "man": "male", "f": "female", "female": "female", "w": "female", "woman": "female",
    "o": "other", "other": "other",
}  # fmt: skip
_VIEWS = {
    "pa": "PA", "ap": "AP", "l": "lateral", "ll": "lateral", "rl": "lateral", "lat": "lateral", "lateral": "lateral",
    "left lateral": "lateral", "right lateral": "lateral", "postero anterior": "PA", "posteroanterior": "PA",
    "antero posterior": "AP", "anteroposterior": "AP",
}  # fmt: skip
_STATES = {
    **STATES,
    "pos": LabelState.PRESENT,
    "neg": LabelState.ABSENT,
    "y": LabelState.PRESENT,
    "n": LabelState.ABSENT,
    "t": LabelState.PRESENT,
    "f": LabelState.ABSENT,
    "u": LabelState.POSSIBLE,
    "nan": LabelState.NOT_MENTIONED,
    "none": LabelState.NOT_MENTIONED,
    "blank": LabelState.NOT_MENTIONED,
    "unmentioned": LabelState.NOT_MENTIONED,
}
_AGE = re.compile(r"^\s*(\d{1,4}(?:\.\d+)?)\s*([YMWD]?)[A-Z. ]*$", re.IGNORECASE)
_YEARS = {"": 1.0, "Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
OLDEST = 120.0
_BANDS = ((18.0, "0 to 17"), (40.0, "18 to 39"), (60.0, "40 to 59"), (80.0, "60 to 79"), (math.inf, "80 and over"))
AGE_BANDS = tuple(name for _, name in _BANDS)
_LONGEST = 80


def text(value: Any) -> str:
    """The cell as text; "" for all that means that nothing is known."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    words = " ".join("".join(one if one.isprintable() else " " for one in str(value)).split())[:_LONGEST]
    return "" if words.casefold() in _NOTHING else words


def sex(value: Any) -> str:
    """male, female, other, or ""; also for 1 and 2, which some registers write."""
    words = text(value).casefold()
    return _SEXES.get(words, "other" if words and not words.isdigit() else "")


def view(value: Any) -> str:
    """PA, AP, lateral; another view as it is written, in capitals; or ""."""
    words = text(value)
    return _VIEWS.get(re.sub(r"[^a-z]+", " ", words.casefold()).strip(), words.upper())


def age(value: Any) -> float:
    """Years, from 60, 60.5, "060Y", "018M", "3W", "10D"; NaN where it is not known. Zero is a
    placeholder, as is what nobody reaches."""
    found = _AGE.match(text(value))
    if found is None:
        return math.nan
    years = float(found[1]) * _YEARS[found[2].upper()]
    return years if 0 < years <= OLDEST else math.nan


def age_band(years: float) -> str:
    return "" if math.isnan(years) else next(name for top, name in _BANDS if years < top)


def number(value: Any) -> float:
    """The cell as a finite number, or NaN."""
    try:
        found = float(text(value))
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan


def state(value: Any) -> LabelState | None:
    """The state of a label, or None where the word is none. A blank says that the finding is not mentioned."""
    words = str("" if value is None else value).strip().casefold()
    return _STATES.get(words.replace("_", " "), _STATES.get(words))
