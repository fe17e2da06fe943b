"""Beginning a request: blank, from a template, from another request, from a JSON document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods, require_safe

from getdata.accounts.permissions import organizations_with
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text
from requests_app.documents import check_document, read_json
from requests_app.forms.small import ImportForm, NewFromJsonForm, NewRequestForm
from requests_app.models import DatasetRequest, RequestStatus
from requests_app.services import copies, drafts
from requests_app.services import requests as services
from requests_app.services.amendments import start_amendment
from requests_app.spec import DatasetSpec, LintNote, ReportLinkage, describe_selector, summarise, template_specs
from requests_app.views.wizard import own, person


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_new(request: HttpRequest) -> HttpResponseBase:
    """Organization, title, category and a start (``?start=template`` or ``?clone=request``): then there is a draft."""
    user = person(request)
    organizations = list(organizations_with(user, "write").order_by("name"))
    sent = request.POST if request.method == "POST" else request.GET
    document, source, trouble = _start(request, sent.get("start", ""), sent.get("clone", ""))
    initial = {
        "title": document.get("title", "") if sent.get("start") else "",
        "category": document.get("category", "cxr"),
        "start": sent.get("start", ""),
        "clone": sent.get("clone", ""),
    }
    form = NewRequestForm(request.POST or None, organizations=organizations, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            if trouble:
                raise trouble
            made = services.create_request(
                organization=form.cleaned_data["organization"],
                title=form.cleaned_data["title"],
                category=form.cleaned_data["category"],
                document=document,
                actor=user,
            )
        except CannotDo as refusal:
            form.add_error(None, refusal_text(refusal))
        else:
            messages.success(request, "The draft is made. Nobody outside your organization sees it.")
            return redirect("request_edit", slug=made.slug)
    elif trouble:
        messages.error(request, refusal_text(trouble))
    context = {
        "form": form,
        "organizations": organizations,
        "source": source,
        "template_count": len(template_specs()),
        "mine": DatasetRequest.objects.filter(organization__in=organizations).order_by("-created_at")[:5],
    }
    return render(request, "requests_app/request_new.html", context)


def _start(request: HttpRequest, template: str, slug: str) -> tuple[dict[str, Any], str, CannotDo | None]:
    """The document to begin from, what it is called, and why it cannot be had."""
    try:
        if template:
            document = copies.template_document(template)
            return document, f"the template “{document['title']}”", None
        if slug:
            other = get_object_or_404(DatasetRequest.objects.visible_to(request.user), slug=slug)
            return copies.copied_document(request=other, actor=person(request)), f"“{other.title}”", None
    except CannotDo as refusal:
        return {}, "", refusal
    return {}, "", None


@dataclass(frozen=True)
class Template:
    """A template as the list shows it."""

    name: str
    spec: DatasetSpec
    asks: list[tuple[str, str]]
    sentences: list[str]


@require_safe
def request_templates(request: HttpRequest) -> HttpResponse:
    """What one can start from, and what each asks for."""
    groups: dict[str, list[Template]] = {}
    for name, spec in template_specs(today=timezone.localdate()).items():
        entry = Template(name, spec, _asks(spec), summarise(spec))
        groups.setdefault(spec.category.plain, []).append(entry)
    return render(request, "requests_app/request_templates.html", {"groups": list(groups.items())})


def _asks(spec: DatasetSpec) -> list[tuple[str, str]]:
    """A template in a few words: what, how many, labelled how."""
    views = [describe_selector(line.selector()) for line in spec.projections]
    findings = [
        line.finding + ("" if line.annotation.value == "image" else f" ({line.annotation.plain})")
        for line in spec.labels.findings
    ]
    size = f"{spec.cohort.images.min:,}" + (
        f" of {spec.cohort.patients.min:,} patients" if spec.cohort.patients.min else ""
    )
    reports = {
        ReportLinkage.NONE: "not asked for",
        ReportLinkage.OPTIONAL: "welcome",
        ReportLinkage.REQUIRED: "with every study",
    }[spec.reports.linkage]
    rows = [
        ("Images", size),
        ("Projections", capfirst("; ".join(views)) if views else ""),
        ("Labels", ", ".join(findings)),
        ("Quotas", f"{len(spec.quotas)} lines" if spec.quotas else ""),
        ("Reports", reports),
    ]
    return [(label, value) for label, value in rows if value]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_new_from_json(request: HttpRequest) -> HttpResponseBase:
    """A new draft from a document; what is wrong with it is listed by path with its cure."""
    user = person(request)
    organizations = list(organizations_with(user, "write").order_by("name"))
    form = NewFromJsonForm(request.POST or None, request.FILES or None, organizations=organizations)
    notes: tuple[LintNote, ...] = ()
    if request.method == "POST" and form.is_valid():
        value, notes = _read(form)
        if not notes and isinstance(value, dict):
            try:
                made = services.create_request(
                    organization=form.cleaned_data["organization"],
                    title=str(value["title"]),
                    category=str(value.get("category", "cxr")),
                    document=value,
                    actor=user,
                )
            except CannotDo as refusal:
                form.add_error(None, refusal_text(refusal))
            else:
                messages.success(request, "The document was read in as a new draft.")
                return redirect("request_edit", slug=made.slug)
    context = {"form": form, "notes": notes, "organizations": organizations}
    return render(request, "requests_app/request_import.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_import(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Replace what is being written of a request by a document."""
    user, item = person(request), own(request, slug)
    if not drafts.may_write(user, item) or item.status not in (RequestStatus.DRAFT, RequestStatus.OPEN):
        messages.info(request, "This request cannot be edited now.")
        return redirect(item)
    form = ImportForm(request.POST or None, request.FILES or None)
    notes: tuple[LintNote, ...] = ()
    if request.method == "POST" and form.is_valid():
        value, notes = _read(form)
        if not notes and isinstance(value, dict):
            try:
                draft = drafts.current_draft(item) or drafts.Draft(item, start_amendment(request=item, actor=user))
                drafts.save(draft=draft, document=value, actor=user)
            except CannotDo as refusal:
                form.add_error(None, refusal_text(refusal))
            else:
                messages.success(request, "The document was read in. Nothing is posted yet.")
                return redirect("request_edit", slug=slug)
    return render(request, "requests_app/request_import.html", {"item": item, "form": form, "notes": notes})


def _read(form: ImportForm) -> tuple[object, tuple[LintNote, ...]]:
    """The document, or what is wrong with it."""
    value, broken = read_json(form.content())
    if broken is not None:
        return None, (broken,)
    checked = check_document(value)
    return value, () if checked.spec is not None else checked.notes
