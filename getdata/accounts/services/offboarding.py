"""What ends with a membership beside the rights: sessions, tokens; and who takes over what the person did."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.urls import reverse

from getdata.accounts.models import Membership, Organization, Role, User
from getdata.accounts.tokens import revoke_token
from getdata.audit.chain import record
from getdata.notifications.services import notify


def successors(*, organization: Organization, role: str, leaving: User) -> list[User]:
    """Who takes over: the others with the same role, or else the owners, who may do everything."""
    others = User.objects.filter(is_active=True, memberships__organization=organization).exclude(pk=leaving.pk)
    same = list(others.filter(memberships__organization=organization, memberships__role=role).distinct())
    return same or list(others.filter(memberships__organization=organization, memberships__role=Role.OWNER).distinct())


def end_access(*, organization: Organization, role: str, user: User, actor: User) -> None:
    """After a membership ended, in the same transaction: tokens of somebody who belongs nowhere any more are revoked, and
    somebody who was removed is signed out everywhere. Who takes over is told."""
    if not Membership.objects.filter(user=user).exists():
        for token in user.api_tokens.filter(revoked_at=None):
            revoke_token(token=token, actor=actor)
    if user.pk != actor.pk:
        sessions = list(UserSession.objects.filter(user=user))
        for session in sessions:
            session.end()
        record(
            verb="session.ended",
            target=user,
            actor=actor,
            organization_id=organization.pk,
            data={"count": len(sessions)},
        )
    heirs = successors(organization=organization, role=role, leaving=user)
    label = Role(role).label.lower()
    notify(
        event="membership.changed",
        users=heirs,
        but=actor,
        text=f"{user} no longer belongs to {organization.name}. What they did as {label} is yours to go on with.",
        url=reverse("organization_members", args=[organization.slug]),
    )
