"""Topics about organizations: they are told of themselves."""

from __future__ import annotations

from django.urls import reverse

from getdata.accounts.models import Organization
from getdata.webhooks.topics import About, Topic, register


def about(organization: Organization) -> About:
    return About(
        kind="organization",
        parties=(organization.pk,),
        page=reverse("organization_detail", args=[organization.slug]),
        api=reverse("api-organization-detail", args=[organization.slug]),
    )


def register_all() -> None:
    """Called when the app is ready."""
    register(
        [
            Topic("organization.verified", "organization.verified", "Your organization was verified", about),
            Topic("organization.rejected", "organization.rejected", "Your organization was not verified", about),
            Topic("organization.suspended", "organization.suspended", "Your organization was suspended", about),
        ]
    )
