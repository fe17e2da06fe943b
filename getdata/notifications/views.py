"""The in-app inbox, what a person chose, and the link that stops an e-mail. Everybody sees their own lines and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from getdata.notifications import preferences
from getdata.notifications.matrix import Channel, Event, Group, events_of, who
from getdata.notifications.models import Notification
from getdata.notifications.services import mark_all_read, mark_read


def _mine(request: HttpRequest) -> QuerySet[Notification]:
    user: Any = request.user
    return Notification.objects.filter(user=user)


@login_required
@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """The inbox, newest first; ``?show=unread`` for what was not read yet, ``?subject=offers`` for one subject."""
    mine = _mine(request)
    subject = request.GET.get("subject", "")
    subject = subject if subject in Group.values else ""
    about = mine.filter(group=subject) if subject else mine
    unread_only = request.GET.get("show") == "unread"
    found = about.filter(read_at=None) if unread_only else about
    counts = dict(mine.order_by().values_list("group").annotate(count=Count("pk")))
    context = {
        "page": Paginator(found, 25).get_page(request.GET.get("page")),
        "unread_only": unread_only,
        "subject": subject,
        "subjects": [(value, label, counts[value]) for value, label in Group.choices if counts.get(value)],
        "total": about.count(),
        "unread": about.filter(read_at=None).count(),
        "tab_all": reverse("notifications") + (f"?subject={subject}" if subject else ""),
        "tab_unread": "?show=unread" + (f"&subject={subject}" if subject else ""),
        "any": mine.exists(),
        "all_unread": mine.filter(read_at=None).count(),
    }
    return render(request, "notifications/inbox.html", context)


@login_required
@require_POST
def notification_open(request: HttpRequest, pk: str) -> HttpResponse:
    """Mark a line as read and go where it leads."""
    notification = get_object_or_404(_mine(request), pk=pk)
    mark_read(notification=notification)
    target = notification.url
    if not target or not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = reverse("notifications")
    return redirect(target)


@login_required
@require_POST
def notification_read(request: HttpRequest, pk: str) -> HttpResponse:
    """Mark one line as read and stay."""
    mark_read(notification=get_object_or_404(_mine(request), pk=pk))
    return _back(request)


@login_required
@require_POST
def notifications_read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything as read."""
    count = mark_all_read(user=request.user)
    messages.success(request, f"{count} notification{'' if count == 1 else 's'} marked as read.")
    return redirect("notifications")


@dataclass(frozen=True)
class Choice:
    """A group of events as the page shows it: what was chosen, what is in it, whom each event reaches."""

    group: str
    label: str
    chosen: str
    events: list[tuple[Event, str]]

    @property
    def fixed(self) -> bool:
        """Nothing in it may be switched off."""
        return all(event.locked for event, _ in self.events)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notification_preferences(request: HttpRequest) -> HttpResponse:
    """Which groups of events come by e-mail, in the digest, or in the inbox only; the matrix below, for everybody to read."""
    user: Any = request.user
    if request.method == "POST":
        sent = {group: request.POST.get(f"channel-{group}", "") for group in Group.values}
        known = {group: channel for group, channel in sent.items() if channel in ("", *Channel.values)}
        preferences.choose(user=user, choices=known, actor=user)
        messages.success(request, "Your choices are saved.")
        return redirect("notification_preferences")
    chosen = preferences.preferences_of(user)
    choices = [
        Choice(group, label, chosen[group], [(event, who(event)) for _, event in events_of(group)])
        for group, label in Group.choices
    ]
    context = {
        "choices": [choice for choice in choices if not choice.fixed],
        "fixed": [(event, reach) for choice in choices for event, reach in choice.events if event.locked],
        "channels": [("", "As proposed"), *Channel.choices],
        "digest_hour": preferences.digest_time(),
    }
    return render(request, "notifications/preferences.html", context)


@csrf_exempt  # a mail program posts here without a session (RFC 8058); the signed token is what allows it
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def notification_unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the e-mails of a group. Reading the page changes nothing: programs that follow links must not unsubscribe people."""
    found = preferences.read_unsubscribe(token)
    if found is None:
        return render(request, "notifications/unsubscribe.html", {"known": False}, status=404)
    user, group = found
    done = request.method == "POST"
    if done:
        preferences.unsubscribe(user=user, group=group)
    label = Group(group).label if group in Group.values else "the daily digest"
    return render(request, "notifications/unsubscribe.html", {"known": True, "label": label, "done": done})


def _back(request: HttpRequest) -> HttpResponse:
    """The same page of the same list; its address came with the form and stays within the inbox."""
    query = request.POST.get("query", "")
    place = reverse("notifications")
    return redirect(f"{place}?{query}" if query.replace("=", "").replace("&", "").isalnum() else place)
