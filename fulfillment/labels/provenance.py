"""What an entry of a file says of how its label was made, in our own words. Nothing of the sender's wording goes through."""

from __future__ import annotations

from dataclasses import dataclass

from fulfillment.labels.formats.model import Entry
from fulfillment.labels.methods import FROM_IMAGE, Method, read_method
from fulfillment.labels.tools import known_tool, known_version

MAX_READERS = 99
_YES = frozenset({"yes", "true", "1", "1.0", "y", "t"})
_NO = frozenset({"no", "false", "0", "0.0", "n", "f"})
_SIDES = {
    "r": "R",
    "right": "R",
    "l": "L",
    "left": "L",
    "b": "B",
    "both": "B",
    "bilateral": "B",
}
_RULES = {
    "none": "none",
    "majority": "majority",
    "vote": "majority",
    "consensus": "consensus",
    "senior": "senior",
    "adjudicated": "senior",
    "adjudicator": "senior",
}
_SPEAKS_FOR_ONE = frozenset({Method.SINGLE_READER, Method.IMAGE_READ})


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a label was made; None and "" where nothing was said that we know."""

    method: Method
    readers: int | None
    board_certified: bool | None
    blind_to_report: bool | None
    adjudication: str
    is_consensus: bool
    tool: str
    tool_version: str
    laterality: str


def provenance_of(entry: Entry) -> Provenance:
    """Read from ``method``, ``reader`` and the notes of an entry."""
    method, readers = read_method(entry.method)
    stated = _count(entry.note("readers"))
    if entry.note("adjudicated").strip().casefold() in _YES and (method in FROM_IMAGE or method is Method.UNKNOWN):
        method = Method.ADJUDICATED
    if stated is None and readers is None and entry.reader and method in _SPEAKS_FOR_ONE:
        readers = 1
    return Provenance(
        method=method,
        readers=stated or readers,
        board_certified=_said(entry.note("board_certified")),
        blind_to_report=_said(entry.note("blind_to_report") or entry.note("blind")),
        adjudication=_RULES.get(entry.note("adjudication").strip().casefold(), ""),
        is_consensus=method in (Method.CONSENSUS, Method.ADJUDICATED),
        tool=known_tool(entry.note("tool")),
        tool_version=known_version(entry.note("tool_version")),
        laterality=_SIDES.get(entry.note("laterality").strip().casefold(), ""),
    )


def _said(text: str) -> bool | None:
    word = text.strip().casefold()
    return True if word in _YES else False if word in _NO else None


def _count(text: str) -> int | None:
    try:
        number = int(float(text))
    except (ValueError, OverflowError):
        return None
    return number if 1 <= number <= MAX_READERS else None
