"""The reports of a batch: how far each is, what it needs, and the cleaned text for those who may read it."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from fulfillment.models import Report, ReportState, Study
from fulfillment.services.file_lists import plain_finding
from fulfillment.views.deliveries import get_batch
from getdata.accounts.idle import shows_identity
from requests_app.spec import DatasetSpec, ReportLinkage

A_PAGE = 50
#: What stands between two sections is the next one's heading if it is no longer than this and ends as headings do.
_LONGEST_HEADING = 60
_MARK = re.compile(r"\[(?:NAME|DATE|TIME|NUMBER|PHONE|WEB|ADDRESS|PLACE|LOCATION|REDACTED)\]|\b90\+")


@login_required
@require_safe
@shows_identity
def batch_reports(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Reports by state with cause and remedy, and how many studies of the batch have none."""
    batch = get_batch(request, pk)
    reports = Report.objects.current().listed_for(request.user).filter(batch=batch)
    counts = {row["state"]: row["n"] for row in reports.order_by().values("state").annotate(n=Count("pk"))}
    state = request.GET.get("state", "")
    chosen = reports.filter(state=state) if state in ReportState.values else reports
    page = Paginator(
        chosen.select_related("source", "study__patient").order_by("source__number", "row"), A_PAGE
    ).get_page(request.GET.get("page"))
    readable = set(reports.readable_by(request.user).values_list("pk", flat=True))
    studies = Study.objects.filter(
        series__images__source__batch=batch, series__images__source__status="passed"
    ).distinct()
    reported = Report.objects.linked().filter(study__in=studies).values("study")
    url = reverse("batch_reports", args=[batch.pk])
    linkage = DatasetSpec.model_validate(batch.spec_version.document).reports.linkage
    context = {
        "batch": batch,
        "page": page,
        "rows": [_row(report, readable) for report in page],
        "counts": {str(value): counts.get(value, 0) for value in ReportState.values},
        "total": sum(counts.values()),
        "without": studies.exclude(pk__in=reported).count(),
        "tabs": _tabs(url, counts, state),
        "state": state,
        "required": linkage is ReportLinkage.REQUIRED,
        "asked": linkage is not ReportLinkage.NONE,
    }
    return render(request, "fulfillment/reports/batch_reports.html", context)


def _tabs(url: str, counts: dict[str, int], chosen: str) -> list[dict[str, Any]]:
    every = {"label": "All", "url": url, "current": chosen == "", "count": sum(counts.values())}
    some = (
        {"label": label, "url": f"{url}?state={value}", "current": chosen == value, "count": counts[value]}
        for value, label in ReportState.choices
        if counts.get(value)
    )
    return [every, *some]


def _row(report: Report, readable: set[Any]) -> dict[str, Any]:
    return {
        "report": report,
        "readable": report.pk in readable and report.state == ReportState.LINKED,
        "findings": [plain_finding(finding) for finding in report.findings],
        "removed": sum(report.removed.values()),
    }


@login_required
@require_safe
@shows_identity
def report_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The cleaned text, its sections and what was removed."""
    reports = Report.objects.linked().readable_by(request.user)
    report = get_object_or_404(reports.select_related("batch__fulfillment__request", "source", "study__patient"), pk=pk)
    context = {
        "report": report,
        "parts": _parts(report),
        "removed": sorted(report.removed.items()),
        "findings": [plain_finding(finding) for finding in report.findings],
    }
    return render(request, "fulfillment/reports/report_detail.html", context)


def _parts(report: Report) -> list[dict[str, Any]]:
    """The text in the order of its sections; each a heading's name and pieces, marked where something was removed."""
    parts: list[dict[str, Any]] = []
    position = 0
    for name, start, end in report.sections:
        between = report.text[position:start].strip()
        if len(between) > _LONGEST_HEADING or (between and not between.endswith((":", "-"))):
            parts.append({"name": "", "pieces": _pieces(between)})
        parts.append({"name": str(name).replace("_", " "), "pieces": _pieces(report.text[start:end].strip())})
        position = end
    if report.text[position:].strip():
        parts.append({"name": "", "pieces": _pieces(report.text[position:])})
    return parts


def _pieces(text: str) -> list[tuple[bool, str]]:
    pieces: list[tuple[bool, str]] = []
    position = 0
    for found in _MARK.finditer(text):
        pieces += [(False, text[position : found.start()]), (True, found.group().strip("[]").lower())]
        position = found.end()
    return [*pieces, (False, text[position:])]
