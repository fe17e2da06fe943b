"""Counts before an offer: typed in or from a file, shown as they may be shown."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from getdata.accounts.models import User
from getdata.accounts.permissions import can
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text
from requests_app.feasibility import SMALL, Counts, CountsProblem, count_lines, read_counts, write_csv, write_json
from requests_app.forms.deals import CountsFileForm, CountsForm
from requests_app.models import DatasetRequest, Feasibility, RequestStatus
from requests_app.selectors import offering_hospitals
from requests_app.services.feasibility import record_feasibility
from requests_app.spec import DatasetSpec


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def feasibility_new(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Count what the archive holds for a request, by form or from a file."""
    user = _user(request)
    item = get_object_or_404(DatasetRequest.objects.visible_to(user).select_related("organization"), slug=slug)
    version, hospitals = item.current_version, offering_hospitals(user, item)
    if item.status != RequestStatus.OPEN or version is None or not hospitals:
        messages.info(request, "You cannot count for this request: see its page for what is needed.")
        return redirect(item)
    spec = DatasetSpec.model_validate(version.document)
    by_file = "by_file" in request.POST
    form = CountsForm(None if by_file else request.POST or None, hospitals=hospitals, spec=spec)
    file_form = CountsFileForm(
        request.POST if by_file else None, request.FILES if by_file else None, hospitals=hospitals
    )
    used: Any = file_form if by_file else form
    if request.method == "POST" and used.is_valid():
        try:
            if by_file:
                counts = read_counts(used.cleaned_data["file"].read(1_000_000))
            else:
                counts = Counts(spec_sha256=version.sha256, counted_on=timezone.localdate(), counts=form.counts())
            made = record_feasibility(
                request=item,
                hospital=used.cleaned_data["hospital"],
                counts=counts,
                source="file" if by_file else "form",
                actor=user,
            )
        except CountsProblem as problem:
            used.add_error("file", f"{problem} {problem.remedy}")
        except CannotDo as refusal:
            used.add_error(None, refusal_text(refusal))
        else:
            messages.success(request, "The counts are kept. Small ones were suppressed before that.")
            return redirect(made)
    context = {
        "item": item,
        "version": version,
        "form": form,
        "file_form": file_form,
        "used": used,
        "lines": [(form[f"count-{i}"], line) for i, line in enumerate(form.lines)],
    }
    return render(request, "requests_app/feasibility_new.html", context)


@login_required
@require_safe
def feasibility_detail(request: HttpRequest, pk: str) -> HttpResponseBase:
    """What the counts show, to whom, and the way to an offer. ``?as=json`` or ``?as=csv`` gives the file."""
    user = _user(request)
    found = get_object_or_404(
        Feasibility.objects.visible_to(user).select_related("request__organization", "hospital", "spec_version"), pk=pk
    )
    lines = count_lines(DatasetSpec.model_validate(found.spec_version.document))
    wanted = request.GET.get("as", "")
    if wanted in ("json", "csv"):
        counts = Counts(spec_sha256=found.spec_version.sha256, counted_on=found.counted_on, counts=found.counts)
        body = write_json(counts) if wanted == "json" else write_csv(counts, lines)
        return _file(body, f"counts-{found.request.slug}.{wanted}")
    newest = found.request.current_version
    current = newest is not None and newest.pk == found.spec_version_id
    taken = found.request.offers.live().filter(hospital=found.hospital).exists()
    context = {
        "found": found,
        "item": found.request,
        "rows": [(line, found.counts[line.check_id]) for line in lines if line.check_id in found.counts],
        "small": SMALL,
        "may_offer": current and not taken and can(user, "write", found.hospital) and found.request.status == "open",
        "current": current,
    }
    return render(request, "requests_app/feasibility_detail.html", context)


@require_safe
def feasibility_template(request: HttpRequest, slug: str) -> HttpResponse:
    """An empty file of counts for a request: ``?as=json``, else CSV."""
    item = get_object_or_404(DatasetRequest.objects.visible_to(request.user), slug=slug, opened_at__isnull=False)
    version = item.current_version
    assert version is not None, "an opened request has a version"
    counts = Counts(spec_sha256=version.sha256, counts={})
    if request.GET.get("as") == "json":
        return _file(write_json(counts), f"counts-{item.slug}.json")
    lines = count_lines(DatasetSpec.model_validate(version.document))
    return _file(write_csv(counts, lines), f"counts-{item.slug}.csv")


def _file(body: str, name: str) -> HttpResponse:
    kind = "application/json" if name.endswith(".json") else "text/csv; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(body.encode(), content_type=kind, headers=headers)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
