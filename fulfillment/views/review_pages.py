"""The tabs of a batch's review that are for reading: verdict, quality and bias, labels, evidence."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from fulfillment.batch_bias import LEAST_PATIENTS, makeup_of
from fulfillment.batch_quality import BatchQuality
from fulfillment.desk.trail import custody_of, events_of, in_words
from fulfillment.desk.verdict import cells, spec_lines
from fulfillment.label_worklist import batch_rate, checked
from fulfillment.rereading_results import result_of
from fulfillment.selectors import review_summary
from fulfillment.services.legal import batch_standing
from fulfillment.views.review_base import batch_of, page_context, reviewer
from getdata.accounts.idle import shows_identity

EVENTS_A_PAGE = 50


@login_required
@require_safe
@shows_identity
def batch_review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The tab Verdict: the specification line by line, what accepting would fill, what was withheld."""
    user = reviewer(request)
    batch = batch_of(user, pk)
    context = page_context(user, batch, "verdict") | {
        "lines": spec_lines(batch),
        "cells": cells(batch),
        "legal": batch_standing(batch),
        "summary": review_summary(batch),
        "reviews": batch.reviews.select_related("reviewer").prefetch_related("notes__file"),
    }
    return render(request, "fulfillment/review/verdict.html", context)


@login_required
@require_safe
def batch_bias(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The tab Quality and bias: the scores, what would raise them, how the batch is made up, what goes with what."""
    user = reviewer(request)
    batch = batch_of(user, pk)
    context = page_context(user, batch, "quality") | {
        "quality": BatchQuality(batch),
        "makeup": makeup_of(batch),
        "least_patients": LEAST_PATIENTS,
    }
    return render(request, "fulfillment/review/bias.html", context)


@login_required
@require_safe
@shows_identity
def batch_review_labels(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The tab Labels: the blind re-reading with its kappa, what reports contradict, agreement of readers by finding."""
    user = reviewer(request)
    batch = batch_of(user, pk)
    rereading = getattr(batch, "rereading", None)
    context = page_context(user, batch, "labels") | {
        "rereading": rereading,
        "result": result_of(rereading) if rereading is not None else None,
        "found": checked(batch),
        "rate": batch_rate(batch),
        "unlinked": batch.labels.standing().exclude(image__source__status="passed").count(),
    }
    return render(request, "fulfillment/review/labels.html", context)


@login_required
@require_safe
def batch_evidence(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The tab Evidence: certificate, sample, chain of custody, and every audited act about the batch."""
    user = reviewer(request)
    batch = batch_of(user, pk)
    page = Paginator(events_of(batch), EVENTS_A_PAGE).get_page(request.GET.get("page"))
    context = page_context(user, batch, "evidence") | {
        "custody": custody_of(batch),
        "agreement": getattr(batch.fulfillment.offer, "agreement", None),
        "page": page,
        "acts": in_words(list(page)),
    }
    return render(request, "fulfillment/review/evidence.html", context)
