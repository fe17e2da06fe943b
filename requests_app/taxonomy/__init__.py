"""Findings, codes and cross-walks between label lists. Pure: no Django, no database.

`get_taxonomy("chexpert-14")` gives a `Taxonomy`; `map_finding(finding, taxonomy)` says what it becomes
in another one; `Mapping.carry(state)` says what may be exported.
"""

from requests_app.taxonomy.loader import (
    TAXONOMY_NAMES,
    Concept,
    UnknownTaxonomy,
    ancestors,
    concept_relation,
    concepts,
    get_taxonomy,
    map_finding,
    map_taxonomy,
    unmapped,
)
from requests_app.taxonomy.model import (
    Code,
    CodeEvidence,
    Finding,
    FindingKind,
    Mapping,
    Relation,
    Taxonomy,
    normalise_name,
)
from requests_app.taxonomy.states import UNCERTAIN_STATES, LabelState

__all__ = [
    "TAXONOMY_NAMES",
    "UNCERTAIN_STATES",
    "Code",
    "CodeEvidence",
    "Concept",
    "Finding",
    "FindingKind",
    "LabelState",
    "Mapping",
    "Relation",
    "Taxonomy",
    "UnknownTaxonomy",
    "ancestors",
    "concept_relation",
    "concepts",
    "get_taxonomy",
    "map_finding",
    "map_taxonomy",
    "normalise_name",
    "unmapped",
]
