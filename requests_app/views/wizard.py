"""The wizard: an overview of what is written, and six steps, each with its own address. Saves while one types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from getdata.accounts.models import User
from getdata.accounts.permissions import can
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text
from requests_app.documents import Checked, check_document
from requests_app.forms.small import CoauthorForm, ImportForm
from requests_app.forms.specification import SpecificationForm
from requests_app.forms.steps import BY_KEY, STEPS, Step, before_and_after, standing, step_of
from requests_app.match_lists import match_counts
from requests_app.models import DatasetRequest, RequestStatus
from requests_app.services import drafts
from requests_app.services.amendments import CHECKED_PARTS, amendment_changes, has_live_offers
from requests_app.services.drafts import Draft
from requests_app.spec import DatasetSpec, LintNote, QualityComponent, diff, summarise

#: Buttons that show the form again without saving: rows come and go, a grid is laid out.
_REDISPLAY = frozenset({"add", "remove", "change", "redisplay", "layout", "grid-none"})


@dataclass(frozen=True)
class Note:
    """One remark of the linter and the address of the field that it is about."""

    text: str
    remedy: str
    url: str
    step: Step | None


def own(request: HttpRequest, slug: str) -> DatasetRequest:
    """The request of this address, for those who may see it."""
    return get_object_or_404(DatasetRequest.objects.visible_to(request.user).select_related("organization"), slug=slug)


def person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def step_url(item: DatasetRequest, step: Step) -> str:
    return reverse("request_step", args=[item.slug, step.key])


@login_required
@require_safe
def request_edit(request: HttpRequest, slug: str) -> HttpResponseBase:
    """What is written so far and what each step still lacks; for an open request, its amendment."""
    user, item = person(request), own(request, slug)
    if not drafts.may_write(user, item) or item.status not in (RequestStatus.DRAFT, RequestStatus.OPEN):
        messages.info(request, "This request cannot be edited now.")
        return redirect(item)
    draft = drafts.current_draft(item)
    if draft is None:
        version = item.current_version
        return render(request, "requests_app/wizard/amend.html", {"item": item, "version": version})
    context = {
        **frame(request, item, draft),
        "coauthors": item.coauthors.filter(user__memberships__organization=item.organization).select_related("user"),
        "coauthor_form": CoauthorForm(),
        "import_form": ImportForm(),
        "writer": can(user, "write", item.organization),
    }
    if context["spec"] is not None:
        context["match_counts"] = match_counts(context["spec"], item.organization)
    return render(request, "requests_app/wizard/overview.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_step(request: HttpRequest, slug: str, step: str) -> HttpResponseBase:
    """One step: shown, saved while one types (``X-Autosave``), or saved by its buttons."""
    user, item = person(request), own(request, slug)
    if step not in BY_KEY:
        raise Http404("There is no such step.")
    this = BY_KEY[step]
    draft = drafts.current_draft(item)
    if draft is None or not draft.editable or not drafts.may_write(user, item):
        if _is_autosave(request):
            return JsonResponse({"state": "over", "text": "This cannot be edited any more. Reload the page."})
        return redirect("request_edit", slug=slug)
    restricted = draft.amendment is not None and has_live_offers(item)
    if not SpecificationForm.fits(draft.document, this):
        return render(request, "requests_app/wizard/step.html", {**frame(request, item, draft, this), "too_long": True})
    data = request.POST
    if request.method != "POST":
        form = SpecificationForm.from_document(
            draft.document, step=this, amending=restricted, grid=request.GET if request.GET else None
        )
        return _show(request, item, draft, this, form)
    if _REDISPLAY & {*data, *request.GET}:
        form = SpecificationForm.redisplayed(
            data,
            draft.document,
            add=data.get("add", ""),
            remove=data.get("remove", ""),
            change=data.get("change", ""),
            step=this,
            amending=restricted,
        )
        return _show(request, item, draft, this, form)
    form = SpecificationForm.from_post(data, draft.document, step=this, amending=restricted)
    checked = form.check()
    if checked is None or checked.spec is None:
        if _is_autosave(request):
            problems = form.problems
            more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
            return JsonResponse({"state": "invalid", "text": f"Not saved. {problems[0].text}{more}"})
        return _show(request, item, draft, this, form)
    return _save(request, item, draft, this, form, checked)


def _save(
    request: HttpRequest, item: DatasetRequest, draft: Draft, step: Step, form: SpecificationForm, checked: Checked
) -> HttpResponseBase:
    data = request.POST
    theirs = draft.revision != _number(data.get("revision")) and data.get("part") != drafts.fingerprint(
        step.excerpt(draft.document)
    )
    if theirs and data.get("overwrite") != str(draft.revision):
        return _conflict(request, item, draft, step, form, checked)
    try:
        saved = drafts.save(draft=draft, document=checked.document, actor=person(request), revision=draft.revision)
    except CannotDo as refusal:
        if refusal.code == "draft_changed":  # between our reading and our saving
            return _conflict(request, item, drafts.current_draft(item) or draft, step, form, checked)
        if _is_autosave(request):
            return JsonResponse({"state": "invalid", "text": f"Not saved. {refusal_text(refusal)}"})
        form.unplaced.append(refusal_text(refusal))
        return _show(request, item, draft, step, form)
    if _is_autosave(request):
        context = frame(request, saved.request, saved, step)
        return JsonResponse(
            {
                "state": "saved",
                "revision": saved.revision,
                "part": drafts.fingerprint(step.excerpt(saved.document)),
                "kept": form.kept(saved.document),
                "blocking": len(context["blocking"]),
                "parts": {
                    "wizard-side": render_to_string("requests_app/wizard/_side.html", context, request=request),
                    "legal-class": render_to_string("requests_app/wizard/_legal.html", context, request=request),
                },
            }
        )
    back, on = before_and_after(step)
    if "continue" in data:
        return redirect(step_url(item, on) if on else reverse("request_edit", args=[item.slug]))
    if "back" in data:
        return redirect(step_url(item, back) if back else reverse("request_edit", args=[item.slug]))
    messages.success(request, "Saved.")
    laid = [(name, value) for name in data if name.startswith("grid-") for value in data.getlist(name) if value]
    query = f"?{urlencode(laid)}" if data.get("grid-laid") and len(laid) < 100 else ""
    return redirect(step_url(item, step) + query)


def _conflict(
    request: HttpRequest, item: DatasetRequest, draft: Draft, step: Step, form: SpecificationForm, checked: Checked
) -> HttpResponseBase:
    """Somebody else saved this step: say who and what differs, and let the person choose."""
    who = draft.edited_by.name if draft.edited_by else "Somebody else"
    if _is_autosave(request):
        text = f"Not saved: {who} changed this step meanwhile. Press “Save” to compare."
        return JsonResponse({"state": "conflict", "text": text})
    assert checked.spec is not None
    mine = {**draft.document, **{part: checked.document.get(part) for part in step.parts if part in checked.document}}
    now, wanted = check_document(draft.document), check_document(mine)
    changes = diff(now.spec, wanted.spec) if now.spec and wanted.spec else []
    conflict = {"who": who, "when": draft.edited_at, "changes": changes, "revision": draft.revision}
    return _show(request, item, draft, step, form, conflict=conflict, status=409)


def _show(
    request: HttpRequest,
    item: DatasetRequest,
    draft: Draft,
    step: Step,
    form: SpecificationForm,
    *,
    conflict: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The step's page. A form that is shown again keeps the revision that it was made from."""
    sent = request.POST if request.method == "POST" else {}
    excerpt = drafts.fingerprint(step.excerpt(draft.document))
    back, on = before_and_after(step)
    context = {
        **frame(request, item, draft, step),
        "form": form,
        "revision": sent.get("revision") or draft.revision,
        "part": sent.get("part") or excerpt,
        "conflict": conflict,
        "back": back,
        "on": on,
        "template": f"requests_app/wizard/steps/{step.key}.html",
        "restricted": form.amending,
        "quality_components": list(QualityComponent),
        "cohort_images": (draft.document.get("cohort") or {}).get("images") or {},
    }
    return render(request, "requests_app/wizard/step.html", context, status=status)


