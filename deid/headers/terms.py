"""Defined terms of single attributes: values that PS3.3 lists for an attribute stay in that attribute, and nowhere else."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from deid.dicomfile.element import keyword


@cache
def _terms() -> dict[str, tuple[frozenset[str], tuple[re.Pattern[str], ...]]]:
    """keyword -> (terms in capitals, patterns of whole values), from the data file."""
    text = files("deid.profile").joinpath("terms.txt").read_text(encoding="utf-8")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, listed = line.partition(":")
            words = listed.split()
            plain = {word for word in words if not word.startswith("~")}
            patterns = (re.compile(_pattern(word) + r"\Z", re.IGNORECASE) for word in words if word.startswith("~"))
            found[name] = (frozenset(plain | {word.replace("_", " ") for word in plain}), tuple(patterns))
    return found


def _pattern(word: str) -> str:
    return rf"(?:{word[1:]})"


def defined_term(tag: int, value: str) -> bool:
    """Whether the standard itself lists the value for the attribute, in any case."""
    entry = _terms().get(keyword(tag))
    if entry is None:
        return False
    terms, patterns = entry
    return value.upper() in terms or any(pattern.match(value) for pattern in patterns)
