"""The second factor: who must have one, whether this session has shown it, and how lately.

A session remembers how it was proven (allauth's records of methods, ``account_authentication_methods``): ``mfa`` among them
means a code of an authenticator app, a passkey or a recovery code. Three questions rest on that record alone:

- :func:`must_have_second_factor`: staff and members of hospitals; ``getdata.accounts.middleware`` holds them to it everywhere.
- :func:`second_factor_required`: the decorator of what nobody does without one, such as a download.
- :func:`recently_proven`: the decorator of signatures, releases, revocations and keys: shown within :data:`RECENT_SECONDS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, overload
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from getdata.accounts.models import Organization, User
from getdata.common.problems import CONTENT_TYPE

View = Callable[..., HttpResponseBase]

#: For how long a second factor counts as shown just now.
RECENT_SECONDS: int = settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
#: What counts as one. Recovery codes stand in for them, and exist only beside them.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)

#: What somebody wanted to do when they were asked to set one up, in the words of the page.
WHY = {
    "download": "Data leaves this portal only to people who sign in with a second step.",
    "key": "A token or a signing secret acts in your name, so making one takes a second step.",
    "act": "What you were about to do is signed for with your name, and a password alone is not enough for that.",
}


def has_second_factor(user: User) -> bool:
    """Whether the person has an authenticator app or a passkey."""
    return Authenticator.objects.filter(user=user, type__in=FACTORS).exists()


def hospitals_of(user: User) -> list[Organization]:
    """The hospitals the person belongs to: the reason why they need a second factor."""
    return list(Organization.objects.filter(memberships__user=user, kind=Organization.Kind.HOSPITAL).order_by("name"))


def must_have_second_factor(user: User) -> bool:
    """Staff and members of a hospital, whatever their role."""
    return (
        user.is_reviewer
        or Organization.objects.filter(memberships__user=user, kind=Organization.Kind.HOSPITAL).exists()
    )


def shown_at(request: HttpRequest) -> float | None:
    """When this session last showed a second factor (seconds since the epoch), or ``None``."""
    if not request.user.is_authenticated:
        return None
    records = get_authentication_records(request, request.user)
    return max((float(record["at"]) for record in records if record.get("method") == "mfa"), default=None)


def is_recently_proven(request: HttpRequest) -> bool:
    """Whether this session showed a second factor within :data:`RECENT_SECONDS`."""
    at = shown_at(request)
    return at is not None and 0 <= time.time() - at < RECENT_SECONDS


def ask_for_second_factor(request: HttpRequest, why: str = "act", *, back_to: str = "") -> HttpResponseBase:
    """Lead somebody to set a second factor up, or to show the one they have, and back to ``back_to`` (default: this page).

    A program gets 403 with cause and remedy; an htmx request leads the whole page away. What a form sent is kept in the
    session meanwhile and carried out once the factor is shown, unless it holds a secret or a file.
    """
    assert isinstance(request.user, User)
    if request.path.startswith(("/api/", "/dicomweb/")):
        return _problem()
    if not has_second_factor(request.user):
        place = back_to or (request.get_full_path() if request.method in ("GET", "HEAD") else came_from(request))
        return _lead(request, f"{reverse('second_step')}?{urlencode({'why': why, 'next': place})}")
    if not back_to and request.method == "POST" and _may_be_kept(request):
        raise ReauthenticationRequired()  # allauth keeps the request and carries it out afterwards
    here = request.get_full_path() if request.method in ("GET", "HEAD") else came_from(request)
    asked = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
    return _lead(request, f"{asked}?{urlencode({'next': back_to or here})}")


@overload
def recently_proven(view: View) -> View: ...
@overload
def recently_proven(*, also_to_look: bool = False, why: str = "act") -> Callable[[View], View]: ...
def recently_proven(view: View | None = None, *, also_to_look: bool = False, why: str = "act") -> Any:
    """Only who showed their second factor within :data:`RECENT_SECONDS` acts; others are asked for it and come back.

    Looking (GET, HEAD) is free unless ``also_to_look``: right for pages whose form asks for a password besides, so that
    nobody fills it in twice. Stands below ``login_required``, above ``require_POST`` or not::

        @login_required
        @recently_proven
        @require_POST
        def release_publish(request, pk): ...
    """

    def decorate(inner: View) -> View:
        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            free = request.method in ("GET", "HEAD", "OPTIONS") and not also_to_look
            if free or is_recently_proven(request):
                return inner(request, *args, **kwargs)
            return ask_for_second_factor(request, why)

        guarded.needs_recent_proof = True  # type: ignore[attr-defined]
        return guarded

    return decorate(view) if view is not None else decorate


def second_factor_required(why: str = "download") -> Callable[[View], View]:
    """Only sessions that showed a second factor at all; others are asked for it and come back."""

    def decorate(inner: View) -> View:
        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if shown_at(request) is not None:
                return inner(request, *args, **kwargs)
            return ask_for_second_factor(request, why)

        guarded.needs_second_factor = True  # type: ignore[attr-defined]
        return guarded

    return decorate


def own_place(request: HttpRequest, place: str) -> str:
    """``place`` when it is an address of this portal, else ``""``: nobody is sent elsewhere."""
    safe = url_has_allowed_host_and_scheme(place, allowed_hosts=None) and place.startswith("/")
    return place if safe else ""


def came_from(request: HttpRequest) -> str:
    """The page of ours that a form was sent from, else the dashboard."""
    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure()):
        place = own_place(request, referer.split(request.get_host(), 1)[-1])
        if place:
            return place
    return reverse("dashboard")


def _may_be_kept(request: HttpRequest) -> bool:
    """Nothing secret and no file is written into a session; htmx shows parts of pages, which cannot be carried out later."""
    secret = {"password", "password1", "oldpassword", "code", "secret"} & set(request.POST)
    return not secret and not request.FILES and request.headers.get("HX-Request") != "true"


def _lead(request: HttpRequest, place: str) -> HttpResponseBase:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(headers={"HX-Redirect": place})
    return HttpResponseRedirect(place)


def _problem() -> HttpResponseBase:
    code = "second_factor_required"
    body = {
        "type": f"urn:getdata:problem:{code}",
        "title": "Not allowed",
        "status": 403,
        "code": code,
        "detail": "This needs a session that was opened with a second factor.",
        "remedy": "Set up an authenticator app or a passkey on your account page, and sign in with it.",
        "errors": [],
    }
    return JsonResponse(body, status=403, content_type=CONTENT_TYPE)
