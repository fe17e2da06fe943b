"""A finding that a sentence speaks of, and what it is until every cue has been weighed."""

from __future__ import annotations

from dataclasses import dataclass

from requests_app.taxonomy import LabelState

#: Words that set one finding beside another as an alternative, or join both under one denial.
ALTERNATIVES = frozenset(("or", "nor", "/"))
_CERTAINTY = (LabelState.PRESENT, LabelState.LIKELY, LabelState.POSSIBLE)


@dataclass(slots=True)
class Mention:
    """A finding that a sentence speaks of, words ``first`` to ``last``; `state` None says that nothing is claimed of this image."""

    concept: str
    first: int
    last: int
    head: int
    state: LabelState | None
    #: the words alone leave doubt, so a plain denial elsewhere prevails ("vascular congestion", "no edema")
    weak: bool = False
    settled: bool = False


def weaken(mention: Mention, state: LabelState) -> None:
    """Make a mention as doubtful as `state`, if it is not more so already; what is denied or not claimed stays so."""
    if mention.state in _CERTAINTY:
        mention.state = max(mention.state, state, key=_CERTAINTY.index)
