"""The OpenAPI document: valid, complete, every list paginated, every view under a scope."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from getdata.accounts.tokens import SCOPES
from getdata.api import urlpatterns


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return document


def test_the_document_validates_against_openapi(schema: dict[str, Any]) -> None:
    validate_schema(schema)
    assert len(schema["paths"]) > 30


@pytest.mark.django_db
def test_the_document_is_served() -> None:
    answer = Client().get("/api/v1/schema/", headers={"Accept": "application/json"})
    assert answer.status_code == 200


def test_every_list_is_paginated(schema: dict[str, Any]) -> None:
    bare = []
    for path, methods in schema["paths"].items():
        answer = methods.get("get", {}).get("responses", {}).get("200", {})
        for content in answer.get("content", {}).values():
            if content.get("schema", {}).get("type") == "array":
                bare.append(path)
    assert bare == []


def test_every_view_names_a_scope_that_tokens_know() -> None:
    known = {scope.split(":")[0] for scope in SCOPES}
    missing = []

    def walk(patterns: Any) -> None:
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns)
                continue
            view = getattr(pattern.callback, "cls", None)
            if view is not None and getattr(view, "scope", None) not in known:
                missing.append(f"{pattern.pattern}: {view.__name__}")

    walk(urlpatterns)
    assert missing == []
