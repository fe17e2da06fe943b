"""One file: what it is, what was said of it, what it replaced and what replaced it."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from fulfillment.file_history import history_of
from fulfillment.models import SourceFile
from fulfillment.services.file_lists import file_row
from fulfillment.uploads import rights
from getdata.accounts.idle import shows_identity
from getdata.accounts.models import User


@login_required
@require_safe
@shows_identity
def file_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A file of a batch, for whoever may see the batch; its name for the hospital alone."""
    assert isinstance(request.user, User)  # login_required
    file = get_object_or_404(
        SourceFile.objects.visible_to(request.user).select_related(
            "batch__fulfillment__hospital", "batch__fulfillment__request", "image", "replaced_by", "archive"
        ),
        pk=pk,
    )
    context = {
        "row": file_row(file, user=request.user),
        "file": file,
        "batch": file.batch,
        "history": history_of(file, request.user),
        "replaces": file.replaces.order_by("number"),
        "sees_names": rights.may_see_names(request.user, file.batch),
    }
    response = render(request, "fulfillment/deliveries/file_detail.html", context)
    response["Cache-Control"] = "no-store"  # it may hold the file's name
    return response
