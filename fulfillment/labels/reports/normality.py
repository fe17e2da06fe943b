"""When a report amounts to No Finding.

A report says that nothing was found when it calls the chest normal, or lungs and heart or pleura each free of what it looked
for, and speaks of no finding anywhere. "No acute abnormality" alone is neither: old disease may remain, and nobody said what
was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fulfillment.labels.reports.states import Statement, report_states
from requests_app.taxonomy import FindingKind, LabelState, concepts

#: Said in reports of chests that the label lists call normal: none of the lists holds it.
_OUTSIDE = frozenset(("copd",))
_NOT_THERE = (LabelState.ABSENT, LabelState.NOT_MENTIONED)


def is_device(concept: str) -> bool:
    """Tubes, lines and implants: they do not contradict a normal chest."""
    known = concepts().get(concept)
    return known is not None and known.kind is FindingKind.DEVICE


def no_finding(found: Iterable[Statement], normal: Sequence[Statement]) -> Statement | None:
    """The statement that there is no finding, with the words that say so; None if there is one, or nobody said there is none."""
    statements = list(found)
    states = report_states(statements)
    if any(
        state not in _NOT_THERE and not is_device(concept) and concept not in _OUTSIDE
        for concept, state in states.items()
    ):
        return None
    evidence = (
        normal[-1]
        if normal
        else next((s for s in statements if s.state is LabelState.ABSENT and not is_device(s.finding)), None)
    )
    if evidence is None:
        return None
    return Statement("no_finding", LabelState.PRESENT, evidence.start, evidence.end, evidence.section)
