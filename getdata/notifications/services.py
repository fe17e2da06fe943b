"""Telling people: the matrix says which event reaches whom, each person by which channel."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from getdata.common.queue import enqueue
from getdata.notifications.matrix import EVENTS, ROLES, Channel, Event
from getdata.notifications.models import Notification, OutboxMail
from getdata.notifications.preferences import channels_of, unsubscribe_address

logger = logging.getLogger("getdata.notifications")


def notify(
    *,
    event: str,
    text: str,
    url: str = "",
    users: Iterable[Any] = (),
    parties: Mapping[str, Any] | None = None,
    but: Any = None,
    body: str = "",
    stop: str = "",
    inbox_only: bool = False,
) -> None:
    """Put a line in each person's inbox and, by the channel of event and person, an e-mail in the outbox or in the digest.

    ``parties`` (``{"hospital": organization}``) are turned into people by the matrix; ``users`` are named by the caller;
    ``but`` is whoever caused the event and need not be told. Call it inside the event's transaction: all are rows, and a worker
    sends the mail afterwards. ``text`` goes into e-mails: titles and names of organizations, nothing that a person wrote.
    ``body`` is an e-mail's own text with its own links, ``stop`` the address that stops it; ``inbox_only`` sends none now.
    """
    row = EVENTS[event]
    found = {user.pk: user for user in users if user.is_active}
    found |= {user.pk: user for user in reached(row, parties or {})}
    if but is not None:
        found.pop(but.pk, None)
    people = list(found.values())
    channels = channels_of(people, row)
    Notification.objects.bulk_create(
        Notification(
            user=user,
            event=event,
            group=row.group,
            text=text[:300],
            url=url,
            digest=channels[user.pk] == Channel.DIGEST,
        )
        for user in people
    )
    mailed = [user for user in people if channels[user.pk] == Channel.MAIL and not inbox_only]
    if mailed:
        OutboxMail.objects.bulk_create(
            OutboxMail(to=user.email, subject=row.subject, body=body, unsubscribe=stop)
            if body
            else _mail_of(user, row, text, url)
            for user in mailed
        )
        enqueue("notifications.send_outbox_task")


def reached(event: Event, parties: Mapping[str, Any]) -> QuerySet[Any]:
    """The active people whom the matrix names: members of each party whose role holds the capability.

    Raises ``ValueError`` for a party that the event does not reach: the matrix and the caller disagree.
    """
    unknown = set(parties) - {party for party, _ in event.reaches}
    if unknown:
        raise ValueError(f"the matrix does not send “{event.subject}” to {', '.join(sorted(unknown))}")
    people: QuerySet[Any] = get_user_model()._default_manager.filter(is_active=True)
    found = people.none()
    for party, capability in event.reaches:
        if party in parties:
            found = found | people.filter(
                memberships__organization=parties[party], memberships__role__in=ROLES[capability]
            )
    return found.distinct()


def _mail_of(user: Any, event: Event, text: str, url: str) -> OutboxMail:
    stop = "" if event.locked else unsubscribe_address(user, event.group)
    settings_page = f"{settings.PUBLIC_URL}{reverse('notification_preferences')}"
    footer = f"Which e-mails you get: {settings_page}\n"
    if stop:
        footer += f"No more e-mails about “{event.group.label}”: {stop}\n"
    body = f"{text}\n\n{settings.PUBLIC_URL}{url}\n\nGetDATA\n\n{footer}"
    return OutboxMail(to=user.email, subject=event.subject, body=body, unsubscribe=stop)


def mail(*, to: str, subject: str, body: str, unsubscribe: str = "") -> None:
    """Put one e-mail in the outbox, for an address without an account or of a kind of its own."""
    OutboxMail.objects.create(to=to, subject=subject, body=body, unsubscribe=unsubscribe)
    enqueue("notifications.send_outbox_task")


def send_outbox(*, limit: int = 100) -> int:
    """Send what waits, oldest first. Returns how many went.

    A sender holds a mail for ten minutes, so that two workers do not send it twice; a failure is tried again after a pause that
    grows, ten times in all.
    """
    sent = 0
    waiting = OutboxMail.objects.filter(sent_at=None, attempts__lt=10, not_before__lte=timezone.now())
    for message in waiting[:limit]:
        hold = timezone.now() + timedelta(minutes=10)
        claimed = OutboxMail.objects.filter(pk=message.pk, attempts=message.attempts, not_before=message.not_before)
        if not claimed.update(attempts=message.attempts + 1, not_before=hold):
            continue  # another worker has it
        try:
            send_mail(message)
        except (OSError, smtplib.SMTPException) as error:
            logger.warning("mail.failed", extra={"attempts": message.attempts + 1, "error": type(error).__name__})
            pause = timezone.now() + timedelta(minutes=2**message.attempts)
            OutboxMail.objects.filter(pk=message.pk).update(not_before=pause)
            continue
        # Links in a sent mail open accounts and invitations: they do not stay behind in the database.
        OutboxMail.objects.filter(pk=message.pk).update(sent_at=timezone.now(), body="", unsubscribe="")
        sent += 1
    return sent


def send_mail(message: OutboxMail) -> None:
    """Hand one e-mail to the mail server, with the headers by which a mail program stops it in one click (RFC 8058)."""
    headers = {}
    if message.unsubscribe:
        headers = {
            "List-Unsubscribe": f"<{message.unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    EmailMessage(message.subject, message.body, settings.DEFAULT_FROM_EMAIL, [message.to], headers=headers).send()


def mark_read(*, notification: Notification) -> None:
    """Remember when a line was first read."""
    Notification.objects.filter(pk=notification.pk, read_at=None).update(read_at=timezone.now())


def mark_all_read(*, user: Any) -> int:
    """Mark everything in a person's inbox as read. Returns how many lines were new."""
    return Notification.objects.filter(user=user, read_at=None).update(read_at=timezone.now())
