"""Buttons for the work on a whole batch: stop it, let it go on, withdraw what waits, try again what failed, let it go first."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from fulfillment.services import batch_work, batches
from fulfillment.views.deliveries import get_batch
from getdata.accounts.models import User
from getdata.common.refusals import shows_refusals


@login_required
@require_POST
@shows_refusals("batch_detail")
def batch_working(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """``act``: pause, resume, withdraw (what waits), retry (what failed), urgent, usual."""
    batch = get_batch(request, pk)
    actor = request.user
    assert isinstance(actor, User)  # login_required
    match request.POST.get("act"):
        case "pause":
            batch_work.pause_batch(batch=batch, actor=actor)
            messages.success(request, "Stopped. Files in work are finished; the others wait until you let them go on.")
        case "resume":
            batch_work.resume_batch(batch=batch, actor=actor)
            messages.success(request, "The files that waited are processed now.")
        case "withdraw":
            done = batches.withdraw_waiting(batch=batch, actor=actor)
            messages.success(request, f"{_files(done)} withdrawn. Files in work are finished.")
        case "retry":
            done = batches.retry_failed(batch=batch, actor=actor)
            messages.success(request, f"{_files(done)} processed again.")
        case "urgent" | "usual" as act:
            batch_work.set_urgent(batch=batch, urgent=act == "urgent", actor=actor)
            said = "This batch goes before all others now." if act == "urgent" else "This batch waits its turn again."
            messages.success(request, said)
        case _:
            raise Http404
    return redirect("batch_detail", pk=pk)


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count:,} files are"
