"""Blocks around content of the page's own: callouts, tables, empty states, code, steps."""

from __future__ import annotations

import itertools
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()

#: Ids within pages need only differ from each other; a counter that wraps keeps them short.
_serial = itertools.count(1)

_CALLOUTS = {
    "info": ("info", "Note"),
    "good": ("check", "Done"),
    "warn": ("alert", "Warning"),
    "danger": ("error", "Stop"),
}


def _render(name: str, context: dict[str, Any]) -> SafeString:
    return SafeString(render_to_string(f"components/{name}.html", context))


def unique_id(prefix: str) -> str:
    """An id no other component of the page has."""
    return f"{prefix}-{next(_serial) % 1_000_000}"


@register.simple_block_tag
def callout(content: str, kind: str = "info", title: str = "") -> SafeString:
    """Something to know before going on. ``kind``: info, good, warn, danger. Its meaning is also said in words."""
    icon, word = _CALLOUTS[kind]
    return _render("callout", {"content": content, "kind": kind, "icon": icon, "word": word, "title": title})


@register.simple_block_tag
def empty_state(content: str, title: str, *, icon: str = "film", level: int = 2) -> SafeString:
    """An empty list that says why it is empty and what to do: paragraphs, then ``<div class="actions">``."""
    return _render("empty_state", {"content": content, "title": title, "icon": icon, "level": level})


@register.simple_block_tag
def table(
    content: str,
    caption: str,
    *,
    hint: str = "",
    caption_hidden: bool = False,
    scroll: bool = False,
    dense: bool = False,
    classes: str = "",
) -> SafeString:
    """A table around ``<thead>`` and ``<tbody>``. Cells with ``data-label`` stack on a phone, unless ``scroll``."""
    return _render(
        "table",
        {
            "content": content,
            "caption": caption,
            "hint": hint,
            "caption_hidden": caption_hidden,
            "scroll": scroll,
            "dense": dense,
            "classes": classes,
            "ident": unique_id("table"),
        },
    )


@register.simple_block_tag
def code_block(content: str, label: str = "Code") -> SafeString:
    """Code or a command with a copy button. ``label`` names the region to screen readers."""
    return _render("code_block", {"content": content.strip("\n"), "label": label, "ident": unique_id("code")})


@register.simple_block_tag
def steps(content: str, label: str, *, vertical: bool = False) -> SafeString:
    """Where something stands on its way: an ordered list of ``{% step %}``s, beside or below each other."""
    return _render("steps", {"content": content, "label": label, "vertical": vertical})


@register.inclusion_tag("components/step.html")
def step(title: str, state: str = "todo", *, detail: str = "", when: Any = None, href: str = "") -> dict[str, Any]:
    """One step. ``state``: done, current, todo, blocked; ``detail`` says who or what; ``when`` is a time."""
    words = {"done": "Done", "current": "In progress", "todo": "Not started", "blocked": "Blocked"}
    return {"title": title, "state": state, "word": words[state], "detail": detail, "when": when, "href": href}


@register.simple_block_tag
def section(content: str, title: str, *, level: int = 2, ident: str = "") -> SafeString:
    """A titled part of a page, under a rule."""
    return _render("section", {"content": content, "title": title, "level": level, "ident": ident or unique_id("part")})


@register.inclusion_tag("components/progress.html")
def progress(value: float, maximum: float, label: str, *, unit: str = "", detail: str = "") -> dict[str, Any]:
    """A bar with its numbers in words: 'Processing — 812 of 1,000 files'."""
    return {"value": value, "maximum": maximum, "label": label, "unit": unit, "detail": detail}
