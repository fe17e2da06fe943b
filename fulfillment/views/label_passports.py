"""The passport of a label: one page for the hospital, the reviewer and, once the batch is accepted, the researcher."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from fulfillment.label_passport import passport_of
from fulfillment.models import Label
from fulfillment.viewer.access import may_look
from getdata.accounts.models import User


@login_required
@require_safe
def label_passport(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Where the label is on the image, which words of the report carry it, who says so, and how it came about."""
    assert isinstance(request.user, User)
    rows = Label.objects.readable_by(request.user).select_related(
        "batch__fulfillment__hospital",
        "batch__fulfillment__request",
        "batch__spec_version",
        "table",
        "supersedes",
        "entered_by",
    )
    label = get_object_or_404(rows, pk=pk)
    passport = passport_of(label, request.user)
    context = {"label": label, "batch": label.batch, "passport": passport}
    context["may_view"] = passport.image is not None and may_look(request.user, passport.image)
    response = render(request, "fulfillment/labels/passport.html", context)
    response["Cache-Control"] = "private, no-store"  # it may hold a report's text
    return response
