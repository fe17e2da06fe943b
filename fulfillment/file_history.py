"""What happened to one file: who sent it, what was said of it, what took its place. From the audit log, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fulfillment.models import SourceFile
from fulfillment.uploads import rights
from getdata.accounts.models import User
from getdata.audit.models import AuditEvent

_WORDS = {
    "sourcefile.received": "sent it",
    "sourcefile.processing": "began to work on it",
    "sourcefile.passed": "found it within the specification",
    "sourcefile.rejected": "refused it",
    "sourcefile.quarantined": "withheld it",
    "sourcefile.failed": "could not process it",
    "sourcefile.withdrawn": "withdrew it",
    "original.viewed": "looked at its original",
}


@dataclass(frozen=True)
class Step:
    """One line of the history. ``reason`` is the code of a cause, ``successor`` the file that took the place."""

    at: datetime
    who: str
    what: str
    reason: str = ""


def history_of(file: SourceFile, viewer: User) -> list[Step]:
    """The file's steps, oldest first. People of the hospital are named to the hospital alone."""
    events = list(
        AuditEvent.objects.filter(target_type=SourceFile._meta.label, target_id=str(file.pk), verb__in=_WORDS).order_by(
            "id"
        )
    )
    people = {str(user.pk): user for user in User.objects.filter(pk__in={event.actor_id for event in events} - {""})}
    own = rights.is_of_the_hospital(viewer, file.batch)
    return [_step(event, people, own) for event in events if event.verb != "sourcefile.processing"]


def _step(event: AuditEvent, people: Mapping[str, User], own: bool) -> Step:
    data: dict[str, Any] = event.data
    actor = people.get(event.actor_id)
    if event.actor_kind == "system" or actor is None:
        who = "GetDATA"
    elif actor.is_reviewer:
        who = "A reviewer"
    else:
        who = str(actor) if own else "The hospital"
    what = _WORDS[event.verb]
    if event.verb == "sourcefile.received" and data.get("from"):
        what = "sent it once more" if data.get("sent") else "had it processed again"
    if data.get("replaced_by"):
        what = f"sent file {data['replaced_by']}, which took its place"
    return Step(event.at, who, what, str(data.get("reason", "")))
