"""Writing a request: a new one, the form, JSON in, one's own list."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can, organizations_with
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals
from requests_app.documents import Checked, check_document, read_json
from requests_app.forms.small import ImportForm, NewRequestForm
from requests_app.forms.specification import SpecificationForm
from requests_app.models import DatasetRequest, RequestStatus
from requests_app.selectors import by_status, request_next_step
from requests_app.services import requests as services
from requests_app.spec import DatasetSpec, diff, summarise


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_new(request: HttpRequest) -> HttpResponseBase:
    """Organization, title, category and a start: then there is a draft."""
    user = _user(request)
    organizations = list(organizations_with(user, "write").order_by("name"))
    form = NewRequestForm(request.POST or None, organizations=organizations)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_request(
                organization=form.cleaned_data["organization"],
                title=form.cleaned_data["title"],
                category=form.cleaned_data["category"],
                document=form.document(),
                actor=user,
            )
        except CannotDo as refusal:
            form.add_error(None, refusal_text(refusal))
        else:
            messages.success(request, "The draft is made. Nobody outside your organization sees it.")
            return redirect("request_edit", slug=made.slug)
    return render(request, "requests_app/request_new.html", {"form": form, "organizations": organizations})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_edit(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The specification as a form: a draft is saved, an open request is amended."""
    user = _user(request)
    item = _own(request, slug)
    amending = item.status == RequestStatus.OPEN
    if not can(user, "write", item.organization) or item.status not in (RequestStatus.DRAFT, RequestStatus.OPEN):
        messages.info(request, "This request cannot be edited now.")
        return redirect(item)
    version = item.current_version
    document = version.document if amending and version else item.draft
    number = version.number + 1 if version else 1
    context: dict[str, Any] = {
        "item": item,
        "amending": amending,
        "next_number": number,
        "open_label": f"Open version {number}",
        "preview_title": f"What version {number} would change",
    }
    if not SpecificationForm.fits(document):
        return render(request, "requests_app/request_edit.html", {**context, **_reading(document), "too_long": True})
    if request.method != "POST":
        form = SpecificationForm.from_document(document, amending=amending)
        return render(request, "requests_app/request_edit.html", _edit(context, form, document))
    data = request.POST
    if {"add", "remove", "redisplay"} & {*data, *request.GET}:
        form = SpecificationForm.redisplayed(
            data, document, add=data.get("add", ""), remove=data.get("remove", ""), amending=amending
        )
        return render(request, "requests_app/request_edit.html", _edit(context, form, document))
    form = SpecificationForm.from_post(data, document, amending=amending)
    checked = form.check()
    if checked is None or checked.spec is None:
        return render(request, "requests_app/request_edit.html", _edit(context, form, document))
    if amending:
        return _amend(request, item, form, checked, context)
    try:
        services.save_draft(request=item, document=checked.document, actor=user, base=data.get("base", ""))
        if "submit" in data:
            services.submit_request(request=item, actor=user)
            messages.success(request, "Submitted. GetDATA staff check it; you will be told.")
            return redirect(item)
    except CannotDo as refusal:
        if refusal.code in ("spec_blocked", "organization_not_verified"):
            messages.error(request, f"The draft is saved. {refusal_text(refusal)}")
            return redirect("request_edit", slug=slug)
        form.unplaced.append(refusal_text(refusal))
        return render(request, "requests_app/request_edit.html", _edit(context, form, document))
    messages.success(request, "Draft saved.")
    return redirect("request_edit", slug=slug)


def _amend(
    request: HttpRequest, item: DatasetRequest, form: SpecificationForm, checked: Checked, context: dict[str, Any]
) -> HttpResponseBase:
    assert checked.spec is not None
    version = item.current_version
    assert version is not None
    if "preview" in request.POST:
        changes = diff(DatasetSpec.model_validate(version.document), checked.spec)
        context = {**context, "changes": changes, "previewed": True}
        return render(request, "requests_app/request_edit.html", _edit(context, form, checked.document))
    try:
        made, changes = services.amend_request(request=item, document=checked.document, actor=_user(request))
    except CannotDo as refusal:
        form.unplaced.append(refusal_text(refusal))
        return render(request, "requests_app/request_edit.html", _edit(context, form, version.document))
    count = "1 change" if len(changes) == 1 else f"{len(changes)} changes"
    messages.success(request, f"Version {made.number} is open, with {count}.")
    return redirect(f"{item.get_absolute_url()}#versions")


@login_required
@require_POST
@shows_refusals("request_edit")
def request_import(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Replace the draft by a JSON document."""
    item = _own(request, slug)
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        raise CannotDo("There is no document.", remedy="Paste one or choose a file.", code="text_missing")
    upload = form.cleaned_data.get("file")
    value, note = read_json(upload.read() if upload else form.cleaned_data["text"])
    if note is not None:
        raise CannotDo(note.message, remedy=note.remedy, code="not_json")
    if item.status == RequestStatus.OPEN:
        made, _ = services.amend_request(request=item, document=value, actor=_user(request))  # type: ignore[arg-type]
        messages.success(request, f"Version {made.number} is open.")
        return redirect(f"{item.get_absolute_url()}#versions")
    services.save_draft(request=item, document=value, actor=_user(request))  # type: ignore[arg-type]
    messages.success(request, "The document was read in as the draft.")
    return redirect("request_edit", slug=slug)


@login_required
@require_safe
def my_requests(request: HttpRequest) -> HttpResponse:
    """What my organizations ask, by state, each with its next step; for staff also what waits for a check."""
    user = _user(request)
    mine = (
        DatasetRequest.objects.filter(organization__in=Organization.objects.filter(memberships__user=user))
        .select_related("organization")
        .prefetch_related("offers__agreement")
        .order_by("-created_at")
    )
    waiting = (
        DatasetRequest.objects.filter(status=RequestStatus.SUBMITTED)
        .exclude(organization__memberships__user=user)
        .select_related("organization")
        .order_by("submitted_at")
        if user.is_reviewer
        else []
    )
    context = {
        "groups": by_status(mine, user),
        "waiting": [(item, request_next_step(item, user)) for item in waiting],
        "can_write": organizations_with(user, "write").exists(),
    }
    return render(request, "requests_app/my_requests.html", context)


def _edit(context: dict[str, Any], form: SpecificationForm, document: dict[str, Any]) -> dict[str, Any]:
    return {
        **context,
        "form": form,
        "base": services.document_fingerprint(context["item"].draft),
        **_reading(document, form),
    }


def _reading(document: dict[str, Any], form: SpecificationForm | None = None) -> dict[str, Any]:
    """What the saved document says and what stands in its way."""
    checked = check_document(document)
    notes = form.notes(checked) if form is not None else list(checked.notes)
    return {
        "checked": checked,
        "blocking": [note for note in notes if note.blocking],
        "advice": [note for note in notes if not note.blocking],
        "summary": summarise(checked.spec) if checked.spec else [],
        "import_form": ImportForm(),
    }


def _own(request: HttpRequest, slug: str) -> DatasetRequest:
    return get_object_or_404(DatasetRequest.objects.visible_to(request.user).select_related("organization"), slug=slug)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
