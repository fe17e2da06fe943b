"""One's own list of requests, each with its next step."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from getdata.accounts.models import Organization
from getdata.accounts.permissions import organizations_with
from requests_app.models import Amendment, AmendmentStatus, DatasetRequest, RequestStatus
from requests_app.selectors import by_status, request_next_step
from requests_app.views.wizard import person


@login_required
@require_safe
def my_requests(request: HttpRequest) -> HttpResponse:
    """What my organizations ask, by state, each with its next step; for staff also what waits for a check."""
    user = person(request)
    mine = (
        DatasetRequest.objects.filter(organization__in=Organization.objects.filter(memberships__user=user))
        .select_related("organization")
        .prefetch_related("offers__agreement")
        .order_by("-created_at")
    )
    waiting = (
        DatasetRequest.objects.filter(status=RequestStatus.SUBMITTED)
        .exclude(organization__memberships__user=user)
        .select_related("organization")
        .order_by("submitted_at")
        if user.is_reviewer
        else []
    )
    context = {
        "groups": by_status(mine, user),
        "amended": (
            Amendment.objects.filter(status=AmendmentStatus.SUBMITTED)
            .exclude(request__organization__memberships__user=user)
            .select_related("request__organization")
            .order_by("submitted_at")
            if user.is_reviewer
            else []
        ),
        "waiting": [(item, request_next_step(item, user)) for item in waiting],
        "can_write": organizations_with(user, "write").exists(),
    }
    return render(request, "requests_app/my_requests.html", context)
