"""The OpenAPI document: valid, complete, every list paginated, every view under a scope."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
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


#: What issue by issue gets examples; an operation under one of these must show its body and its answer.
SHOWN = ("requests", "offers", "agreements", "lint", "feasibilities", "hospitals", "notifications", "webhook", "saved")
#: Answers that are no document of ours.
NOT_SHOWN = {"spec_schema"}


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        if path.removeprefix("/api/v1/").startswith(SHOWN):
            for method in ("get", "post", "put", "patch", "delete"):
                if method in methods and methods[method]["operationId"] not in NOT_SHOWN:
                    yield f"{method} {path}", methods[method]


def _documents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON body of a call and of its answers, with where it stands."""
    contents = {"body": operation.get("requestBody", {}).get("content", {})}
    contents |= {status: answer.get("content", {}) for status, answer in operation["responses"].items()}
    for place, content in contents.items():
        for kind, shown in content.items():
            if kind.endswith("json"):
                yield place, shown


def test_every_call_of_the_market_shows_an_example(schema: dict[str, Any]) -> None:
    bare = [
        f"{name}: {place}"
        for name, operation in _operations(schema)
        for place, shown in _documents(operation)
        if place in ("body", "200", "201", "202") and not shown.get("examples")
    ]
    assert bare == []


def test_every_example_fits_its_schema(schema: dict[str, Any]) -> None:
    """Types, choices and formats are those of the schema, and no field is invented; an example may leave fields out."""
    known = {"components": {"schemas": _closed(schema["components"]["schemas"])}}
    faults = []
    for name, operation in _operations(schema):
        for place, shown in _documents(operation):
            for example in shown.get("examples", {}).values():
                described = {**_closed(shown["schema"]), **known}
                extra = {"confirmation", "findings"} if place == "409" else set()
                value = {k: v for k, v in example["value"].items() if k not in extra}
                found = jsonschema.Draft4Validator(described).iter_errors(value)
                faults += [f"{name} {place}: {list(error.path)} {error.message[:120]}" for error in found]
    assert faults == []


def _closed(node: Any) -> Any:
    """The schema without ``required``, without unknown properties, and with OpenAPI's ``nullable`` in JSON Schema's words."""
    if isinstance(node, list):
        return [_closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items() if key not in ("required", "nullable", "readOnly")}
    if isinstance(node.get("properties"), dict) and node.get("type") == "object":
        closed["additionalProperties"] = False
    return {"anyOf": [closed, {"type": "null"}]} if node.get("nullable") else closed
