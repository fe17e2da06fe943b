"""Names as written, and the findings they stand for: what may be taken over, what needs a person, what never happens."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from fulfillment.labels.formats.model import Entry, Imported, Problem
from requests_app.taxonomy import (
    TAXONOMY_NAMES,
    Finding,
    LabelState,
    Relation,
    Taxonomy,
    ancestors,
    get_taxonomy,
    map_finding,
    normalise_name,
)


class Why(StrEnum):
    """How a suggestion was found. ``broader`` and ``narrower`` say what the taxonomy's finding is, against the name as written."""

    EXACT = "exact"
    ALIAS = "alias"
    BROADER = "crosswalk broader"
    NARROWER = "narrower"
    NEAR = "near"
    NONE = "none"


class Suggestion(NamedTuple):
    """What a name may stand for. Only ``exact`` and ``alias`` are taken without a person's word."""

    finding: Finding | None
    why: Why

    @property
    def certain(self) -> bool:
        return self.why in (Why.EXACT, Why.ALIAS)


def _own(finding: Finding, name: str) -> bool:
    return normalise_name(name) in (normalise_name(finding.name), normalise_name(finding.key))


@cache
def _shipped() -> tuple[Taxonomy, ...]:
    return tuple(get_taxonomy(name) for name in TAXONOMY_NAMES)


def finding_of(entry: Entry, taxonomy: Taxonomy) -> Finding | None:
    """The finding that an entry's key means in this list; None without one."""
    return next((finding for finding in taxonomy.findings if finding.key == entry.key), None) if entry.key else None


def is_known_finding(name: str, taxonomy: Taxonomy) -> bool:
    """Whether the name is one of a finding in this list or in any that ships."""
    return any(each.find(name) is not None for each in (taxonomy, *_shipped()))


def suggest_mapping(names: Iterable[str], taxonomy: Taxonomy) -> dict[str, Suggestion]:
    """For each name as written the finding of ``taxonomy`` it may stand for, and why.

    A name for something wider than any finding of the taxonomy ("Lung Opacity" where there is only "Consolidation") gets none:
    a parent never becomes a child. A name for something narrower ("Nodule" where there is only "Lung Lesion") is suggested as
    ``crosswalk broader`` and needs confirming; it then carries what is present, and not what is absent.
    """
    return {name: _suggest(name, taxonomy) for name in names}


def _suggest(name: str, taxonomy: Taxonomy) -> Suggestion:
    found = taxonomy.find(name)
    if found is not None and _own(found, name):
        return Suggestion(found, Why.EXACT)
    relation, target = _across(name, taxonomy)
    if relation is Relation.EXACT:
        return Suggestion(target, Why.ALIAS)
    if relation is Relation.BROADER:
        return Suggestion(target, Why.BROADER)
    if relation is Relation.NARROWER:
        return Suggestion(None, Why.NARROWER)
    if found is not None:
        return Suggestion(found, Why.ALIAS)
    near = get_close_matches(name.casefold(), [each.casefold() for each in taxonomy.names], n=1, cutoff=0.75)
    if near:
        return Suggestion(next(each for each in taxonomy.findings if each.name.casefold() == near[0]), Why.NEAR)
    return Suggestion(None, Why.NONE)


def _across(name: str, taxonomy: Taxonomy) -> tuple[Relation | None, Finding | None]:
    """What the lists that have this very name say its place in the taxonomy is."""
    for other in _shipped():
        source = other.find(name)
        if other.name == taxonomy.name or source is None or not _own(source, name):
            continue
        links = map_finding(source, taxonomy)
        if links:
            nearest = [link for link in links if link.relation is links[0].relation]
            link = max(nearest, key=lambda each: len(ancestors(taxonomy[each.target].concept)))
            return link.relation, taxonomy[link.target]
    return None, None


def apply_mapping(imported: Imported, taxonomy: Taxonomy, mapping: Mapping[str, str | None] | None = None) -> Imported:
    """The entries with the taxonomy's keys. ``mapping`` (name as written -> name or key, None to leave out) overrules suggestions.

    A name without a finding keeps its entries, with no key, and is told once with how many rows it concerns.
    """
    chosen = {normalise_name(name): target for name, target in (mapping or {}).items()}
    suggestions = suggest_mapping(imported.findings_seen, taxonomy)
    targets: dict[str, Finding | None] = {}
    refused: dict[str, tuple[str, str, str]] = {}
    left_out: set[str] = set()
    for name, suggestion in suggestions.items():
        called = _called(name, taxonomy)
        if normalise_name(name) in chosen or name in (mapping or {}):
            target = (mapping or {}).get(name, chosen.get(normalise_name(name)))
            if not target:
                left_out.add(name)
                continue
            finding = taxonomy.find(target)
            if finding is None:
                refused[name] = (
                    "MAPPING_UNKNOWN",
                    f"The mapping sends {called} to a finding that the list {taxonomy.name} does not have.",
                    f"Choose one of: {', '.join(taxonomy.names)}.",
                )
                continue
        elif suggestion.certain:
            finding = suggestion.finding
        else:
            refused[name] = _why_not(name, suggestion, taxonomy)
            continue
        targets[name] = finding
    entries, held = _carried(imported.entries, targets, left_out)
    return replace(
        imported,
        entries=tuple(entries),
        problems=(*imported.problems, *_told(imported.entries, refused), *held),
    )