def frame(request: HttpRequest, item: DatasetRequest, draft: Draft, step: Step | None = None) -> dict[str, Any]:
    """What stands beside every step: how far each is, what blocks posting, the whole in plain words, what changes."""
    checked = check_document(draft.document)
    links = _links(item, draft, checked.notes)
    changes = amendment_changes(draft.amendment) if draft.amendment and checked.spec else []
    return {
        "item": item,
        "draft": draft,
        "step": step,
        "steps": [(stand, step_url(item, stand.step)) for stand in standing(checked.notes)],
        "step_count": len(STEPS),
        "checked": checked,
        "blocking": [link for note, link in zip(checked.notes, links, strict=True) if note.blocking],
        "advice": [link for note, link in zip(checked.notes, links, strict=True) if not note.blocking],
        "summary": summarise(checked.spec) if checked.spec else [],
        "changes": changes,
        "needs_check": any(change.path.split(".")[0] in CHECKED_PARTS for change in changes),
        "legal_class": checked.spec.deidentification.legal_class if checked.spec else "",
        "spec": checked.spec,
    }


def _links(item: DatasetRequest, draft: Draft, notes: tuple[LintNote, ...]) -> list[Note]:
    """Each note with the address of its field, on whichever step that is."""
    whole = SpecificationForm.from_document(draft.document) if notes else None
    found = []
    for note in notes:
        step = step_of(note.path)
        url = ""
        if step is not None and whole is not None:
            target = whole.place_of(note.path)
            url = step_url(item, step) + (f"#{target}" if target else "")
        found.append(Note(note.message, note.remedy, url, step))
    return found


def _is_autosave(request: HttpRequest) -> bool:
    return request.headers.get("X-Autosave") == "1"


def _number(value: Any) -> int:
    return int(value) if str(value or "").isdecimal() and len(str(value)) < 10 else -1


def spec_of(item: DatasetRequest, draft: Draft | None) -> DatasetSpec | None:
    """The specification as it would be opened; None while the draft cannot be read."""
    if draft is not None:
        return check_document(draft.document).spec
    version = item.current_version
    return DatasetSpec.model_validate(version.document) if version else None
