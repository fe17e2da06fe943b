"""A first reading of the whole batch: which study belongs to whom, which instance comes twice, which
identifiers a patient has."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from deid.batch.intake import Source, read_source
from deid.dicomfile.read import read_file
from deid.keyring import Keyring
from deid.outcome import Refusal
from deid.text.identifiers import gather


@dataclass
class Seen:
    """What one file says of itself; `patient` and `study` are keyed digests or UIDs, kept in memory only."""

    sha256: str = ""
    instance: str = ""
    study: str = ""
    patient: str = ""


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


def survey_one(source: Source, keyring: Keyring) -> tuple[Seen, frozenset[str]]:
    """What one file says of itself, and its identifying words; empty where it cannot be read (the engine then
    says why)."""
    try:
        data = read_source(source)
    except Refusal:
        return Seen(), frozenset()
    seen = Seen(sha256=hashlib.sha256(data).hexdigest())
    try:
        dataset = read_file(data).dataset
        identifiers = gather(dataset)
    except Refusal:
        return seen, frozenset()
    seen.instance = dataset.ascii(0x00080018)
    seen.study = dataset.ascii(0x0020000D)
    element, issuer = dataset.get(0x00100020), dataset.get(0x00100021)
    seen.patient = keyring.patient_key(
        element.raw.decode("latin-1") if element is not None else "",
        issuer.raw.decode("latin-1") if issuer is not None else "",
        fallback=seen.study,
    )
    return seen, frozenset(identifiers.strong)


def survey(sources: Iterable[Source], keyring: Keyring) -> Survey:
    """Read every header once."""
    result = Survey()
    patients: dict[str, set[str]] = defaultdict(set)
    words: dict[str, set[str]] = defaultdict(set)
    for source in sources:
        seen, strong = survey_one(source, keyring)
        result.seen.append(seen)
        if seen.study:
            patients[seen.study].add(seen.patient)
        if seen.patient:
            words[seen.patient] |= strong
    result.conflicting_studies = {study for study, keys in patients.items() if len(keys) > 1}
    result.known = {patient: frozenset(found) for patient, found in words.items()}
    return result
