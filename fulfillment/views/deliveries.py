"""Deliveries and batches: their lists, their pages, what a hospital does with a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, TextChoices
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fulfillment import ledger
from fulfillment.duplicate_pairs import own_twins
from fulfillment.incident_pages import incident_stopping
from fulfillment.label_worklist import figure_of
from fulfillment.models import Batch, BatchStatus, Fulfillment, FulfillmentStatus, Image, SourceFile, SourceFileStatus
from fulfillment.selectors import left_aside, withheld_reasons
from fulfillment.services import batches, fulfillments
from fulfillment.services.certificates import current_certificate
from fulfillment.services.evidence import may_have
from fulfillment.services.file_lists import file_rows, files_of
from fulfillment.services.legal import batch_standing
from fulfillment.services.reviews import RETURNED
from fulfillment.uploads import rights, terminate_all
from fulfillment.views.batch_progress import progress_context
from fulfillment.views.delivery_forms import BatchForm, EndForm
from getdata.accounts.models import User
from getdata.accounts.permissions import can
from getdata.common import storage
from getdata.common.refusals import refusal_text, shows_refusals
from requests_app.meter import meter_view

A_PAGE, FILES_A_PAGE = 25, 50
SHORT = "COUNT_SHORT"


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # login_required
    return request.user


def get_batch(request: HttpRequest, pk: UUID) -> Batch:
    """The batch, for those who may see it."""
    return get_object_or_404(
        Batch.objects.visible_to(request.user).select_related(
            "fulfillment__hospital",
            "fulfillment__request__organization",
            "fulfillment__offer",
            "spec_version",
            "created_by",
        ),
        pk=pk,
    )


def _fulfillment(request: HttpRequest, pk: UUID) -> Fulfillment:
    return get_object_or_404(
        Fulfillment.objects.visible_to(request.user).select_related("hospital", "request__organization", "offer"), pk=pk
    )


def _tabs(
    url: str, states: type[TextChoices], counts: Mapping[str, int], chosen: str, *, total: int, anchor: str = ""
) -> list[dict[str, Any]]:
    """Tabs over the states that occur, all of them first. ``chosen`` is a state, or empty for all."""
    first = {"label": "All", "url": f"{url}{anchor}", "current": chosen == "", "count": total}
    return [
        first,
        *(
            {"label": label, "url": f"{url}?state={value}{anchor}", "current": chosen == value, "count": counts[value]}
            for value, label in states.choices
            if counts.get(value)
        ),
    ]


# --- deliveries ------------------------------------------------------------------------------------------------------


@login_required
@require_safe
def fulfillment_list(request: HttpRequest) -> HttpResponse:
    """Deliveries of my organizations, active ones first."""
    rows = (
        Fulfillment.objects.visible_to(_person(request))
        .select_related("hospital", "request", "offer")
        .annotate(
            batch_count=Count("batches", distinct=True),
            passed=Count(
                "batches__files__image",
                filter=Q(batches__files__status=SourceFileStatus.PASSED) & ~Q(batches__status=BatchStatus.REJECTED),
                distinct=True,
            ),
        )
        .order_by("ended_at", "-created_at")
    )
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    return render(request, "fulfillment/deliveries/fulfillment_list.html", {"page": page})


def _fulfillment_context(request: HttpRequest, fulfillment: Fulfillment, form: EndForm) -> dict[str, Any]:
    user = _person(request)
    seen = Batch.objects.visible_to(user).filter(fulfillment=fulfillment).select_related("spec_version")
    active = fulfillment.status == FulfillmentStatus.ACTIVE
    received = Image.objects.live().filter(source__batch__fulfillment=fulfillment)
    return {
        "fulfillment": fulfillment,
        "rows": [{"batch": batch, "progress": ledger.progress(batch)} for batch in seen],
        "offered": fulfillment.offer.counted_images,
        "received": received.exclude(source__batch__status=BatchStatus.REJECTED).count(),
        "accepted": received.filter(source__batch__status=BatchStatus.ACCEPTED).count(),
        "item": fulfillment.request,
        "live": meter_view(fulfillment.request, user),
        "may_deliver": active and can(user, "upload", fulfillment.hospital),
        "may_complete": active and can(user, "write", fulfillment.request.organization),
        "completing": fulfillments.what_hinders_completing(fulfillment) if active else None,
        "may_end": active and fulfillments.may_end(user, fulfillment),
        "form": form,
    }


@login_required
@require_safe
def fulfillment_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One delivery: how far it is, its batches, what is still useful, how it ends."""
    context = _fulfillment_context(request, _fulfillment(request, pk), EndForm())
    return render(request, "fulfillment/deliveries/fulfillment_detail.html", context)


