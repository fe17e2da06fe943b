"""Pages of evidence packs: of a batch for its hospital, of a release for who asked; JSON as signed, PDF for reading."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from fulfillment.models import Batch, EvidencePack, Release
from fulfillment.services import evidence
from getdata.accounts.models import User
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text

SHOWN = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def batch_evidence(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The packs of a batch; POST has a new one built."""
    rows = Batch.objects.visible_to(request.user).select_related("fulfillment__hospital", "fulfillment__request")
    batch = get_object_or_404(rows, pk=pk)
    return _page(request, batch=batch)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def release_evidence(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The packs of a release; POST has a new one built."""
    rows = Release.objects.visible_to(request.user).select_related("request__organization")
    release = get_object_or_404(rows, pk=pk)
    return _page(request, release=release)


def _page(request: HttpRequest, *, batch: Batch | None = None, release: Release | None = None) -> HttpResponseBase:
    user = request.user
    assert isinstance(user, User)
    if not evidence.may_have(user, batch=batch, release=release):
        raise Http404
    refusal = ""
    if request.method == "POST":
        try:
            evidence.ask_pack(actor=user, batch=batch, release=release)
            return redirect(request.path)
        except CannotDo as problem:
            refusal = refusal_text(problem)
    packs = list(EvidencePack.objects.visible_to(user).filter(batch=batch, release=release)[:SHOWN])
    name = "batch_detail" if batch is not None else "release_detail"
    context = {
        "thing": batch or release,
        "title": str(batch) if batch is not None else f"Release {release.number}" if release is not None else "",
        "back": reverse(name, args=[(batch or release).pk]),  # type: ignore[union-attr]
        "packs": packs,
        "waits": any(not pack.is_ready and not pack.problem for pack in packs),
        "refusal": refusal,
    }
    part = "fulfillment/evidence/_packs.html"
    whole = request.headers.get("HX-Request") != "true"
    response = render(request, "fulfillment/evidence/page.html" if whole else part, context)
    response["Cache-Control"] = "no-store"
    return response


def _pack(request: HttpRequest, pk: UUID) -> EvidencePack:
    rows = EvidencePack.objects.visible_to(request.user).exclude(stored="")
    return get_object_or_404(rows.select_related("batch", "release__request"), pk=pk)


def _file(pack: EvidencePack, content: bytes, kind: str, ending: str) -> HttpResponse:
    of = f"batch-{pack.batch.number}" if pack.batch is not None else f"release-{pack.release.number}"  # type: ignore[union-attr]
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="evidence-{of}-{pack.as_of:%Y-%m-%d}.{ending}"'
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_safe
def evidence_json(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The JSON file, byte for byte as it was signed."""
    pack = _pack(request, pk)
    try:
        return _file(pack, evidence.pack_bytes(pack), "application/json", "json")
    except CannotDo as problem:
        return HttpResponse(refusal_text(problem), status=409, content_type="text/plain; charset=utf-8")


@login_required
@require_safe
def evidence_pdf(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The reading copy."""
    pack = _pack(request, pk)
    try:
        return _file(pack, evidence.pack_as_pdf(pack), "application/pdf", "pdf")
    except CannotDo as problem:
        return HttpResponse(refusal_text(problem), status=409, content_type="text/plain; charset=utf-8")
