"""Telling people: one matrix says which event reaches whom and how."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone

from getdata.common.queue import enqueue
from getdata.notifications.models import Notification, OutboxMail

logger = logging.getLogger("getdata.notifications")

#: event -> (subject of the e-mail or None for inbox only). The text itself comes with the call.
EVENTS: dict[str, str | None] = {
    "organization.submitted": "An organization waits for verification",
    "organization.decided": "Your organization's verification",
    "organization.item_returned": "Your organization's verification needs a change",
    "organization.evidence_renewed": "An organization answered again",
    "invitation.created": None,  # the invitation itself goes by e-mail, with its link
    "invitation.accepted": None,
    "membership.changed": "Your place in an organization",
    "request.submitted": "A request waits for a check",
    "request.opened": "Your request is open",
    "request.returned": "Your request needs a change",
    "request.amended": "A request you offered on was amended",
    "question.asked": "A question on your request",
    "question.answered": "Your question was answered",
    "question.clarifies": "An answer clarifies a request you offered on",
    "question.hidden": None,
    "message.posted": "A message about an offer",
    "offer.submitted": "A hospital made an offer",
    "offer.decided": "An answer to your offer",
    "offer.withdrawn": None,
    "agreement.to_sign": "An agreement waits for your signature",
    "fulfillment.started": "An agreement is signed: delivery can begin",
    "fulfillment.ended": "A delivery has ended",
    "batch.sealed": "A batch waits for review",
    "batch.decided": "Your batch was reviewed",
    "batch.accepted": "Images for your request were accepted",
    "release.waits": "A release waits for a second person",
    "release.published": "A release is ready to download",
    "release.withdrawn": "A release was withdrawn",
}


def notify(*, event: str, users: Iterable[Any], text: str, url: str = "") -> None:
    """Put a line in each person's inbox and, where the matrix says so, an e-mail in the outbox.

    Call it inside the event's transaction: both are rows, and the mail is sent by a worker afterwards.
    """
    subject = EVENTS[event]
    people = {user.pk: user for user in users if user.is_active}.values()
    Notification.objects.bulk_create(Notification(user=user, event=event, text=text[:300], url=url) for user in people)
    if subject:
        body = f"{text}\n\n{settings.PUBLIC_URL}{url}\n\nGetDATA\n"
        OutboxMail.objects.bulk_create(OutboxMail(to=user.email, subject=subject, body=body) for user in people)
        enqueue("notifications.send_outbox_task")


def mail(*, to: str, subject: str, body: str) -> None:
    """Put one e-mail in the outbox for an address that has no account yet."""
    OutboxMail.objects.create(to=to, subject=subject, body=body)
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
            send_mail(message.subject, message.body, settings.DEFAULT_FROM_EMAIL, [message.to])
        except (OSError, smtplib.SMTPException) as error:
            logger.warning("mail.failed", extra={"attempts": message.attempts + 1, "error": type(error).__name__})
            pause = timezone.now() + timedelta(minutes=2**message.attempts)
            OutboxMail.objects.filter(pk=message.pk).update(not_before=pause)
            continue
        # Links in a sent mail open accounts and invitations: they do not stay behind in the database.
        OutboxMail.objects.filter(pk=message.pk).update(sent_at=timezone.now(), body="")
        sent += 1
    return sent


def mark_read(*, notification: Notification) -> None:
    """Remember when a line was first read."""
    Notification.objects.filter(pk=notification.pk, read_at=None).update(read_at=timezone.now())


def mark_all_read(*, user: Any) -> int:
    """Mark everything in a person's inbox as read. Returns how many lines were new."""
    return Notification.objects.filter(user=user, read_at=None).update(read_at=timezone.now())
