"""A hospital's profile and the requests that fit it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can
from requests_app.forms.capability import CapabilityForm
from requests_app.match_lists import MOST_COMPARED, requests_for
from requests_app.matching import Capability, completeness
from requests_app.models import CapabilityProfile
from requests_app.services.capabilities import state_capability


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def capability_edit(request: HttpRequest, slug: str) -> HttpResponseBase:
    """What the hospital holds and can do: read by its members, changed by its owner or data manager."""
    user = _user(request)
    hospital = get_object_or_404(
        Organization.objects.filter(memberships__user=user, kind=Organization.Kind.HOSPITAL), slug=slug
    )
    profile = CapabilityProfile.objects.visible_to(user).filter(hospital=hospital).first()
    capability = profile.capability if profile else Capability()
    may_edit = can(user, "upload", hospital)
    form = CapabilityForm(request.POST or None, capability=capability)
    if request.method == "POST":
        if form.is_valid():
            state_capability(hospital=hospital, capability=form.capability, actor=user)
            messages.success(request, "Saved. The requests that fit are compared with what you state now.")
            return redirect("match_list_of", slug=slug)
    elif not may_edit:
        for field in form.fields.values():
            field.disabled = True
    context = {
        "hospital": hospital,
        "profile": profile,
        "form": form,
        "may_edit": may_edit,
        "complete": completeness(capability),
    }
    return render(request, "requests_app/capability_edit.html", context)


@login_required
@require_safe
def match_list(request: HttpRequest, slug: str = "") -> HttpResponseBase:
    """Requests for one's hospital, best fit first, with the reasons."""
    user = _user(request)
    hospitals = list(
        Organization.objects.filter(memberships__user=user, kind=Organization.Kind.HOSPITAL).order_by("name")
    )
    if slug:
        hospital = get_object_or_404(Organization, pk__in=[one.pk for one in hospitals], slug=slug)
    elif hospitals:
        hospital = hospitals[0]
    else:
        return render(request, "requests_app/match_list.html", {"hospital": None})
    profile = CapabilityProfile.objects.visible_to(user).filter(hospital=hospital).first()
    capability = profile.capability if profile else Capability()
    found = requests_for(hospital, capability)
    page = Paginator(found, 20).get_page(request.GET.get("page"))
    context = {
        "hospital": hospital,
        "hospitals": hospitals,
        "profile": profile,
        "complete": completeness(capability),
        "may_edit": can(user, "upload", hospital),
        "may_offer": can(user, "write", hospital) and hospital.is_verified,
        "page": page,
        "most": MOST_COMPARED,
    }
    return render(request, "requests_app/match_list.html", context)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
