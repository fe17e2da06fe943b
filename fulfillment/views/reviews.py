"""The review desk: the queue, one batch with its images, the notes, the decision."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from fulfillment import ledger
from fulfillment.forms import DecisionForm
from fulfillment.models import Batch, BatchStatus, Release, ReleaseStatus, SourceFile
from fulfillment.selectors import releasable_requests, review_summary, waiting_batches
from fulfillment.services import reviews
from fulfillment.services.certificates import current_certificate
from fulfillment.services.contact_sheet import GROUPS, sheet_files, tiles
from fulfillment.services.independence import what_bars_reviewing
from fulfillment.services.legal import batch_standing
from getdata.accounts.models import User
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals

FILES_A_PAGE = 24


def _reviewer(request: HttpRequest) -> User:
    """The signed-in reviewer; for everyone else these pages do not exist."""
    if not isinstance(request.user, User) or not request.user.is_reviewer:
        raise Http404
    return request.user


@login_required
@require_safe
def review_queue(request: HttpRequest) -> HttpResponse:
    """What waits, soonest due first: batches, requests ready for a release, drafts to publish."""
    user = _reviewer(request)
    decided = Batch.objects.visible_to(user).select_related("fulfillment__hospital", "reviewer")
    context = {
        "page": Paginator(waiting_batches(user), 25).get_page(request.GET.get("page")),
        "decided": decided.filter(
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
    messages.success(request, "The batch is back in the queue. Its notes are kept for the next reviewer.")
    return redirect("review_queue")


@login_required
@require_POST
@shows_refusals("batch_review")
def batch_notes(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Keep the notes of the page that was sent, then show the page that was asked for (``show``, ``page``).

    With htmx, which sends a note as soon as its field is left, the list of kept notes comes back instead.
    """
    user = _reviewer(request)
    batch = _batch(user, pk)
    kept = reviews.keep_notes(batch=batch, actor=user, notes=_notes(request, batch))
    if request.headers.get("HX-Request") == "true":
        return render(request, "fulfillment/review/_notes.html", {"notes": reviews.pending_notes(batch)})
    messages.success(request, f"{kept} {'note is' if kept == 1 else 'notes are'} kept." if kept else "No note is kept.")
    return redirect(_place(request, batch))


@login_required
@require_POST
@shows_refusals("batch_review")
def batch_decide(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Accept, return with notes or reject. Notes on the page that was sent are kept first, so none is lost."""
    user = _reviewer(request)
    batch = _batch(user, pk)
    form = DecisionForm(request.POST)
    typed = _notes(request, batch)
    if typed:
        reviews.keep_notes(batch=batch, actor=user, notes=typed)
    if form.is_valid():
        try:
            _decide(batch, user, form.cleaned_data["decision"], form.cleaned_data["summary"])
        except CannotDo as refusal:
            form.add_error("decision", refusal_text(refusal))
        else:
            messages.success(request, "Your decision is recorded, and the hospital is told.")
            return redirect("batch_review", pk=pk)
    return render(request, "fulfillment/review/batch.html", _context(request, batch, form))


def _decide(batch: Batch, user: User, decision: str, summary: str) -> None:
    match decision:
        case "accepted":
            reviews.accept_batch(batch=batch, actor=user, summary=summary)
        case "returned":
            reviews.return_batch(batch=batch, actor=user, summary=summary)
        case _:
            reviews.reject_batch(batch=batch, actor=user, summary=summary)


def _batch(user: User, pk: UUID) -> Batch:
    rows = Batch.objects.visible_to(user).select_related(
        "fulfillment__hospital", "fulfillment__request__organization", "spec_version", "reviewer", "sealed_by"
    )
    return get_object_or_404(rows, pk=pk)


def _notes(request: HttpRequest, batch: Batch) -> dict[SourceFile, str]:
    """The ``note-<file id>`` fields of the form, empty ones too: an emptied field takes its note away."""
    texts: dict[UUID, str] = {}
    for name, text in request.POST.items():
        if name.startswith("note-") and isinstance(text, str):
            try:
                texts[UUID(name.removeprefix("note-"))] = text
            except ValueError:
                continue
    return {file: texts[file.pk] for file in batch.files.filter(pk__in=texts)}


def _place(request: HttpRequest, batch: Batch) -> str:
    """The page of the contact sheet that the pressed button names, as ``?show=...&page=...``."""
    show, _, page = request.POST.get("go", "").partition(":")
    query = {"show": show if show in GROUPS else "all"} | ({"page": page} if page.isdecimal() else {})
    return f"{reverse('batch_review', args=[batch.pk])}?{urlencode(query)}#files"


def _context(request: HttpRequest, batch: Batch, form: DecisionForm) -> dict[str, Any]:
    user = _reviewer(request)
    asked = request.POST if request.method == "POST" else request.GET
    show = asked.get("show", "all") if asked.get("show") in GROUPS else "all"
    page: Page[SourceFile] = Paginator(sheet_files(batch, show), FILES_A_PAGE).get_page(asked.get("page"))
    summary, progress = review_summary(batch), ledger.progress(batch)
    mine = batch.reviewer_id == user.pk and batch.status == BatchStatus.IN_REVIEW
    counts = {"look": summary.to_look_at, "masked": summary.masked, "withheld": progress.withheld}
    return {
        "batch": batch,
        "certificate": current_certificate(batch),
        "legal": batch_standing(batch),
        "form": form,
        "show": show,
        "groups": [{"name": name, "label": label, "count": counts.get(name)} for name, label in GROUPS.items()],
        "page": page,
        "tiles": tiles(page),
        "progress": progress,
        "mine": mine,
        "bar": what_bars_reviewing(user, batch) if batch.status == BatchStatus.SEALED else None,
        "notes": reviews.pending_notes(batch) if batch.status == BatchStatus.IN_REVIEW else [],
        "reviews": batch.reviews.select_related("reviewer").prefetch_related("notes__file"),
        "summary": summary,
    }
