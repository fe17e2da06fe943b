"""Read the taxonomies from the data files beside this module and map them onto each other.

Sources of the facts: the published label lists (Irvin 2019, Wang 2017, Nguyen 2022, Bustos 2020) and
our own cross-check of codes; every code says in `verified` and `sources` how far it was confirmed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from requests_app.taxonomy.model import (
    Code,
    CodeEvidence,
    Finding,
    FindingKind,
    Mapping,
    Relation,
    Taxonomy,
)

TAXONOMY_NAMES: tuple[str, ...] = (
    "getdata-cxr",
    "chexpert-14",
    "nih-chestxray14",
    "vindr-cxr",
    "padchest-subset",
)


class UnknownTaxonomy(LookupError):
    """Asked for a taxonomy that is not shipped. The message lists those that are."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A shared meaning that findings of several taxonomies point to."""

    key: str
    name: str
    kind: FindingKind
    definition: str
    broader: tuple[str, ...] = ()
    codes: tuple[Code, ...] = ()
    aliases: tuple[str, ...] = ()
    note: str = ""


def _read(name: str) -> dict[str, Any]:
    text = resources.files("requests_app.taxonomy").joinpath("data", name).read_text("utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def _code(row: dict[str, Any]) -> Code:
    return Code(
        system=row["system"],
        code=row["code"],
        verified=CodeEvidence(row["verified"]),
        sources=int(row.get("sources", 0)),
        note=row.get("note", ""),
    )


@cache
def concepts() -> dict[str, Concept]:
    """All shared concepts by key."""
    return {
        row["key"]: Concept(
            key=row["key"],
            name=row["name"],
            kind=FindingKind(row["kind"]),
            definition=row["definition"],
            broader=tuple(row.get("broader", ())),
            codes=tuple(_code(code) for code in row.get("codes", ())),
            aliases=tuple(row.get("aliases", ())),
            note=row.get("note", ""),
        )
        for row in _read("concepts.json")["concepts"]
    }


@cache
def ancestors(concept: str) -> frozenset[str]:
    """Every concept that contains this one, not itself. Unknown concepts have none."""
    found: set[str] = set()
    waiting = list(concepts()[concept].broader) if concept in concepts() else []
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            waiting.extend(concepts()[parent].broader)
    return frozenset(found)


def _finding(row: dict[str, Any]) -> Finding:
    concept = concepts()[row["concept"]]
    return Finding(
        key=row["key"],
        name=row["name"],
        definition=row.get("definition", concept.definition),
        kind=concept.kind,
        concept=concept.key,
        concept_relation=Relation(row.get("concept_relation", "exact")),
        parents=tuple(row.get("parents", ())),
        codes=concept.codes,
        aliases=(*row.get("aliases", ()), concept.name, *concept.aliases),
        note=row.get("note", concept.note),
        scope=row.get("scope", ""),
    )


@cache
def get_taxonomy(name: str) -> Taxonomy:
    """A shipped taxonomy by name (see `TAXONOMY_NAMES`). Raises UnknownTaxonomy."""
    if name not in TAXONOMY_NAMES:
        raise UnknownTaxonomy(f"There is no taxonomy called {name!r}. Choose one of: {', '.join(TAXONOMY_NAMES)}.")
    data = _read(f"{name}.json")
    return Taxonomy(
        name=data["name"],
        title=data["title"],
        version=data["version"],
        findings=tuple(_finding(row) for row in data["findings"]),
        citation=data["citation"],
        source=data["source"],
        notes=data["notes"],
    )


def concept_relation(source: str, target: str) -> Relation | None:
    """How concept `target` relates to concept `source`; None if neither contains the other."""
    if not source or not target:
        return None
    if source == target:
        return Relation.EXACT
    if target in ancestors(source):
        return Relation.BROADER
    if source in ancestors(target):
        return Relation.NARROWER
    return None


def _compose(own: Relation, between: Relation, other: Relation) -> Relation | None:
    """Chain source -> its concept -> target's concept -> target; None where nothing follows.

    `own` and `other` say how the concept relates to its finding, so the last step is reversed.
    """
    flipped = {
        Relation.EXACT: Relation.EXACT,
        Relation.BROADER: Relation.NARROWER,
        Relation.NARROWER: Relation.BROADER,
    }
    steps = {own, between, flipped[other]} - {Relation.EXACT}
    if not steps:
        return Relation.EXACT
    # Going up and then down arrives at a cousin, of which nothing can be said.
    return steps.pop() if len(steps) == 1 else None


def map_finding(finding: Finding, target: Taxonomy) -> tuple[Mapping, ...]:
    """The findings of `target` that this one maps to, exact first, then broader, then narrower."""
    links: list[Mapping] = []
    for candidate in target.findings:
        between = concept_relation(finding.concept, candidate.concept)
        if between is None:
            continue
        relation = _compose(finding.concept_relation, between, candidate.concept_relation)
        if relation is not None:
            links.append(Mapping(finding.key, candidate.key, relation))
    order = list(Relation)
    return tuple(sorted(links, key=lambda link: order.index(link.relation)))


def map_taxonomy(source: Taxonomy, target: Taxonomy) -> tuple[Mapping, ...]:
    """Every link from one taxonomy to another."""
    return tuple(link for finding in source.findings for link in map_finding(finding, target))


def unmapped(source: Taxonomy, target: Taxonomy) -> tuple[Finding, ...]:
    """The findings of `source` for which `target` has no exact or broader label: lost on export."""
    kept: Iterable[str] = {
        link.source for link in map_taxonomy(source, target) if link.relation is not Relation.NARROWER
    }
    return tuple(finding for finding in source.findings if finding.key not in kept)
