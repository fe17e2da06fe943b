"""Looking for requests and reading one: public pages."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.text import capfirst
from django.views.decorators.http import require_safe

from getdata.accounts.models import User
from getdata.accounts.permissions import can
from requests_app.documents import Checked, check_document
from requests_app.filters import DEADLINES, RequestFilter
from requests_app.forms.small import NoteForm
from requests_app.forms.text import HideForm, TextForm
from requests_app.match_lists import match_counts
from requests_app.meter import counting_in_words, meter_rows, meter_view
from requests_app.models import AmendmentStatus, Category, DatasetRequest, RequestFacet, RequestStatus
from requests_app.selectors import (
    facet_counts,
    offering_hospitals,
    request_next_step,
    spec_groups,
    version_history,
)
from requests_app.selectors_talk import errata_of
from requests_app.services import drafts
from requests_app.services.amendments import amendment_changes
from requests_app.services.questions import QUESTION_LENGTH
from requests_app.spec import DatasetSpec, View, canonical_json, summarise
from requests_app.views.questions import PUBLIC

PAGE_SIZE = 20
#: While it may still change or be answered, its own people see how many hospitals match.
_MATCHED = (RequestStatus.DRAFT, RequestStatus.SUBMITTED, RequestStatus.OPEN)
_INTRODUCTIONS = {
    Category.CXR: "Frontal and lateral radiographs of the chest, at the bedside and in the department.",
    Category.CT: "Cross-sectional imaging of the chest, asked by slice, series and finding.",
    Category.CARDIAC: "Heart and great vessels: cardiac CT, serial radiographs, heart size over time.",
}


@dataclass(frozen=True)
class Option:
    """One value of a facet: its words, how many requests carry it, whether it is chosen."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class FacetBox:
    """One facet with its values. ``more`` are those kept behind a disclosure."""

    name: str
    label: str
    kind: str
    options: list[Option]
    more: list[Option]

    @property
    def more_chosen(self) -> bool:
        return any(option.chosen for option in self.more)


@dataclass(frozen=True)
class Chosen:
    """One filter in force, and the address without it."""

    label: str
    url: str


@require_safe
def request_list(request: HttpRequest, *, category: Category | None = None) -> HttpResponseBase:
    """Open requests with search and facets; the state of the page is its address."""
    everything = DatasetRequest.objects.public().select_related("organization")
    if category is not None:
        everything = everything.filter(category=category)
    query = request.GET.copy()
    if not query.getlist("status"):
        query["status"] = RequestStatus.OPEN
    filters = RequestFilter(query, queryset=everything)
    found = filters.qs if filters.is_valid() else everything.filter(status=RequestStatus.OPEN)
    if not query.get("sort"):
        found = found.order_by("-opened_at", "-created_at")
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(item, _first_meter(item), _tags(item)) for item in page],
        "filters": filters,
        "facets": _facets(filters, everything, with_category=category is None),
        "chosen": _chosen(request, filters),
        "category": category,
        "introduction": _INTRODUCTIONS.get(category) if category else "",
        "any_public": everything.exists(),
        "clear_url": request.path,
    }
    response = render(request, "requests_app/request_list.html", context)
    if getattr(request, "htmx", False):
        clean = _clean_query(request)
        response["HX-Push-Url"] = f"{request.path}?{clean}" if clean else request.path
    response["Vary"] = "HX-Request"
    return response


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The list of one category."""
    if slug not in Category.values:
        raise Http404("There is no such category.")
    return request_list(request, category=Category(slug))


@require_safe
def request_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything about one request, for whoever may see it."""
    found = get_object_or_404(
        DatasetRequest.objects.visible_to(request.user).select_related("organization", "created_by"), slug=slug
    )
    version = found.current_version
    checked = check_document(found.draft) if version is None else None
    spec = DatasetSpec.model_validate(version.document) if version else checked.spec if checked else None
    context: dict[str, Any] = {
        "item": found,
        "version": version,
        "spec": spec,
        # The quotas stand below as a table with their meters.
        "summary": [said for said in summarise(spec) if not said.startswith("Quota: ")] if spec else [],
        "counting": counting_in_words(spec) if spec else "",
        "groups": (groups := spec_groups(spec) if spec else []),
        "line_count": sum(len(group.lines) for group in groups),
        "live": meter_view(found, request.user) if found.opened_at else None,
        "history": version_history(found) if version else [],
        "questions": found.questions.order_by("created_at"),
        "errata": errata_of(found),
        **_what_this_person_may_do(request, found, checked),
    }
    if context["member"] and spec is not None and found.status in _MATCHED:
        context["match_counts"] = match_counts(spec, found.organization)
    return render(request, "requests_app/request_detail.html", context)


@require_safe
def request_spec_json(request: HttpRequest, slug: str) -> HttpResponse:
    """The specification as a file whose own SHA-256 is the version's hash (``?version=2``; newest by default)."""
    found = get_object_or_404(DatasetRequest.objects.visible_to(request.user), slug=slug)
    wanted = request.GET.get("version", "")
    if request.GET.get("draft") and isinstance(request.user, User) and drafts.may_write(request.user, found):
        return _draft_json(found)
    versions = (
        found.versions.filter(number=int(wanted[:9])) if wanted.isdecimal() else found.versions.order_by("-number")
    )
    version = versions.first()
    if version is not None:
        body, name = canonical_json(DatasetSpec.model_validate(version.document)), f"{found.slug}-v{version.number}"
    else:
        checked = check_document(found.draft)
        if wanted or checked.spec is None:
            raise Http404("There is no such version.")
        body, name = canonical_json(checked.spec), f"{found.slug}-draft"
    return _json_file(body, name)


