"""What the services of this package share: whom to tell, and how to take turns on one organization."""

from __future__ import annotations

from django.urls import reverse

from getdata.accounts.models import CAPABILITIES, Organization, User
from getdata.notifications.services import notify


def locked(organization: Organization) -> Organization:
    """The organization's row, held until the transaction ends: rules over several rows ("the last owner", "all items
    accepted") are checked and acted on by one person at a time. SQLite's IMMEDIATE transactions do it by themselves."""
    return Organization.objects.select_for_update().get(pk=organization.pk)


def managers(organization: Organization) -> list[User]:
    """The people who act for the organization in its own affairs."""
    return list(
        User.objects.filter(
            is_active=True, memberships__organization=organization, memberships__role__in=CAPABILITIES["manage"]
        )
    )


def reviewers(organization: Organization) -> list[User]:
    """Staff who may decide about the organization: all of them but its own members."""
    staff = User.objects.filter(is_active=True).exclude(staff_role=User.StaffRole.NONE)
    return list(staff.exclude(memberships__organization=organization))


def tell_managers(organization: Organization, event: str, text: str) -> None:
    """Notify :func:`managers`, leading to the organization's page."""
    notify(event=event, parties={"organization": organization}, text=text, url=page_of(organization))


def tell_reviewers(organization: Organization, event: str, text: str) -> None:
    """Notify :func:`reviewers`, leading to the organization's page."""
    notify(event=event, users=reviewers(organization), text=text, url=page_of(organization))


def page_of(organization: Organization) -> str:
    """The address of the organization's page."""
    return reverse("organization_detail", args=[organization.slug])
