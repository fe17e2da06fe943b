"""Where a label may say it comes from. A hospital's own words stay with the hospital: they may name people."""

from __future__ import annotations

from requests_app.spec import LabelMethod

METHODS = frozenset(method.value for method in LabelMethod if method is not LabelMethod.ANY) | {
    "single_reader",
    "two_readers",
    "consensus",
    "adjudicated",
    "report",
    "software",
}


def known_method(text: str) -> str:
    """The method in our words: one of ``METHODS``, ``"other"`` for anything else, ``""`` for nothing."""
    method = text.strip().lower().replace(" ", "_").replace("-", "_")
    return method if method in METHODS or not method else "other"
