"""The label lists as public pages: what each finding means, its codes, and what it is called in the other lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from requests_app.taxonomy import (
    TAXONOMY_NAMES,
    Code,
    Finding,
    FindingKind,
    Relation,
    Taxonomy,
    get_taxonomy,
    map_finding,
    unmapped,
)

SYSTEMS = {"SCT": "SNOMED CT", "RADLEX": "RadLex", "UMLS": "UMLS", "RADELEMENT": "RadElement"}
KINDS = {
    FindingKind.FINDING: "finding",
    FindingKind.DIAGNOSIS: "diagnosis",
    FindingKind.DEVICE: "device",
    FindingKind.NORMAL: "normal",
}
SCOPES = {"local": "marked on the image", "global": "of the whole image"}
RELATIONS = {Relation.EXACT: "the same", Relation.BROADER: "wider", Relation.NARROWER: "narrower"}


@dataclass(frozen=True)
class CodeRow:
    """One code, or that one was looked for and none could be confirmed."""

    system: str
    code: Code


@dataclass(frozen=True)
class Link:
    """What a finding is called in another list. ``relation`` reads "the other one is ..."."""

    taxonomy: Taxonomy
    finding: Finding
    relation: str


@dataclass(frozen=True)
class FindingRow:
    """One finding with everything a reader may want to know of it."""

    finding: Finding
    kind: str
    scope: str
    aliases: tuple[str, ...]
    parents: tuple[Finding, ...]
    codes: tuple[CodeRow, ...]
    links: tuple[Link, ...]


@cache
def finding_rows(name: str) -> tuple[FindingRow, ...]:
    """The findings of a list in its order."""
    taxonomy = get_taxonomy(name)
    others = [get_taxonomy(other) for other in TAXONOMY_NAMES if other != name]
    return tuple(
        FindingRow(
            finding=finding,
            kind=KINDS[finding.kind],
            scope=SCOPES.get(finding.scope, ""),
            aliases=_other_words(finding),
            parents=tuple(taxonomy[key] for key in finding.parents),
            codes=tuple(CodeRow(SYSTEMS.get(code.system, code.system), code) for code in finding.codes),
            links=tuple(
                Link(other, other[link.target], RELATIONS[link.relation])
                for other in others
                for link in map_finding(finding, other)
            ),
        )
        for finding in taxonomy.findings
    )


def _other_words(finding: Finding) -> tuple[str, ...]:
    """The aliases that are not the name again in other letters."""
    said = {finding.name.casefold()}
    words = []
    for alias in finding.aliases:
        if alias.casefold() not in said:
            said.add(alias.casefold())
            words.append(alias)
    return tuple(words)


@require_safe
def taxonomy_list(request: HttpRequest) -> HttpResponse:
    """Every label list that a request can choose."""
    lists = [get_taxonomy(name) for name in TAXONOMY_NAMES]
    return render(request, "requests_app/taxonomies/list.html", {"lists": lists})


@require_safe
def taxonomy_detail(request: HttpRequest, name: str) -> HttpResponse:
    """One label list with its findings."""
    if name not in TAXONOMY_NAMES:
        raise Http404("There is no such label list.")
    taxonomy = get_taxonomy(name)
    others = [get_taxonomy(other) for other in TAXONOMY_NAMES if other != name]
    context = {
        "taxonomy": taxonomy,
        "rows": finding_rows(name),
        "lost": [(other, unmapped(taxonomy, other)) for other in others],
        "source_url": taxonomy.source if taxonomy.source.startswith("https://") else "",
    }
    return render(request, "requests_app/taxonomies/detail.html", context)
