"""A first reading of the whole batch: which study belongs to whom, which instance comes twice, which
identifiers a patient has."""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from deid.batch.intake import Source, look_into
from deid.dicomfile.element import DataSet
from deid.dicomfile.read import read_file
from deid.keyring import Keyring, is_unnamed, issuer_of, same_number
from deid.outcome import Refusal
from deid.text.identifiers import gather

MOST_IDENTIFIERS = 2_000
"""Identifying words one radiograph may carry. Every other file of the same patient is searched for each of them, so a
file that brings more is refused: it would make the others slow."""


@dataclass(frozen=True)
class Looked:
    """The first look at one file, as a worker reports it. `refuse`: a reason that stands already."""

    refuse: str = ""
    instance: str = ""
    study: str = ""
    patient_id: str = ""
    issuer: str = ""
    sha256: str = ""
    strong: frozenset[str] | None = None

    @property
    def found(self) -> bool:
        """Whether the file could be read."""
        return self.strong is not None


@dataclass(slots=True)
class Seen:
    """What is remembered of one file; `patient` is the key of the patient, kept in memory only; `adopted` when the study's
    other files gave it. `refuse`: a reason for which the file is not even tried."""

    instance: str = ""
    study: str = ""
    patient: str = ""
    adopted: bool = False
    refuse: str = ""
    sha256: str = ""


@dataclass
class Survey:
    """The batch as a whole. `conflicting_studies` show two patient identifiers; `known` holds identifiers by
    patient."""

    seen: list[Seen] = field(default_factory=list)
    conflicting_studies: set[str] = field(default_factory=set)
    known: dict[str, frozenset[str]] = field(default_factory=dict)

    def duplicates(self) -> dict[str, list[int]]:
        """SOPInstanceUID -> indexes of the files that carry it, where more than one does."""
        groups: dict[str, list[int]] = defaultdict(list)
        for index, seen in enumerate(self.seen):
            if seen.instance:
                groups[seen.instance].append(index)
        return {uid: members for uid, members in groups.items() if len(members) > 1}


@dataclass(frozen=True)
class Look:
    """One file to look at. `digest`: whether its SHA-256 is wanted too, which means reading all of it."""

    index: int
    source: Source
    digest: bool = False


def survey_one(job: Look) -> Looked:
    """What one file says of itself: headers only, pixels are neither read nor decoded."""
    digest = ""
    try:
        with look_into(job.source) as data:
            if job.digest:
                digest = hashlib.sha256(data).hexdigest()
            dataset = read_file(data, pixels=False).dataset
        identifiers = gather(dataset)
    except Refusal:
        return Looked(sha256=digest)  # the engine will say why
    if len(identifiers.strong) > MOST_IDENTIFIERS:
        return Looked(refuse="too-many-elements", sha256=digest)
    return Looked(
        instance=dataset.ascii(0x00080018),
        study=dataset.ascii(0x0020000D),
        patient_id=_latin(dataset, 0x00100020),
        issuer=_latin(dataset, 0x00100021),
        sha256=digest,
        strong=frozenset(identifiers.strong),
    )


def _latin(dataset: DataSet, tag: int) -> str:
    element = dataset.get(tag)
    return element.raw.decode("latin-1") if element is not None else ""


def survey(sources: Sequence[Source], keyring: Keyring, looks: Iterable[tuple[int, Looked]]) -> Survey:
    """The batch as a whole, from (index, what one file says of itself) in any order."""
    result = Survey(seen=[Seen() for _ in sources])
    studies: dict[str, set[str]] = defaultdict(set)
    words: dict[str, set[str]] = defaultdict(set)
    said: dict[int, frozenset[str]] = {}
    for index, looked in looks:
        seen = result.seen[index]
        seen.refuse, seen.sha256 = looked.refuse, looked.sha256
        if looked.refuse or not looked.found:
            continue
        seen.instance, seen.study = looked.instance, sys.intern(looked.study)
        seen.patient = sys.intern(keyring.patient_key(looked.patient_id, looked.issuer, fallback=looked.study))
        if seen.study:
            studies[seen.study].add(seen.patient)
        said[index] = looked.strong or frozenset()
    fullest = {study: _fullest(keys) for study, keys in studies.items()}
    result.conflicting_studies = {study for study, keys in fullest.items() if len(keys) > 1}
    for index in sorted(said):
        seen = result.seen[index]
        keys = fullest.get(seen.study, set())
        if len(keys) == 1 and seen.patient not in keys:
            (seen.patient,) = keys
            seen.adopted = True
        words[seen.patient] |= said[index]
    result.known = {patient: frozenset(found) for patient, found in words.items()}
    return result


def _fullest(keys: set[str]) -> set[str]:
    """A study's patient keys without those that only say less than another: no identifier, or the same one without issuer."""
    named = {key for key in keys if not is_unnamed(key)} or keys
    return {key for key in named if issuer_of(key) or not any(issuer_of(o) and same_number(o, key) for o in named)}
