"""How a page shows what a service refused: a message with its remedy, and a redirect to a place where one can go on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from getdata.common.problems import CannotDo
from getdata.common.states import StaleState

View = Callable[..., HttpResponseBase]
Place = str | Callable[..., str]


def refusal_text(error: CannotDo | StaleState) -> str:
    """What happened and what to do next, as one text: for messages and for a form's own errors."""
    if isinstance(error, CannotDo):
        return f"{error.message} {error.remedy}".strip()
    return str(error)


def shows_refusals(to: Place = "") -> Callable[[View], View]:
    """Turn ``CannotDo`` and ``StaleState`` of the decorated view into an error message and a redirect.

    ``to`` is a URL name (reversed with the view's own keyword arguments, or with the first few of them), a
    callable ``(request, **kwargs) -> path``, or empty for the page the person came from. htmx requests get
    ``HX-Redirect``, so that the whole page, with its message, is shown. A GET whose place is itself raises: its
    redirect would never end::

        @login_required
        @require_POST
        @shows_refusals("organization_detail")
        def organization_submit(request, slug): ...
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except (CannotDo, StaleState) as error:
                place = _place(to, request, kwargs)
                if request.method in ("GET", "HEAD") and place.split("?")[0] == request.path:
                    raise
                messages.error(request, refusal_text(error))
                if request.headers.get("HX-Request") == "true":
                    return HttpResponse(headers={"HX-Redirect": place})
                return redirect(place)

        return guarded

    return decorate


def _place(to: Place, request: HttpRequest, kwargs: dict[str, Any]) -> str:
    if callable(to):
        return to(request, **kwargs)
    if not to:
        return _came_from(request)
    if to.startswith("/"):
        return to
    names = list(kwargs)
    for count in range(len(names), -1, -1):  # the first keyword names the outer thing
        try:
            return reverse(to, kwargs={name: kwargs[name] for name in names[:count]})
        except NoReverseMatch:
            continue
    return reverse(to)  # raises NoReverseMatch naming what is missing


def _came_from(request: HttpRequest) -> str:
    """The referring page when it is ours, else the start page."""
    referer = request.headers.get("Referer", "")
    if referer and url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure()):
        place = referer.split(request.get_host(), 1)[1]
        # A path of two slashes would be read as another host's address.
        if place.startswith("/") and url_has_allowed_host_and_scheme(place, allowed_hosts=None):
            return place
    return "/"
