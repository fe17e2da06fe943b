"""Which event reaches whom, and how: the matrix, as data.

An event belongs to a group, reaches roles of parties, and has a channel of its own: a line in the inbox (always), an e-mail at
once, or the daily digest. A person may choose another channel for a whole group; an event that is ``locked`` (signatures,
security, data that must be destroyed) keeps its own. Capabilities are named as in ``accounts.models.CAPABILITIES``, which lies
above this package: ``tests/notifications/test_matrix.py`` holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


class Channel(models.TextChoices):
    MAIL = "mail", "E-mail at once"
    DIGEST = "digest", "Daily digest"
    INBOX = "inbox", "Inbox only"


class Group(models.TextChoices):
    ORGANIZATIONS = "organizations", "Your organizations"
    REQUESTS = "requests", "Requests"
    QUESTIONS = "questions", "Questions and messages"
    OFFERS = "offers", "Offers"
    AGREEMENTS = "agreements", "Agreements and signatures"
    DELIVERIES = "deliveries", "Deliveries and reviews"
    RELEASES = "releases", "Releases"
    SEARCHES = "searches", "Saved searches"
    REMINDERS = "reminders", "Reminders"
    SECURITY = "security", "Security"


#: Party -> how a person reads it.
PARTIES = {
    "asker": "the organization that asked",
    "hospital": "the hospital",
    "organization": "the organization itself",
    "signer": "each party",
    "staff": "GetDATA staff",
    "person": "the person concerned",
}
#: Capability -> the roles that hold it.
ROLES: dict[str, tuple[str, ...]] = {
    "manage": ("owner",),
    "sign": ("owner", "signatory"),
    "approve_privacy": ("owner", "privacy_officer"),
    "write": ("owner", "signatory", "data_manager"),
    "upload": ("owner", "data_manager"),
    "download": ("owner", "data_manager", "reader"),
}
#: (party, capability); staff and persons have no capability.
Reach = tuple[str, str]
STAFF: Reach = ("staff", "")
PERSON: Reach = ("person", "")


@dataclass(frozen=True)
class Event:
    """One row of the matrix. ``subject`` is the e-mail's and the event's name on the preferences page."""

    group: Group
    subject: str
    reaches: tuple[Reach, ...]
    channel: Channel = Channel.MAIL
    locked: bool = False


def _row(group: Group, subject: str, *reaches: Reach, channel: Channel = Channel.MAIL, locked: bool = False) -> Event:
    return Event(group, subject, reaches, channel, locked)


_G, _INBOX, _DIGEST = Group, Channel.INBOX, Channel.DIGEST
_ASKER, _HOSPITAL = ("asker", "write"), ("hospital", "write")
_OWNERS = ("organization", "manage")
#: Whoever answers for data in each party: privacy officers and data managers of a hospital, all who may download of a holder.
_CONCERNED = (("hospital", "approve_privacy"), ("hospital", "upload"), ("asker", "download"))

EVENTS: dict[str, Event] = {
    # organizations and people
    "organization.submitted": _row(_G.ORGANIZATIONS, "An organization waits for verification", STAFF),
    "organization.decided": _row(_G.ORGANIZATIONS, "Your organization's verification", _OWNERS, locked=True),
    "organization.item_returned": _row(_G.ORGANIZATIONS, "Your organization's verification needs a change", _OWNERS),
    "organization.evidence_renewed": _row(_G.ORGANIZATIONS, "An organization answered again", STAFF),
    # the invitation itself goes by e-mail, with its link
    "invitation.created": _row(_G.ORGANIZATIONS, "An invitation to an organization", PERSON, channel=_INBOX),
    "invitation.accepted": _row(_G.ORGANIZATIONS, "Somebody joined your organization", _OWNERS, channel=_INBOX),
    "invitation.revoked": _row(_G.ORGANIZATIONS, "An invitation was taken back", PERSON, channel=_INBOX),
    "invitation.expired": _row(_G.ORGANIZATIONS, "An invitation found no answer", _OWNERS, channel=_INBOX),
    "membership.changed": _row(_G.SECURITY, "Your place in an organization", PERSON, locked=True),
    # requests
    "request.submitted": _row(_G.REQUESTS, "A request waits for a check", STAFF),
    "request.opened": _row(_G.REQUESTS, "Your request is open", _ASKER),
    "request.returned": _row(_G.REQUESTS, "Your request needs a change", _ASKER),
    "coauthor.added": _row(_G.REQUESTS, "You write a request along", PERSON),
    "amendment.submitted": _row(_G.REQUESTS, "An amendment waits for a check", STAFF),
    "request.amended": _row(_G.REQUESTS, "A request you offered on was amended", _HOSPITAL),
    "request.ended": _row(_G.REQUESTS, "A request you deliver to takes no more offers", _HOSPITAL, channel=_INBOX),
    # saved searches: the e-mail names each request and carries the link that stops it
    "search.matched": _row(_G.SEARCHES, "A request fits your saved search", PERSON),
    # questions and messages
    "question.asked": _row(_G.QUESTIONS, "A question on your request", _ASKER),
    "question.answered": _row(_G.QUESTIONS, "Your question was answered", PERSON),
    "question.clarifies": _row(_G.QUESTIONS, "An answer clarifies a request you offered on", _HOSPITAL),
    "question.hidden": _row(_G.QUESTIONS, "Staff hid a question", PERSON, _ASKER, channel=_INBOX),
    "message.posted": _row(_G.QUESTIONS, "A message about an offer", _ASKER, _HOSPITAL),
    # offers
    "offer.submitted": _row(_G.OFFERS, "A hospital made an offer", _ASKER),
    "offer.decided": _row(_G.OFFERS, "An answer to your offer", _HOSPITAL),
    "offer.withdrawn": _row(_G.OFFERS, "An offer was withdrawn", _ASKER, channel=_DIGEST),
    # agreements
    "agreement.to_sign": _row(_G.AGREEMENTS, "An agreement waits for your signature", ("signer", "sign"), locked=True),
    "fulfillment.started": _row(
        _G.AGREEMENTS, "An agreement is signed: delivery can begin", _ASKER, _HOSPITAL, locked=True
    ),
    # deliveries and reviews
    "fulfillment.ended": _row(_G.DELIVERIES, "A delivery has ended", _ASKER, _HOSPITAL),
    "batch.settled": _row(_G.DELIVERIES, "Your batch is processed", ("hospital", "upload"), channel=_INBOX),
    "batch.sealed": _row(_G.DELIVERIES, "A batch waits for review", STAFF),
    "batch.back": _row(_G.DELIVERIES, "A batch is back in the queue", STAFF, channel=_INBOX),
    "batch.in_review": _row(_G.DELIVERIES, "A reviewer has your batch", ("hospital", "upload"), channel=_INBOX),
    "batch.decided": _row(_G.DELIVERIES, "Your batch was reviewed", ("hospital", "upload")),
    "batch.accepted": _row(_G.DELIVERIES, "Images for your request were accepted", _ASKER, channel=_DIGEST),
    "clearance.asked": _row(
        _G.DELIVERIES, "A withheld image waits for your second look", ("hospital", "approve_privacy")
    ),
    "originals.destroyed": _row(
        _G.DELIVERIES, "Originals that you sent were destroyed", ("hospital", "upload"), channel=_DIGEST
    ),
    # releases
    "release.waits": _row(_G.RELEASES, "A release waits for a second person", STAFF),
    "release.approved": _row(_G.RELEASES, "A release goes live soon, and can be undone until then", STAFF),
    "release.undone": _row(_G.RELEASES, "A release was taken back before it went live", STAFF),
    "release.published": _row(_G.RELEASES, "A release is ready to download", ("asker", "download")),
    "release.withdrawn": _row(_G.RELEASES, "A release was withdrawn", ("asker", "download"), locked=True),
    "grant.named": _row(_G.RELEASES, "You may download a release", PERSON),
    "grant.name_removed": _row(_G.RELEASES, "You may no longer download a release", PERSON),
    "grant.expires": _row(_G.RELEASES, "Your access to a release ends soon", ("asker", "download"), locked=True),
    "grant.expired": _row(_G.RELEASES, "Your access to a release has ended", ("asker", "download"), locked=True),
    "grant.revoked": _row(_G.RELEASES, "Your access to a release was revoked", ("asker", "download"), locked=True),
    # what was taken back
    "withdrawal.made": _row(
        _G.RELEASES, "Data were withdrawn", ("asker", "download"), ("hospital", "approve_privacy"), STAFF, locked=True
    ),
    "withdrawal.attested": _row(
        _G.RELEASES, "A holder attested destruction", ("hospital", "approve_privacy"), STAFF, channel=_DIGEST
    ),
    "withdrawal.completed": _row(
        _G.RELEASES, "No holder has copies of what you withdrew", ("hospital", "approve_privacy"), STAFF
    ),
    # security
    "scope.opened": _row(
        _G.SECURITY, "GetDATA staff opened your protected material", ("organization", "approve_privacy"), locked=True
    ),
    "incident.opened": _row(_G.SECURITY, "An incident concerns your organization", STAFF, *_CONCERNED, locked=True),
    "incident.told": _row(_G.SECURITY, "News of an incident", *_CONCERNED, locked=True),
    "incident.contained": _row(_G.SECURITY, "An incident is contained", STAFF, *_CONCERNED, locked=True),
    "incident.closed": _row(_G.SECURITY, "An incident is closed", STAFF, *_CONCERNED, locked=True),
    "reminder.incident": _row(_G.SECURITY, "Reminder: an incident is not contained", STAFF, locked=True),
    "webhook.disabled": _row(_G.SECURITY, "A webhook was switched off", _OWNERS, locked=True),
    # reminders, at half and at the end of the time there is
    "reminder.verification": _row(_G.REMINDERS, "Reminder: a verification waits", STAFF),
    "reminder.request_check": _row(_G.REMINDERS, "Reminder: a request waits for a check", STAFF),
    "reminder.question": _row(_G.REMINDERS, "Reminder: a question waits for an answer", _ASKER),
    "reminder.offer": _row(_G.REMINDERS, "Reminder: an offer waits for an answer", _ASKER),
    "reminder.agreement": _row(
        _G.AGREEMENTS, "Reminder: an agreement waits for your signature", ("signer", "sign"), locked=True
    ),
    "reminder.batch": _row(_G.REMINDERS, "Reminder: a batch waits for review", STAFF),
    "reminder.destruction": _row(
        _G.RELEASES, "Reminder: copies are to be destroyed", ("asker", "download"), locked=True
    ),
    "reminder.release": _row(_G.REMINDERS, "Reminder: a release waits for a second person", STAFF),
}


def events_of(group: str) -> list[tuple[str, Event]]:
    """The events of a group, in the matrix's order."""
    return [(key, event) for key, event in EVENTS.items() if event.group == group]


def who(event: Event) -> str:
    """Whom an event reaches, in words: "the hospital (owner, data manager), GetDATA staff"."""
    said = []
    for party, capability in event.reaches:
        roles = ", ".join(role.replace("_", " ") for role in ROLES.get(capability, ()))
        said.append(f"{PARTIES[party]} ({roles})" if roles else PARTIES[party])
    return "; ".join(said)
