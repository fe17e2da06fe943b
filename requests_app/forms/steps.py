"""The six steps of the wizard: what each asks, and which part of the document it writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from requests_app.forms.binding import Document, get_at
from requests_app.spec import LintNote


@dataclass(frozen=True)
class Step:
    """One subject on one page. ``parts`` are the parts of the document that it writes, and nobody else does."""

    key: str
    title: str
    question: str
    lead: str
    parts: tuple[str, ...]
    sections: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    number: int = field(default=0, compare=False)

    def owns(self, path: str) -> bool:
        """Whether a note's path is about something on this step."""
        return any(path == part or path.startswith(part + ".") for part in self.parts)

    def excerpt(self, document: Document) -> dict[str, Any]:
        """This step's part of a document, to notice that somebody else changed it."""
        return {part: get_at(document, part) for part in self.parts}


_STEPS = (
    Step(
        "purpose",
        "Purpose",
        "What is the data for?",
        "Hospitals and their ethics boards read this first.",
        ("title", "category", "purpose"),
        ("purpose",),
    ),
    Step(
        "cohort",
        "Cohort",
        "How many images, of whom?",
        "Say the smallest number that would be useful. Leave empty what does not matter.",
        ("cohort",),
        ("cohort",),
    ),
    Step(
        "images",
        "Projections and technique",
        "Which images are accepted?",
        "Each line becomes a check that every delivered file must pass.",
        ("projections", "image"),
        ("image",),
        ("projections",),
    ),
    Step(
        "labels",
        "Labels and annotation",
        "What must be labelled, and by whom?",
        "Findings in the words of one list, so that hospitals and programs mean the same.",
        ("labels",),
        ("labels",),
        ("custom", "findings"),
    ),
    Step(
        "quotas",
        "Quotas",
        "How many of which kind?",
        "A quota counts images of one selection: female, 66 and over, AP supine. Skip this step if any mix will do.",
        ("quotas", "share_caps", "quota_counting"),
        ("counting",),
        ("quotas", "shares"),
    ),
    Step(
        "terms",
        "Reports, delivery and terms",
        "On what terms?",
        "Reports, quality, de-identification, the deadline, and what you may do with the data.",
        ("reports", "quality", "deidentification", "delivery", "terms"),
        ("reports", "quality", "deid", "delivery", "terms"),
        ("components",),
    ),
)
STEPS: tuple[Step, ...] = tuple(
    Step(s.key, s.title, s.question, s.lead, s.parts, s.sections, s.rows, number) for number, s in enumerate(_STEPS, 1)
)
BY_KEY = {step.key: step for step in STEPS}


def step_of(path: str) -> Step | None:
    """The step on which a note's path is mended; None for a note about the whole document."""
    return next((step for step in STEPS if step.owns(path)), None)


def before_and_after(step: Step) -> tuple[Step | None, Step | None]:
    """The neighbours of a step."""
    at = step.number - 1
    return (STEPS[at - 1] if at else None), (STEPS[at + 1] if at + 1 < len(STEPS) else None)


@dataclass(frozen=True)
class Stand:
    """How far one step is: what blocks posting on it, and what is advised."""

    step: Step
    blocking: list[LintNote]
    advice: list[LintNote]

    @property
    def lacks(self) -> str:
        """What is still missing, in a few words."""
        if not self.blocking:
            return ""
        first = self.blocking[0].message.rstrip(".")
        more = len(self.blocking) - 1
        return first if not more else f"{first}, and {more} more"


def standing(notes: list[LintNote] | tuple[LintNote, ...]) -> list[Stand]:
    """The six steps with the notes that belong to each."""
    return [
        Stand(
            step,
            [note for note in notes if note.blocking and step.owns(note.path)],
            [note for note in notes if not note.blocking and step.owns(note.path)],
        )
        for step in STEPS
    ]
