"""Which channel a person wants for which group of events, and the signed link that stops a group from an e-mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.urls import reverse

from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.notifications.matrix import Channel, Event, Group, events_of
from getdata.notifications.models import Notification, Preference

_SALT = "getdata.notifications.unsubscribe"
#: Everything of the daily digest at once.
ALL_DIGESTS = "digest"


def channels_of(people: Iterable[Any], event: Event) -> dict[UUID, str]:
    """By which channel each person is told of the event."""
    keys = [user.pk for user in people]
    channels: dict[UUID, str] = dict.fromkeys(keys, event.channel)
    if not event.locked:
        chosen = Preference.objects.filter(user__in=keys, group=event.group).values_list("user", "channel")
        channels.update(dict(chosen))
    return channels


def preferences_of(user: Any) -> dict[str, str]:
    """What the person chose: group -> channel, or empty where each event keeps its own."""
    chosen: dict[str, str] = dict.fromkeys(Group.values, "")
    chosen.update(dict(Preference.objects.filter(user=user).values_list("group", "channel")))
    return chosen


def choose(*, user: Any, choices: Mapping[str, str], actor: Any) -> None:
    """Set channels by group; an empty channel goes back to the events' own. Raises ``CannotDo`` for unknown words."""
    for group, channel in choices.items():
        if group not in Group.values or channel not in ("", *Channel.values):
            raise CannotDo(
                "There is no such choice.",
                remedy="Choose a group and a channel that are listed.",
                code="unknown_choice",
            )
    before = preferences_of(user)
    changed = {str(group): str(channel) for group, channel in choices.items() if before[group] != channel}
    for group, channel in changed.items():
        if channel:
            Preference.objects.update_or_create(user=user, group=group, defaults={"channel": channel})
        else:
            Preference.objects.filter(user=user, group=group).delete()
    if changed:
        record(verb="notifications.chosen", target=user, actor=actor, data=changed)


def digest_time() -> str:
    """When the digest is written, as people read it: ``07:00 UTC``."""
    return f"{settings.DIGEST_HOUR:02}:00 {settings.TIME_ZONE}"


def unsubscribe_address(user: Any, group: str) -> str:
    """The address that stops the e-mails of a group: it works without signing in and for nothing else."""
    token = signing.dumps([str(user.pk), str(group)], salt=_SALT, compress=True)
    return f"{settings.PUBLIC_URL}{reverse('notification_unsubscribe', args=[token])}"


def read_unsubscribe(token: str) -> tuple[Any, str] | None:
    """The person and the group of a token, or None for one that we did not sign."""
    try:
        pk, group = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    user = get_user_model()._default_manager.filter(pk=pk).first()
    return (user, group) if user is not None else None


def unsubscribe(*, user: Any, group: str) -> None:
    """Stop the e-mails of a group; the lines go on to appear in the inbox."""
    if group != ALL_DIGESTS:
        choose(user=user, choices={group: Channel.INBOX}, actor=user)
        return
    Notification.objects.filter(user=user, digest=True, digested_at=None).update(digest=False)
    choose(user=user, choices=dict.fromkeys(_digested_groups(user), Channel.INBOX), actor=user)


def _digested_groups(user: Any) -> list[str]:
    """The groups whose events reach this person by the digest: chosen so, or so by themselves."""
    return [
        group
        for group, chosen in preferences_of(user).items()
        if chosen == Channel.DIGEST
        or (not chosen and any(event.channel == Channel.DIGEST for _, event in events_of(group)))
    ]
