"""The webhooks of an organization: for its owners, in its settings."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from getdata.accounts.permissions import require
from getdata.accounts.second_factor import recently_proven
from getdata.accounts.views.common import frame, organization_or_404, person
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals
from getdata.webhooks import services
from getdata.webhooks.forms import EndpointForm
from getdata.webhooks.models import Delivery, Endpoint

_PAGE = ["GET", "HEAD", "POST"]


@login_required
@recently_proven(why="key")
@never_cache
@require_http_methods(_PAGE)
@shows_refusals("organization_detail")
@sensitive_variables("secret")
def webhook_list(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The organization's endpoints, and the form for a new one. A new secret is in the answer to this one request."""
    user = person(request)
    organization = organization_or_404(request, slug)
    require(user, "manage", organization)
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, secret = services.register_endpoint(organization=organization, actor=user, **form.cleaned_data)
        except CannotDo as error:
            form.add_error(_place(error), refusal_text(error))
        else:
            return _shown_once(request, endpoint, secret)
    context = {
        **frame(organization, user, "webhooks"),
        "form": form,
        "endpoints": organization.webhooks.all(),
        "most": services.MOST_ENDPOINTS,
    }
    return render(request, "webhooks/list.html", context)


@login_required
@require_http_methods(_PAGE)
def webhook_detail(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """One endpoint: what it is told, its secrets, and the log of what was sent."""
    user = person(request)
    endpoint = _endpoint(request, slug, pk)
    form = EndpointForm(request.POST or None, initial={"url": endpoint.url, "topics": endpoint.topics})
    if request.method == "POST" and form.is_valid():
        try:
            services.update_endpoint(endpoint=endpoint, actor=user, **form.cleaned_data)
        except CannotDo as error:
            form.add_error(_place(error), refusal_text(error))
        else:
            messages.success(request, "Saved.")
            return redirect("webhook_detail", slug=slug, pk=pk)
    log = endpoint.deliveries.prefetch_related("tries").order_by("-created_at")
    context: dict[str, Any] = {
        **frame(endpoint.organization, user, "webhooks"),
        "endpoint": endpoint,
        "form": form,
        "keys": [key for key in endpoint.keys.order_by("-created_at") if key.is_live],
        "page": Paginator(log, 25).get_page(request.GET.get("page")),
    }
    return render(request, "webhooks/detail.html", context)


@login_required
@recently_proven(why="key")
@never_cache
@require_POST
@shows_refusals("webhook_detail")
@sensitive_variables("secret")
def webhook_rotate(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Make a new secret and show it once."""
    endpoint = _endpoint(request, slug, pk)
    secret = services.rotate_secret(endpoint=endpoint, actor=person(request))
    return _shown_once(request, endpoint, secret)


@login_required
@require_POST
@shows_refusals("webhook_detail")
def webhook_retire(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """End the old secret now."""
    services.retire_old_secret(endpoint=_endpoint(request, slug, pk), actor=person(request))
    messages.success(request, "Only the newest secret signs from now on.")
    return redirect("webhook_detail", slug=slug, pk=pk)


@login_required
@require_POST
@shows_refusals("webhook_detail")
def webhook_test(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Send a test."""
    services.send_test(endpoint=_endpoint(request, slug, pk), actor=person(request))
    messages.success(request, "A test is on its way. Its answer stands in the log.")
    return redirect("webhook_detail", slug=slug, pk=pk)


@login_required
@require_POST
@shows_refusals("webhook_detail")
def webhook_switch(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Switch it on or off."""
    endpoint = _endpoint(request, slug, pk)
    if endpoint.is_live:
        services.disable_endpoint(endpoint=endpoint, actor=person(request))
        messages.success(request, "Switched off. What happens from now on is not sent later.")
    else:
        services.enable_endpoint(endpoint=endpoint, actor=person(request))
        messages.success(request, "Switched on.")
    return redirect("webhook_detail", slug=slug, pk=pk)


@login_required
@require_POST
@shows_refusals("webhook_detail")
def webhook_remove(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Forget it."""
    services.remove_endpoint(endpoint=_endpoint(request, slug, pk), actor=person(request))
    messages.success(request, "The webhook is removed.")
    return redirect("webhook_list", slug=slug)


@login_required
@require_POST
@shows_refusals("webhook_detail")
def webhook_again(request: HttpRequest, slug: str, pk: str, delivery: str) -> HttpResponseBase:
    """Send one event of the log again."""
    endpoint = _endpoint(request, slug, pk)
    found = get_object_or_404(Delivery.objects.select_related("endpoint__organization"), pk=delivery, endpoint=endpoint)
    services.send_again(delivery=found, actor=person(request))
    messages.success(request, "It is on its way again, with the same id.")
    return redirect("webhook_detail", slug=slug, pk=pk)


def _endpoint(request: HttpRequest, slug: str, pk: str) -> Endpoint:
    found = Endpoint.objects.visible_to(request.user).select_related("organization")
    return get_object_or_404(found, pk=pk, organization__slug=slug)


def _place(error: CannotDo) -> str | None:
    return {"address_refused": "url", "unknown_event": "topics"}.get(error.code)


def _shown_once(request: HttpRequest, endpoint: Endpoint, secret: str) -> HttpResponse:
    key = endpoint.keys.order_by("-created_at").first()
    context = {"endpoint": endpoint, "organization": endpoint.organization, "secret": secret, "key": key}
    return render(request, "webhooks/secret.html", context)
