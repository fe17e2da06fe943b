"""The legal class that follows from what files keep (45 CFR 164.514), and what stands against the class that was agreed.

Counsel confirms. A claim of Safe Harbor stays the covered entity's own: it also needs that the entity knows of no way to
identify a person from what is left (164.514(b)(2)(ii)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fulfillment.legal.kept import KINDS, Kept

#: Key of ``requests_app.agreements.law.CLASSES`` -> how it is said in one or three words.
CLASSES = {
    "safe_harbor": "Safe Harbor",
    "expert_determination": "expert determination",
    "limited_data_set": "limited data set",
}
#: Kind -> classes that allow it. A limited data set may hold dates, ages and towns, but none of the identifiers of (e)(2), among them
#: device identifiers and serial numbers; an expert judges shifted dates, devices and places, and dates as they were are no
#: expert's "very small risk" here.
_ALLOWED: dict[str, frozenset[str]] = {
    "date": frozenset({"limited_data_set"}),
    "birth_date": frozenset({"limited_data_set"}),
    "shifted_date": frozenset({"expert_determination", "limited_data_set"}),
    "time": frozenset({"expert_determination", "limited_data_set"}),
    "age_over_89": frozenset({"expert_determination", "limited_data_set"}),
    "place": frozenset({"expert_determination", "limited_data_set"}),
    "device": frozenset({"expert_determination"}),
    "person": frozenset(),
    "contact": frozenset(),
    "number": frozenset(),
}
#: Kind -> what to take out, in a word.
_STRIP = {
    "date": "dates",
    "shifted_date": "dates",
    "time": "times",
    "birth_date": "dates of birth",
    "age_over_89": "ages over 89",
    "place": "places",
    "device": "device identifiers",
    "person": "names",
    "contact": "contact details",
    "number": "numbers of persons",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that stands against releasing files under the class agreed. ``files``: in how many it is kept."""

    kept: Kept
    files: int
    message: str
    remedy: str
    code: str = "legal_class_mismatch"


def classes_of(kinds: Mapping[Kept, int] | frozenset[str]) -> list[str]:
    """The classes that files with these kinds could be, least burdensome first; empty where none allows them all."""
    found = {note.kind if isinstance(note, Kept) else note for note in kinds}
    return [name for name in CLASSES if all(name in _ALLOWED[kind] for kind in found)]


def bars_of(kept: Mapping[Kept, int], agreed: str) -> list[Bar]:
    """What is kept that the agreed class does not allow, most files first. ``agreed``: a key of ``CLASSES``."""
    possible = classes_of(kept)
    bars = []
    for note, files in sorted(kept.items(), key=lambda pair: (-pair[1], pair[0])):
        if agreed in _ALLOWED[note.kind]:
            continue
        what = "file" if files == 1 else "files"
        shifted = " (shifted)" if note.kind == "shifted_date" else ""
        bars.append(
            Bar(
                note,
                files,
                f"Agreement is {CLASSES[agreed]} but {note.keyword}{shifted} is kept in {files:,} {what}: release blocked.",
                _cure(note, possible),
            )
        )
    return bars


def _cure(note: Kept, possible: list[str]) -> str:
    strip = f"strip {_STRIP[note.kind]}"
    allowed = _ALLOWED[note.kind].intersection(possible)
    if "limited_data_set" in allowed:
        return f"Ask for the limited-data-set annex or {strip}."
    if "expert_determination" in allowed:
        return f"Ask for an expert determination or {strip}."
    if _ALLOWED[note.kind]:  # no single class allows all that is kept
        return f"Have the hospital withdraw these files and {strip} before it sends them again."
    return f"Treat it as an incident: no class allows it. Have the hospital withdraw these files and {strip}."


def kept_in_words(kept: Mapping[Kept, int]) -> list[tuple[str, int, list[str]]]:
    """(what, most files of one attribute, attributes) for each kind that is there, in the order of ``KINDS``."""
    rows = []
    for kind, words in KINDS.items():
        of_kind = {note.keyword: files for note, files in kept.items() if note.kind == kind}
        if of_kind:
            rows.append((words, max(of_kind.values()), sorted(of_kind, key=lambda name: (-of_kind[name], name))))
    return rows
