"""Incidents: the list, opening one, its page with the timeline, and what staff do on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fulfillment.incident_forms import AddThingForm, EntryForm, IncidentForm, WordsForm
from fulfillment.incident_pages import affected, incidents_for, timeline
from fulfillment.models import Incident, IncidentStatus
from fulfillment.services import incidents
from getdata.accounts.models import User
from getdata.accounts.second_factor import recently_proven
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals


@login_required
@require_safe
def incident_list(request: HttpRequest) -> HttpResponse:
    """The incidents this person may see, open ones first."""
    page = Paginator(incidents_for(_user(request)), 25).get_page(request.GET.get("page"))
    return render(request, "fulfillment/incidents/list.html", {"page": page})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def incident_new(request: HttpRequest) -> HttpResponseBase:
    """Open an incident (staff). ``?about=`` an address of what is affected fills the form."""
    user = _staff(request)
    about = "\n".join(request.GET.getlist("about"))
    form = IncidentForm(request.POST or None, initial={"things": about})
    if request.method == "POST" and form.is_valid():
        try:
            made = incidents.open_incident(actor=user, **form.cleaned_data)
        except CannotDo as refusal:
            form.add_error(None, refusal_text(refusal))
        else:
            messages.success(
                request, f"Incident {made.number} is open; access is stopped and everyone concerned is told."
            )
            return redirect(made)
    return render(request, "fulfillment/incidents/new.html", {"form": form})


@login_required
@require_safe
def incident_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What happened, what of it concerns this person, and the timeline."""
    return _page(request, _incident(request, pk))


@login_required
@require_POST
@shows_refusals("incident_detail")
def incident_add(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Stop one more thing."""
    user, incident = _staff(request), _incident(request, pk)
    form = AddThingForm(request.POST, auto_id="add-%s")
    if not form.is_valid():
        return _page(request, incident, add_form=form)
    for thing in form.cleaned_data["things"]:
        incidents.add_to_incident(incident=incident, actor=user, thing=thing)
    messages.success(request, "Access is stopped, and whoever it concerns is told.")
    return redirect(incident)


@login_required
@require_POST
@shows_refusals("incident_detail")
def incident_write(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Add a line to the timeline."""
    user, incident = _staff(request), _incident(request, pk)
    form = EntryForm(request.POST, auto_id="entry-%s")
    if not form.is_valid():
        return _page(request, incident, entry_form=form)
    incidents.write_entry(incident=incident, actor=user, **form.cleaned_data)
    messages.success(request, "The line is in the timeline.")
    return redirect(incident)


@login_required
@require_POST
@shows_refusals("incident_detail")
def incident_contain(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The cause is under control."""
    user, incident = _staff(request), _incident(request, pk)
    form = WordsForm(request.POST)
    if not form.is_valid():
        return _page(request, incident, words_form=form)
    incidents.contain_incident(incident=incident, actor=user, text=form.cleaned_data["text"])
    messages.success(request, "The incident is contained. What it stops stays stopped.")
    return redirect(incident)


@login_required
@recently_proven
@require_POST
@shows_refusals("incident_detail")
def incident_close(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The end, with the outcome; what is still stopped is lifted."""
    user, incident = _staff(request), _incident(request, pk)
    form = WordsForm(request.POST)
    if not form.is_valid():
        return _page(request, incident, words_form=form)
    incidents.close_incident(incident=incident, actor=user, outcome=form.cleaned_data["text"])
    messages.success(request, "The incident is closed, and every party is told.")
    return redirect(incident)


@login_required
@recently_proven
@require_POST
@shows_refusals("incident_detail")
def incident_lift(request: HttpRequest, pk: UUID, scope: UUID) -> HttpResponseBase:
    """Give access to one thing back."""
    user, incident = _staff(request), _incident(request, pk)
    row = get_object_or_404(incident.scopes.select_related("release", "batch", "organization", "incident"), pk=scope)
    form = WordsForm(request.POST)
    if not form.is_valid():
        raise CannotDo("Lifting needs a reason.", remedy="Say why access may come back.", code="no_words")
    incidents.lift_stop(scope=row, actor=user, reason=form.cleaned_data["text"])
    messages.success(request, "The stop is lifted.")
    return redirect(incident)


def _page(request: HttpRequest, incident: Incident, **forms: Any) -> HttpResponse:
    user = _user(request)
    context: dict[str, Any] = {
        "incident": incident,
        "affected": affected(incident, user),
        "entries": timeline(incident, user),
        "contained": incident.status == IncidentStatus.CONTAINED,
        "ended": incident.status == IncidentStatus.CLOSED,
        "entry_form": EntryForm(auto_id="entry-%s"),
        "add_form": AddThingForm(auto_id="add-%s"),
        "words_form": WordsForm(),
        **forms,
    }
    if user.is_reviewer:
        context["parties"] = incident.parties.select_related("organization")
        context["bar"] = incidents.what_bars_settling(user, incident)
    return render(request, "fulfillment/incidents/detail.html", context)


def _incident(request: HttpRequest, pk: UUID) -> Incident:
    rows = Incident.objects.visible_to(_user(request)).select_related("opened_by", "closed_by")
    return get_object_or_404(rows, pk=pk)


def _staff(request: HttpRequest) -> User:
    user = _user(request)
    if not user.is_reviewer:
        raise Http404
    return user


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
