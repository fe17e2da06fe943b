"""The quality of a batch and of one image: pages for the hospital, the reviewers and, once accepted, for whoever asked."""

from __future__ import annotations

import csv
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from fulfillment import ledger
from fulfillment.batch_quality import COMPONENTS, BatchQuality
from fulfillment.image_quality import ImageQuality
from fulfillment.models import Batch, BatchStatus, Image
from fulfillment.quality.overview import Scored
from fulfillment.selectors import withheld_reasons
from fulfillment.viewer.access import may_look
from getdata.accounts.models import User

IMAGES_A_PAGE = 24
_BEFORE = ("file", "image", "version", "gate", "gate_reason", "total")
_AFTER = ("weakest", "gain", "header_completeness", "label_completeness")


def _batch(request: HttpRequest, pk: UUID) -> Batch:
    seen = Batch.objects.visible_to(request.user).pictured_for(request.user)
    return get_object_or_404(
        seen.select_related("fulfillment__hospital", "fulfillment__request__organization", "spec_version"), pk=pk
    )


@login_required
@require_safe
def batch_quality(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How good the images of a batch are, what would raise the score, and the images by cause (``?group=``), worst first."""
    batch = _batch(request, pk)
    quality = BatchQuality(batch)
    group = request.GET.get("group", "")[:120]
    title, remedy, rows = quality.chosen(group)
    page = Paginator(rows, IMAGES_A_PAGE).get_page(request.GET.get("page"))
    assert isinstance(request.user, User)
    context = {
        "batch": batch,
        "quality": quality,
        "progress": ledger.progress(batch),
        "withheld": withheld_reasons(batch),
        "group": group if title else "",
        "group_title": title,
        "group_remedy": remedy,
        "page": page,
        "tiles": _tiles(page.object_list),
        "may_review": request.user.is_reviewer and batch.status in (BatchStatus.SEALED, BatchStatus.IN_REVIEW),
    }
    return render(request, "fulfillment/quality/batch.html", context)


def _tiles(rows: Any) -> list[dict[str, Any]]:
    """The images of one page, in the order of ``rows``."""
    shown: list[Scored] = list(rows)
    images = Image.objects.select_related("source").in_bulk([row.key for row in shown])
    return [{"row": row, "image": images[row.key]} for row in shown if row.key in images]


@login_required
@require_safe
def batch_quality_csv(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The figures of a batch, one image a row: our own ids and numbers, nothing of a header."""
    batch = _batch(request, pk)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="batch-{batch.number}-quality.csv"'
    response["Cache-Control"] = "private, no-store"
    out = csv.writer(response)
    out.writerow([*_BEFORE, *COMPONENTS, *_AFTER])
    for row in BatchQuality(batch).rows:
        out.writerow(
            [row.number, row.key, row.version, "passed" if row.gate else "failed", row.gate_reason, row.total]
            + [row.components.get(name, "") for name in COMPONENTS]
            + [row.weakest, *("" if value is None else value for value in (row.gain, row.header, row.labels))]
        )
    return response


@login_required
@require_safe
def image_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One image and everything that was measured on it."""
    assert isinstance(request.user, User)
    seen = Image.objects.visible_to(request.user).pictured_for(request.user).live()
    image = get_object_or_404(
        seen.select_related(
            "source__batch__fulfillment__hospital", "source__batch__fulfillment__request", "source__batch__spec_version"
        ),
        pk=pk,
    )
    context = {"image": image, "batch": image.source.batch, "quality": ImageQuality(image, request.user)}
    context["may_view"] = may_look(request.user, image)
    response = render(request, "fulfillment/quality/image.html", context)
    response["Cache-Control"] = "private, no-store"
    return response
