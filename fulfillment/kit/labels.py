"""A label file held against the images of the folder: the findings the server gives, and what is said of each image."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from fulfillment.kit.settled import Settled
from fulfillment.kit.sources import Source
from fulfillment.kit.state import State
from fulfillment.labels.formats import Entry, ImageRef, Imported, Problem, Size, check_against, read
from fulfillment.labels.formats.gather import stem
from fulfillment.labels.provenance import provenance_of
from fulfillment.labels.statement import Statement, lies_on
from fulfillment.verdict.entries import Fingerprints, Group, Place, label_findings, places_of, sort_entries
from requests_app.taxonomy import Taxonomy

# What ``check_against`` finds beside shapes is told for all entries, linked or not.
_TOLD_ALREADY = frozenset({"CONTRADICTION", "REPEATED", "IMAGE_UNMATCHED", "IMAGE_AMBIGUOUS"})
#: By the number of an image's file, by finding: what was said of it.
Said = dict[int, dict[str, list[Statement]]]


@dataclass
class Images:
    """The images that fit, under every name that a label file or a report may use; a refused twin's names lead to the one kept."""

    state: State = field(repr=False)
    by_uid: dict[str, int] = field(default_factory=dict)
    by_name: dict[str, int] = field(default_factory=dict)
    by_stem: dict[str, int] = field(default_factory=dict)
    sizes: dict[int, Size | None] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict, repr=False)
    namesakes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, settled: Iterable[Settled], state: State) -> Images:
        images = cls(state)
        rows = [one for one in settled if one.source.kind == "instance"]
        for one in (*[row for row in rows if row.twin is not None], *[row for row in rows if row.passed]):
            images._add(one)
        for one in rows:
            images.namesakes[images.stem_digest(one.source.name)] += 1
        return images

    def _add(self, one: Settled) -> None:
        number = one.twin if one.twin is not None else one.number
        facts = one.verdict["facts"]
        if facts.get("sop_instance_uid"):
            self.by_uid[facts["sop_instance_uid"]] = number
        self.by_name[self.name_digest(one.source.name)] = number
        self.by_stem[self.stem_digest(one.source.name)] = number
        if one.passed:
            rows, columns = facts.get("rows"), facts.get("columns")
            self.sizes[number] = (int(rows), int(columns)) if rows and columns else None
            self.names[number] = one.source.name

    def name_digest(self, name: str) -> str:
        return self.state.digest("name", name)

    def stem_digest(self, name: str) -> str:
        return self.state.digest("stem", stem(name))

    @property
    def prints(self) -> Fingerprints:
        return Fingerprints(self.state.keyring, self.name_digest, self.stem_digest)

    def find(self, place: Place) -> int | None:
        """The image that a label means, by the rule of ``fulfillment.intake.linking``: a name that two files have is nobody's."""
        found = self.by_uid.get(place.sop_instance_uid) if place.sop_instance_uid else None
        if found is None and place.name_digest:
            found = self.by_name.get(place.name_digest)
        if found is None and place.stem_digest and self.namesakes[place.stem_digest] < 2:
            found = self.by_stem.get(place.stem_digest)
        return found

    def sizes_by_name(self) -> dict[ImageRef, Size]:
        return {ImageRef("file", name): size for number, name in self.names.items() if (size := self.sizes[number])}


def judge_labels(source: Source, taxonomy: Taxonomy, images: Images, said: Said) -> Settled:
    """The verdict on one label file; what it says of images is added to ``said``."""
    imported = _read(source, taxonomy, images)
    problems: list[Problem] = list(imported.problems)
    places = places_of(imported.entries, images.prints, problems)
    found = {image: images.find(place) for image, place in places.items()}
    rows: set[tuple[Any, ...]] = set()
    shapes = linked = 0
    for group in sort_entries(imported.entries, taxonomy, places, problems):
        row, first = group.kept[0]
        key = (row, group.key, group.reader, provenance_of(first).method)
        if key in rows:
            continue
        rows.add(key)
        shapes += sum(entry.shape is not None for _, entry in group.kept)
        number = found[group.image]
        if number is None:
            continue
        linked += 1
        statement = _statement(group, images, number, imported.image_sizes.get(group.image))
        said.setdefault(number, defaultdict(list))[taxonomy[group.key].name].append(statement)
    problems += _against_images(imported, found, images)
    told = label_findings(problems, format=imported.format, labels=len(rows), shapes=shapes, linked=linked)
    if rows:
        return Settled(source, "passed", "", told)
    return Settled(source, "rejected", "LABELS_UNUSABLE", told)


def _read(source: Source, taxonomy: Taxonomy, images: Images) -> Imported:
    suffix = "".join(PurePosixPath(source.name.lower()).suffixes[-2:])
    reading = partial(read, source.path.read_bytes(), taxonomy=taxonomy, format="auto", name=f"labels{suffix}")
    imported = reading()
    if not imported.entries and any(problem.code == "SIZE_UNKNOWN" for problem in imported.problems):
        imported = reading(image_sizes=images.sizes_by_name())
    return imported


def _statement(group: Group, images: Images, number: int, stated: Size | None) -> Statement:
    first = group.kept[0][1]
    how = provenance_of(first)
    kinds: set[str] = set()
    astray = False
    for _, entry in group.kept:
        if entry.shape is None:
            continue
        drawn = entry.shape.size or stated or (None, None)
        box = [round(float(side), 3) for side in entry.shape.bounds]
        if lies_on(box, images.sizes.get(number) or (None, None), drawn):
            kinds.add(entry.shape.kind)
        else:
            astray = True
    return Statement(
        state=first.state,
        method=how.method,
        reader=images.state.keyring.dummy("reader", group.reader) if group.reader else "",
        readers=how.readers,
        board_certified=how.board_certified,
        blind_to_report=how.blind_to_report,
        adjudication=how.adjudication,
        is_consensus=how.is_consensus,
        laterality=how.laterality,
        shapes=frozenset(kinds),
        astray=astray,
        source=str(number),
    )


def _against_images(imported: Imported, found: Mapping[ImageRef, int | None], images: Images) -> list[Problem]:
    """Shapes against the images that are here: outside, of another size, drawn at another scale."""
    entries: list[Entry] = list(imported.entries)
    if not any(entry.shape is not None for entry in entries):
        return []
    here = {image: images.sizes.get(number) for image, number in found.items() if number is not None}
    checked = [entry for entry in entries if entry.image in here and entry.key]
    problems = check_against(checked, here, stated=imported.image_sizes, unmapped=False)
    return [problem for problem in problems if problem.code not in _TOLD_ALREADY]
