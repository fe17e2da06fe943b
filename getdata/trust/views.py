"""Pages of an organization about who looked: openings by staff, and the export of its audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from getdata.accounts.models import Organization
from getdata.accounts.permissions import may_decide
from getdata.accounts.views.common import frame, organization_or_404, person
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals
from getdata.trust import audit_export, openings
from getdata.trust.forms import OpeningForm
from getdata.trust.models import ScopeOpening

_A_PAGE = 25


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def organization_openings(request: HttpRequest, slug: str) -> HttpResponse:
    """Who of GetDATA's staff opened the organization's protected material, when and why; for staff, the form to open it."""
    user, organization = person(request), organization_or_404(request, slug)
    may_open = may_decide(user, organization)
    form = OpeningForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            openings.open_scope(organization=organization, actor=user, **form.cleaned_data)
        except CannotDo as error:
            form.add_error(None, refusal_text(error))
        else:
            messages.success(request, f"{organization.name} was told. Every look from now on is recorded.")
            return redirect("organization_openings", slug=slug)
    rows = organization.openings.visible_to(user).select_related("opened_by", "organization")
    page = Paginator(rows, _A_PAGE).get_page(request.GET.get("page"))
    context = frame(organization, user, "openings")
    context.update(
        page=page,
        rows=[(opening, opening.is_running and openings.may_end(user, opening)) for opening in page],
        running=openings.opening_for(user, organization),
        may_open=may_open,
        form=form,
    )
    return render(request, "trust/openings.html", context)


@login_required
@require_POST
@shows_refusals("organization_openings")
def opening_end(request: HttpRequest, slug: str, pk: UUID) -> HttpResponseBase:
    """End an opening now."""
    organization = organization_or_404(request, slug)
    rows = ScopeOpening.objects.visible_to(request.user).select_related("organization")
    openings.end_opening(opening=get_object_or_404(rows, pk=pk, organization=organization), actor=person(request))
    messages.success(request, "The opening has ended.")
    return redirect("organization_openings", slug=slug)


def _exporting(request: HttpRequest, slug: str) -> tuple[Organization, datetime | None]:
    """The organization, for those who may take its events away; for everybody else there is no such page."""
    organization = organization_or_404(request, slug)
    if not audit_export.may_export(request.user, organization):
        raise Http404
    given = request.GET.get("since", "")
    day = parse_date(given) if given else None
    return organization, datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _named(response: HttpResponseBase, organization: Organization, ending: str) -> HttpResponseBase:
    response["Content-Disposition"] = f'attachment; filename="audit-{organization.slug}.{ending}"'
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@login_required
@require_safe
def organization_audit_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The organization's events, to read."""
    organization, since = _exporting(request, slug)
    audit_export.note_export(organization=organization, actor=person(request), kind="csv")
    lines = audit_export.as_csv(audit_export.events_of(organization, since=since))
    return _named(StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8"), organization, "csv")


@login_required
@require_safe
@shows_refusals("organization_history")
def organization_audit_json(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The organization's events, signed, each with its proof."""
    organization, since = _exporting(request, slug)
    audit_export.note_export(organization=organization, actor=person(request), kind="json")
    text = audit_export.as_json(organization, audit_export.events_of(organization, since=since))
    return _named(HttpResponse(text, content_type="application/json"), organization, "json")
