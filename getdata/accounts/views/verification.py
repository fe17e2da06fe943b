"""Pages for GetDATA's staff: what waits for verification, and the decisions."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from getdata.accounts import selectors, services
from getdata.accounts.checklist import check_for
from getdata.accounts.forms import ItemDecisionForm, ReasonsForm
from getdata.accounts.permissions import may_decide
from getdata.accounts.views.common import organization_or_404, person
from getdata.common.problems import CannotDo
from getdata.common.refusals import shows_refusals


@login_required
@require_safe
def verification_queue(request: HttpRequest) -> HttpResponse:
    """Organizations that wait for staff, oldest first."""
    user = person(request)
    if not user.is_reviewer:
        raise PermissionDenied
    page = Paginator(selectors.queue(), 25).get_page(request.GET.get("page"))
    rows = [(organization, may_decide(user, organization)) for organization in page]
    return render(request, "accounts/verification_queue.html", {"page": page, "rows": rows})


@login_required
@require_POST
@shows_refusals("organization_detail")
def organization_item_decide(request: HttpRequest, slug: str, key: str) -> HttpResponseBase:
    """Accept or return one item, as it was on the reviewer's screen."""
    organization = organization_or_404(request, slug)
    item = get_object_or_404(organization.verification_items, key=key)
    form = ItemDecisionForm(request.POST)
    if not form.is_valid():
        raise CannotDo("The decision was not complete.", remedy="Choose accept or return again.", code="bad_form")
    accepted = form.cleaned_data["decision"] == "accept"
    services.decide_item(
        item=item,
        accepted=accepted,
        note=form.cleaned_data["note"],
        seen=form.cleaned_data["seen"],
        actor=person(request),
    )
    title = check_for(organization.kind, key).title
    messages.success(request, f"“{title}” is {'accepted' if accepted else 'returned to the organization'}.")
    return redirect(f"{_page(slug)}#check-{key}")


@login_required
@require_POST
@shows_refusals("organization_detail")
def organization_verify(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Verify."""
    organization = organization_or_404(request, slug)
    services.verify_organization(organization=organization, actor=person(request))
    messages.success(request, f"{organization.name} is verified.")
    return redirect(_page(slug))


@login_required
@require_POST
@shows_refusals("organization_detail")
def organization_reject(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Refuse verification, with reasons."""
    organization = organization_or_404(request, slug)
    services.reject_organization(organization=organization, reasons=_reasons(request), actor=person(request))
    messages.success(request, f"{organization.name} is rejected. It sees your reasons and may submit again.")
    return redirect(_page(slug))


@login_required
@require_POST
@shows_refusals("organization_detail")
def organization_suspend(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Suspend, with reasons."""
    organization = organization_or_404(request, slug)
    services.suspend_organization(organization=organization, reasons=_reasons(request), actor=person(request))
    messages.success(request, f"{organization.name} is suspended.")
    return redirect(_page(slug))


@login_required
@require_POST
@shows_refusals("organization_detail")
def organization_reinstate(request: HttpRequest, slug: str) -> HttpResponseBase:
    """End a suspension."""
    organization = organization_or_404(request, slug)
    services.reinstate_organization(organization=organization, actor=person(request))
    messages.success(request, f"{organization.name} is verified again.")
    return redirect(_page(slug))


def _reasons(request: HttpRequest) -> str:
    form = ReasonsForm(request.POST)
    return form.cleaned_data["reasons"] if form.is_valid() else ""


def _page(slug: str) -> str:
    return reverse("organization_detail", args=[slug])
