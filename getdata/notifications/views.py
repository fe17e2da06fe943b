"""The in-app inbox. Everybody sees their own lines and nobody else's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from getdata.notifications.models import Notification
from getdata.notifications.services import mark_all_read, mark_read


def _mine(request: HttpRequest) -> QuerySet[Notification]:
    user: Any = request.user
    return Notification.objects.filter(user=user)


@login_required
@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """The inbox, newest first; ``?show=unread`` for what was not read yet."""
    mine = _mine(request)
    unread_only = request.GET.get("show") == "unread"
    found = mine.filter(read_at=None) if unread_only else mine
    page = Paginator(found, 25).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "unread_only": unread_only,
        "total": mine.count(),
        "unread": mine.filter(read_at=None).count(),
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


def _back(request: HttpRequest) -> HttpResponse:
    """The same page of the same list; its address came with the form and stays within the inbox."""
    query = request.POST.get("query", "")
    place = reverse("notifications")
    return redirect(f"{place}?{query}" if query.replace("=", "").replace("&", "").isalnum() else place)
