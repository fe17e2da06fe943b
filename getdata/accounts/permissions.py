"""May this person do that for this organization? One answer for pages, API, services and templates."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from getdata.accounts.models import CAPABILITIES, Membership, Organization, User
from getdata.common.problems import CannotDo


def role_in(user: User | AnonymousUser, organization: Organization) -> str:
    """The person's role in the organization, or ``""``."""
    if not isinstance(user, User):
        return ""
    return Membership.objects.filter(user=user, organization=organization).values_list("role", flat=True).first() or ""


def can(user: User | AnonymousUser, capability: str, organization: Organization) -> bool:
    """True when the person's role in the organization carries the capability (see ``CAPABILITIES``)."""
    return role_in(user, organization) in CAPABILITIES[capability]


def require(user: User | AnonymousUser, capability: str, organization: Organization) -> None:
    """Raise ``CannotDo`` unless :func:`can`."""
    if not can(user, capability, organization):
        raise CannotDo(
            f"Your role in {organization.name} does not allow this.",
            remedy="Ask an owner of the organization to do it, or to change your role.",
            code="role_lacks_capability",
        )


def require_verified(organization: Organization) -> None:
    """Raise ``CannotDo`` unless the organization is verified."""
    if not organization.is_verified:
        raise CannotDo(
            f"{organization.name} is not verified yet.",
            remedy="Complete the checklist on the organization's page and submit it for verification.",
            code="organization_not_verified",
        )


def require_staff(user: User | AnonymousUser, *, administrator: bool = False) -> None:
    """Raise ``CannotDo`` unless the person is a reviewer (or administrator)."""
    if not isinstance(user, User) or not (user.is_administrator if administrator else user.is_reviewer):
        raise CannotDo("Only GetDATA staff can do this.", remedy="Sign in with a staff account.", code="staff_only")


def may_decide(user: User, organization: Organization) -> bool:
    """Staff, and not a member of the organization."""
    return user.is_reviewer and not Membership.objects.filter(user=user, organization=organization).exists()


def require_may_decide(user: User, organization: Organization) -> None:
    """Raise ``CannotDo`` unless :func:`may_decide`."""
    require_staff(user)
    if not may_decide(user, organization):
        raise CannotDo(
            f"You belong to {organization.name}, so you cannot decide about it.",
            remedy="Leave it to another reviewer.",
            code="own_organization",
        )


def organizations_with(user: User | AnonymousUser, capability: str) -> QuerySet[Organization]:
    """The organizations in which the person holds the capability."""
    if not isinstance(user, User):
        return Organization.objects.none()
    return Organization.objects.filter(
        memberships__user=user, memberships__role__in=CAPABILITIES[capability]
    ).distinct()


def confirmed_addresses(user: User) -> set[str]:
    """The e-mail addresses that the person has proved to read, in lower case."""
    found = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return {email.lower() for email in found}
