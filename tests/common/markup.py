"""Rendering a piece of template and judging the markup that comes out."""

from __future__ import annotations

from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

from django.template import engines
from django.test import RequestFactory


def show(source: str, **context: Any) -> str:
    return engines["django"].from_string("{% load ui %}" + source).render(context)


def page_of(source: str, address: str = "/", user: Any = None, **context: Any) -> str:
    request = RequestFactory().get(address)
    request.user = user or SimpleNamespace(is_authenticated=False)
    return engines["django"].from_string("{% load ui %}" + source).render(context, request)


class Balance(HTMLParser):
    """Fails on a tag that is closed without being open, and keeps all ids."""

    VOID = frozenset(
        ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
    )

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"] or "")
        self.inline += [name for name in values if name == "style" or name.startswith("on")]
        # A block of JSON-LD is data: no browser runs it, and the Content-Security-Policy does not speak of it.
        if tag == "script" and "src" not in values and values.get("type") != "application/ld+json":
            self.inline.append("script")
        if tag == "style":
            self.inline.append("style")
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack and self.stack[-1] == tag, f"</{tag}> closes {self.stack[-3:]}"
        self.stack.pop()
