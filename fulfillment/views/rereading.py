"""The blind second reading of a batch's labels: its plan and result, and the page on which one image is read."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fulfillment.models import Batch, Image, Rereading
from fulfillment.rereading_results import result_of
from fulfillment.services import rereading as services
from fulfillment.services.independence import what_bars_reviewing
from getdata.accounts.idle import shows_identity
from getdata.accounts.models import User
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals
from requests_app.taxonomy import LabelState

_STATES = [(state.value, state.plain.capitalize()) for state in LabelState if state is not LabelState.NOT_MENTIONED]
CHOICES = [*_STATES, (services.CANNOT_TELL, "Cannot be told")]


def _batch(request: HttpRequest, pk: UUID) -> tuple[User, Batch]:
    """The reviewer and the batch; for everyone but staff these pages do not exist."""
    if not isinstance(request.user, User) or not request.user.is_reviewer:
        raise Http404
    rows = Batch.objects.visible_to(request.user).select_related(
        "fulfillment__hospital", "fulfillment__request__organization", "reviewer", "rereading__begun_by"
    )
    return request.user, get_object_or_404(rows, pk=pk)


def _rereading(batch: Batch) -> Rereading | None:
    return getattr(batch, "rereading", None)


@login_required
@require_safe
@shows_identity
def batch_rereading(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Before: how a sample is drawn. During and after: how far it is, and what it says."""
    user, batch = _batch(request, pk)
    found = _rereading(batch)
    context = {
        "batch": batch,
        "rereading": found,
        "result": result_of(found) if found else None,
        "precisions": services.PRECISIONS,
        "labels": batch.labels.standing().filter(image__source__status="passed").count(),
        "bar": what_bars_reviewing(user, batch),
    }
    return render(request, "fulfillment/review/rereading.html", context)


@login_required
@require_POST
@shows_refusals("batch_rereading")
def rereading_begin(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Draw the sample."""
    user, batch = _batch(request, pk)
    try:
        precision = float(request.POST.get("precision", ""))
    except ValueError:
        precision = 0.0
    made = services.begin_rereading(batch=batch, precision=precision, actor=user)
    messages.success(request, f"{made.items.count()} labels are drawn. Read them before you look at the labels.")
    return redirect("rereading_read", pk=pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@shows_refusals("batch_rereading")
def rereading_read(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The next image with the findings that were drawn, and nothing that was said of it."""
    user, batch = _batch(request, pk)
    found = _rereading(batch)
    if found is None:
        return redirect("batch_rereading", pk=pk)
    bar = what_bars_reviewing(user, batch)
    if bar is not None:
        raise bar
    if request.method != "POST":
        image = services.next_image(found)
        return redirect("batch_rereading", pk=pk) if image is None else _page(request, batch, found, image)
    image = get_object_or_404(Image, pk=_key(request.POST.get("image", "")), source__batch=batch)
    answers = {
        name.removeprefix("item-"): str(request.POST.get(name)) for name in request.POST if name.startswith("item-")
    }
    try:
        services.answer_image(rereading=found, image=image, answers=answers, actor=user)
    except CannotDo as refusal:
        return _page(request, batch, found, image, problem=refusal_text(refusal), answers=answers)
    return redirect("rereading_read", pk=pk)


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _page(
    request: HttpRequest,
    batch: Batch,
    found: Rereading,
    image: Image,
    *,
    problem: str = "",
    answers: dict[str, str] | None = None,
) -> HttpResponse:
    said = answers or {}
    unread = found.items.filter(answer=None)
    context = {
        "batch": batch,
        "image": image,
        "items": [(item, said.get(str(item.pk), "")) for item in unread.filter(image=image).order_by("finding")],
        "choices": CHOICES,
        "read": found.items.exclude(answer=None).count(),
        "total": found.items.count(),
        "images_left": unread.values("image").distinct().count(),
        "problem": problem,
    }
    response = render(request, "fulfillment/review/rereading_read.html", context)
    response["Cache-Control"] = "private, no-store"  # going back must not show an image that is read as if it were not
    return response
