"""The check kit for one batch: the commands that check a folder against its specification and send it."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from fulfillment.uploads import rights
from fulfillment.views.deliveries import get_batch
from requests_app.spec_files import spec_file_name


@login_required
@require_safe
def batch_check_at_home(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Check, send, follow, send again what was refused."""
    batch = get_batch(request, pk)
    item = batch.fulfillment.request
    context = {
        "batch": batch,
        "item": item,
        "check_title": "3. Check the folder",
        "version": batch.spec_version,
        "hospital": batch.fulfillment.hospital,
        "may_add": rights.may_add_files(request.user, batch),
        "spec_file": spec_file_name(item, batch.spec_version.number),
        "server": settings.PUBLIC_URL.rstrip("/"),
    }
    return render(request, "requests_app/check_at_home.html", context)
