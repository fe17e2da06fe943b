"""Reading one request: its public page and its specification as a file."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_safe

from getdata.accounts.models import User
from getdata.accounts.permissions import can
from requests_app.documents import Checked, check_document
from requests_app.errata import errata_of
from requests_app.forms.small import NoteForm
from requests_app.forms.text import HideForm, TextForm
from requests_app.jsonld import data_block
from requests_app.jsonld import request_jsonld as described
from requests_app.match_lists import match_counts
from requests_app.meter import counting_in_words, meter_view
from requests_app.models import AmendmentStatus, DatasetRequest, RequestStatus, SpecVersion
from requests_app.request_check import points_of
from requests_app.selectors import (
    offering_hospitals,
    request_next_step,
    spec_groups,
    version_history,
)
from requests_app.services import drafts
from requests_app.services.amendments import amendment_changes
from requests_app.services.questions import QUESTION_LENGTH
from requests_app.services.requests import what_bars_deciding
from requests_app.spec import DatasetSpec, canonical_json, summarise
from requests_app.spec_files import spec_file_name
from requests_app.views.questions import PUBLIC

#: While it may still change or be answered, its own people see how many hospitals match.
_MATCHED = (RequestStatus.DRAFT, RequestStatus.SUBMITTED, RequestStatus.OPEN)


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
        **(_for_machines(found, version) if version and found.is_public else {}),
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
        body = canonical_json(DatasetSpec.model_validate(version.document))
        name = spec_file_name(found, version.number).removesuffix(".json")
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


@require_safe
def request_jsonld(request: HttpRequest, slug: str) -> JsonResponse:
    """The description that the public page carries for machines, by itself. Public requests only."""
    found = get_object_or_404(DatasetRequest.objects.public().select_related("organization"), slug=slug)
    version = found.current_version
    if version is None:
        raise Http404("This request has no frozen version.")
    return JsonResponse(described(found, version), content_type="application/ld+json")


# --- parts of the pages ----------------------------------------------------------------------------------------------


def _for_machines(item: DatasetRequest, version: SpecVersion) -> dict[str, Any]:
    """What search engines, previews of links and other programs take from a public request's page."""
    description = described(item, version)
    return {
        "jsonld": data_block(description),
        "jsonld_url": reverse("request_jsonld", args=[item.slug]),
        "spec_url": reverse("request_spec_json", args=[item.slug]),
        "og_text": Truncator(description["description"]).chars(200),
        "canonical": item.get_absolute_url(),
        "site": settings.PUBLIC_URL,
    }


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
        "points": points_of(item, checked) if decides and checked else [],
        "may_not_decide": what_bars_deciding(user, item) if user.is_reviewer and not decides else None,
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
