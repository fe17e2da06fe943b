"""What every operation of the OpenAPI document has in common: its refusals are problems (see ``problems``), and it has examples.

An example belongs to a schema, not to an operation: whatever takes or gives an ``Offer`` shows the same one, so that a new
operation is documented when its schema is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457: what happened, why, and what to do next; `errors` say it field by field.",
    "required": ["type", "title", "status", "code", "detail", "remedy", "errors"],
    "properties": {
        "type": {"type": "string", "example": "urn:getdata:problem:offer_expired"},
        "title": {"type": "string", "example": "Not possible now"},
        "status": {"type": "integer", "example": 409},
        "code": {"type": "string", "example": "offer_expired", "description": "stable; meant for programs"},
        "detail": {"type": "string", "description": "the cause, in a sentence"},
        "remedy": {"type": "string", "description": "the cure, in a sentence; may be empty"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "pointer", "code", "message", "remedy"],
                "properties": {
                    "path": {"type": "string", "example": "cells.1.count"},
                    "pointer": {"type": "string", "example": "/cells/1/count", "description": "RFC 6901"},
                    "code": {"type": "string", "example": "min_value"},
                    "message": {"type": "string"},
                    "remedy": {"type": "string"},
                },
            },
        },
    },
}
#: Name of a schema -> an example of it. Apps add theirs with ``register_examples`` when they are ready.
_examples: dict[str, Any] = {}
_ANSWERS = {
    "400": "Not understood: `errors` names the fields.",
    "401": "No token and no session, or one that ended.",
    "403": "The token's scope or the person's role does not allow it.",
    "404": "Not there, or not visible to you.",
    "409": "Refused as things stand: `code`, `detail` and `remedy` say why and what to do.",
    "429": "Too many calls; wait as long as Retry-After says.",
}
_METHODS = ("get", "post", "put", "patch", "delete")


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: each operation's 4xx answers are problems, with their own examples kept."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for methods in result.get("paths", {}).values():
        for method in _METHODS:
            if method in methods:
                _document(methods[method], reads=method == "get")
    return result


def register_examples(examples: Mapping[str, Any]) -> None:
    """Called by an app when it is ready: ``{"Offer": {...}}``."""
    _examples.update(examples)


def add_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook: every body and answer of a schema with an example shows it, unless the view has its own."""
    for methods in result.get("paths", {}).values():
        for method in _METHODS:
            operation = methods.get(method, {})
            contents = [operation.get("requestBody", {}).get("content", {})]
            contents += [answer.get("content", {}) for answer in operation.get("responses", {}).values()]
            for content in contents:
                shown = content.get("application/json")
                if shown and "examples" not in shown and (found := _example_of(shown.get("schema", {}))) is not None:
                    shown["examples"] = {"Example": {"value": found}}
    return result


def _example_of(schema: Mapping[str, Any]) -> Any:
    name = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
    if schema.get("type") == "array":
        inner = _example_of(schema.get("items", {}))
        return None if inner is None else [inner]
    if name.startswith("Paginated") and name.endswith("List"):
        inner = _examples.get(name.removeprefix("Paginated").removesuffix("List"))
        return None if inner is None else {"count": 1, "next": None, "previous": None, "results": [inner]}
    return _examples.get(name)


def _document(operation: dict[str, Any], *, reads: bool) -> None:
    answers = operation.setdefault("responses", {})
    for status, description in _ANSWERS.items():
        if reads and status in ("400", "409"):
            continue
        before = answers.get(status, {})
        content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
        for shown in before.get("content", {}).values():
            if "examples" in shown:
                content["examples"] = shown["examples"]
        answers[status] = {
            "description": before.get("description") or description,
            "content": {"application/problem+json": content},
        }
