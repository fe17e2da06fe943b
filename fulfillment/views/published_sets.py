"""Lists of published sets, for staff: load one, see where it stands, retire it; and a batch's matches with them."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from fulfillment.models import Batch, PublishedSet
from fulfillment.published_matches import count_by_set, images_not_looked_up, matches_of
from fulfillment.services import published_sets
from getdata.accounts.models import User
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals

#: What a form adds around its file.
_FORM_OVERHEAD = 1024**2


class PublishedSetForm(forms.Form):
    title = forms.CharField(
        max_length=120, label="Name of the set", help_text="As its authors call it, with its version."
    )
    address = forms.URLField(
        max_length=300, label="Where it is published", help_text="A public address.", assume_scheme="https"
    )
    file = forms.FileField(
        label="List of fingerprints",
        help_text="CSV or parquet, as the command above writes it; at most 128 MB.",
    )


def _reviewer(request: HttpRequest) -> User:
    """The signed-in reviewer; for everyone else these pages do not exist."""
    if not isinstance(request.user, User) or not request.user.is_reviewer:
        raise Http404
    return request.user


@csrf_exempt  # the token is checked below, once it is known that a reviewer asks: only then may a form be large
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@shows_refusals("published_set_list")
def published_set_list(request: HttpRequest) -> HttpResponseBase:
    """Every list with its state and how many images were found in it; below, the form for another one."""
    _reviewer(request)
    if request.method == "POST":
        if int(request.META.get("CONTENT_LENGTH") or 0) > published_sets.MAX_LIST_BYTES + _FORM_OVERHEAD:
            raise CannotDo(
                f"The list is larger than {published_sets.MAX_LIST_BYTES // 1024**2} MB.",
                remedy="Write it as parquet, or divide it into several lists.",
                code="bad_list",
            )
        request.upload_handlers = [TemporaryFileUploadHandler(request)]
    response: HttpResponseBase = csrf_protect(_lists)(request)
    return response


def _lists(request: HttpRequest) -> HttpResponseBase:
    user = _reviewer(request)
    form = PublishedSetForm(request.POST, request.FILES) if request.method == "POST" else PublishedSetForm()
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            made = published_sets.load_published_set(
                title=form.cleaned_data["title"],
                address=form.cleaned_data["address"],
                file=file,
                size=file.size,
                actor=user,
            )
        except CannotDo as refusal:
            form.add_error("file", refusal_text(refusal))
        else:
            messages.success(request, f"“{made.title}” is taken in. A worker reads it; the state is shown here.")
            return redirect("published_set_list")
    counts = count_by_set()
    rows = [(each, counts.get(each.pk, 0)) for each in PublishedSet.objects.select_related("loaded_by")]
    context = {"form": form, "rows": rows, "waiting": images_not_looked_up()}
    return render(request, "fulfillment/review/published_sets.html", context)


@login_required
@require_POST
@shows_refusals("published_set_list")
def published_set_retire(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Compare with a list no more."""
    user = _reviewer(request)
    found = get_object_or_404(PublishedSet, pk=pk)
    published_sets.retire_published_set(published=found, actor=user)
    messages.success(request, f"“{found.title}” is retired; images are not compared with it any more.")
    return redirect("published_set_list")


@login_required
@require_POST
@shows_refusals("batch_duplicates")
def match_decide(request: HttpRequest, pk: UUID, hit: UUID) -> HttpResponse:
    """Record the decision on one match with a published set, then show the batch's duplicates again."""
    user = _reviewer(request)
    batch = get_object_or_404(Batch.objects.visible_to(user), pk=pk)
    found = get_object_or_404(matches_of(batch), pk=hit)
    made = published_sets.decide_match(hit=found, batch=batch, decision=request.POST.get("decision", ""), actor=user)
    messages.success(request, f"Recorded: {made.get_decision_display().lower()}.")
    return redirect(f"{reverse('batch_duplicates', args=[batch.pk])}#published")
