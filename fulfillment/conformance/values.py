"""Read header values without trusting them: wrong types, lists where one is expected, placeholders."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

# What converting a malformed element can raise in pydicom; anything else is a bug of ours.
BAD_VALUE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, NotImplementedError)
_PLACEHOLDERS = frozenset({"", "NONE", "UNKNOWN", "UNDEFINED", "N/A", "NULL", "NOT AVAILABLE"})


def _value(ds: Dataset, keyword: str) -> Any:
    try:
        return ds[keyword].value if keyword in ds else None
    except BAD_VALUE:
        return None


def text_values(ds: Dataset, keyword: str) -> list[str]:
    """All values of an element as stripped text, placeholders left out."""
    value = _value(ds, keyword)
    if value is None or isinstance(value, (bytes, Sequence, Dataset)):
        return []
    many: Iterable[Any] = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    texts = [str(item).strip().strip("\x00") for item in many if item is not None]
    return [text for text in texts if text.upper() not in _PLACEHOLDERS]


def text_value(ds: Dataset, keyword: str) -> str | None:
    """The first value as text; None if missing or a placeholder."""
    return next(iter(text_values(ds, keyword)), None)


def number_values(ds: Dataset, keyword: str) -> list[float]:
    """All values as finite numbers; what is not a number is left out."""
    numbers: list[float] = []
    for text in text_values(ds, keyword):
        try:
            number = float(text)
        except ValueError:
            continue
        if math.isfinite(number):
            numbers.append(number)
    return numbers


def positive_number(ds: Dataset, keyword: str) -> float | None:
    """The first value if above zero: zero is a placeholder in quantities such as KVP and spacings."""
    number = next(iter(number_values(ds, keyword)), None)
    return number if number is not None and number > 0 else None


def count_value(ds: Dataset, keyword: str) -> int | None:
    """The first value as a whole number of zero or more."""
    number = next(iter(number_values(ds, keyword)), None)
    return int(number) if number is not None and number >= 0 and number == int(number) else None


def code_values(ds: Dataset, keyword: str) -> list[str]:
    """The CodeValue of every item of a code sequence."""
    value = _value(ds, keyword)
    if not isinstance(value, Sequence):
        return []
    return [code for item in value if (code := text_value(item, "CodeValue")) is not None]
