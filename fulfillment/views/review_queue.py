"""The review queue: what waits, heaviest first, with its clock and its owner; claiming; and what is ready for a release."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from fulfillment.desk.queue import CLOCKS, OWNERS, Queue, Wanted, queue_for
from fulfillment.desk.registry import kinds
from fulfillment.models import NOT_OUT, Batch, BatchStatus, Release
from fulfillment.selectors import releasable_requests
from fulfillment.services.desk_claims import claim_entry, put_back_entry
from fulfillment.views.review_base import reviewer
from getdata.accounts.idle import shows_identity
from getdata.common.refusals import shows_refusals

A_PAGE = 25
DRAFTS = 25
DECIDED = 8


@login_required
@require_safe
@shows_identity
def review_queue(request: HttpRequest) -> HttpResponse:
    """What waits, by risk times age (``?kind=``, ``?owner=``, ``?clock=``, ``?q=``); below it what can be released."""
    user = reviewer(request)
    wanted = Wanted.of({name: str(value) for name, value in request.GET.items()})
    queue = queue_for(user, wanted)
    decided = Batch.objects.visible_to(user).select_related("fulfillment__hospital", "reviewer")
    context = {
        "wanted": wanted,
        "queue": queue,
        "tabs": _tabs(wanted, queue),
        "owners": OWNERS.items(),
        "clocks": CLOCKS.items(),
        "page": Paginator(queue.rows, A_PAGE).get_page(request.GET.get("page")),
        "here": request.get_full_path(),
        "decided": decided.filter(
            status__in=[BatchStatus.ACCEPTED, BatchStatus.RETURNED, BatchStatus.REJECTED]
        ).order_by("-decided_at")[:DECIDED],
        "releasable": releasable_requests(),
        "drafts": Release.objects.filter(status__in=NOT_OUT)
        .select_related("request", "prepared_by")
        .order_by("created_at")[:DRAFTS],
    }
    return render(request, "fulfillment/review/queue.html", context)


def _tabs(wanted: Wanted, queue: Queue) -> list[dict[str, Any]]:
    every = {
        "label": "All",
        "url": wanted.address(kind=""),
        "current": not wanted.kind,
        "count": sum(queue.counts.values()),
    }
    return [every] + [
        {
            "label": kind.label,
            "url": wanted.address(kind=kind.name),
            "current": wanted.kind == kind.name,
            "count": queue.counts[kind.name],
        }
        for kind in kinds()
    ]


@login_required
@require_POST
@shows_refusals("review_queue")
def desk_claim(request: HttpRequest) -> HttpResponseBase:
    """Take an entry and open it: whoever claims wants to look."""
    entry = claim_entry(kind=request.POST.get("kind", ""), key=request.POST.get("key", ""), actor=reviewer(request))
    messages.success(request, f"You have “{entry.title}” now.")
    return redirect(entry.url)


@login_required
@require_POST
@shows_refusals("review_queue")
def desk_put_back(request: HttpRequest) -> HttpResponseBase:
    """Give an entry back, and show the queue as it was filtered."""
    entry = put_back_entry(kind=request.POST.get("kind", ""), key=request.POST.get("key", ""), actor=reviewer(request))
    messages.success(request, f"“{entry.title}” is back in the queue.")
    back = request.POST.get("next", "")
    ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(back if ours else reverse("review_queue"))
