"""The hospital's board of what was not taken: why, what to do, and doing it for one, several or a whole group."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from fulfillment import looks
from fulfillment.intake import sealing
from fulfillment.models import Batch, SourceFile
from fulfillment.selectors import WITHHELD
from fulfillment.services import batches, clearances
from fulfillment.uploads import rights
from fulfillment.views.deliveries import get_batch
from fulfillment.withheld import board_of, chosen_files
from fulfillment.withheld_pictures import picture_key
from getdata.accounts.idle import shows_identity
from getdata.accounts.models import User
from getdata.common import storage
from getdata.common.crypto import CannotOpen
from getdata.common.problems import CannotDo
from getdata.common.refusals import shows_refusals
from getdata.common.states import StaleState


def _batch(request: HttpRequest, pk: UUID) -> tuple[Batch, User]:
    """The batch, for people of its hospital who may see its quarantine; for everybody else the page does not exist."""
    batch = get_batch(request, pk)
    if not isinstance(request.user, User) or not rights.may_see_names(request.user, batch):
        raise Http404
    return batch, request.user


@login_required
@require_safe
@shows_identity
def batch_withheld(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Tiles by cause. Pictures only when asked for (``?pictures=1``): each one that is shown is recorded."""
    batch, user = _batch(request, pk)
    looks.names_shown(batch=batch, user=user, count=batch.files.filter(status__in=WITHHELD).count())
    context = {"batch": batch, "board": board_of(batch, user), "pictures": request.GET.get("pictures") == "1"}
    context["may_add"] = rights.may_add_files(user, batch)
    response = render(request, "fulfillment/custody/withheld.html", context)
    response["Cache-Control"] = "no-store"  # it holds file names
    return response


@login_required
@require_POST
@shows_refusals("batch_withheld")
@shows_identity
def batch_withheld_act(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Do one thing to the chosen files: process again, withdraw, ask to clear, confirm or decline a clearance."""
    batch, user = _batch(request, pk)
    act, _, whole = request.POST.get("act", "").partition(":")
    files = chosen_files(batch, keys=[whole] if whole else [], pks=request.POST.getlist("file"))
    if not files:
        raise CannotDo(
            "No file was chosen.", remedy="Tick files, or use the buttons for the whole group.", code="no_files"
        )
    match act:
        case "retry":
            said = f"{_each(files, lambda file: batches.retry_file(file=file, actor=user))} processed again."
        case "withdraw":
            said = f"{_each(files, lambda file: batches.withdraw_file(file=file, actor=user))} withdrawn."
        case "clear":
            reason = request.POST.get("reason", "")
            count = clearances.ask_clearance(batch=batch, files=files, reason=reason, actor=user)
            said = f"{count:,} wait for a second look by an owner or privacy officer."
        case "confirm":
            said = f"{clearances.confirm_clearances(batch=batch, files=files, actor=user):,} cleared; a reviewer looks at them."
        case "decline":
            said = f"{clearances.decline_clearances(batch=batch, files=files, actor=user):,} stay withheld."
        case _:
            raise Http404
    messages.success(request, said)
    return redirect("batch_withheld", pk=pk)


def _each(files: list[SourceFile], act: Callable[[SourceFile], object]) -> str:
    """Do it to each; a single refusal is told, of several those that could be done are done."""
    done = 0
    for file in files:
        try:
            act(file)
            done += 1
        except (StaleState, CannotDo):
            if len(files) == 1:
                raise
    return f"{done:,} file{'' if done == 1 else 's'}"


@login_required
@require_safe
@shows_identity
def withheld_picture(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a withheld image looks like, for the hospital's permitted roles alone. Each look is recorded."""
    file = get_object_or_404(
        SourceFile.objects.visible_to(request.user)
        .filter(status__in=WITHHELD)
        .exclude(stored="")
        .select_related("batch__fulfillment__hospital"),
        pk=pk,
    )
    if not rights.may_see_names(request.user, file.batch):
        raise Http404
    hospital = file.batch.fulfillment.hospital_id
    try:
        picture = sealing.get(hospital, picture_key(file.stored))
    except (FileNotFoundError, storage.Unreachable, CannotOpen) as error:
        raise Http404 from error
    looks.picture_shown(file=file, user=request.user)  # type: ignore[arg-type]  # login_required
    response = HttpResponse(picture, content_type="image/png")
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox; style-src 'unsafe-inline'"
    response["X-Content-Type-Options"] = "nosniff"
    return response
