"""An organization's own pages: list, founding, overview with checklist, evidence, history."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from getdata.accounts import selectors, services
from getdata.accounts.checklist import check_for, checks_for
from getdata.accounts.countries import country_name
from getdata.accounts.forms import EvidenceForm, OrganizationForm, ReasonsForm
from getdata.accounts.models import Organization
from getdata.accounts.permissions import require
from getdata.accounts.views.common import frame, organization_or_404, person
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals

Status = Organization.Status
_A_PAGE = 25


@login_required
@require_safe
def organization_list(request: HttpRequest) -> HttpResponse:
    """One's own organizations and invitations; for staff all organizations, filtered by name, state and kind."""
    user = person(request)
    everything = user.is_reviewer and request.GET.get("mine") != "1"
    found = Organization.objects.visible_to(user)
    if not everything:
        found = found.filter(memberships__user=user)
    chosen = {
        "state": request.GET.get("state", "") if request.GET.get("state") in Status.values else "",
        "kind": request.GET.get("kind", "") if request.GET.get("kind") in Organization.Kind.values else "",
        "q": request.GET.get("q", "").strip()[:100] if everything else "",
    }
    if chosen["state"]:
        found = found.filter(status=chosen["state"])
    if chosen["kind"]:
        found = found.filter(kind=chosen["kind"])
    if chosen["q"]:
        found = found.filter(Q(name__icontains=chosen["q"]) | Q(slug__icontains=chosen["q"]))
    page = Paginator(found.order_by("name", "pk"), _A_PAGE).get_page(request.GET.get("page"))
    roles = {m.organization_id: m.get_role_display() for m in user.memberships.all()}
    rows = [(organization, country_name(organization.country), roles.get(organization.pk, "")) for organization in page]
    context = {
        "page": page,
        "rows": rows,
        "everything": everything,
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "states": Status.choices,
        "kinds": Organization.Kind.choices,
        "invitations": selectors.own_invitations(user),
    }
    return render(request, "accounts/organization_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def organization_new(request: HttpRequest) -> HttpResponse:
    """Found an organization."""
    kind = request.GET.get("kind", "")
    form = OrganizationForm(request.POST or None, initial={"kind": kind} if kind in Organization.Kind.values else {})
    if request.method == "POST" and form.is_valid():
        try:
            organization = services.create_organization(**form.cleaned_data, actor=person(request))
        except CannotDo as error:
            form.add_error(None, refusal_text(error))
        else:
            messages.success(request, f"{organization.name} is created. Next: answer its checklist.")
            return redirect("organization_detail", slug=organization.slug)
    return render(request, "accounts/organization_new.html", {"form": form})


@login_required
@require_safe
def organization_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Overview: where it stands, whose turn it is, the checklist; for staff the decisions."""
    user = person(request)
    organization = organization_or_404(request, slug)
    context = frame(organization, user, "overview")
    lines = context["checklist"]
    context.update(
        next=selectors.next_step(organization, lines),
        country=country_name(organization.country),
        can_submit=context["may_manage"] and organization.status in (Status.DRAFT, Status.REJECTED),
        reasons_form=ReasonsForm(auto_id="reasons_%s"),
    )
    if context["decides"]:
        context["namesakes"] = list(selectors.namesakes(organization)[:5])
        domain = selectors.domain_of(organization)
        if domain:
            context["domain"] = domain
            context["at_domain"], context["people"] = selectors.members_at_domain(organization, domain)
    return render(request, "accounts/organization_detail.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@shows_refusals("organization_detail")
def organization_edit(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Correct what the organization says about itself."""
    user = person(request)
    organization = organization_or_404(request, slug)
    require(user, "manage", organization)
    form = OrganizationForm(
        request.POST or None,
        existing=organization,
        fixed=organization.status not in (Status.DRAFT, Status.REJECTED),
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.update_organization(organization=organization, **form.cleaned_data, actor=user)
        except CannotDo as error:
            form.add_error(None, refusal_text(error))
        else:
            messages.success(request, "Saved.")
            return redirect("organization_detail", slug=slug)
    context = {"form": form, "organization": organization}
    return render(request, "accounts/organization_edit.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def organization_evidence(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Answer one check; on saving, on to the next open one."""
    user = person(request)
    organization = organization_or_404(request, slug)
    try:
        check = check_for(organization.kind, key)
    except KeyError:
        raise Http404 from None
    lines = selectors.checklist(organization, user)
    line = next(line for line in lines.lines if line.check.key == key)
    form = EvidenceForm(
        request.POST or None, check=check, initial={"evidence": line.item.evidence if line.item else ""}
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.save_evidence(
                organization=organization, key=key, evidence=form.cleaned_data["evidence"], actor=user
            )
        except CannotDo as error:
            form.add_error(None, refusal_text(error))
        else:
            following = _next_open(organization, user, after=key)
            if following and "and_next" in request.POST:
                messages.success(request, f"“{check.title}” is saved.")
                return redirect("organization_evidence", slug=slug, key=following)
            messages.success(request, f"“{check.title}” is saved.")
            return redirect("organization_detail", slug=slug)
    checks = checks_for(organization.kind)
    context = {
        "form": form,
        "organization": organization,
        "check": check,
        "line": line,
        "number": checks.index(check) + 1,
        "total": len(checks),
        "has_next": bool(_next_open(organization, user, after=key)),
    }
    return render(request, "accounts/evidence_form.html", context)


@login_required
@require_POST
@shows_refusals("organization_detail")
def organization_submit(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Ask for verification."""
    organization = services.submit_organization(organization=organization_or_404(request, slug), actor=person(request))
    messages.success(request, f"{organization.name} is submitted. GetDATA's reviewers look at it next.")
    return redirect("organization_detail", slug=slug)


@login_required
@require_safe
def organization_history(request: HttpRequest, slug: str) -> HttpResponse:
    """Who did what, from the audit log."""
    user = person(request)
    organization = organization_or_404(request, slug)
    page = Paginator(selectors.history(organization), 50).get_page(request.GET.get("page"))
    context: dict[str, Any] = frame(organization, user, "history")
    context.update(page=page, acts=selectors.in_words(list(page), organization, user))
    return render(request, "accounts/organization_history.html", context)


def _next_open(organization: Organization, user: Any, *, after: str) -> str:
    """The key of the next check this person may answer and that needs an answer: those after ``after`` first."""
    lines = selectors.checklist(organization, user).lines
    keys = [line.check.key for line in lines]
    start = keys.index(after) + 1
    ordered = [*lines[start:], *lines[: start - 1]]
    return next((line.check.key for line in ordered if line.to_do and line.may_answer), "")
