"""Where one is signed in, ending each of those sessions, and the page's word that somebody is still there."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from getdata.accounts.device_names import device_name
from getdata.accounts.idle import end_session, said, seconds_left
from getdata.accounts.views.common import person
from getdata.audit.chain import record


@login_required
@never_cache
@require_safe
def device_list(request: HttpRequest) -> HttpResponse:
    """Every session of this account: device, address, since when, last seen."""
    rows = UserSession.objects.purge_and_list(person(request))
    rows.sort(key=lambda row: (row.session_key != request.session.session_key, -row.last_seen_at.timestamp()))
    devices = [
        {"row": row, "name": device_name(row.user_agent), "here": row.session_key == request.session.session_key}
        for row in rows
    ]
    others = sum(not device["here"] for device in devices)
    return render(request, "accounts/devices.html", {"devices": devices, "others": others})


@login_required
@require_POST
def device_end(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Sign one device out."""
    user = person(request)
    session = get_object_or_404(UserSession, pk=pk, user=user)
    if session.session_key == request.session.session_key:
        return redirect("account_logout")
    session.end()
    record(verb="session.ended", target=user, actor=user, data={"count": 1})
    messages.success(request, "That device is signed out.")
    return redirect("usersessions_list")


@login_required
@require_POST
def device_end_others(request: HttpRequest) -> HttpResponseBase:
    """Sign every other device out."""
    user = person(request)
    others = UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key)
    for session in others:
        session.end()
    record(verb="session.ended", target=user, actor=user, data={"count": len(others)})
    messages.success(request, "All other devices are signed out.")
    return redirect("usersessions_list")


@never_cache
@require_http_methods(["GET", "POST"])
def still_here(request: HttpRequest) -> HttpResponse:
    """GET: seconds until the session ends of silence. POST: somebody is there; with ``end`` nobody is, and it ends now."""
    if request.user.is_authenticated and request.method == "POST" and "end" in request.POST:
        end_session(request)
        messages.info(request, said())
    if not request.user.is_authenticated:
        return JsonResponse({"left": 0})
    return JsonResponse({"left": seconds_left(request)})
