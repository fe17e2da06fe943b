"""What the portal holds of a hospital's originals, until when, and the proof of what it destroyed."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from deid.proof.destruction_pdf import destruction_pdf
from fulfillment.models import Batch, OriginalsDestruction, SourceFile, SourceFileStatus
from fulfillment.models.withdrawals import TIME_TO_DESTROY
from fulfillment.services.destruction import days_after_acceptance, term_of
from fulfillment.where_now import where_now
from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can

A_PAGE = 25
#: Hospitals that staff can choose among on one page.
MOST_HOSPITALS = 200


def _batches_of(user: User) -> QuerySet[Batch]:
    """Batches whose hospital the person belongs to, or all for staff."""
    seen = Batch.objects.visible_to(user)
    if user.is_reviewer:
        return seen
    return seen.filter(fulfillment__hospital__in=Organization.objects.filter(memberships__user=user))


@login_required
@require_safe
def custody_now(request: HttpRequest) -> HttpResponse:
    """Where a hospital's data are now. ``?hospital=`` chooses among several; staff see every hospital that delivered."""
    user = request.user
    assert isinstance(user, User)  # login_required
    rows = Organization.objects.filter(fulfillments__isnull=False)
    if not user.is_reviewer:
        rows = rows.filter(memberships__user=user)
    hospitals = list(rows.distinct().order_by("name"))
    chosen = request.GET.get("hospital", "")
    hospital = next((one for one in hospitals if one.slug == chosen), hospitals[0] if hospitals else None)
    context = {
        "hospitals": hospitals[:MOST_HOSPITALS],
        "now": where_now(hospital) if hospital is not None else None,
        "may_withdraw": hospital is not None and can(user, "approve_privacy", hospital),
        "days": settings.ORIGINALS_DAYS,
        "refused_days": settings.ORIGINALS_REFUSED_DAYS,
        "destroy_days": TIME_TO_DESTROY.days,
    }
    return render(request, "fulfillment/custody/where_now.html", context)


@login_required
@require_safe
def originals(request: HttpRequest) -> HttpResponse:
    """Originals that are held, batch by batch, and the certificates of those that are gone."""
    assert isinstance(request.user, User)  # login_required
    here = ~Q(files__stored="")
    gone = here & Q(files__status=SourceFileStatus.WITHDRAWN)
    holding = (
        _batches_of(request.user)
        .filter(pk__in=SourceFile.objects.exclude(stored="").values("batch"))
        .select_related("fulfillment__hospital", "fulfillment__request", "spec_version")
        .annotate(
            held=Count("files", filter=here),
            held_size=Sum("files__size", filter=here),
            withdrawn=Count("files", filter=gone),
        )
        .order_by("-created_at")
    )
    held = Paginator(holding, A_PAGE).get_page(request.GET.get("page"))
    certificates = OriginalsDestruction.objects.visible_to(request.user).select_related(
        "batch__fulfillment__hospital", "batch__fulfillment__request"
    )
    context = {
        "page": held,
        "rows": [_row(batch) for batch in held],
        "certificates": certificates[:100],
        "refused_days": settings.ORIGINALS_REFUSED_DAYS,
        "days": settings.ORIGINALS_DAYS,
    }
    return render(request, "fulfillment/custody/originals.html", context)


def _row(batch: Batch) -> dict[str, Any]:
    term = term_of(batch)
    return {"batch": batch, "term": term, "days": days_after_acceptance(batch)}


def _certificate(request: HttpRequest, pk: UUID) -> OriginalsDestruction:
    return get_object_or_404(OriginalsDestruction.objects.visible_to(request.user).select_related("batch"), pk=pk)


def _file(certificate: OriginalsDestruction, content: bytes, kind: str, ending: str) -> HttpResponse:
    name = f"destruction_certificate-batch-{certificate.batch.number}-{certificate.created_at:%Y-%m-%d}.{ending}"
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_safe
def destruction_certificate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The JSON file, byte for byte as it was signed."""
    certificate = _certificate(request, pk)
    return _file(certificate, certificate.text.encode(), "application/json", "json")


@login_required
@require_safe
def destruction_certificate_pdf(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The reading copy."""
    certificate = _certificate(request, pk)
    return _file(certificate, destruction_pdf(json.loads(certificate.text)), "application/pdf", "pdf")
