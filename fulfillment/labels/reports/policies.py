"""What a report's statements become in a label list: NIH's fourteen, CheXpert's fourteen, or GetDATA's own.

One rule for all: a finding fills its own column. A finding without a column of its own fills the nearest broader one
("hiatal hernia" is a Hernia, a rib fracture a Fracture) when it is present, likely or possible; its absence says nothing of
the broader one. A broader statement never fills a narrower column: an opacity is not an Infiltration, a lung lesion not a
Nodule, "lungs clear" denies no pneumonia by name. A finding that has its column does not fill its parent's as well, as in
CheXpert's own files: atelectasis is not ticked as Lung Opacity.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from fulfillment.labels.reports.states import Statement, decisive
from requests_app.taxonomy import LabelState, Taxonomy, concepts, get_taxonomy

#: The names that the command line takes, and the taxonomy that each stands for.
POLICIES = {"nih14": "nih-chestxray14", "chexpert14": "chexpert-14", "getdata": "getdata-cxr"}

_STRENGTH = (LabelState.PRESENT, LabelState.LIKELY, LabelState.POSSIBLE, LabelState.ABSENT)


@cache
def _columns(concept: str, taxonomy_name: str) -> tuple[tuple[str, bool], ...]:
    return _reached(concept, get_taxonomy(taxonomy_name))


def _reached(concept: str, taxonomy: Taxonomy) -> tuple[tuple[str, bool], ...]:
    """The taxonomy's findings that a concept fills, each with whether it is the concept itself: its own, else the nearest broader."""
    own = {finding.concept: finding.key for finding in taxonomy.findings}
    if concept in own:
        return ((own[concept], True),)
    known = concepts()
    level = list(known[concept].broader) if concept in known else []
    while level:
        hit = tuple((own[parent], False) for parent in level if parent in own)
        if hit:
            return hit
        level = [above for parent in level for above in known[parent].broader]
    return ()


def in_taxonomy(statements: Iterable[Statement], taxonomy: Taxonomy | str) -> dict[str, Statement]:
    """Per finding of the taxonomy (by key, in its order) the statement that decides; what the report does not speak of is left out.

    The statement keeps the concept under which it was made, so that a page can say that "Fracture" rests on a rib. Give the name of a
    shipped taxonomy, or a taxonomy (a request's own list).
    """
    named = isinstance(taxonomy, str)
    columns = get_taxonomy(taxonomy) if isinstance(taxonomy, str) else taxonomy
    filled: dict[str, Statement] = {}
    for concept, statement in decisive(statements).items():
        for key, own in _columns(concept, columns.name) if named else _reached(concept, columns):
            if not own and statement.state is LabelState.ABSENT:
                continue
            held = filled.get(key)
            if held is None or _STRENGTH.index(statement.state) < _STRENGTH.index(held.state):
                filled[key] = statement
    return {key: filled[key] for key in columns.keys if key in filled}
