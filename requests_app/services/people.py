"""Whom an event concerns."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from getdata.accounts.models import CAPABILITIES, Membership, Organization, User
from getdata.common.problems import CannotDo


def people(organization: Organization, capability: str) -> QuerySet[User]:
    """The active members whose role carries the capability."""
    return User.objects.filter(
        is_active=True, memberships__organization=organization, memberships__role__in=CAPABILITIES[capability]
    ).distinct()


def staff() -> QuerySet[User]:
    """Everyone who may check requests."""
    return User.objects.filter(is_active=True).exclude(staff_role=User.StaffRole.NONE)


def refuse_insiders(user: User, organizations: Iterable[Organization], *, what: str) -> None:
    """Staff do not decide on what their own organization asks. Raises ``CannotDo``."""
    if Membership.objects.filter(user=user, organization__in=list(organizations)).exists():
        raise CannotDo(
            f"You belong to the organization that made this {what}.",
            remedy="Ask a colleague who does not belong to it to decide.",
            code="conflict_of_interest",
        )
