"""Sessions that have opened something where identity may be seen end after a quarter of an hour without a sign of life.

HIPAA 164.312(a)(2)(iii), automatic logoff. A view is marked with :func:`shows_identity`; from its first opening on the whole
session is limited, on every page, because what was open may still be on the screen. A page opened, a form sent and the page's
own word that somebody moved (``still_here``) are signs of life; parts that a page fetches by itself are none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from getdata.accounts.models import User
from getdata.accounts.second_factor import came_from
from getdata.audit.chain import record
from getdata.common.problems import CONTENT_TYPE

SEEN_AT, LIMITED = "seen_at", "identity_seen"
#: A session's last sign of life is written at most this often (seconds).
WRITE_EVERY = 30
View = TypeVar("View", bound=Callable[..., HttpResponseBase])
_SAFE = ("GET", "HEAD", "OPTIONS")


def shows_identity(view: View) -> View:
    """Mark a view that may show who a patient is: from then on the session is limited to ``IDLE_SECONDS`` of silence."""
    view.shows_identity = True  # type: ignore[attr-defined]
    return view


def seconds_left(request: HttpRequest) -> int | None:
    """Until the session ends when nothing more happens; ``None`` where no limit holds."""
    if not request.session.get(LIMITED):
        return None
    seen = float(request.session.get(SEEN_AT, 0))
    return max(0, int(settings.IDLE_SECONDS - (time.time() - seen)))


def end_session(request: HttpRequest) -> None:
    """Sign out for silence, and record it."""
    if isinstance(request.user, User):
        record(verb="session.idle", target=request.user, actor=request.user)
    logout(request)


class IdleMiddleware:
    """Ends silent sessions, notes signs of life, and tells pages (``request.idle``) that they must watch for silence."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: object, kwargs: object) -> HttpResponseBase | None:
        session = request.session
        if not session.get("_auth_user_id"):
            return None
        if seconds_left(request) == 0:
            return _signed_out(request)
        now, alive = time.time(), _is_sign_of_life(request)
        if getattr(view, "shows_identity", False) and not session.get(LIMITED):
            session[LIMITED], session[SEEN_AT] = True, now
        elif alive and now - float(session.get(SEEN_AT, 0)) > WRITE_EVERY:
            session[SEEN_AT] = now
            UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=timezone.now())
        if session.get(LIMITED):
            request.idle = {"after": settings.IDLE_SECONDS, "warning": settings.IDLE_WARNING_SECONDS}  # type: ignore[attr-defined]
        return None


def _is_sign_of_life(request: HttpRequest) -> bool:
    if request.method not in _SAFE:
        return True
    if request.headers.get("HX-Request") == "true" or getattr(request.resolver_match, "url_name", "") == "still_here":
        return False
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


def _signed_out(request: HttpRequest) -> HttpResponseBase:
    here = request.get_full_path() if request.method in _SAFE else came_from(request)
    end_session(request)
    place = f"{reverse('account_login')}?{urlencode({'next': here})}"
    if request.path.startswith(("/api/", "/dicomweb/")):
        body = {
            "title": "Who are you?",
            "status": 401,
            "code": "session_idle",
            "detail": said(),
            "remedy": "Sign in again.",
        }
        return JsonResponse(body, status=401, content_type=CONTENT_TYPE)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(headers={"HX-Redirect": place})
    messages.info(request, said())
    return HttpResponseRedirect(place)


def said() -> str:
    """Why somebody finds themselves signed out."""
    minutes = settings.IDLE_SECONDS // 60
    return f"You were signed out after {minutes} minutes of silence: what was open may show who a patient is."
