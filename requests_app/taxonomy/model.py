"""What a finding, a code and a taxonomy are. Pure values; the data files are read in `loader`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from requests_app.taxonomy.states import LabelState


class Relation(StrEnum):
    """How a finding's target relates to it, read "the target is ... (than the source)"."""

    EXACT = "exact"
    BROADER = "broader"
    NARROWER = "narrower"


class FindingKind(StrEnum):
    """Whether a label names something seen, a conclusion, a device, or normality."""

    FINDING = "finding"
    DIAGNOSIS = "diagnosis"
    DEVICE = "device"
    NORMAL = "normal"


class CodeEvidence(StrEnum):
    """How far a code was checked before it was written into our data."""

    PYDICOM_DICTIONARY = "pydicom-dictionary"
    PUBLIC_CODE = "public-code"
    VALUE_SET = "value-set"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Code:
    """A code in a clinical coding system.

    `sources` counts the independent public sources in which the pairing of code and meaning was seen;
    0 with `UNVERIFIED` and code "-" records that a code was looked for and none could be confirmed.
    """

    system: str
    code: str
    verified: CodeEvidence
    sources: int = 0
    note: str = ""

    @property
    def usable(self) -> bool:
        """True if the code may be written into an export."""
        return self.verified is not CodeEvidence.UNVERIFIED and self.code != "-"

    @property
    def evidence(self) -> str:
        """How far the code was verified, in words."""
        match self.verified:
            case CodeEvidence.PYDICOM_DICTIONARY:
                return "in the DICOM concept dictionary that ships with pydicom"
            case CodeEvidence.PUBLIC_CODE:
                return f"seen in public code or data ({_sources(self.sources)})"
            case CodeEvidence.VALUE_SET:
                return f"seen in a public value set ({_sources(self.sources)})"
            case _:
                return "not verified"


def _sources(count: int) -> str:
    return f"{count} source" if count == 1 else f"{count} independent sources"


@dataclass(frozen=True, slots=True)
class Finding:
    """One label of one taxonomy.

    `name` is the taxonomy's own spelling, verbatim, and is what files and exports carry. `key` is a
    stable slug inside the taxonomy. `concept` ties it to the shared concept through which taxonomies
    are mapped onto each other; it is empty for a custom finding that maps to nothing we know.
    """

    key: str
    name: str
    definition: str
    kind: FindingKind = FindingKind.FINDING
    concept: str = ""
    concept_relation: Relation = Relation.EXACT
    parents: tuple[str, ...] = ()
    codes: tuple[Code, ...] = ()
    aliases: tuple[str, ...] = ()
    note: str = ""
    #: "local" where the list marks it on the image too, "global" where it is said of the whole image only; "" if neither.
    scope: str = ""

    def code(self, system: str) -> Code | None:
        """The first usable code of a system ("SCT", "RADLEX", "UMLS", "RADELEMENT"), or None."""
        return next((c for c in self.codes if c.system == system and c.usable), None)


@dataclass(frozen=True, slots=True)
class Mapping:
    """One link from a finding to a finding of another taxonomy."""

    source: str
    target: str
    relation: Relation

    def carry(self, state: LabelState) -> LabelState:
        """The state that the target inherits from the source; never a parent exported as a child.

        A present child makes its parent present; an absent child says nothing of the parent. An absent
        parent makes the child absent; a present parent says nothing of which child it is.
        """
        if self.relation is Relation.EXACT or state is LabelState.NOT_MENTIONED:
            return state
        if self.relation is Relation.BROADER:
            return LabelState.NOT_MENTIONED if state is LabelState.ABSENT else state
        return state if state is LabelState.ABSENT else LabelState.NOT_MENTIONED


def normalise_name(text: str) -> str:
    """A finding's name reduced for comparison: case, spaces, underscores and punctuation ignored."""
    return re.sub(r"[^0-9a-z]+", " ", text.casefold()).strip()


@dataclass(frozen=True)
class Taxonomy:
    """A named, versioned list of findings, in the order its files use."""

    name: str
    title: str
    version: str
    findings: tuple[Finding, ...]
    citation: str = ""
    source: str = ""
    notes: str = ""
    custom: bool = field(default=False)

    @cached_property
    def _index(self) -> dict[str, Finding]:
        index: dict[str, Finding] = {}
        # Own names first: an alias of one finding must never shadow the name of another.
        for finding in self.findings:
            index.setdefault(normalise_name(finding.name), finding)
            index.setdefault(normalise_name(finding.key), finding)
        for finding in self.findings:
            for alias in finding.aliases:
                index.setdefault(normalise_name(alias), finding)
        return index

    def find(self, text: str) -> Finding | None:
        """The finding with this name, key or alias, ignoring case and punctuation; None if unknown."""
        return self._index.get(normalise_name(text))

    def __getitem__(self, key: str) -> Finding:
        """The finding with exactly this key. Raises KeyError."""
        for finding in self.findings:
            if finding.key == key:
                return finding
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return any(finding.key == key for finding in self.findings)

    @property
    def keys(self) -> tuple[str, ...]:
        """The findings' keys in order."""
        return tuple(finding.key for finding in self.findings)

    @property
    def names(self) -> tuple[str, ...]:
        """The findings' names, verbatim, in order."""
        return tuple(finding.name for finding in self.findings)

    def excludes(self, first: str, second: str) -> bool:
        """True if one image cannot have both findings: a normal image has no finding or diagnosis.

        Devices do not contradict normality (CheXpert's No Finding allows Support Devices).
        """
        if first == second or first not in self or second not in self:
            return False
        kinds = {self[first].kind, self[second].kind}
        return FindingKind.NORMAL in kinds and bool(kinds & {FindingKind.FINDING, FindingKind.DIAGNOSIS})
