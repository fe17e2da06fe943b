"""What the pages of this package share: the signed-in person, and an organization they may see."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from getdata.accounts import selectors
from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can, may_decide, role_in
from getdata.accounts.selectors import Checklist


def person(request: HttpRequest) -> User:
    """The signed-in user of a view behind ``@login_required``."""
    assert isinstance(request.user, User)
    return request.user


def organization_or_404(request: HttpRequest, slug: str) -> Organization:
    """The organization, when this person may see it; otherwise it does not exist."""
    return get_object_or_404(Organization.objects.visible_to(request.user), slug=slug)


def frame(organization: Organization, user: User, tab: str) -> dict[str, Any]:
    """What the head and the tabs of an organization's pages need."""
    lines: Checklist = selectors.checklist(organization, user)
    return {
        "organization": organization,
        "tab": tab,
        "checklist": lines,
        "role": role_in(user, organization),
        "may_manage": can(user, "manage", organization),
        "decides": may_decide(user, organization),
        "member_count": organization.memberships.count(),
    }
