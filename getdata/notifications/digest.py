"""The daily digest: one e-mail a person with what did not need an e-mail of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from getdata.notifications.matrix import Group
from getdata.notifications.models import Notification
from getdata.notifications.preferences import ALL_DIGESTS, unsubscribe_address
from getdata.notifications.services import mail

#: Lines named in one digest; of more it says how many.
SHOWN = 50


def latest_cut(now: datetime) -> datetime:
    """The last time the clock of the portal struck the hour of the digest."""
    local = timezone.localtime(now)
    cut = local.replace(hour=settings.DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return cut if cut <= local else cut - timedelta(days=1)


def send_digests(now: datetime | None = None) -> int:
    """Write the digest of everyone who has unread lines from before the last cut. Returns how many.

    Running it often or late changes nothing: a line is told once, and a clock that stood still is caught up with.
    """
    cut = latest_cut(now or timezone.now())
    waiting = Notification.objects.filter(digest=True, digested_at=None, created_at__lt=cut)
    waiting.filter(read_at__isnull=False).update(digested_at=timezone.now())  # read meanwhile: nothing to tell
    people = list(waiting.order_by().values_list("user", flat=True).distinct())
    return sum(_send_one(user, cut) for user in people)


def _send_one(user_id: UUID, cut: datetime) -> bool:
    with transaction.atomic():
        user = get_user_model()._default_manager.select_for_update().filter(pk=user_id).first()
        lines = list(
            Notification.objects.filter(user_id=user_id, digest=True, digested_at=None, created_at__lt=cut).order_by(
                "group", "created_at"
            )
        )
        if user is None or not lines:
            return False  # another worker was faster
        Notification.objects.filter(pk__in=[line.pk for line in lines]).update(digested_at=timezone.now())
        if not user.is_active:
            return False
        stop = unsubscribe_address(user, ALL_DIGESTS)
        count = len(lines)
        subject = "GetDATA: one thing happened" if count == 1 else f"GetDATA: {count} things happened"
        mail(to=user.email, subject=subject, body=_body(lines, stop), unsubscribe=stop)
    return True


def _body(lines: list[Notification], stop: str) -> str:
    parts: list[str] = []
    group = None
    for line in lines[:SHOWN]:
        if line.group != group:
            group = line.group
            parts.append(f"\n{Group(group).label if group in Group.values else 'Other'}\n")
        parts.append(f"- {line.text}\n  {settings.PUBLIC_URL}{line.url}\n")
    if len(lines) > SHOWN:
        parts.append(f"\nand {len(lines) - SHOWN} more: {settings.PUBLIC_URL}{reverse('notifications')}\n")
    page = f"{settings.PUBLIC_URL}{reverse('notification_preferences')}"
    return "".join(parts).strip() + f"\n\nGetDATA\n\nWhich e-mails you get: {page}\nNo more digests: {stop}\n"
