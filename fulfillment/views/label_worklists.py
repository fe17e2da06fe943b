"""The labels of a batch: counts, agreement of readers, and what disagrees, for the hospital to settle."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from fulfillment.label_passport import annotation_path, passage
from fulfillment.label_worklist import KINDS, Doubt, batch_rate, checked, worklists_for
from fulfillment.labels.discordance import DiscordanceKind
from fulfillment.labels.reports import Section, sections
from fulfillment.models import Image, Label, Report
from fulfillment.models.labels import STATES
from fulfillment.services import labels
from fulfillment.uploads import rights
from getdata.accounts.models import User
from getdata.common.refusals import shows_refusals
from requests_app.spec import DatasetSpec
from requests_app.taxonomy import LabelState

A_PAGE = 12
_COUNTED = (LabelState.PRESENT, LabelState.LIKELY, LabelState.POSSIBLE, LabelState.ABSENT)


@login_required
@require_safe
def batch_labels(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Per finding the counts and the agreement; below, the disagreements by kind. ``?kind=`` shows one kind."""
    assert isinstance(request.user, User)
    rows = worklists_for(request.user).select_related(
        "fulfillment__hospital", "fulfillment__request", "fulfillment__offer", "spec_version"
    )
    batch = get_object_or_404(rows, pk=pk)
    found = checked(batch)
    kinds = Counter(doubt.kind for doubt in found.open)
    chosen = request.GET.get("kind", "")
    if chosen and chosen not in {kind.value for kind in KINDS}:
        raise Http404
    listed = [doubt for doubt in found.open if not chosen or doubt.kind == chosen]
    page = Paginator(listed, A_PAGE).get_page(request.GET.get("page"))
    address = reverse("batch_labels", args=[batch.pk])
    context = {
        "batch": batch,
        "found": found,
        "rate": batch_rate(batch),
        "columns": [state.plain.capitalize() for state in _COUNTED],
        "rows": [
            (row, [(state.plain.capitalize(), row.states.get(state.value, 0)) for state in _COUNTED])
            for row in found.findings
        ],
        "waiting": batch.labels.standing().filter(image=None).count(),
        "tabs": _tabs(address, kinds, chosen, len(found.open)),
        "chosen": KINDS.get(DiscordanceKind(chosen)) if chosen else None,
        "page": page,
        "items": _items(page.object_list, batch, request.user),
        "may_settle": rights.may_add_files(request.user, batch),
        "states": STATES,
        "back": request.get_full_path(),
    }
    response = render(request, "fulfillment/labels/worklist.html", context)
    response["Cache-Control"] = "private, no-store"  # it holds words of reports
    return response


def _tabs(address: str, kinds: Counter[DiscordanceKind], chosen: str, total: int) -> list[dict[str, Any]]:
    tabs = [{"label": "All", "url": f"{address}#doubts", "current": not chosen, "count": total}]
    return tabs + [
        {"label": title, "url": f"{address}?kind={kind.value}#doubts", "current": chosen == kind, "count": kinds[kind]}
        for kind, (title, _) in KINDS.items()
        if kinds[kind] or chosen == kind
    ]


def _items(doubts: Any, batch: Any, user: User) -> list[dict[str, Any]]:
    """Each disagreement of the page with its image, marks, words of the report and labels."""
    keys = {doubt.image for doubt in doubts}
    images = {image.pk: image for image in Image.objects.filter(pk__in=keys).select_related("source")}
    pictured = set(
        Image.objects.visible_to(user).pictured_for(user).live().filter(pk__in=keys).values_list("pk", flat=True)
    )
    texts = dict(
        Report.objects.linked()
        .readable_by(user)
        .filter(pk__in={d.report for d in doubts if d.report})
        .values_list("pk", "text")
    )
    said: dict[Any, list[Label]] = {}
    standing = Label.objects.standing().filter(image__in=keys).order_by("finding", "method", "reader", "row")
    for label in standing.prefetch_related("annotations"):
        said.setdefault(label.image_id, []).append(label)
    taxonomy = DatasetSpec.model_validate(batch.spec_version.document).taxonomy()

    def same(label: Label, doubt: Doubt) -> bool:
        finding = taxonomy.find(label.finding)
        return (finding.key if finding else label.finding) == doubt.finding

    items = []
    for doubt in doubts:
        own = [label for label in said.get(doubt.image, []) if same(label, doubt)]
        facts = images[doubt.image].facts
        items.append(
            {
                "doubt": doubt,
                "kind": KINDS[doubt.kind][0],
                "image": images[doubt.image],
                "pictured": doubt.image in pictured,
                "view_box": f"0 0 {facts['columns']} {facts['rows']}"
                if facts.get("rows") and facts.get("columns")
                else "",
                "marks": [
                    (shape.kind, path)
                    for label in own
                    for shape in label.annotations.all()
                    if (path := annotation_path(shape))
                ],
                "labels": own,
                "passage": _passage(texts.get(doubt.report), doubt),
            }
        )
    return items


def _passage(text: str | None, doubt: Doubt) -> Any:
    if text is None or doubt.start is None or doubt.end is None:
        return None
    parts = sections(text) or [Section("body", 0, len(text))]
    part = next((one for one in parts if one.start <= doubt.start < one.end), Section("body", 0, len(text)))
    return passage(text, part, [(doubt.start, doubt.end, "present")])


@login_required
@require_POST
@shows_refusals()
def label_settle(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Confirm a label as it is, or correct it: a new row with a reason."""
    assert isinstance(request.user, User)
    rows = Label.objects.standing().filter(batch__in=worklists_for(request.user))
    label = get_object_or_404(rows.select_related("batch__fulfillment__hospital"), pk=pk)
    reason = request.POST.get("reason", "")
    if request.POST.get("act") == "confirm":
        labels.confirm_label(label=label, reason=reason, actor=request.user)
        messages.success(request, f"{label.finding} is confirmed as {LabelState(label.state).plain}.")
    elif request.POST.get("act") == "correct":
        made = labels.correct_label(label=label, state=request.POST.get("state", ""), reason=reason, actor=request.user)
        messages.success(request, f"{label.finding} is corrected to {LabelState(made.state).plain}.")
    else:
        raise Http404
    kind = request.POST.get("kind", "")
    place = reverse("batch_labels", args=[label.batch_id])
    return redirect(f"{place}?kind={kind}#doubts" if kind in {one.value for one in KINDS} else f"{place}#doubts")
