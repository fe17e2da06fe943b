"""What is known beside the picture: how complete a header is, and how complete the labels are. Pure.

Two scores of their own, each 0 to 100 and each with its coverage. Neither is part of the technical score: a sharp picture with
an empty header stays a sharp picture. Nothing here holds a value of a header, only which attribute is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from requests_app.spec.document import DatasetSpec
from requests_app.spec.vocabulary import AnnotationType
from requests_app.taxonomy import LabelState

COMPLETENESS_VERSION = "GetDATA-M 1.0"


class State(StrEnum):
    """What was found of one attribute, or of one finding."""

    PRESENT = "present"
    ELSEWHERE = "elsewhere"
    MISSING = "missing"
    PLACEHOLDER = "placeholder"
    IMPLAUSIBLE = "implausible"
    REMOVED = "removed"
    NOT_NEEDED = "not_needed"
    NOT_ASSESSED = "not_assessed"

    @property
    def plain(self) -> str:
        """The state in words for pages."""
        return _PLAIN[self]


_PLAIN = {
    State.PRESENT: "there",
    State.ELSEWHERE: "only in a description",
    State.MISSING: "missing",
    State.PLACEHOLDER: "a placeholder",
    State.IMPLAUSIBLE: "not plausible",
    State.REMOVED: "removed, as the request asks",
    State.NOT_NEEDED: "not needed here",
    State.NOT_ASSESSED: "not assessed",
}
#: What part of its points a state earns. What is not listed is left out of the score and lowers the coverage alone.
_WORTH = {
    State.PRESENT: 1.0,
    State.ELSEWHERE: 0.5,
    State.MISSING: 0.0,
    State.PLACEHOLDER: 0.0,
    State.IMPLAUSIBLE: 0.0,
}


@dataclass(frozen=True, slots=True)
class Item:
    """One attribute or one finding.

    ``name``: a DICOM keyword, or a finding's name. ``asked``: "must", "should", or "" where the request does not ask for it.
    ``points``: what it would add to the score if it were there; 0 where it is, or is not counted.
    """

    name: str
    state: State
    asked: str = ""
    points: float = 0.0


@dataclass(frozen=True, slots=True)
class Completeness:
    """``score``: 0 to 100, or None where nothing could be assessed. ``coverage``: share of the named items that were assessed."""

    score: float | None
    coverage: float
    items: tuple[Item, ...]
    version: str = COMPLETENESS_VERSION

    @property
    def lacking(self) -> tuple[Item, ...]:
        """What is not there and would raise the score, most points first."""
        return tuple(sorted((item for item in self.items if item.points > 0), key=lambda item: -item.points))

    @property
    def assessed(self) -> int:
        return sum(item.state in _WORTH for item in self.items)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` reads it back."""
        return {
            "version": self.version,
            "score": self.score,
            "coverage": self.coverage,
            "items": [
                {"name": item.name, "state": item.state.value, "asked": item.asked, "points": item.points}
                for item in self.items
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Completeness | None:
        """Read what `as_dict` wrote; None for what is not that (rows from before it was kept). Unknown states are left out."""
        known = {state.value for state in State}
        if not data.get("version"):
            return None
        items = tuple(
            Item(str(row["name"]), State(row["state"]), str(row.get("asked", "")), float(row.get("points", 0)))
            for row in data.get("items", ())
            if row.get("state") in known
        )
        return cls(data.get("score"), float(data.get("coverage", 0)), items, str(data["version"]))


def complete(found: Iterable[tuple[str, State, str, float]]) -> Completeness:
    """Score a list of (name, state, asked, weight)."""
    rows = list(found)
    total = sum(weight for _, state, _, weight in rows if state in _WORTH)
    items, earned = [], 0.0
    for name, state, asked, weight in rows:
        worth = _WORTH.get(state)
        earned += weight * (worth or 0.0)
        points = 100 * weight * (1 - worth) / total if worth is not None and total else 0.0
        items.append(Item(name, state, asked, round(points, 1)))
    counted = sum(state in _WORTH for _, state, _, _ in rows)
    return Completeness(
        score=round(100 * earned / total, 1) if total else None,
        coverage=round(counted / len(rows), 3) if rows else 0.0,
        items=tuple(items),
    )


# --- labels -------------------------------------------------------------------------------------------------------------

#: Which shapes serve for the one that was asked: any shape has a box, and an outline and a mask can be turned into each other.
SHAPES_THAT_SERVE: dict[AnnotationType, frozenset[str]] = {
    AnnotationType.BOX: frozenset({"box", "polygon", "mask"}),
    AnnotationType.POLYGON: frozenset({"polygon", "mask"}),
    AnnotationType.MASK: frozenset({"polygon", "mask"}),
}
#: States of a finding that has a place in the picture.
_THERE = frozenset({LabelState.PRESENT, LabelState.LIKELY})


def counts_as_stated(state: LabelState, spec: DatasetSpec) -> bool:
    """Whether a label in this state answers the request: "not mentioned" does where the request reads it as absent."""
    if state is LabelState.NOT_MENTIONED:
        return spec.labels.uncertainty.resolve(state) == "absent"
    return True


def label_completeness(
    spec: DatasetSpec, states: Mapping[str, Collection[LabelState]], shapes: Mapping[str, Collection[str]]
) -> Completeness:
    """How far one image's labels answer the request.

    ``states``: what was said of each finding, by its name in the request's label list; readers may differ. ``shapes``: the kinds
    of shape ("box", "polygon", "mask") drawn for it. A shape is asked only of a finding that somebody sees; where nothing was
    said of a finding its shape is not assessed, and where it is absent none is needed.
    """
    found: list[tuple[str, State, str, float]] = []
    for line in spec.labels.findings:
        known = spec.taxonomy().find(line.finding)
        name = known.name if known is not None else line.finding
        said = [state for state in states.get(name, ()) if counts_as_stated(state, spec)]
        found.append((name, State.PRESENT if said else State.MISSING, line.level.value, 1.0))
        if line.annotation is AnnotationType.IMAGE:
            continue
        serve = SHAPES_THAT_SERVE[line.annotation]
        if not said:
            state = State.NOT_ASSESSED
        elif not _THERE.intersection(said):
            state = State.NOT_NEEDED
        else:
            state = State.PRESENT if serve.intersection(shapes.get(name, ())) else State.MISSING
        found.append((f"{name}: {line.annotation.plain}", state, line.level.value, 1.0))
    return complete(found)
