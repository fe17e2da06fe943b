"""Private elements: only those on the safe list stay, matched by creator, never by block number (PS3.15 E.3.10)."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from deid.dicomfile.element import DataSet


@cache
def safe_private() -> dict[tuple[str, int, int], tuple[str, int]]:
    """(creator, group, low byte of the element) -> VR and the most values it may have, from the data file."""
    text = files("deid.profile").joinpath("safe_private.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {
        (line["creator"], int(line["group"], 16), int(line["element"], 16)): (line["vr"], int(line["values"]))
        for line in csv.DictReader(lines)
    }


def creators(dataset: DataSet) -> dict[int, str]:
    """Private creator by block: key is group << 16 | block << 8, so that tag & 0xFFFFFF00 finds it."""
    found: dict[int, str] = {}
    for tag, element in dataset.elements.items():
        group, number = tag >> 16, tag & 0xFFFF
        if group % 2 and 0x10 <= number <= 0xFF and isinstance(element.value, bytes):
            found[group << 16 | number << 8] = element.value.decode("latin-1").strip(" \0")
    return found


def safe_form(tag: int, block_creators: dict[int, str]) -> tuple[str, int] | None:
    """The VR under which a private element may stay and the most values it may have, or None."""
    creator = block_creators.get(tag & 0xFFFFFF00)
    return safe_private().get((creator, tag >> 16, tag & 0xFF)) if creator else None
