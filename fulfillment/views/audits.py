"""The audit of a release: what a model could cheat on, how sure that is, what to do. For those who see the release whole."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from fulfillment.audits import AUDIT_VERSION, render_html
from fulfillment.audits.words import CHEAT
from fulfillment.models import AuditResult, Release
from fulfillment.selectors import sees_whole_release
from getdata.accounts.models import User
from getdata.common.charts import Chart, bar_chart

MOST_CONCERNS = 12
MOST_BARS = 8


@login_required
@require_safe
def release_audit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The newest audit of a release as a page."""
    release = _release(request, pk)
    result = release.audits.first()
    context: dict[str, Any] = {"release": release, "result": result}
    if result is not None:
        context |= _context(result)
    return render(request, "fulfillment/audits/release.html", context)


@login_required
@require_safe
def release_audit_json(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The figures, as they are in the package."""
    result = _result(request, pk)
    text = json.dumps(result.document, indent=1, ensure_ascii=False) + "\n"
    return _attachment(result, text, "json", "application/json")


@login_required
@require_safe
def release_audit_html(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page that stands alone, to be kept: it is sent as a file, because its style is in it."""
    result = _result(request, pk)
    return _attachment(result, render_html(result.document), "html", "text/html; charset=utf-8")


def _attachment(result: AuditResult, text: str, ending: str, kind: str) -> HttpResponse:
    response = HttpResponse(text, content_type=kind)
    name = f"audit-{result.release.request.slug}-v{result.release.number}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _release(request: HttpRequest, pk: UUID) -> Release:
    """A hospital sees its own images of a release, not what others' say: the audit speaks of all."""
    assert isinstance(request.user, User)
    rows = Release.objects.visible_to(request.user).select_related("request__organization")
    release = get_object_or_404(rows, pk=pk)
    if not sees_whole_release(release, request.user):
        raise Http404
    return release


def _result(request: HttpRequest, pk: UUID) -> AuditResult:
    result = _release(request, pk).audits.first()
    if result is None:
        raise Http404
    return result


def _context(result: AuditResult) -> dict[str, Any]:
    document = result.document
    tests = document["tests"]
    found = [test for test in tests if test["verdict"] in ("red", "amber")]
    findings = sorted({test["finding"] for test in tests})
    by_place = {(test["finding"], test["factor"]): test for test in tests}
    titles = {test["factor"]: test["title"] for test in tests}
    return {
        "document": document,
        "counts": result.counts,
        "total": sum(result.counts.values()),
        "concerns": [test | {"cheat": _cheat(test), "chart": _chart(test)} for test in found[:MOST_CONCERNS]],
        "more": max(0, len(found) - MOST_CONCERNS),
        "findings": findings,
        "grid": [
            {"title": title, "cells": [by_place.get((finding, factor)) for finding in findings]}
            for factor, title in sorted(titles.items(), key=lambda item: item[1])
        ],
        "associations": [test for test in tests if test["kind"] == "association"],
        "predictions": [test for test in tests if test["kind"] == "prediction"],
        "external": document["external_validation"],
        "older": document["code"]["version"] != AUDIT_VERSION,
    }


def _cheat(test: dict[str, Any]) -> str:
    return CHEAT.get(test["factor"]) or f"tell from “{test['title']}”"


def _chart(test: dict[str, Any]) -> Chart | None:
    """Bars of how common the finding is in each category; None where the test has none."""
    rows = test.get("categories") or []
    if len(rows) < 2:
        return None
    bars = [
        (f"{row['category']} ({row['patients']:,.0f} patients)", round(100 * row["share"], 1))
        for row in rows[:MOST_BARS]
    ]
    return bar_chart(
        bars,
        title=f"{test['finding']} by {test['title'].lower()}",
        unit="% of patients",
        name=test["title"],
        maximum=100,
    )
