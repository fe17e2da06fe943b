"""Icons and the logo, drawn here: 16-unit grid, 1.5 stroke, ``currentColor``, always beside a word."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

#: Path data on a 16 x 16 grid. Every icon is decoration: the word beside it carries the meaning.
ICONS: dict[str, str] = {
    "alert": "M8 2 14.5 13.5h-13zM8 6.25v3.5M8 11.6v.1",
    "arrow-down": "M8 3v10M4 9l4 4 4-4",
    "arrow-right": "M3 8h10M9 4l4 4-4 4",
    "arrow-up": "M8 13V3M4 7l4-4 4 4",
    "bell": "M3.5 11.5c1-1 1-2 1-4.5a3.5 3.5 0 0 1 7 0c0 2.5 0 3.5 1 4.5zM6.5 13.5h3",
    "check": "M3 8.5 6.5 12 13 4.5",
    "chevron-down": "M4 6l4 4 4-4",
    "clock": "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.75V8l2.25 1.5",
    "copy": "M6 5.5h7v8H6zM10 5.5v-3H3v8h3",
    "cross": "M4 4l8 8M12 4l-8 8",
    "download": "M8 2.5v7.5M4.75 7 8 10.25 11.25 7M2.5 13.5h11",
    "error": "M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM8 5v3.5M8 10.9v.1",
    "external": "M6.5 3H3v10h10V9.5M9 2.5h4.5V7M13.5 2.5 7.5 8.5",
    "eye": "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
    "file": "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3",
    "film": "M2.5 1.5h8.5l2.5 2.5v10.5h-11z"
    "M7 5c-2 0-2.5 1-2.5 2.25M9 5c2 0 2.5 1 2.5 2.25M7 9c-2 0-2.5 1-2.5 2.25M9 9c2 0 2.5 1 2.5 2.25",
    "filter": "M2 3.5h12M4.5 8h7M6.75 12.5h2.5",
    "flag": "M4 14.5v-13M4 2.5h8.5l-2 3 2 3H4",
    "hospital": "M2.5 14V4.5h11V14M1 14h14M8 6.5v4M6 8.5h4M6 4.5v-3h4v3",
    "info": "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 7.5V11M8 5v.1",
    "key": "M10.5 2a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM8 8l-5.5 5.5M4.5 11.5l2 2",
    "lock": "M3.5 7.5h9v6.5h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
    "menu": "M2 4.5h12M2 8h12M2 11.5h12",
    "minus": "M3.5 8h9",
    "moon": "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z",
    "plus": "M8 3.5v9M3.5 8h9",
    "refresh": "M13.5 8a5.5 5.5 0 1 1-1.75-4M13.5 1.5v3.25h-3.25",
    "search": "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5 14 14",
    "shield": "M8 1.5 13.5 3.5V8c0 3-2 5.25-5.5 6.5C4.5 13.25 2.5 11 2.5 8V3.5zM5.5 8l1.75 1.75L10.75 6",
    "sign-out": "M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6",
    "sun": "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6z"
    "M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
    "upload": "M8 10.5V3M4.75 6 8 2.75 11.25 6M2.5 13.5h11",
    "user": "M8 2a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM2.5 14c.5-3 2.75-4 5.5-4s5 1 5.5 4",
}

_SVG = (
    '<svg class="icon{}" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><path d="{}"/></svg>'
)


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon by name, hidden from screen readers. ``KeyError`` for an unknown name: that is a template's mistake."""
    return format_html(_SVG, f" {extra}" if extra else "", mark_safe(ICONS[name]))  # noqa: S308 (constant above)


@register.inclusion_tag("components/logo.html")
def logo(*, label: str = "GetDATA") -> dict[str, str]:
    """The mark and wordmark as one inline SVG, named ``label`` to screen readers (empty: hidden from them)."""
    return {"label": label}
