"""What pages and API show about people and organizations: read only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, Q, QuerySet, When

from getdata.accounts.checklist import Check, checks_for
from getdata.accounts.models import CAPABILITIES, Invitation, Membership, Organization, Role, User, VerificationItem
from getdata.accounts.permissions import confirmed_addresses, may_decide, role_in
from getdata.audit.models import AuditEvent

Status = Organization.Status
State = VerificationItem.State

#: How long GetDATA gives itself for a verification; shown to the organization and to the reviewers.
REVIEW_TIME = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Line:
    """One check of one organization's checklist. ``item`` is None for a row that was never made."""

    check: Check
    item: VerificationItem | None
    may_answer: bool
    may_decide: bool

    @property
    def state(self) -> str:
        return self.item.state if self.item else State.MISSING.value

    @property
    def to_do(self) -> bool:
        """The organization has to act on it."""
        return self.state in (State.MISSING, State.RETURNED)


@dataclass(frozen=True, slots=True)
class Checklist:
    """All lines, and how many stand where."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        return len(self.lines)

    @property
    def to_do(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.to_do)

    @property
    def to_answer(self) -> Line | None:
        """The first open line that this person may answer."""
        return next((line for line in self.to_do if line.may_answer), None)

    @property
    def answered(self) -> int:
        return self.total - len(self.to_do)

    @property
    def accepted(self) -> int:
        return sum(line.state == State.ACCEPTED for line in self.lines)

    @property
    def waiting(self) -> int:
        """Lines that wait for a reviewer."""
        return sum(line.state == State.PROVIDED for line in self.lines)

    @property
    def all_accepted(self) -> bool:
        return self.accepted == self.total


@dataclass(frozen=True, slots=True)
class NextStep:
    """Whose turn it is, and what for. ``due`` is set while GetDATA has to act."""

    owner: str
    text: str
    due: datetime | None = None
    tone: str = "info"


@dataclass(frozen=True, slots=True)
class Act:
    """One line of an organization's history, in words."""

    at: datetime
    who: str
    what: str


def checklist(organization: Organization, user: User) -> Checklist:
    """The organization's checklist as this person may use it."""
    items = {i.key: i for i in organization.verification_items.select_related("provided_by", "decided_by")}
    role, decides = role_in(user, organization), may_decide(user, organization)
    reviewing = organization.status in (Status.PENDING, Status.VERIFIED, Status.SUSPENDED)
    return Checklist(
        tuple(
            Line(
                check=check,
                item=(item := items.get(check.key)),
                may_answer=role in (Role.OWNER, check.who)
                and not (organization.status == Status.PENDING and item is not None and item.state == State.ACCEPTED),
                may_decide=decides and reviewing and item is not None and item.state != State.MISSING,
            )
            for check in checks_for(organization.kind)
        )
    )


def next_step(organization: Organization, lines: Checklist) -> NextStep:
    """Who owns the next step towards (or after) verification, in one sentence."""
    ours, theirs = "GetDATA's reviewers", organization.name
    returned = [line for line in lines.to_do if line.state == State.RETURNED]
    if organization.status in (Status.DRAFT, Status.REJECTED):
        if lines.to_do:
            roles = sorted({line.check.who.label.lower() for line in lines.to_do})
            left = f"{len(lines.to_do)} of {lines.total} checks"
            return NextStep(theirs, f"Answer {left}. They concern: {', '.join(roles)}.", tone="warn")
        return NextStep(theirs, "All checks are answered. An owner submits them for verification.")
    if organization.status == Status.PENDING:
        if returned:
            titles = ", ".join(f"“{line.check.title}”" for line in returned)
            return NextStep(theirs, f"Answer again what was returned: {titles}.", tone="warn")
        due = organization.submitted_at + REVIEW_TIME if organization.submitted_at else None
        if lines.all_accepted:
            return NextStep(ours, "All checks are accepted; the decision is next.", due)
        return NextStep(ours, f"They look at {lines.total - lines.accepted} of {lines.total} checks.", due)
    if organization.status == Status.VERIFIED:
        if returned:
            return NextStep(theirs, "Answer again what a reviewer returned.", tone="warn")
        if lines.waiting:
            return NextStep(ours, "They look at the renewed answers. The organization stays verified meanwhile.")
        return NextStep("", "Nothing is waiting.", tone="good")
    return NextStep(ours, "The organization cannot act on the market until it is reinstated.", tone="danger")


def domain_of(organization: Organization) -> str:
    """The institutional e-mail domain the organization gave, or ``""``."""
    item = organization.verification_items.filter(key="email_domain").first()
    return item.evidence if item else ""


def members_at_domain(organization: Organization, domain: str) -> tuple[int, int]:
    """(members with a confirmed address at ``domain``, all members): what a reviewer checks by hand elsewhere."""
    people = User.objects.filter(memberships__organization=organization).distinct()
    ending = f"@{domain.lower()}"
    at_domain = sum(any(a.endswith(ending) for a in confirmed_addresses(person)) for person in people)
    return at_domain, people.count()


