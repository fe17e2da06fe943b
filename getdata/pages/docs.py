"""A readable page of the API, drawn from the OpenAPI document itself: no third-party script is needed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from getdata.accounts.tokens import SCOPES

#: The order in which a delivery meets them; what is not named comes last, by name.
_ORDER = (
    "requests", "offers", "agreements", "fulfillments", "batches", "uploads", "files", "images", "review", "releases",
    "organizations",
)  # fmt: skip
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_CODE = re.compile(r"``?([^`]+)``?")


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """Every operation with its method, path and purpose, grouped by resource."""
    return render(request, "pages/api_docs.html", {"groups": _operations(settings.ROOT_URLCONF), "scopes": SCOPES})


@lru_cache(maxsize=2)
def _operations(urlconf: str) -> list[dict[str, Any]]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        group = path.removeprefix("/api/v1/").split("/")[0] or "root"
        for method, operation in methods.items():
            if method.upper() in _METHODS:
                text = operation.get("summary") or operation.get("description", "").strip().split("\n")[0]
                groups.setdefault(group, []).append(
                    {"method": method.upper(), "path": path, "description": text, "html": _with_code(text)}
                )
    names = sorted(groups, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    return [{"name": name, "title": name.replace("-", " ").capitalize(), "calls": groups[name]} for name in names]


def _with_code(text: str) -> SafeString:
    """A docstring's words as HTML: what stands between backticks is code."""
    return mark_safe(_CODE.sub(r"<code>\1</code>", str(conditional_escape(text))))  # noqa: S308 (escaped first)
