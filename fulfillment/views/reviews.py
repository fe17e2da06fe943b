"""Deciding a batch: claim, give back, notes, the decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from fulfillment.desk.sentence import summary_sentences
from fulfillment.forms import DecisionForm
from fulfillment.models import Batch, BatchStatus
from fulfillment.services import reviews
from fulfillment.views.review_base import batch_of, page_context, reviewer, typed_notes
from fulfillment.views.review_sheet import sheet_address
from getdata.accounts.models import User
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals


@login_required
@require_POST
@shows_refusals("batch_review")
def batch_claim(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    user = reviewer(request)
    reviews.claim_batch(batch=batch_of(user, pk), actor=user)
    messages.success(request, "You have this batch now. Nobody else will decide it while you do.")
    return redirect("batch_review", pk=pk)


@login_required
@require_POST
@shows_refusals("batch_review")
def batch_give_back(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    user = reviewer(request)
    reviews.give_back_batch(batch=batch_of(user, pk), actor=user)
    messages.success(request, "The batch is back in the queue. Its notes are kept for the next reviewer.")
    return redirect("review_queue")


@login_required
@require_POST
@shows_refusals("batch_sheet")
def batch_notes(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Keep the notes that were sent, then show the contact sheet again. A script gets the list of kept notes instead."""
    user = reviewer(request)
    batch = batch_of(user, pk)
    kept = reviews.keep_notes(batch=batch, actor=user, notes=typed_notes(request, batch))
    if request.headers.get("HX-Request") == "true":
        return render(request, "fulfillment/review/_notes.html", {"notes": reviews.pending_notes(batch)})
    messages.success(request, f"{kept} {'note is' if kept == 1 else 'notes are'} kept." if kept else "No note is kept.")
    return redirect(sheet_address(request, batch))


@login_required
@require_safe
def batch_decision(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The tab Decision: what was noted, a summary to start from, the decision, and those taken before."""
    user = reviewer(request)
    batch = batch_of(user, pk)
    return render(request, "fulfillment/review/decision.html", _decision(user, batch, DecisionForm()))


def _decision(user: User, batch: Batch, form: DecisionForm) -> dict[str, Any]:
    context = page_context(user, batch, "decision")
    notes = list(reviews.pending_notes(batch)) if batch.status == BatchStatus.IN_REVIEW else []
    written = summary_sentences(batch, user) if context["mine"] else {}
    if not form.is_bound:
        form.initial["summary"] = written.get("returned" if notes else "accepted", "")
    past = batch.reviews.select_related("reviewer").prefetch_related("notes__file")
    return context | {"form": form, "notes": notes, "written": list(written.items()), "reviews": past}


@login_required
@require_POST
@shows_refusals("batch_decision")
def batch_decide(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Accept, return with notes or reject. Notes on the page that was sent are kept first, so none is lost."""
    user = reviewer(request)
    batch = batch_of(user, pk)
    form = DecisionForm(request.POST)
    typed = typed_notes(request, batch)
    if typed:
        reviews.keep_notes(batch=batch, actor=user, notes=typed)
    if form.is_valid():
        try:
            _decide(batch, user, form.cleaned_data["decision"], form.cleaned_data["summary"])
        except CannotDo as refusal:
            form.add_error("decision", refusal_text(refusal))
        else:
            messages.success(request, "Your decision is recorded, and the hospital is told.")
            return redirect("batch_decision", pk=pk)
    return render(request, "fulfillment/review/decision.html", _decision(user, batch, form))


def _decide(batch: Batch, user: User, decision: str, summary: str) -> None:
    match decision:
        case "accepted":
            reviews.accept_batch(batch=batch, actor=user, summary=summary)
        case "returned":
            reviews.return_batch(batch=batch, actor=user, summary=summary)
        case _:
            reviews.reject_batch(batch=batch, actor=user, summary=summary)