@login_required
@require_POST
@shows_refusals("fulfillment_detail")
def fulfillment_complete(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The organization that asked confirms that everything has come."""
    fulfillments.complete_fulfillment(fulfillment=_fulfillment(request, pk), actor=_person(request))
    messages.success(request, "The delivery is completed.")
    return redirect("fulfillment_detail", pk=pk)


@login_required
@require_POST
@shows_refusals("fulfillment_detail")
def fulfillment_terminate(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """A party ends the delivery early, with a reason."""
    fulfillment = _fulfillment(request, pk)
    form = EndForm(request.POST)
    if not form.is_valid():
        context = _fulfillment_context(request, fulfillment, form)
        return render(request, "fulfillment/deliveries/fulfillment_detail.html", context)
    fulfillments.terminate_fulfillment(
        fulfillment=fulfillment, actor=_person(request), reason=form.cleaned_data["reason"]
    )
    messages.success(request, "The delivery was ended.")
    return redirect("fulfillment_detail", pk=pk)


# --- batches ----------------------------------------------------------------------------------------------------------


@login_required
@require_safe
def batch_list(request: HttpRequest) -> HttpResponse:
    """Batches of my organizations, newest first, by state."""
    seen = Batch.objects.visible_to(_person(request)).select_related("fulfillment__hospital", "fulfillment__request")
    counts = dict(seen.order_by().values_list("status").annotate(n=Count("pk")))
    status = request.GET.get("state", "")
    if status in BatchStatus.values:
        chosen = seen.filter(status=status)
    else:
        chosen, status = seen, ""
    page = Paginator(chosen, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [{"batch": batch, "progress": ledger.progress(batch)} for batch in page],
        "total": sum(counts.values()),
        "tabs": _tabs(reverse("batch_list"), BatchStatus, counts, status, total=sum(counts.values())),
    }
    return render(request, "fulfillment/deliveries/batch_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@shows_refusals("fulfillment_detail")
def batch_new(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Begin a batch under a delivery (``pk``)."""
    fulfillment = _fulfillment(request, pk)
    rights.require_may_deliver(_person(request), fulfillment)
    form = BatchForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        batch = batches.create_batch(fulfillment=fulfillment, name=form.cleaned_data["name"], actor=_person(request))
        messages.success(request, f"Batch {batch.number} is open. Add its files.")
        return redirect("batch_detail", pk=batch.pk)
    context = {"fulfillment": fulfillment, "form": form, "version": fulfillment.request.current_version}
    return render(request, "fulfillment/deliveries/batch_new.html", context)


def files_context(request: HttpRequest, batch: Batch, progress: ledger.Progress) -> dict[str, Any]:
    """What the list of files shows, filtered by ``?state=`` and ``?cause=``."""
    user = _person(request)
    state, cause = request.GET.get("state", ""), request.GET.get("cause", "")[:60]
    if state not in SourceFileStatus.values:
        state = ""
    page = Paginator(files_of(batch, status=state, reason=cause), FILES_A_PAGE).get_page(request.GET.get("page"))
    withdrawn = batch.files.filter(status=SourceFileStatus.WITHDRAWN).count()
    counts = {**progress.by_status, SourceFileStatus.WITHDRAWN: withdrawn}
    return {
        "batch": batch,
        "page": page,
        "files": file_rows(page, batch=batch, user=user),
        "cause": cause,
        "tabs": _tabs(
            reverse("batch_detail", args=[batch.pk]),
            SourceFileStatus,
            counts,
            "-" if cause else state,
            total=progress.total,
            anchor="#files",
        )
        if progress.total or withdrawn
        else [],
        "aside": left_aside(batch),
        "causes": [{**row, "retriable": row["reason"] != RETURNED} for row in withheld_reasons(batch)],
        "sees_names": rights.may_see_names(user, batch),
        "may_view": user.is_reviewer or rights.is_of_the_hospital(user, batch),
        "may_add": rights.may_add_files(user, batch),
        "query": request.GET.urlencode(),
    }


@login_required
@require_safe
def batch_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A batch: bring files, watch them being processed, repair what was refused."""
    batch = get_batch(request, pk)
    context = progress_context(batch, _person(request))
    context |= files_context(request, batch, context["progress"])
    context |= {"upload_chunk": settings.UPLOAD_CHUNK_BYTES, "max_upload": settings.MAX_UPLOAD_BYTES}
    context["max_instance"] = settings.MAX_INSTANCE_BYTES
    context["certificate"] = current_certificate(batch)
    context["legal"] = batch_standing(batch)
    context["may_evidence"] = bool(batch.sealed_at) and may_have(_person(request), batch=batch)
    context["incident"] = incident_stopping(batch=batch, user=_person(request))
    context |= figure_of(batch, _person(request)) if context["progress"].is_settled else {}
    context["sees_quality"] = Batch.objects.pictured_for(request.user).filter(pk=batch.pk).exists()
    context["twins"] = own_twins(batch) if rights.is_of_the_hospital(_person(request), batch) else []
    context["review"] = batch.reviews.select_related("reviewer").first()
    context["returned_files"] = batch.files.filter(reason=RETURNED, status=SourceFileStatus.QUARANTINED).count()
    response = render(request, "fulfillment/deliveries/batch_detail.html", context)
    response["Cache-Control"] = "no-store"  # it may hold file names
    return response


@login_required
@require_safe
def batch_progress(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The live part of the page, asked for every two seconds while files are in work."""
    batch = get_batch(request, pk)
    if not request.headers.get("HX-Request"):
        return redirect("batch_detail", pk=pk)
    context = progress_context(batch, _person(request))
    part = "_work" if request.GET.get("part") == "work" else "_progress"
    response = render(request, f"fulfillment/deliveries/{part}.html", context)
    if part == "_progress" and context["progress"].is_settled:
        response["HX-Trigger"] = "batch-settled"  # the list of files asks for itself again
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_safe
def batch_files(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The list of files alone, for htmx."""
    batch = get_batch(request, pk)
    if not request.headers.get("HX-Request"):
        whole = redirect("batch_detail", pk=pk)
        if request.GET:
            whole["Location"] += f"?{request.GET.urlencode()}"
        return whole
    context = files_context(request, batch, ledger.progress(batch))
    response = render(request, "fulfillment/deliveries/_files.html", context)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@shows_refusals("batch_detail")
def batch_seal(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """What will be submitted, and the button that submits it."""
    batch = get_batch(request, pk)
    user = _person(request)
    rights.require_may_add_files(user, batch)
    if request.method == "POST":
        sealed = batches.seal_batch(batch=batch, actor=user)
        messages.success(
            request, f"Batch {batch.number} is sealed. A reviewer decides by {sealed.review_due_at:%d %B %Y}."
        )
        return redirect("batch_detail", pk=pk)
    hindrance = batches.what_hinders_sealing(batch)
    images = Image.objects.live().filter(source__batch=batch)
    progress = ledger.progress(batch)
    findings = batches.batch_findings(batch)
    context = {
        "batch": batch,
        "hindrance": hindrance,
        "hindrance_text": refusal_text(hindrance) if hindrance else "",
        "images": images.count(),
        "patients": images.values("series__study__patient").distinct().count(),
        "labels": batch.labels.filter(image__in=images).count(),
        "left_out": sum(progress.by_status.get(status, 0) for status in batches.RETRIABLE),
        # What is only short is the meter's to say: batches and hospitals add up.
        "findings": [finding for finding in findings if finding["code"] != SHORT],
        "short": sum(finding["code"] == SHORT for finding in findings),
        "item": batch.fulfillment.request,
        "live": meter_view(batch.fulfillment.request, request.user),
        "review_days": batches.REVIEW_WORKING_DAYS,
    }
    return render(request, "fulfillment/deliveries/batch_seal.html", context)


# --- files ------------------------------------------------------------------------------------------------------------


def _file(request: HttpRequest, pk: UUID) -> SourceFile:
    return get_object_or_404(
        SourceFile.objects.visible_to(request.user).select_related("batch__fulfillment__hospital"), pk=pk
    )


def _back(request: HttpRequest, file: SourceFile) -> HttpResponseBase:
    """To the list the button stood in, with its filter."""
    query = request.POST.get("query", "")[:200]
    response = redirect("batch_detail", pk=file.batch_id)
    response["Location"] += f"?{query}#files" if query else "#files"
    return response


@login_required
@require_POST
@shows_refusals()
def file_retry(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Process a refused or failed file again."""
    file = _file(request, pk)
    batches.retry_file(file=file, actor=_person(request))
    messages.success(request, f"File {file.number} is processed again.")
    return _back(request, file)


@login_required
@require_POST
@shows_refusals()
def file_withdraw(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Take a file out of its batch."""
    file = _file(request, pk)
    batches.withdraw_file(file=file, actor=_person(request))
    messages.success(request, f"File {file.number} is withdrawn.")
    return _back(request, file)


@login_required
@require_POST
@shows_refusals("batch_detail")
def batch_cause(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Retry or withdraw every file with one cause."""
    batch = get_batch(request, pk)
    reason = request.POST.get("reason", "")[:60]
    match request.POST.get("act"):
        case "retry":
            done = batches.retry_all(batch=batch, reason=reason, actor=_person(request))
            messages.success(request, f"{done:,} file{'' if done == 1 else 's'} processed again.")
        case "withdraw":
            done = batches.withdraw_all(batch=batch, reason=reason, actor=_person(request))
            messages.success(request, f"{done:,} file{'' if done == 1 else 's'} withdrawn.")
        case _:
            raise Http404
    return redirect("batch_detail", pk=pk)


@login_required
@require_POST
@shows_refusals("batch_detail")
def batch_discard_uploads(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """End every unfinished upload of a batch."""
    ended = terminate_all(batch=get_batch(request, pk), actor=_person(request))
    messages.success(request, f"{ended:,} unfinished upload{'' if ended == 1 else 's'} discarded.")
    return redirect("batch_detail", pk=pk)


@login_required
@require_safe
def image_preview(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """An 8-bit picture of a de-identified image, for those who may look at its pixels."""
    seen = Image.objects.visible_to(request.user).pictured_for(request.user).live()
    image = get_object_or_404(seen.select_related("source"), pk=pk)
    store = storage.previews()
    if not image.preview or not store.exists(image.preview):
        raise Http404
    return storage.send_file(
        request,
        store,
        image.preview,
        filename=f"image-{image.source.number}.png",
        size=store.size(image.preview),
        etag=image.output_sha256[:32],
        inline=True,
    )
