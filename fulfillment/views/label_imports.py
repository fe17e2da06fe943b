"""The import screen for label files: choose, map, look, confirm. For a hospital's data managers and owners."""

from __future__ import annotations

import csv
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fulfillment import looks
from fulfillment.intake.label_plan import Plan
from fulfillment.intake.label_survey import opened
from fulfillment.labels.formats import FORMATS
from fulfillment.labels.formats.tabular import safe_cell
from fulfillment.models import Batch, Image, Label, LabelImport, LabelImportStatus
from fulfillment.services import label_imports
from fulfillment.uploads import names, one_shot, rights, staging
from fulfillment.uploads.body import body_of
from fulfillment.views.deliveries import get_batch
from fulfillment.views.label_mapping import MappingForm
from getdata.accounts.models import User
from getdata.accounts.permissions import can
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals
from requests_app.taxonomy import LabelState

PAGE_FOR = {
    LabelImportStatus.READING: "wait",
    LabelImportStatus.FAILED: "wait",
    LabelImportStatus.CONFIRMED: "done",
    LabelImportStatus.DISCARDED: "done",
}
FAILURES = {
    "TOO_MUCH": (
        "Reading the file took more time or memory than a worker may use.",
        "Split it into smaller files and send them one after the other.",
    ),
    "INTERNAL_ERROR": (
        "Something on our side went wrong while the file was read.",
        "Try again; if it fails again, tell us when you sent it. You can also send the file as another format.",
    ),
}


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # login_required
    return request.user


def _batch(request: HttpRequest, pk: UUID) -> Batch:
    """The batch, for those of its hospital who may bring files; for everyone else this page does not exist."""
    batch = get_batch(request, pk)
    if not can(_person(request), "upload", batch.fulfillment.hospital):
        raise Http404
    return batch


def _import(request: HttpRequest, pk: UUID) -> LabelImport:
    rows = LabelImport.objects.visible_to(request.user).select_related(
        "batch__fulfillment__hospital", "batch__fulfillment__request", "batch__spec_version", "file"
    )
    return get_object_or_404(rows, pk=pk)


def _page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    looks.names_shown(batch=context["batch"], user=request.user, count=1)
    response = render(request, f"fulfillment/labels/{template}.html", context, status=status)
    response["Cache-Control"] = "private, no-store"  # names in it are the hospital's own
    return response


def _context(item: LabelImport, step: int) -> dict[str, Any]:
    return {
        "item": item,
        "batch": item.batch,
        "step": step,
        "name": names.unseal_names([item])[item.pk],  # type: ignore[list-item]
        "may_add": item.batch.is_writable,
    }


# --- step 1: the file ---------------------------------------------------------------------------------------------------


