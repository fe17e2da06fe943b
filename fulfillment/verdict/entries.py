"""Entries of a label file sorted into labels: which image each names, what repeats, what contradicts. For server and kit alike."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deid import Keyring
from fulfillment.conformance.finding import Finding
from fulfillment.labels.formats import FORMATS, Entry, ImageRef, Problem, Shape
from fulfillment.labels.table import LabelProblem
from fulfillment.verdict.names import BadName, one_spelling
from requests_app.taxonomy import LabelState, Taxonomy

_UID = re.compile(r"^[0-9]+(\.[0-9]+){3,}$")
MAX_TOLD = 200


@dataclass(frozen=True)
class Place:
    """How a label finds its image: never by a name that can be read."""

    sop_instance_uid: str = ""
    name_digest: str = ""
    stem_digest: str = ""


@dataclass(frozen=True)
class Fingerprints:
    """Keyed fingerprints: of a replaced UID, of a relative path, and of a file's name without folders and ending."""

    keyring: Keyring
    of_name: Callable[[str], str]
    of_stem: Callable[[str], str]


@dataclass(frozen=True)
class Group:
    """What one source says of one finding on one image. ``kept``: (row, entry) without repetitions, the one that speaks first."""

    image: ImageRef
    key: str
    reader: str
    kept: list[tuple[int, Entry]]


def places_of(entries: Iterable[Entry], prints: Fingerprints, problems: list[Problem]) -> dict[ImageRef, Place]:
    """How each image that is named is found; what cannot name one is added to ``problems``."""
    found: dict[ImageRef, Place] = {}
    refused: set[ImageRef] = set()
    for entry in entries:
        image = entry.image
        if image in found or image in refused:
            continue
        place = _place(image, prints)
        if isinstance(place, Place):
            found[image] = place
        else:
            refused.add(image)
            problems.append(_at(entry, *place))
    return found


def _place(image: ImageRef, prints: Fingerprints) -> Place | tuple[str, str, str]:
    if image.kind == "accession_number":
        return (
            "IMAGE_BY_ACCESSION",
            "The row names a study by its accession number, and a label is of one image.",
            "Name the image by its SOPInstanceUID or its file.",
        )
    if image.kind == "sop_instance_uid":
        return Place(sop_instance_uid=prints.keyring.uid(image.value))
    try:
        path = one_spelling(image.value)
    except BadName as refusal:
        return "FILE_NAME", str(refusal), refusal.remedy
    return Place(
        # Some lists call their images by SOPInstanceUID without saying so.
        sop_instance_uid=prints.keyring.uid(path) if _UID.match(path) else "",
        name_digest=prints.of_name(path),
        # Many folders hold a "frontal.png": a name with folders is not cut down to it.
        stem_digest="" if "/" in path else prints.of_stem(path),
    )


def sort_entries(
    entries: Sequence[Entry], taxonomy: Taxonomy, places: dict[ImageRef, Place], problems: list[Problem]
) -> list[Group]:
    """One group for each image, finding, reader and method. A source that contradicts itself is told; none of its rows is used."""
    numbered = any(entry.file or isinstance(entry.row, str) for entry in entries)
    groups: defaultdict[tuple[ImageRef, str, str, str], list[tuple[int, Entry]]] = defaultdict(list)
    for number, entry in enumerate(entries, 1):
        if entry.key and entry.key in taxonomy and entry.image in places:
            row = number if numbered or not isinstance(entry.row, int) or entry.row < 1 else entry.row
            groups[entry.image, entry.key, entry.reader, entry.method].append((row, entry))
    found = []
    for (image, key, reader, _), group in groups.items():
        kept = _settled(group, taxonomy[key].name, problems)
        if kept:
            found.append(Group(image, key, reader, kept))
    return found


def _settled(group: list[tuple[int, Entry]], name: str, problems: list[Problem]) -> list[tuple[int, Entry]]:
    """The group's entries without repetitions; none where it contradicts itself."""
    spoken = {entry.state for _, entry in group} - {LabelState.NOT_MENTIONED}
    if len(spoken) > 1:
        said = ", ".join(f"{_where(entry)} {entry.state.plain}" for _, entry in group[:6])
        problems += [
            _at(
                entry,
                "CONTRADICTION",
                f"{name} of one image has different states ({said}{' ...' if len(group) > 6 else ''}).",
                "Keep the right row, or name the readers so that both are kept. Until then none is used.",
            )
            for _, entry in group
        ]
        return []
    kept: list[tuple[int, Entry]] = []
    seen: dict[object, Entry] = {}
    for row, entry in sorted(group, key=lambda one: one[1].state is LabelState.NOT_MENTIONED):
        first = seen.setdefault(_drawn(entry.shape), entry)
        if first is entry:
            kept.append((row, entry))
        else:
            problems.append(
                _at(entry, "REPEATED", f"It repeats {_where(first)}.", "Nothing to do; it is counted once.")
            )
    return kept


def _drawn(shape: Shape | None) -> object:
    """Shapes that differ by less than a pixel are one shape sent twice."""
    if shape is None:
        return None
    return shape.kind, tuple(round(side) for side in shape.bounds), round(shape.area)


def _where(entry: Entry) -> str:
    return f"row {entry.row}" if isinstance(entry.row, int) else entry.row


def _at(entry: Entry, code: str, cause: str, remedy: str) -> Problem:
    number, place = (entry.row, "") if isinstance(entry.row, int) else (0, entry.row)
    return LabelProblem(number, code, cause, remedy, place, entry.file)


def label_findings(
    problems: Iterable[Problem], *, format: str, labels: int, shapes: int, linked: int
) -> list[dict[str, Any]]:
    """What the hospital reads of a label file: what was taken in, then each problem by row."""
    told = sorted(problems, key=lambda problem: problem.row)
    findings = [_told(problem) for problem in told[:MAX_TOLD]]
    if len(told) > MAX_TOLD:
        more = f"{len(told) - MAX_TOLD:,} more problems are not listed."
        findings.append(
            _told(LabelProblem(0, "TOO_MANY_PROBLEMS", more, "Correct the first ones; they usually share a cause."))
        )
    if labels:
        kind = FORMATS[format].title if format in FORMATS else "Labels"
        marks = f", {shapes:,} marks" if shapes else ""
        waiting = labels - linked
        words = f"{kind}: {labels:,} labels taken in{marks}" + (
            f"; {waiting:,} wait for their images." if waiting else "."
        )
        findings.insert(0, asdict(Finding("LABELS_TAKEN", "info", "labels", "", words, "")))
    return findings


def _told(problem: Problem) -> dict[str, Any]:
    """A problem as a finding. A member's name is left out: it may hold identity."""
    place = f"Row {problem.row}: " if problem.row else f"{problem.place}: " if problem.place else ""
    return asdict(Finding(problem.code, "should", "labels", "", place + problem.cause, problem.remedy))
