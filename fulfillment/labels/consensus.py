"""From what each reader said to one state for each finding, by a stated rule. Pure.

**The rule.** Statements that do not mention the finding take no part. The strongest kind of source present decides alone:

1. adjudicated: a senior reader settled it;
2. consensus: the readers agreed on it together;
3. other imaging (a CT, say) that confirmed or excluded it;
4. readers of the image: the majority of them, or the single one;
5. a report read by a person;
6. a source that was not said, or that we do not know;
7. software: of a report, or of the image.

Among statements of the deciding kind, each reader has one voice (a row that speaks for n readers has n). First sides are
counted: *present* and *likely* against *absent* against *possible*. The side with most voices wins, and a tie is *possible*. On
the winning side the state with most voices is taken, and a tie between *present* and *likely* is *likely*, which both support.
A reader who says two different things is counted as *possible*, whichever row came last: a correction is a row that supersedes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from fulfillment.labels.methods import Method
from fulfillment.labels.statement import Statement
from requests_app.taxonomy import LabelState

Rule = Literal[
    "adjudicated", "consensus", "imaging", "majority", "single", "report_read", "unsaid", "software", "silent"
]

RULES: dict[str, str] = {
    "adjudicated": "adjudicated by a senior reader",
    "consensus": "consensus of the readers",
    "imaging": "confirmed by other imaging",
    "majority": "majority of the readers",
    "single": "one reader",
    "report_read": "report, read by a person",
    "unsaid": "source not said",
    "software": "software",
    "silent": "nobody mentions it",
}
#: In the order in which they decide.
_KINDS: tuple[Rule, ...] = ("adjudicated", "consensus", "imaging", "majority", "report_read", "unsaid", "software")
_KIND_OF: dict[Method, Rule] = {
    Method.ADJUDICATED: "adjudicated",
    Method.CONSENSUS: "consensus",
    Method.IMAGING: "imaging",
    Method.READERS: "majority",
    Method.SINGLE_READER: "majority",
    Method.IMAGE_READ: "majority",
    Method.REPORT_READ: "report_read",
    Method.REPORT_NLP: "software",
    Method.SOFTWARE: "software",
}
_SIDES = {
    LabelState.PRESENT: "positive",
    LabelState.LIKELY: "positive",
    LabelState.POSSIBLE: "open",
    LabelState.ABSENT: "negative",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds for one finding on one image, by which rule, who said so and who did not.

    ``agreed`` support the state's side, ``differed`` speak against it; both count all sources, not only the deciding kind.
    ``deciding`` are the statements of the kind that decided.
    """

    state: LabelState
    rule: Rule
    agreed: tuple[Statement, ...] = ()
    differed: tuple[Statement, ...] = ()
    deciding: tuple[Statement, ...] = ()

    @property
    def is_unanimous(self) -> bool:
        return not self.differed


def kind_of(statement: Statement) -> Rule:
    """Which kind of source a statement is, by the module's list."""
    if statement.adjudication == "senior":
        return "adjudicated"
    if statement.is_consensus and statement.method not in (Method.ADJUDICATED, Method.IMAGING):
        return "consensus"
    kind = _KIND_OF.get(statement.method)
    if kind is None:
        # Somebody with a reader's id has read something: a reader of the image unless it says otherwise.
        return "majority" if statement.reader and statement.method is Method.UNKNOWN else "unsaid"
    return kind


def settle(statements: Iterable[Statement]) -> Verdict:
    """One finding's state from what was said of it. The order of statements does not matter."""
    spoken = [one for one in statements if one.state is not LabelState.NOT_MENTIONED]
    if not spoken:
        return Verdict(LabelState.NOT_MENTIONED, "silent")
    kinds = {one: kind_of(one) for one in spoken}
    kind = min(kinds.values(), key=_KINDS.index)
    deciding = tuple(one for one in spoken if kinds[one] == kind)
    voices = _voices(deciding)
    state = _winner(voices)
    rule: Rule = "single" if kind == "majority" and sum(voices.values()) == 1 else kind
    side = _SIDES[state]
    return Verdict(
        state,
        rule,
        tuple(one for one in spoken if _SIDES[one.state] == side),
        tuple(one for one in spoken if _SIDES[one.state] != side),
        deciding,
    )


def consensus(statements: Mapping[str, Iterable[Statement]]) -> dict[str, Verdict]:
    """By finding: ``settle`` of what was said of it on one image."""
    return {finding: settle(said) for finding, said in statements.items()}


def _voices(statements: Iterable[Statement]) -> Counter[LabelState]:
    voices: Counter[LabelState] = Counter()
    by_reader: defaultdict[str, list[Statement]] = defaultdict(list)
    for one in statements:
        if one.reader and not one.is_consensus:
            by_reader[one.reader].append(one)
        else:
            voices[one.state] += one.readers or 1
    for said in by_reader.values():
        states = {one.state for one in said}
        voices[states.pop() if len(states) == 1 else LabelState.POSSIBLE] += max(one.readers or 1 for one in said)
    return voices


def _winner(voices: Counter[LabelState]) -> LabelState:
    sides: Counter[str] = Counter()
    for state, count in voices.items():
        sides[_SIDES[state]] += count
    most = max(sides.values())
    leading = [side for side, count in sides.items() if count == most]
    if len(leading) > 1:
        return LabelState.POSSIBLE
    if leading == ["negative"]:
        return LabelState.ABSENT
    if leading == ["open"]:
        return LabelState.POSSIBLE
    return LabelState.PRESENT if voices[LabelState.PRESENT] > voices[LabelState.LIKELY] else LabelState.LIKELY
