"""A readable page of the API, drawn from the OpenAPI document itself: no third-party script is needed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from getdata.accounts.tokens import SCOPES


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """Every operation with its method, path and purpose, grouped by resource."""
    return render(request, "pages/api_docs.html", {"groups": _operations(settings.ROOT_URLCONF), "scopes": SCOPES})


@lru_cache(maxsize=2)
def _operations(urlconf: str) -> dict[str, list[dict[str, Any]]]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        group = path.removeprefix("/api/v1/").split("/")[0] or "root"
        for method, operation in methods.items():
            if method == "parameters":
                continue
            description = operation.get("summary") or operation.get("description", "").strip().split("\n")[0]
            groups.setdefault(group, []).append({"method": method.upper(), "path": path, "description": description})
    return dict(sorted(groups.items()))
