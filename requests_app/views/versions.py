"""The page before it is public, and the versions after: any two compared, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from getdata.accounts.permissions import can
from requests_app.forms.steps import step_of
from requests_app.meter import counting_in_words, meter_preview
from requests_app.models import DatasetRequest
from requests_app.selectors import spec_groups
from requests_app.services import drafts
from requests_app.spec import Change, DatasetSpec, diff, summarise
from requests_app.views.wizard import own, person, spec_of


@login_required
@require_safe
def request_preview(request: HttpRequest, slug: str) -> HttpResponseBase:
    """What is being written as everyone will see it, with nothing that only its authors see."""
    user, item = person(request), own(request, slug)
    draft = drafts.current_draft(item)
    if draft is None:
        return redirect(item)
    spec = spec_of(item, draft)
    if spec is None:
        return redirect("request_edit", slug=slug)
    groups = spec_groups(spec)
    shown = DatasetRequest(
        pk=item.pk,
        organization=item.organization,
        slug=item.slug,
        title=spec.title,
        category=spec.category.value,
        status=item.status,
    )
    context: dict[str, Any] = {
        "item": shown,
        "preview": True,
        "draft": draft,
        "spec": spec,
        "summary": [said for said in summarise(spec) if not said.startswith("Quota: ")],
        "groups": groups,
        "line_count": sum(len(group.lines) for group in groups),
        "live": meter_preview(spec),
        "counting": counting_in_words(spec),
        "may_submit": can(user, "write", item.organization) and draft.editable,
    }
    return render(request, "requests_app/request_preview.html", context)


@dataclass(frozen=True)
class ChangeGroup:
    """The changes of one subject."""

    title: str
    changes: list[Change]


def grouped(changes: list[Change]) -> list[ChangeGroup]:
    """Changes by the steps of the wizard, in their order."""
    found: dict[str, list[Change]] = {}
    for change in sorted(changes, key=lambda change: getattr(step_of(change.path), "number", 0)):
        step = step_of(change.path)
        found.setdefault(step.title if step else "The whole", []).append(change)
    return [ChangeGroup(title, listed) for title, listed in found.items()]


@require_safe
def request_versions(request: HttpRequest, slug: str) -> HttpResponse:
    """Every frozen version, and the difference between any two (``?from=1&to=3``)."""
    item = get_object_or_404(DatasetRequest.objects.visible_to(request.user).select_related("organization"), slug=slug)
    versions = {version.number: version for version in item.versions.order_by("number")}
    if not versions:
        raise Http404("Nothing is frozen yet.")
    newest = max(versions)
    old = _chosen(request.GET.get("from", ""), versions, max(newest - 1, 1))
    new = _chosen(request.GET.get("to", ""), versions, newest)
    specs = {number: DatasetSpec.model_validate(versions[number].document) for number in {old, new}}
    changes = diff(specs[old], specs[new])
    context = {
        "item": item,
        "versions": list(versions.values())[::-1],
        "old": old,
        "new": new,
        "groups": grouped(changes),
        "count": len(changes),
    }
    return render(request, "requests_app/request_versions.html", context)


def _chosen(value: str, versions: dict[int, Any], default: int) -> int:
    number = int(value) if value.isdecimal() and len(value) < 6 else default
    if number not in versions:
        raise Http404("There is no such version.")
    return number
