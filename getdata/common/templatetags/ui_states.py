"""Every state of docs/architecture.md as tone, shape and word, so that colour never speaks alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

#: Shapes on a 12 x 12 grid. They differ in outline, not only in colour, and keep that difference in print.
SHAPES: dict[str, str] = {
    "ring": '<circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" stroke-width="1.5" '
    'stroke-dasharray="2 1.5"/>',
    "circle": '<circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" stroke-width="1.5"/>',
    "half": '<circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    '<path d="M6 1.75a4.25 4.25 0 0 1 0 8.5z" fill="currentColor"/>',
    "dot": '<circle cx="6" cy="6" r="5" fill="currentColor"/>',
    "check": '<path d="M1.5 6.5 4.75 9.75 10.5 2.75" fill="none" stroke="currentColor" stroke-width="2"/>',
    "cross": '<path d="m2 2 8 8M10 2 2 10" fill="none" stroke="currentColor" stroke-width="2"/>',
    "triangle": '<path d="M6 .75 11.75 11H.25z" fill="currentColor"/>',
    "octagon": '<path d="M3.5 0h5L12 3.5v5L8.5 12h-5L0 8.5v-5z" fill="currentColor"/>',
    "square": '<path d="M1.5 1.5h9v9h-9z" fill="currentColor"/>',
    "open-square": '<path d="M2 2h8v8H2z" fill="none" stroke="currentColor" stroke-width="1.5"/>',
    "back": '<path d="M5.5 1.5 1.5 5.5l4 4M2 5.5h5.5a3 3 0 0 1 3 3V11" fill="none" stroke="currentColor" '
    'stroke-width="1.75"/>',
    "bar": '<path d="M1 6h10" stroke="currentColor" stroke-width="2.5"/>',
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown. ``tone`` is one of plain, busy, good, warn, bad."""

    tone: str
    shape: str
    word: str


#: The words are states' own names made readable; where two entities share a name they share its look.
STATES: dict[str, Look] = {
    # organization
    "draft": Look("plain", "ring", "Draft"),
    "pending": Look("busy", "half", "Pending"),
    "verified": Look("good", "check", "Verified"),
    "suspended": Look("bad", "octagon", "Suspended"),
    "rejected": Look("bad", "cross", "Rejected"),
    # request
    "submitted": Look("busy", "half", "Submitted"),
    "open": Look("busy", "dot", "Open"),
    "closed": Look("plain", "square", "Closed"),
    "cancelled": Look("plain", "cross", "Cancelled"),
    "discarded": Look("plain", "cross", "Discarded"),
    # offer
    "accepted": Look("good", "check", "Accepted"),
    "declined": Look("bad", "cross", "Declined"),
    "withdrawn": Look("plain", "bar", "Withdrawn"),
    "expired": Look("plain", "bar", "Expired"),
    # verification evidence
    "provided": Look("busy", "half", "Provided"),
    # agreement
    "unsigned": Look("plain", "ring", "Not signed"),
    "part_signed": Look("busy", "half", "Signed by one party"),
    "signed": Look("good", "check", "Signed"),
    # saved search
    "paused": Look("plain", "bar", "Paused"),
    # fulfilment
    "active": Look("busy", "dot", "Active"),
    "completed": Look("good", "check", "Completed"),
    "terminated": Look("bad", "octagon", "Terminated"),
    # upload
    "complete": Look("good", "check", "Complete"),
    # batch
    "sealed": Look("busy", "square", "Sealed"),
    "in_review": Look("busy", "half", "In review"),
    "returned": Look("warn", "back", "Returned"),
    # source file
    "queued": Look("plain", "ring", "Queued"),
    "uploading": Look("busy", "half", "Uploading"),
    "received": Look("plain", "circle", "Received"),
    "processing": Look("busy", "half", "Processing"),
    "passed": Look("good", "check", "Passed"),
    "linked": Look("good", "check", "Linked"),
    "quarantined": Look("warn", "triangle", "Quarantined"),
    "failed": Look("bad", "cross", "Failed"),
    # list of a published set
    "reading": Look("busy", "half", "Being read"),
    "retired": Look("plain", "bar", "Retired"),
    # release and custody
    "approved": Look("warn", "half", "Goes live soon"),
    "published": Look("good", "check", "Published"),
    "revoked": Look("bad", "octagon", "Revoked"),
    "frozen": Look("bad", "octagon", "Stopped"),
    "lifted": Look("plain", "bar", "Lifted"),
    # incident; "open" and "closed" are a request's too
    "contained": Look("warn", "square", "Contained"),
    "destroyed": Look("plain", "cross", "Destroyed"),
    # requirement level and severity of a finding
    "must": Look("busy", "square", "Must"),
    "should": Look("plain", "open-square", "Should"),
    "info": Look("plain", "circle", "Note"),
    "warning": Look("warn", "triangle", "Warning"),
    "error": Look("bad", "cross", "Error"),
    # what is said of a finding: neither good nor bad, so the shapes fill up with certainty
    "present": Look("busy", "dot", "Present"),
    "likely": Look("busy", "half", "Likely"),
    "possible": Look("plain", "ring", "Possible"),
    "absent": Look("plain", "bar", "Absent"),
    "not_mentioned": Look("plain", "open-square", "Not mentioned"),
    # a score in a word
    "good": Look("good", "check", "Good"),
    "fair": Look("plain", "half", "Fair"),
    "weak": Look("warn", "triangle", "Weak"),
    "poor": Look("bad", "octagon", "Poor"),
    # verdicts of an audit
    "green": Look("good", "check", "Nothing found"),
    "amber": Look("warn", "triangle", "Look closer"),
    "red": Look("bad", "octagon", "A model could cheat"),
    "underpowered": Look("plain", "ring", "Too little data to tell"),
    # plain answers
    "yes": Look("good", "check", "Yes"),
    "no": Look("bad", "cross", "No"),
    "missing": Look("warn", "triangle", "Missing"),
    "filled": Look("good", "check", "Filled"),
    "overdue": Look("bad", "triangle", "Overdue"),
}


def look_of(value: Any) -> Look:
    """The look of a state given as a string, an enum or a boolean. An unknown one is plain, in its own words."""
    if value is True or value is False:
        value = "yes" if value else "no"
    name = str(getattr(value, "value", value)).strip().lower().replace("-", "_").replace(" ", "_")
    if name in STATES:
        return STATES[name]
    return Look("plain", "circle", name.replace("_", " ").capitalize() or "Unknown")


@register.simple_tag
def state(value: Any, word: str = "", *, tone: str = "", bare: bool = False) -> SafeString:
    """A state as a badge: shape, word, tone. ``word`` and ``tone`` replace the map's; ``bare`` drops the ground."""
    look = look_of(value)
    return format_html(
        '<span class="state tone-{}{}"><svg viewBox="0 0 12 12" aria-hidden="true" focusable="false">{}</svg>{}</span>',
        tone or look.tone,
        " bare" if bare else "",
        mark_safe(SHAPES[look.shape]),  # noqa: S308 (constant above)
        word or look.word,
    )


@register.filter
def state_word(value: Any) -> str:
    """The word alone, for titles and e-mails: ``{{ batch.status|state_word }}``."""
    return look_of(value).word
