"""The private thread of an offer."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from getdata.accounts.models import Organization, User
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals
from requests_app.forms.text import HideForm, TextForm
from requests_app.models import Message, Offer
from requests_app.services import messages as services
from requests_app.services.guarding import MayIdentify

PAGE_SIZE = 50


@login_required
@sensitive_post_parameters("text")
@require_http_methods(["GET", "HEAD", "POST"])
def offer_messages(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Read the thread, and write. What was unread is marked; opening the page marks it as read."""
    user = _user(request)
    offer = _offer(request, pk)
    form = TextForm(
        request.POST or None,
        label="Your message",
        hint="The other party and GetDATA staff read it. Nothing about a patient; no files.",
        max_length=services.MESSAGE_LENGTH,
    )
    stopped: MayIdentify | None = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            services.post_message(offer=offer, text=data["text"], confirmed=data["confirmed"], actor=user)
        except MayIdentify as refusal:
            stopped = refusal
            form.add_error("text", refusal_text(refusal))
        except CannotDo as refusal:
            form.add_error(None, refusal_text(refusal))
        else:
            messages.success(request, "Your message is sent.")
            return redirect(f"{services.thread_url(offer)}#write")
    thread = Message.objects.filter(offer=offer).select_related("author", "organization")
    unread = set(Message.objects.filter(offer=offer).unread_by(user).values_list("pk", flat=True))
    pages = Paginator(thread.order_by("created_at", "pk"), PAGE_SIZE)
    page = pages.get_page(request.GET.get("page") or pages.num_pages)  # the newest page first
    mine = set(Organization.objects.filter(memberships__user=user).values_list("pk", flat=True))
    context: dict[str, Any] = {
        "offer": offer,
        "item": offer.request,
        "page": page,
        "rows": [(message, message.pk in unread, message.organization_id in mine) for message in page],
        "unread": len(unread),
        "form": form if services.may_post(offer, user) else None,
        "stopped": stopped,
        "hide_form": HideForm() if user.is_reviewer else None,
        "other": _other(offer, mine),
    }
    answer = render(request, "requests_app/offer_messages.html", context)
    answer["Cache-Control"] = "no-store"
    if unread and request.method == "GET":
        services.read_thread(offer=offer, actor=user)
    return answer


@login_required
@require_POST
@shows_refusals("offer_messages")
def message_hide(request: HttpRequest, pk: str, message: str) -> HttpResponseBase:
    """Staff hide a message."""
    offer = _offer(request, pk)
    found = get_object_or_404(Message.objects.visible_to(_user(request)), pk=message, offer=offer)
    form = HideForm(request.POST)
    data = form.cleaned_data if form.is_valid() else {"reason": "", "erase": False}
    services.hide_message(message=found, actor=_user(request), **data)
    messages.success(request, "Hidden, with the reason in its place.")
    return redirect("offer_messages", pk=pk)


def _other(offer: Offer, mine: set[Any]) -> str:
    """Who is on the other side, in words."""
    names = [party.name for party in services.parties_of(offer) if party.pk not in mine]
    return " and ".join(names)


def _offer(request: HttpRequest, pk: str) -> Offer:
    offers = Offer.objects.visible_to(request.user).select_related("request__organization", "hospital")
    return get_object_or_404(offers, pk=pk)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
