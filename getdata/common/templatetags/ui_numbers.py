"""Numbers as people read them: grouped, with units, never a bare float."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


def grouped(value: float) -> str:
    """12345 -> '12,345'; floats keep up to two decimals."""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{int(value):,}"


@register.filter
def num(value: Any) -> str:
    """``{{ 12345|num }}`` -> 12,345. Anything that is no number is shown as it is; None as an en dash."""
    if value is None or value == "":
        return "–"
    try:
        return grouped(value if isinstance(value, (int, float)) else float(value))
    except (TypeError, ValueError, OverflowError):
        return str(value)


@register.filter
def percent(value: Any, digits: int = 0) -> str:
    """A share of one as a percentage: ``{{ 0.4375|percent:1 }}`` -> 43.8 %. None as an en dash."""
    try:
        return f"{float(value) * 100:.{int(digits)}f} %"
    except (TypeError, ValueError):
        return "–"


@register.filter
def bytesize(value: Any) -> str:
    """Bytes in decimal units, as disks and networks count: ``{{ 10240000|bytesize }}`` -> 10.2 MB."""
    try:
        size = float(value)
    except (TypeError, ValueError):
        return "–"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if abs(size) < 1000 or unit == "TB":
            if unit == "bytes":
                return f"{int(size)} byte{'' if int(size) == 1 else 's'}"
            return f"{size:.1f} {unit}" if size < 100 else f"{size:.0f} {unit}"
        size /= 1000
    raise AssertionError("unreachable: TB takes every size")


@register.filter
def counted(value: Any, words: str) -> str:
    """A number with its noun: ``{{ 1|counted:"image,images" }}`` -> 1 image. The plural may be left out."""
    one, _, many = words.partition(",")
    try:
        single = int(value) == 1
    except (TypeError, ValueError):
        return f"– {many or one + 's'}"
    return f"{num(value)} {one if single else (many or one + 's')}"


@register.filter
def initials(value: Any) -> str:
    """'Ada Lovelace' -> AL; 'ada@example.org' -> A; nothing -> ?"""
    parts = str(value or "").split("@")[0].replace(".", " ").replace("_", " ").split()
    if not parts:
        return "?"
    return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper()


@register.simple_tag
def short_hash(value: str, length: int = 12) -> SafeString | str:
    """The head of a digest in monospace, the whole of it on hover and to the copy button."""
    if not value:
        return "–"
    return format_html('<code class="hash" title="{}" data-copy-text="{}">{}</code>', value, value, value[:length])