def _called(name: str, taxonomy: Taxonomy) -> str:
    """A name is repeated only where it is one of a known list: a column taken for the findings may hold anything."""
    return repr(name) if is_known_finding(name, taxonomy) else "A name in the file"


def _why_not(name: str, suggestion: Suggestion, taxonomy: Taxonomy) -> tuple[str, str, str]:
    called = _called(name, taxonomy)
    if suggestion.why is Why.BROADER and suggestion.finding is not None:
        return (
            "FINDING_NEEDS_CONFIRMING",
            f"The list {taxonomy.name} has only a wider finding for {called}: {suggestion.finding.name}.",
            "Confirm it in the mapping: what is present will count for the wider finding, what is absent will not.",
        )
    if suggestion.why is Why.NARROWER:
        return (
            "FINDING_TOO_WIDE",
            f"{called} is wider than any finding of the list {taxonomy.name}, and a parent is never taken for one of its children.",
            "Ask the readers which finding they mean, or leave the name out in the mapping.",
        )
    if suggestion.finding is not None:
        return (
            "FINDING_UNKNOWN",
            f"{called} is not in the list {taxonomy.name}.",
            f"Did you mean {suggestion.finding.name!r}? Say so in the mapping.",
        )
    return (
        "FINDING_UNKNOWN",
        f"{called} is not in the list {taxonomy.name}.",
        f"Map it to one of these or leave it out: {', '.join(taxonomy.names)}.",
    )


def _told(entries: Iterable[Entry], refused: Mapping[str, tuple[str, str, str]]) -> list[Problem]:
    first: dict[str, Entry] = {}
    count = Counter[str]()
    for entry in entries:
        if entry.finding in refused:
            first.setdefault(entry.finding, entry)
            count[entry.finding] += 1
    return [_at(first[name], code, cause, remedy, count[name]) for name, (code, cause, remedy) in refused.items()]


def _at(entry: Entry, code: str, cause: str, remedy: str, rows: int) -> Problem:
    more = f" It concerns {rows:,} labels, this being the first." if rows > 1 else ""
    number, place = (entry.row, "") if isinstance(entry.row, int) else (0, entry.row)
    return Problem(number, code, cause + more, remedy, place, entry.file)


def _carried(
    entries: Iterable[Entry], targets: Mapping[str, Finding | None], left_out: set[str]
) -> tuple[list[Entry], list[Problem]]:
    kept: list[Entry] = []
    unsaid: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    relations = {name: _relation(name, finding) for name, finding in targets.items() if finding is not None}
    for entry in entries:
        if entry.finding in left_out:
            continue
        finding = targets.get(entry.finding)
        if finding is None:
            kept.append(entry)
            continue
        relation = relations[entry.finding]
        says = entry.state is not LabelState.NOT_MENTIONED
        if relation is Relation.BROADER and entry.state is LabelState.ABSENT:
            unsaid["ABSENT_CHILD", entry.finding].append(entry)
            kept.append(entry)
        elif relation is Relation.NARROWER and says and entry.state is not LabelState.ABSENT:
            unsaid["PARENT_AS_CHILD", entry.finding].append(entry)
            kept.append(entry)
        else:
            kept.append(replace(entry, key=finding.key))
    return kept, [_at(group[0], code, *_UNSAID[code], len(group)) for (code, _), group in unsaid.items()]


_UNSAID = {
    "ABSENT_CHILD": (
        "The finding is absent, and the one it is mapped to is wider: that one may still be present.",
        "Nothing to do; such rows are kept and do not count as absence of the wider finding.",
    ),
    "PARENT_AS_CHILD": (
        "The name is wider than the finding it is mapped to, and a parent is never taken for one of its children.",
        "Ask the readers which finding they mean, or map the name to a wider one.",
    ),
}


def _relation(name: str, finding: Finding) -> Relation:
    """How the chosen finding relates to the name, as far as any list knows; a person's word stands where none does."""
    for other in _shipped():
        source = other.find(name)
        if source is None or not _own(source, name):
            continue
        for link in map_finding(source, Taxonomy("one", "one", "1", (finding,))):
            return link.relation
    return Relation.EXACT
