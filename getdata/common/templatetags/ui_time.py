"""Times: how long ago in the text, exactly when on hover and for machines."""

from __future__ import annotations

import datetime as dt

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def exact(value: dt.datetime | dt.date) -> str:
    """'3 March 2026, 14:05 UTC', or the date alone when there is no time."""
    text = f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
    if isinstance(value, dt.datetime):
        text += f", {value:%H:%M}"
        if value.tzinfo is not None:
            text += f" {value.tzname()}"
    return text


def short(value: dt.datetime | dt.date) -> str:
    """'3 Mar 2026'."""
    return f"{value.day} {_MONTHS[value.month - 1][:3]} {value.year}"


def relative(value: dt.datetime | dt.date, now: dt.datetime | dt.date) -> str:
    """How long ago, or in how long; beyond 30 days the date itself. The words match static/js/times.js."""
    if isinstance(value, dt.datetime) and isinstance(now, dt.datetime):
        seconds = (now - value).total_seconds()
        size = abs(seconds)
        if size < 45:
            return "just now"
        for limit, unit, length in ((_HOUR, "minute", _MINUTE), (_DAY, "hour", _HOUR), (30 * _DAY, "day", _DAY)):
            if size < limit:
                return _with_direction(max(1, int(size // length)), unit, past=seconds >= 0)
        return short(value)
    days = (_date(now) - _date(value)).days
    if days == 0:
        return "today"
    if abs(days) < 30:
        return _with_direction(abs(days), "day", past=days > 0)
    return short(value)


def _with_direction(count: int, unit: str, *, past: bool) -> str:
    text = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{text} ago" if past else f"in {text}"


def _date(value: dt.datetime | dt.date) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value


def _local(value: dt.datetime | dt.date) -> dt.datetime | dt.date:
    return timezone.localtime(value) if isinstance(value, dt.datetime) and timezone.is_aware(value) else value


def _now_for(value: dt.datetime | dt.date) -> dt.datetime | dt.date:
    if not isinstance(value, dt.datetime):
        return timezone.localdate()
    return timezone.now() if timezone.is_aware(value) else dt.datetime.now()  # as naive as the value


@register.simple_tag
def ago(value: dt.datetime | dt.date | None, none: str = "never") -> SafeString | str:
    """``<time>`` saying '5 minutes ago' or 'in 3 days', with the exact time on hover. ``none`` stands for no time."""
    if not value:
        return none
    value = _local(value)
    live = " data-ago" if isinstance(value, dt.datetime) else ""
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        value.isoformat(),
        exact(value),
        live,
        relative(value, _now_for(value)),
    )


@register.simple_tag
def when(value: dt.datetime | dt.date | None, none: str = "not yet") -> SafeString | str:
    """``<time>`` saying exactly when, with how long ago on hover: for documents, evidence and print."""
    if not value:
        return none
    value = _local(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), relative(value, _now_for(value)), exact(value)
    )


@register.simple_tag
def due(value: dt.datetime | dt.date | None, none: str = "no due time") -> SafeString | str:
    """A deadline: 'due in 3 days', or 'overdue since ...' in the bad tone with a triangle."""
    from getdata.common.templatetags.ui_states import state

    if not value:
        return none
    value = _local(value)
    now = _now_for(value)
    late = value < now  # type: ignore[operator]  # both are dates or both are datetimes
    text = relative(value, now)
    time = format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        value.isoformat(),
        exact(value),
        " data-ago" if isinstance(value, dt.datetime) else "",
        text,
    )
    if late:
        return format_html("{} {}", state("overdue", bare=True), time)
    return format_html("due {}", time)
