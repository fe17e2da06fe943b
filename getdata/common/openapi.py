"""What every operation of the OpenAPI document has in common: its refusals are problems (see ``problems``)."""

from __future__ import annotations

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