def _draft_json(found: DatasetRequest) -> HttpResponse:
    """What is being written, for its authors: indented, to be edited."""
    draft = drafts.current_draft(found)
    if draft is None:
        raise Http404("Nothing is being written.")
    return _json_file(json.dumps(draft.document, indent=2, ensure_ascii=False), f"{found.slug}-draft")


def _json_file(body: str, name: str) -> HttpResponse:
    return HttpResponse(
        body,
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}.json"', "X-Content-Type-Options": "nosniff"},
    )


# --- parts of the pages ----------------------------------------------------------------------------------------------


def _what_this_person_may_do(request: HttpRequest, item: DatasetRequest, checked: Checked | None) -> dict[str, Any]:
    user = request.user
    if not isinstance(user, User):
        return {"ask_form": None, "member": False}
    writer = can(user, "write", item.organization)
    insider = item.organization.memberships.filter(user=user).exists()
    decides = user.is_reviewer and not insider and item.status == RequestStatus.SUBMITTED
    is_open = item.status == RequestStatus.OPEN
    hospitals = offering_hospitals(user, item) if is_open else []
    sees_offers = insider or user.is_reviewer
    offers = item.offers.visible_to(user).select_related("hospital")
    amendment = drafts.live_amendment(item) if is_open and sees_offers else None
    checks = (
        amendment is not None and amendment.status == AmendmentStatus.SUBMITTED and user.is_reviewer and not insider
    )
    return {
        "amendment": amendment,
        "checks_amendment": checks,
        "amendment_changes": amendment_changes(amendment) if amendment and checks else [],
        "amendment_note": NoteForm() if checks else None,
        "member": insider,
        "writer": writer,
        "coauthor": not writer and insider and drafts.may_write(user, item),
        "decides": decides,
        "lint": checked if decides or insider else None,
        "return_form": NoteForm() if decides else None,
        "hospitals": hospitals,
        "offers": offers if sees_offers or offers.exists() else [],
        "next_step": request_next_step(item, user) if insider or decides else None,
        "ask_form": TextForm(label="Your question", hint=PUBLIC, max_length=QUESTION_LENGTH, auto_id="ask_%s")
        if is_open and not insider
        else None,
        "hide_form": HideForm() if user.is_reviewer else None,
    }


def _first_meter(item: DatasetRequest) -> Any:
    rows = meter_rows(item)
    return rows[0] if rows else None


def _tags(item: DatasetRequest) -> list[str]:
    """A few words by which a row is recognised: projections, then findings."""
    values = list(item.facets.all())
    projections = [capfirst(View(f.value).plain) for f in values if f.kind == RequestFacet.Kind.PROJECTION]
    findings = [f.value for f in values if f.kind == RequestFacet.Kind.FINDING]
    more = len(findings) - 4
    return [*projections, *findings[:4], *([f"{more} more"] if more > 0 else [])]


def _facets(filters: RequestFilter, everything: QuerySet[DatasetRequest], *, with_category: bool) -> list[FacetBox]:
    """Each facet's values, counted over what the *other* filters leave, so that a choice never hides its siblings."""
    boxes = []
    names = ["projection", "finding", "annotation", "reports", "deadline", "status"]
    for name in ["category", *names] if with_category else names:
        others = filters.data.copy()
        others.pop(name, None)
        found = RequestFilter(others, queryset=everything).qs
        field = filters.form.fields[name]
        chosen = filters.data.getlist(name)
        counts = _counts(name, found)
        options = []
        for value, label in field.choices:
            if not value or (name == "status" and value not in counts):
                continue
            if counts.get(value, 0) or value in chosen:
                options.append(Option(str(value), str(label), counts.get(value, 0), value in chosen))
        if name == "finding":
            options.sort(key=lambda option: (not option.chosen, -option.count, option.label.casefold()))
        kind = "radio" if name == "deadline" else "checkbox"
        if len(options) > (0 if name != "status" else 1):
            boxes.append(FacetBox(name, str(field.label), kind, options[:8], options[8:]))
    return boxes


def _counts(name: str, found: QuerySet[DatasetRequest]) -> dict[str, int]:
    if name in ("projection", "finding", "annotation"):
        return facet_counts(found, name)
    if name == "deadline":
        return {value: RequestFilter({"deadline": value}, queryset=found).qs.count() for value in DEADLINES}
    column = {"reports": "report_linkage"}.get(name, name)
    # With the key, because the filter's DISTINCT would otherwise leave one row for each value.
    return dict(Counter(value for _, value in found.order_by().values_list("pk", column)))


def _chosen(request: HttpRequest, filters: RequestFilter) -> list[Chosen]:
    """What is in force, each with the address that takes it away."""
    found = []
    for name in ("q", "category", "projection", "finding", "annotation", "reports", "deadline"):
        for value in request.GET.getlist(name):
            if not value:
                continue
            rest = request.GET.copy()
            rest.setlist(name, [other for other in rest.getlist(name) if other != value])
            rest.pop("page", None)
            field = filters.form.fields[name]
            words = dict(getattr(field, "choices", [])).get(value, value)
            label = f"“{value}”" if name == "q" else f"{field.label}: {words}"
            query = rest.urlencode()
            found.append(Chosen(label, f"{request.path}?{query}" if query else request.path))
    return found


def _clean_query(request: HttpRequest) -> str:
    """The query without empty values, for a tidy address."""
    query = request.GET.copy()
    for name in list(query):
        values = [value for value in query.getlist(name) if value]
        if values:
            query.setlist(name, values)
        else:
            del query[name]
    return query.urlencode()