def namesakes(organization: Organization) -> QuerySet[Organization]:
    """Other organizations of the same name: a duplicate, or somebody posing as them."""
    return Organization.objects.filter(name__iexact=organization.name).exclude(pk=organization.pk)


def own_invitations(user: User) -> list[Invitation]:
    """Live invitations to any confirmed address of the person."""
    pending = Invitation.objects.filter(
        status=Invitation.Status.PENDING, email__in=confirmed_addresses(user)
    ).select_related("organization", "invited_by")
    return [invitation for invitation in pending if invitation.is_live]


def queue() -> list[Organization]:
    """Organizations that wait for staff, oldest first, each with ``waiting``, ``accepted`` and ``total`` items."""
    items = Count("verification_items", filter=Q(verification_items__state=State.PROVIDED))
    accepted = Count("verification_items", filter=Q(verification_items__state=State.ACCEPTED))
    returned = Count("verification_items", filter=Q(verification_items__state=State.RETURNED))
    found = Organization.objects.annotate(waiting=items, accepted=accepted, returned=returned)
    due = found.filter(Q(status=Status.PENDING) | Q(status__in=(Status.VERIFIED, Status.SUSPENDED), waiting__gt=0))
    rows: list[Organization] = list(due.order_by("submitted_at", "created_at"))
    for row in rows:
        row.total = len(checks_for(row.kind))  # type: ignore[attr-defined]
        row.due = row.submitted_at + REVIEW_TIME if row.status == Status.PENDING and row.submitted_at else None  # type: ignore[attr-defined]
    return rows


def visible_members(organization: Organization) -> QuerySet[Membership]:
    """Members, owners first, then by name."""
    owners_first = Case(When(role=Role.OWNER, then=0), default=1)
    return organization.memberships.select_related("user").order_by(owners_first, "user__name", "user__email")


def visible_invitations(organization: Organization, user: User) -> QuerySet[Invitation]:
    """Invitations name addresses of people who have not agreed to anything yet: owners and staff see them."""
    invitations = organization.invitations.select_related("invited_by").exclude(status=Invitation.Status.ACCEPTED)
    if user.is_reviewer or role_in(user, organization) in CAPABILITIES["manage"]:
        return invitations
    return invitations.none()


_WORDS = {
    "organization.created": "founded the organization",
    "organization.edited": "edited the organization's details",
    "organization.pending": "submitted the organization for verification",
    "organization.verified": "verified the organization",
    "organization.rejected": "rejected the verification",
    "organization.suspended": "suspended the organization",
    "verificationitem.provided": "answered “{check}”",
    "verificationitem.accepted": "accepted “{check}”",
    "verificationitem.returned": "returned “{check}”",
    "membership.created": "joined as {role}",
    "membership.role_changed": "changed {user}'s role from {from} to {role}",
    "membership.ended": "removed {user} ({role})",
    "invitation.created": "invited somebody as {role}",
    "invitation.revoked": "revoked an invitation",
    "invitation.expired": "let an invitation expire",
}


def history(organization: Organization) -> QuerySet[AuditEvent]:
    """The audit events about the organization itself and its people, newest first."""
    return AuditEvent.objects.filter(organization_id=str(organization.pk), verb__in=_WORDS).order_by("-id")


def in_words(events: list[AuditEvent], organization: Organization, viewer: User) -> list[Act]:
    """Audit events as sentences. Members read "GetDATA staff" where a reviewer acted; staff read the name."""
    wanted = {event.actor_id for event in events} | {str(event.data.get("user", "")) for event in events}
    people = {str(user.pk): user for user in User.objects.filter(pk__in=[key for key in wanted if key])}
    titles = {check.key: check.title for check in checks_for(organization.kind)}
    return [_act(event, people, titles, viewer) for event in events]


def _act(event: AuditEvent, people: dict[str, User], titles: dict[str, str], viewer: User) -> Act:
    def named(key: Any) -> str:
        return str(people[str(key)]) if str(key) in people else "a former user"

    actor = people.get(event.actor_id)
    staff_act = event.verb in (
        "organization.verified",
        "organization.rejected",
        "organization.suspended",
        "verificationitem.accepted",
        "verificationitem.returned",
    )
    if event.actor_kind == "system":
        who = "GetDATA"
    elif staff_act and not viewer.is_reviewer:
        who = "GetDATA staff"
    else:
        who = str(actor) if actor else "a former user"
    data = event.data
    words = _WORDS[event.verb]
    if event.verb == "membership.ended" and data.get("left"):
        words = "left the organization ({role})"
    what = words.format_map(
        {
            "check": titles.get(str(data.get("key")), str(data.get("key", ""))),
            "role": _role(data.get("role")),
            "from": _role(data.get("from")),
            "user": named(data.get("user")),
        }
    )
    return Act(event.at, who, what)


def _role(value: Any) -> str:
    return Role(value).label.lower() if value in Role.values else "member"
