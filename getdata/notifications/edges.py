"""Every move of every state, and who hears of it: no state changes in silence.

For each edge of each model's ``TRANSITIONS`` either the events that tell the next actor, or why nobody waits for it.
``tests/notifications/test_every_edge.py`` walks all edges; a new one fails until it stands here.
"""

from __future__ import annotations

from dataclasses import dataclass

Edge = tuple[str, str]


@dataclass(frozen=True)
class Rule:
    """``tells`` names events of the matrix; ``nobody`` says why there are none."""

    tells: tuple[str, ...] = ()
    nobody: str = ""


def tells(*events: str) -> Rule:
    return Rule(tells=events)


def nobody(reason: str) -> Rule:
    return Rule(nobody=reason)


_OWN_STEP = "a step of the person's own upload, whose page shows it"
_WORKER = "the workers' own book-keeping; the batch's page counts it while it happens"
_OWN_FILE = "the person who does it looks at the file; the batch's page shows it"

EDGES: dict[str, dict[Edge, Rule]] = {
    "accounts.Organization": {
        ("draft", "pending"): tells("organization.submitted"),
        ("rejected", "pending"): tells("organization.submitted"),
        ("pending", "verified"): tells("organization.decided"),
        ("pending", "rejected"): tells("organization.decided"),
        ("verified", "suspended"): tells("organization.decided"),
        ("suspended", "verified"): tells("organization.decided"),
    },
    "accounts.Invitation": {
        ("pending", "accepted"): tells("invitation.accepted"),
        ("pending", "revoked"): tells("invitation.revoked"),
        ("pending", "expired"): tells("invitation.expired"),
    },
    "requests_app.DatasetRequest": {
        ("draft", "submitted"): tells("request.submitted"),
        ("draft", "cancelled"): nobody("only its own writers ever saw the draft"),
        ("submitted", "open"): tells("request.opened"),
        ("submitted", "draft"): tells("request.returned"),
        ("submitted", "cancelled"): nobody("it leaves the staff's queue; nothing is left to check"),
        ("open", "closed"): tells("offer.decided", "request.ended"),
        ("open", "cancelled"): tells("offer.decided"),
    },
    "requests_app.Amendment": {
        ("draft", "submitted"): tells("amendment.submitted"),
        ("draft", "open"): tells("request.amended"),
        ("draft", "discarded"): nobody("only its own writers ever saw the amendment"),
        ("submitted", "open"): tells("request.opened"),
        ("submitted", "draft"): tells("request.returned"),
        ("submitted", "discarded"): nobody("it leaves the staff's queue; nothing is left to check"),
    },
    "requests_app.Offer": {
        ("submitted", "accepted"): tells("fulfillment.started"),
        ("submitted", "declined"): tells("offer.decided"),
        ("submitted", "withdrawn"): tells("offer.withdrawn"),
        ("submitted", "expired"): tells("offer.decided"),
    },
    "fulfillment.Fulfillment": {
        ("active", "completed"): tells("fulfillment.ended"),
        ("active", "terminated"): tells("fulfillment.ended"),
    },
    "fulfillment.Batch": {
        ("open", "sealed"): tells("batch.sealed"),
        ("returned", "sealed"): tells("batch.sealed"),
        ("sealed", "in_review"): tells("batch.in_review"),
        ("in_review", "sealed"): tells("batch.back"),
        ("in_review", "accepted"): tells("batch.decided", "batch.accepted"),
        ("in_review", "returned"): tells("batch.decided"),
        ("in_review", "rejected"): tells("batch.decided"),
    },
    "fulfillment.Upload": {
        ("active", "complete"): nobody(_OWN_STEP),
        ("active", "terminated"): nobody(_OWN_STEP),
    },
    "fulfillment.SourceFile": {
        ("received", "processing"): nobody(_WORKER),
        ("processing", "received"): nobody(_WORKER),
        ("processing", "passed"): nobody(_WORKER),
        ("processing", "rejected"): nobody(_WORKER),
        ("processing", "quarantined"): nobody(_WORKER),
        ("processing", "failed"): nobody(_WORKER),
        ("passed", "quarantined"): tells("batch.decided"),
        ("received", "withdrawn"): nobody(_OWN_FILE),
        ("passed", "withdrawn"): nobody(_OWN_FILE),
        ("rejected", "withdrawn"): nobody(_OWN_FILE),
        ("rejected", "received"): nobody(_OWN_FILE),
        ("quarantined", "withdrawn"): nobody(_OWN_FILE),
        ("quarantined", "received"): nobody(_OWN_FILE),
        ("failed", "withdrawn"): nobody(_OWN_FILE),
        ("failed", "received"): nobody(_OWN_FILE),
    },
    "fulfillment.LabelImport": {
        ("reading", "ready"): nobody(
            "the person who sent the file watches its page, which shows the mapping when it is read"
        ),
        ("reading", "failed"): nobody("the person who sent the file watches its page, which shows cause and cure"),
        ("reading", "discarded"): nobody(
            "the person who sent the file took it back themselves, or left it for two weeks"
        ),
        ("ready", "reading"): nobody("the person who changed the mapping watches the page while it is read again"),
        ("ready", "confirmed"): nobody("the file is in the ledger from here on, where SourceFile's rules hold"),
        ("ready", "discarded"): nobody(
            "the person who sent the file took it back themselves, or left it for two weeks"
        ),
        ("failed", "reading"): nobody("the person who asked for another attempt watches the page while it is read"),
        ("failed", "discarded"): nobody(
            "the person who sent the file took it back themselves, or left it for two weeks"
        ),
    },
    "fulfillment.PublishedSet": {
        ("reading", "ready"): nobody("the reviewer who loaded the list sees its state on the page of lists"),
        ("reading", "failed"): nobody("the reviewer who loaded the list sees cause and cure on the page of lists"),
        ("ready", "retired"): nobody("a reviewer's own step; images already decided stay decided"),
    },
    "fulfillment.Withdrawal": {("open", "complete"): tells("withdrawal.completed")},
    "fulfillment.DestructionDuty": {("open", "attested"): tells("withdrawal.attested")},
    "fulfillment.Release": {
        ("draft", "approved"): tells("release.approved"),
        ("approved", "draft"): tells("release.undone"),
        ("approved", "published"): tells("release.published"),
        ("published", "withdrawn"): tells("release.withdrawn"),
    },
    "fulfillment.Incident": {
        ("open", "contained"): tells("incident.contained"),
        ("contained", "closed"): tells("incident.closed"),
    },
}
