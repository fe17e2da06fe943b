"""The button by which a hospital says that a picture stood right as it came."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from fulfillment.models import SourceFile
from fulfillment.services.as_it_came import keep_as_it_came
from getdata.accounts.idle import shows_identity
from getdata.accounts.models import User
from getdata.common.refusals import shows_refusals


@login_required
@require_POST
@shows_refusals()
@shows_identity
def file_as_it_came(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Take back what the portal set right, or its refusal for how the picture stands."""
    assert isinstance(request.user, User)
    rows = SourceFile.objects.visible_to(request.user).select_related("batch__fulfillment__hospital")
    file = get_object_or_404(rows, pk=pk)
    keep_as_it_came(file=file, actor=request.user)
    messages.success(request, f"File {file.number} is processed again as it came. A reviewer will look at it.")
    response = redirect("batch_detail", pk=file.batch_id)
    response["Location"] += "#files"
    return response
