"""Saved searches: one's list of them, a new one, its changes, and the link that stops its messages."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from getdata.accounts.models import User
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals
from requests_app.catalogue.find import find
from requests_app.catalogue.wanted import Wanted
from requests_app.forms.saved_search import SavedSearchForm
from requests_app.models import Pace, SavedSearch
from requests_app.services import saved_searches as services


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _mine(request: HttpRequest, pk: object) -> SavedSearch:
    return get_object_or_404(SavedSearch.objects.visible_to(request.user), pk=pk)


@login_required
@require_safe
def saved_search_list(request: HttpRequest) -> HttpResponseBase:
    """All of one's searches."""
    searches = SavedSearch.objects.visible_to(request.user)
    rows = [(search, Wanted.of(search.query).in_words(), services.results_url(search)) for search in searches]
    return render(request, "requests_app/saved_search_list.html", {"rows": rows})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def saved_search_new(request: HttpRequest) -> HttpResponseBase:
    """``?q=...``: the state of the list that is to be kept, as its address has it."""
    wanted = Wanted.read(request.GET).without("sort").without("status")
    form = SavedSearchForm(request.POST or None, initial={"name": wanted.in_words()[:120], "pace": Pace.DAILY})
    if request.method == "POST" and form.is_valid():
        try:
            made = services.save_search(actor=_user(request), wanted=wanted, **form.cleaned_data)
        except CannotDo as error:
            form.add_error(None, refusal_text(error))
        else:
            messages.success(request, f"Saved. You are told when a request fits “{made.name}”.")
            return redirect("saved_search_list")
    context = {"form": form, "wanted": wanted, "total": find(wanted).total}
    return render(request, "requests_app/saved_search_form.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def saved_search_edit(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Another name, another pace."""
    search = _mine(request, pk)
    initial = {"name": search.name, "pace": search.pace, "by_mail": search.by_mail}
    form = SavedSearchForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        services.change_search(search=search, actor=_user(request), **form.cleaned_data)
        messages.success(request, "Changed.")
        return redirect("saved_search_list")
    wanted = Wanted.of(search.query)
    context = {"form": form, "wanted": wanted, "total": find(wanted).total, "search": search}
    return render(request, "requests_app/saved_search_form.html", context)


@login_required
@require_POST
@shows_refusals("saved_search_list")
def saved_search_pause(request: HttpRequest, pk: str) -> HttpResponseBase:
    paused = services.pause_search(search=_mine(request, pk), actor=_user(request))
    messages.success(request, f"“{paused.name}” is paused.")
    return redirect("saved_search_list")


@login_required
@require_POST
@shows_refusals("saved_search_list")
def saved_search_resume(request: HttpRequest, pk: str) -> HttpResponseBase:
    resumed = services.resume_search(search=_mine(request, pk), actor=_user(request))
    messages.success(request, f"“{resumed.name}” tells you again, from now on.")
    return redirect("saved_search_list")


@login_required
@require_POST
@shows_refusals("saved_search_list")
def saved_search_delete(request: HttpRequest, pk: str) -> HttpResponseBase:
    search = _mine(request, pk)
    services.delete_search(search=search, actor=_user(request))
    messages.success(request, f"“{search.name}” is deleted.")
    return redirect("saved_search_list")


@csrf_exempt  # the link's own signature is the permission, and mail programs post it (RFC 8058)
@require_http_methods(["GET", "HEAD", "POST"])
def saved_search_stop(request: HttpRequest, token: str) -> HttpResponseBase:
    """From a message, without signing in: a page with one button. Opening it changes nothing, because mail scanners open links."""
    search = services.search_of_link(token)
    if search is not None and request.method == "POST":
        search = services.pause_search(search=search, actor=None)
    context = {"search": search, "stopped": search is not None and search.paused_at is not None}
    return render(request, "requests_app/saved_search_stop.html", context, status=404 if search is None else 200)
