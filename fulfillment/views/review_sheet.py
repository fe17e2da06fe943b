"""The tab De-identification: the contact sheet, what was looked at, and what was measured about the batch's cleaning."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from PIL import Image as Picture

from deid.proof.certificate import SECOND_LOOK_REASONS
from fulfillment.models import Batch, DeidCertificate, Image
from fulfillment.selectors import withheld_reasons
from fulfillment.services import inspections, reviews
from fulfillment.services.contact_sheet import FILES_A_PAGE, GROUPS, Tile, sheet_files, tiles
from fulfillment.views.review_base import batch_of, page_context, reviewer, typed_notes
from getdata.accounts.idle import shows_identity
from getdata.common import storage
from getdata.common.refusals import shows_refusals

#: Side of a tile's picture in pixels: a twelfth of a wide window, at two pixels a point.
TILE_SIDE = 160


@login_required
@require_safe
@shows_identity
def batch_sheet(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The contact sheet of one group (``?show=``) with the file at ``?at=`` large beside it; the sample first."""
    user = reviewer(request)
    batch = batch_of(user, pk)
    context = page_context(user, batch, "deidentification")
    inspection = context["inspection"]
    shown = request.GET.get("show", "")
    show = shown if shown in GROUPS else "sample" if inspection is not None else "all"
    page = Paginator(sheet_files(batch, show, inspection), FILES_A_PAGE).get_page(request.GET.get("page"))
    made = tiles(page, user, inspection)
    context |= {
        "show": show,
        "groups": [{"name": name, "label": label} for name, label in GROUPS.items()],
        "page": page,
        "tiles": made,
        "at": _chosen(made, request.GET.get("at", "")),
        "notes": reviews.pending_notes(batch) if context["mine"] else [],
        "canaries": _canaries(context["certificate"]),
        "second_look": [row for row in withheld_reasons(batch) if row["reason"] in SECOND_LOOK_REASONS],
        "shown_after": settings.LOOK_MILLISECONDS,
    }
    return render(request, "fulfillment/review/sheet.html", context)


def _chosen(made: list[Tile], number: str) -> Tile | None:
    """The tile of the file that the address names; else the first that waits to be looked at; else the first."""
    if number.isdecimal():
        for tile in made:
            if tile.file.number == int(number):
                return tile
    waiting = (tile for tile in made if tile.why and not tile.looked)
    return next(waiting, made[0] if made else None)


def _canaries(certificate: DeidCertificate | None) -> list[dict[str, Any]]:
    """Recall by kind of planted value, as the certificate states it."""
    if certificate is None or not certificate.measured:
        return []
    kinds: list[dict[str, Any]] = json.loads(certificate.text)["statement"]["canaries"].get("by_kind", [])
    return kinds


@login_required
@require_POST
@shows_refusals("batch_sheet")
def batch_looks(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Remember what was looked at: ``look`` fields of ``<image>:<milliseconds>``, or ``<image>`` where the person says so.

    A script gets the progress as JSON; a form is sent on to the next file that waits, its note kept first.
    """
    user = reviewer(request)
    batch = batch_of(user, pk)
    shown: dict[UUID, int | None] = {}
    for value in request.POST.getlist("look")[: inspections.MOST_AT_ONCE + 1]:
        key, _, milliseconds = value.partition(":")
        try:
            shown[UUID(key)] = int(milliseconds) if milliseconds.isdecimal() and len(milliseconds) < 10 else None
        except ValueError:
            raise Http404 from None
    progress = inspections.record_looks(batch=batch, shown=shown, actor=user)
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"wanted": progress.wanted, "looked": progress.looked, "left": progress.left})
    typed = typed_notes(request, batch)
    if typed:
        reviews.keep_notes(batch=batch, actor=user, notes=typed)
    return redirect(sheet_address(request, batch))


@login_required
@require_POST
@shows_refusals("batch_sheet")
def batch_draw(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Draw the sample of a batch that was claimed before there were samples."""
    user = reviewer(request)
    made = inspections.draw_inspection(batch=batch_of(user, pk), actor=user)
    messages.success(request, f"{made.certain + made.drawn} images are to be looked at.")
    return redirect("batch_sheet", pk=pk)


def sheet_address(request: HttpRequest, batch: Batch) -> str:
    """The sheet as the form that was sent shows it (``show``, ``page``), without a file: the next that waits is shown."""
    show, page = request.POST.get("show", ""), request.POST.get("page", "")
    query = ({"show": show} if show in GROUPS else {}) | ({"page": page} if page.isdecimal() else {})
    return reverse("batch_sheet", args=[batch.pk]) + (f"?{urlencode(query)}" if query else "")


@login_required
@require_safe
@shows_identity
def image_tile(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """A small JPEG of a de-identified image for the contact sheet, for those who may look at its pixels."""
    seen = Image.objects.visible_to(request.user).pictured_for(request.user).live()
    image = get_object_or_404(seen, pk=pk)
    etag = f'"{image.output_sha256[:32]}-{TILE_SIDE}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": etag}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers=headers)
    store = storage.previews()
    if not image.preview or not store.exists(image.preview):
        raise Http404
    with store.open(image.preview) as stored, Picture.open(stored) as picture:
        picture.draft("L", (TILE_SIDE, TILE_SIDE))
        small = picture.convert("L")
        small.thumbnail((TILE_SIDE, TILE_SIDE), Picture.Resampling.BOX, reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=82)
    return HttpResponse(out.getvalue(), content_type="image/jpeg", headers=headers)
