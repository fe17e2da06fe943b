"""Statements, and the one state that a whole report gives each finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from requests_app.taxonomy import LabelState

#: What is more final: an addendum over the impression, the impression over the rest.
_FINAL = {"addendum": 2, "impression": 1}
_STRENGTH = {LabelState.PRESENT: 0, LabelState.LIKELY: 1, LabelState.POSSIBLE: 2, LabelState.ABSENT: 3}


@dataclass(frozen=True, slots=True)
class Statement:
    """What one place of a report says of one finding.

    `finding` is the key of a shared concept of ``requests_app.taxonomy`` ("pleural_effusion"), `section` one of ours ("findings",
    "impression" ...), ``text[start:end]`` the words that say it, and `side` "left", "right", "both" or "" where none is said.
    """

    finding: str
    state: LabelState
    start: int
    end: int
    section: str
    side: str = ""


def decisive(statements: Iterable[Statement]) -> dict[str, Statement]:
    """Per finding the statement that decides for the report, in the order in which the findings are first spoken of.

    Within a section the strongest statement counts (present, likely, possible, absent): "no large effusion" does not undo "small
    effusion". Where sections differ the more final one decides, with one exception: a denial in the impression does not undo what the
    findings say is present, because impressions deny the acute, the large and the new.
    """
    best: dict[str, dict[int, Statement]] = {}
    for statement in statements:
        levels = best.setdefault(statement.finding, {})
        level = _FINAL.get(statement.section, 0)
        held = levels.get(level)
        if held is None or _STRENGTH[statement.state] < _STRENGTH[held.state]:
            levels[level] = statement
    chosen: dict[str, Statement] = {}
    for finding, levels in best.items():
        order = sorted(levels, reverse=True)
        winner = levels[order[0]]
        if (
            order[0] == 1
            and winner.state is LabelState.ABSENT
            and 0 in levels
            and levels[0].state is LabelState.PRESENT
        ):
            winner = levels[0]
        chosen[finding] = winner
    return chosen


def report_states(statements: Iterable[Statement]) -> dict[str, LabelState]:
    """One state a finding for the whole report; a finding that it does not speak of is not in it. See `decisive` for the rule."""
    return {finding: statement.state for finding, statement in decisive(statements).items()}


def counts_as_positive(states: Mapping[str, LabelState], finding: str) -> bool:
    """Present and likely are positive, as the project's figures count them."""
    return states.get(finding) in (LabelState.PRESENT, LabelState.LIKELY)
