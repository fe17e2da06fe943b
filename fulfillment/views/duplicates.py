"""Pairs of images that are one picture, side by side, for the reviewer of a batch."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from fulfillment.duplicate_pairs import count_pairs, is_within_one_delivery, pairs_of
from fulfillment.models import DuplicateDecision, PublishedDecision
from fulfillment.published_matches import matches_of
from fulfillment.services.duplicate_decisions import decide_pair
from fulfillment.services.independence import what_bars_reviewing
from fulfillment.views.review_base import batch_of, page_context, reviewer
from getdata.accounts.idle import shows_identity
from getdata.common.refusals import shows_refusals

PAIRS_A_PAGE = 10
MATCHES_SHOWN = 50


@login_required
@require_safe
@shows_identity
def batch_duplicates(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every pair of the batch, undecided first, each with its two pictures and what was decided."""
    user = reviewer(request)
    batch = batch_of(user, pk)
    page = Paginator(pairs_of(batch), PAIRS_A_PAGE).get_page(request.GET.get("page"))
    labels = dict(DuplicateDecision.Decision.choices)
    said = dict(PublishedDecision.Decision.choices)
    context = page_context(user, batch, "duplicates") | {
        "page": page,
        "rows": [
            {
                "hit": hit,
                "decided": labels.get(hit.decided) if hit.decided else None,
                "sides": (("first", hit.other), ("second", hit.image)),
                "own": is_within_one_delivery(hit),
                "placement": " ".join(str(value) for value in hit.placement),
            }
            for hit in page
        ],
        "counts": count_pairs(batch),
        "decisions": DuplicateDecision.Decision.choices,
        "matches": [
            {"hit": hit, "decided": said.get(hit.decided) if hit.decided else None}
            for hit in matches_of(batch)[:MATCHES_SHOWN]
        ],
        "match_count": matches_of(batch).count(),
        "match_decisions": PublishedDecision.Decision.choices,
        "bar": what_bars_reviewing(user, batch),
    }
    return render(request, "fulfillment/review/duplicates.html", context)


@login_required
@require_POST
@shows_refusals("batch_duplicates")
def pair_decide(request: HttpRequest, pk: UUID, hit: UUID) -> HttpResponseBase:
    """Record the decision on one pair, then show the pairs again."""
    user = reviewer(request)
    batch = batch_of(user, pk)
    found = get_object_or_404(pairs_of(batch), pk=hit)
    made = decide_pair(hit=found, batch=batch, decision=request.POST.get("decision", ""), actor=user)
    messages.success(request, f"Recorded: {made.get_decision_display().lower()}.")
    page = request.POST.get("page", "")
    query = f"?page={page}" if page.isdecimal() and page != "1" else ""
    return redirect(f"{reverse('batch_duplicates', args=[batch.pk])}{query}#pairs")
