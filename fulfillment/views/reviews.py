"""The review desk: the queue, one batch with its images, the decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from deid import REASONS
from fulfillment import ledger
from fulfillment.forms import DecisionForm
from fulfillment.models import Batch, BatchStatus, QualityScore, Release, ReleaseStatus, SourceFile
from fulfillment.selectors import releasable_requests, review_summary
from fulfillment.services import reviews
from getdata.accounts.models import User
from getdata.common.refusals import shows_refusals

FILES_A_PAGE = 24


def _reviewer(request: HttpRequest) -> User:
    """The signed-in reviewer; for everyone else these pages do not exist."""
    if not isinstance(request.user, User) or not request.user.is_reviewer:
        raise Http404
    return request.user


@login_required
@require_safe
def review_queue(request: HttpRequest) -> HttpResponse:
    """What waits, oldest due first: sealed batches, mine in review, requests ready for a release, drafts to publish."""
    user = _reviewer(request)
    batches = Batch.objects.visible_to(user).select_related("fulfillment__hospital", "fulfillment__request", "reviewer")
    waiting = batches.filter(status__in=[BatchStatus.SEALED, BatchStatus.IN_REVIEW]).order_by("review_due_at")
    page = Paginator(waiting, 25).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [{"batch": batch, "progress": ledger.progress(batch)} for batch in page],
        "decided": batches.filter(
            status__in=[BatchStatus.ACCEPTED, BatchStatus.RETURNED, BatchStatus.REJECTED]
        ).order_by("-decided_at")[:8],
        "releasable": releasable_requests(),
        "drafts": Release.objects.filter(status=ReleaseStatus.DRAFT).select_related("request", "prepared_by"),
    }
    return render(request, "fulfillment/review/queue.html", context)


@login_required
@require_safe
def batch_review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One batch for a reviewer: verdict against the specification, every image with its reasons, the decision."""
    user = _reviewer(request)
    return render(request, "fulfillment/review/batch.html", _context(request, _batch(user, pk), DecisionForm()))


@login_required
@require_POST
@shows_refusals("batch_review")
def batch_claim(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    user = _reviewer(request)
    reviews.claim_batch(batch=_batch(user, pk), actor=user)
    messages.success(request, "You have this batch now. Nobody else will decide it while you do.")
    return redirect("batch_review", pk=pk)


@login_required
@require_POST
@shows_refusals("batch_review")
def batch_give_back(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    user = _reviewer(request)
    reviews.give_back_batch(batch=_batch(user, pk), actor=user)
    messages.success(request, "The batch is back in the queue.")
    return redirect("review_queue")


@login_required
@require_POST
@shows_refusals("batch_review")
def batch_decide(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Accept, return with notes or reject. Notes are fields named ``note-<file id>``; empty ones do not count."""
    user = _reviewer(request)
    batch = _batch(user, pk)
    form = DecisionForm(request.POST)
    notes = _notes(request, batch)
    if not form.is_valid():
        return render(request, "fulfillment/review/batch.html", _context(request, batch, form), status=422)
    summary = form.cleaned_data["summary"]
    match form.cleaned_data["decision"]:
        case "accepted":
            reviews.accept_batch(batch=batch, actor=user, summary=summary)
        case "returned":
            reviews.return_batch(batch=batch, actor=user, summary=summary, notes=notes)
        case _:
            reviews.reject_batch(batch=batch, actor=user, summary=summary)
    messages.success(request, "Your decision is recorded, and the hospital is told.")
    return redirect("batch_review", pk=pk)


def _batch(user: User, pk: UUID) -> Batch:
    rows = Batch.objects.visible_to(user).select_related(
        "fulfillment__hospital", "fulfillment__request__organization", "spec_version", "reviewer"
    )
    return get_object_or_404(rows, pk=pk)


def _notes(request: HttpRequest, batch: Batch) -> dict[SourceFile, str]:
    texts = {
        name.removeprefix("note-"): text.strip()
        for name, text in request.POST.items()
        if name.startswith("note-") and isinstance(text, str) and text.strip()
    }
    return {file: texts[str(file.pk)] for file in batch.files.all() if str(file.pk) in texts} if texts else {}


def _files(batch: Batch, show: str) -> QuerySet[SourceFile]:
    files = (
        batch.files.exclude(status="withdrawn")
        .exclude(kind="archive", status="passed")
        .select_related("image__series__study__patient")
        .prefetch_related(Prefetch("image__scores", queryset=QualityScore.objects.order_by("-created_at")), "notes")
    )
    match show:
        case "look":
            return files.filter(image__isnull=False).exclude(image__review_reasons=[]).order_by("number")
        case "masked":
            return files.filter(image__isnull=False).exclude(image__masks=[]).order_by("number")
        case "withheld":
            return files.exclude(status="passed").order_by("reason", "number")
        case "worst":
            return files.filter(status="passed", image__isnull=False).order_by("image__scores__total", "number")
        case _:
            return files.order_by("number")


def _tile(file: SourceFile, request: HttpRequest) -> dict[str, Any]:
    """One place on the contact sheet: the file, its image if one was stored, its score, why to look, the typed note."""
    image = getattr(file, "image", None)
    reasons = [REASONS[code].cause if code in REASONS else code for code in (image.review_reasons if image else [])]
    return {
        "file": file,
        "image": image,
        "score": next(iter(image.scores.all()), None) if image else None,
        "review_reasons": reasons,
        "typed": request.POST.get(f"note-{file.pk}", ""),
    }


def _context(request: HttpRequest, batch: Batch, form: DecisionForm) -> dict[str, Any]:
    show = request.GET.get("show", "all")
    page = Paginator(_files(batch, show), FILES_A_PAGE).get_page(request.GET.get("page"))
    return {
        "batch": batch,
        "form": form,
        "show": show,
        "page": page,
        "tiles": [_tile(file, request) for file in page],
        **{f"show_{name}": show == name for name in ("all", "look", "masked", "worst", "withheld")},
        "progress": ledger.progress(batch),
        "mine": batch.reviewer_id == request.user.pk and batch.status == BatchStatus.IN_REVIEW,
        "reviews": batch.reviews.select_related("reviewer").prefetch_related("notes__file"),
        "summary": review_summary(batch),
    }
