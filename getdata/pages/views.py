"""Pages that put the apps side by side: home, dashboard, how de-identification works, health."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from fulfillment.quality.header import ATTRIBUTES
from fulfillment.quality.words import COMPONENTS
from getdata.accounts.models import User
from getdata.pages import front, steps, waiting


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front page: a live request with its meter, two doors, honest numbers only."""
    context = {"featured": front.featured(), "categories": front.categories(), "figures": front.figures()}
    return render(request, "pages/home.html", context)


@require_safe
def about_deid(request: HttpRequest) -> HttpResponse:
    """How de-identification works, for a privacy officer."""
    return render(request, "pages/about_deid.html")


@require_safe
def quality_guide(request: HttpRequest) -> HttpResponse:
    """How quality is scored, for a hospital: what each component sees, what spoils it, what to do."""
    return render(request, "pages/quality_guide.html", {"components": COMPONENTS, "attributes": ATTRIBUTES})


@login_required
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """What needs this person next, and where their work stands."""
    assert isinstance(request.user, User)
    context: dict[str, Any] = {"steps": steps.for_user(request.user), "waiting": waiting.for_user(request.user)}
    context |= steps.overview(request.user)
    return render(request, "pages/dashboard.html", context)


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component of the design system; for staff."""
    if not getattr(request.user, "is_reviewer", False):
        raise Http404
    return render(request, "pages/styleguide.html")