@csrf_exempt  # the token is in the form: it is checked below, once the form is read to staging
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@shows_refusals("batch_detail")
def label_import_new(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Choose a file; and what else waits here for this batch."""
    batch = _batch(request, pk)
    if request.method != "POST":
        return _upload_page(request, batch)
    rights.require_may_add_files(request.user, batch)
    if request.content_type != "multipart/form-data":
        return _upload_page(request, batch, "The form holds no file. Choose one and send again.")
    try:
        fields, files = one_shot.parse_form(request, body_of(request))
    except CannotDo as refusal:
        return _upload_page(request, batch, refusal_text(refusal))
    request._post, request._files = fields, MultiValueDict()  # type: ignore[attr-defined]  # what csrf_protect looks at
    response: HttpResponseBase = csrf_protect(_take_in)(request, batch=batch, files=files)
    if response.status_code == 403:
        one_shot.discard_form(files)
    return response


def _upload_page(request: HttpRequest, batch: Batch, problem: str = "") -> HttpResponse:
    waiting = LabelImport.objects.visible_to(request.user).filter(batch=batch).under_way()
    context = {
        "batch": batch,
        "step": 1,
        "formats": FORMATS.values(),
        "waiting": [{"item": item, "name": names.unseal_names([item])[item.pk]} for item in waiting[:20]],  # type: ignore[list-item]
        "problem": problem,
        "may_add": rights.may_add_files(request.user, batch),
        "limit": label_imports.settings.MAX_LABEL_IMPORT_BYTES,
    }
    return _page(request, "import_new", context)


def _take_in(request: HttpRequest, *, batch: Batch, files: Any) -> HttpResponseBase:
    parts = [part for part in files.getlist("file") if isinstance(part, one_shot.Staged)]
    refusal = _refusal(parts)
    if refusal:
        one_shot.discard_form(files)
        return _upload_page(request, batch, refusal)
    part = parts[0]
    try:
        item = label_imports.begin_import(
            batch=batch,
            name=part.raw_name,
            staged=part.staged,
            size=part.size,
            sha256=part.sha256,
            format=request.POST.get("format", "auto"),
            actor=_person(request),
        )
    except CannotDo as error:
        return _upload_page(request, batch, refusal_text(error))
    finally:
        for other in parts[1:]:
            staging.discard(other.staged)
    return redirect("label_import", pk=item.pk)


def _refusal(parts: list[one_shot.Staged]) -> str:
    if not parts:
        return "No file was sent. Choose one and send again."
    if len(parts) > 1:
        return (
            "Several files were sent. Send them one after the other, or files that belong together as one .zip archive."
        )
    return refusal_text(parts[0].refusal) if parts[0].refusal is not None else ""


# --- where a file stands ------------------------------------------------------------------------------------------------


@login_required
@require_safe
def label_import(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Where the file stands: being read, to be mapped, to be confirmed, taken in."""
    item = _import(request, pk)
    if item.status == LabelImportStatus.READY:
        address = reverse("label_import_preview" if item.mapped_at else "label_import_mapping", args=[pk])
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(headers={"HX-Redirect": address})
        return redirect(address)
    page = PAGE_FOR[LabelImportStatus(item.status)]
    context = _context(item, 3 if item.mapped_at else 2) if page == "wait" else _done(item)
    if page == "wait":
        context["failure"] = FAILURES.get(item.reason, FAILURES["INTERNAL_ERROR"])
    part = request.headers.get("HX-Request") == "true"
    return _page(request, f"_import_{page}" if part else f"import_{page}", context)


def _done(item: LabelImport) -> dict[str, Any]:
    file = item.file
    labels = Label.objects.filter(table=file, supersedes=None) if file else Label.objects.none()
    return {
        **_context(item, 4),
        "file": file,
        "settled": file is None or file.settled_at is not None,
        "labels": labels.count(),
        "linked": labels.filter(image__isnull=False).count(),
        "first": labels.filter(image__isnull=False).order_by("row")[:6],
    }


# --- step 2: the mapping --------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@shows_refusals("label_import")
def label_import_mapping(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """What columns mean, which finding each name stands for, what images are named by."""
    item = _import(request, pk)
    if item.status != LabelImportStatus.READY:
        return redirect("label_import", pk=pk)
    found, plan = opened(item.sealed_survey, item.batch), Plan.opened(item.sealed_plan, item.batch)
    taxonomy = label_imports.taxonomy_of(item.batch)
    form = MappingForm(found, plan, taxonomy, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        label_imports.map_import(item=item, plan=form.plan(), actor=_person(request))
        return redirect("label_import", pk=pk)
    context = {**_context(item, 2), "found": found, "form": form, "taxonomy": taxonomy}
    return _page(request, "import_mapping", context)


# --- step 3: the look, and the decision -----------------------------------------------------------------------------------


@login_required
@require_safe
def label_import_preview(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """What would be taken in, on the picture, and what would not, with cause and remedy."""
    item = _import(request, pk)
    if item.status != LabelImportStatus.READY or item.mapped_at is None:
        return redirect("label_import", pk=pk)
    found = opened(item.sealed_survey, item.batch)
    context = {
        **_context(item, 3),
        "found": found,
        "format": FORMATS[found["format"]].title if found.get("format") in FORMATS else "not recognised",
        "states": list(LabelState),
        "samples": _samples(request, found),
        "unmatched": found["images"]["named"] - found["images"]["matched"],
    }
    return _page(request, "import_preview", context)


def _samples(request: HttpRequest, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The samples whose pictures may still be looked at."""
    keys = [sample["image"] for sample in found["samples"]]
    seen = Image.objects.visible_to(request.user).pictured_for(request.user).live().select_related("source")
    images = {str(image.pk): image for image in seen.filter(pk__in=keys)}
    return [{**sample, "picture": images[sample["image"]]} for sample in found["samples"] if sample["image"] in images]


@login_required
@require_safe
def label_import_problems(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Every problem with its place, cause and remedy, as CSV for the hospital."""
    item = _import(request, pk)
    if item.status != LabelImportStatus.READY:
        return redirect("label_import", pk=pk)
    looks.names_shown(batch=item.batch, user=request.user, count=1)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="label-problems.csv"'
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    writer = csv.writer(response)
    writer.writerow(["row", "place", "file", "code", "cause", "remedy"])
    for row in opened(item.sealed_survey, item.batch)["rows_told"]:
        writer.writerow([safe_cell(str(cell)) for cell in row])
    return response


@login_required
@require_POST
@shows_refusals("label_import")
def label_import_confirm(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Hand the file to the ledger."""
    item = _import(request, pk)
    file = label_imports.confirm_import(item=item, actor=_person(request))
    messages.success(request, f"The labels are being taken in, as file {file.number} of the batch.")
    return redirect("label_import", pk=pk)


@login_required
@require_POST
@shows_refusals("label_import")
def label_import_again(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Read a file again whose reading failed."""
    item = _import(request, pk)
    plan = Plan.opened(item.sealed_plan, item.batch)
    label_imports.map_import(item=item, plan=plan, actor=_person(request))
    return redirect("label_import", pk=pk)


@login_required
@require_POST
@shows_refusals("label_import")
def label_import_discard(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Give the file up; its bytes are destroyed."""
    item = _import(request, pk)
    label_imports.discard_import(item=item, actor=_person(request))
    messages.success(request, "The file is discarded. Nothing of it was kept.")
    return redirect("label_import_new", pk=item.batch_id)
