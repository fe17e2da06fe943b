"""Pages about how one signs in: why a second step is needed and how to set it up."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from getdata.accounts.second_factor import WHY, has_second_factor, hospitals_of, is_recently_proven, own_place, shown_at
from getdata.accounts.views.common import person

#: Where somebody was going when they were led to set a second factor up; kept in the session on the way.
NEXT = "second_step_next"


@login_required
@never_cache
@require_safe
def second_step(request: HttpRequest) -> HttpResponseBase:
    """Why a second step is asked for, the two ways to set one up, and, once there is one, back to where one was going."""
    user = person(request)
    going = own_place(request, request.GET.get("next", ""))
    if going:
        request.session[NEXT] = going
    if has_second_factor(user):
        going = request.session.pop(NEXT, "") or reverse("dashboard")
        wanted = is_recently_proven(request) if request.GET.get("again") else shown_at(request) is not None
        if wanted:
            return redirect(going)
        return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': going})}")
    context = {
        "hospitals": hospitals_of(user),
        "why": WHY.get(request.GET.get("why", ""), ""),
        "going": request.session.get(NEXT, ""),
    }
    return render(request, "accounts/second_step.html", context)
