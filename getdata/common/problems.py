"""What a person or a client is told when something cannot be done: what happened, why, and what to do next.

Over the API every refusal is one RFC 9457 document (``application/problem+json``): ``type``, ``title``, ``status``, ``code``,
``detail`` (the cause) and ``remedy`` (the cure); ``errors`` say it field by field, each with ``path`` (dotted), ``pointer``
(RFC 6901), ``code``, ``message`` and ``remedy``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response

from getdata.common.states import StaleState

CONTENT_TYPE = "application/problem+json"
#: HTTP status -> (title, code where the error has none of its own, what to do next).
_KINDS: dict[int, tuple[str, str, str]] = {
    400: ("Not understood", "invalid", "Correct what `errors` names and send it again."),
    401: ("Who are you?", "not_authenticated", "Send a token (Authorization: Bearer …), or sign in."),
    403: ("Not allowed", "permission_denied", "Use a token with the scope that is asked for, or ask an owner."),
    404: ("Not found", "not_found", "Check the address; what you may not see looks as if it were not there."),
    405: ("Method not allowed", "method_not_allowed", "See the Allow header."),
    406: ("Not acceptable", "not_acceptable", "Ask for application/json."),
    409: ("Not possible now", "cannot_do", "Fetch the resource again to see where it stands."),
    413: ("Too large", "too_large", "Send less at once."),
    415: ("Unsupported media type", "unsupported_media_type", "Send application/json."),
    429: ("Too many calls", "throttled", "Wait as long as Retry-After says."),
}
_CURES = {
    "required": "Add it.",
    "null": "Give a value, or leave the field out.",
    "blank": "Write something, or leave the field out.",
    "does_not_exist": "Name one that you can see.",
    "not_a_list": "Send a JSON list.",
    "not_a_dict": "Send a JSON object.",
    "invalid_choice": "Choose one of the values that the API's documentation lists.",
    "max_length": "Make it shorter.",
    "min_length": "Make it longer.",
    "max_value": "Give a smaller number.",
    "min_value": "Give a larger number.",
}


class CannotDo(Exception):
    """An expected refusal of a service: ``message`` says what and why, ``remedy`` what to do next, ``code`` names it.

    ``errors`` say it field by field (``path``, ``code``, ``message``, ``remedy``) where a refusal is about several; ``extra`` are
    further members of the API's answer.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        code: str = "cannot_do",
        errors: Sequence[Mapping[str, str]] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.message, self.remedy, self.code = message, remedy, code
        self.errors, self.extra = list(errors), dict(extra or {})
        super().__init__(message)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error of the API as a problem: our own refusals as 409, the framework's with its own status."""
    if isinstance(error, CannotDo):
        return problem(
            409, code=error.code, detail=error.message, remedy=error.remedy, errors=error.errors, extra=error.extra
        )
    if isinstance(error, StaleState):
        return problem(409, code="stale_state", detail=str(error), remedy="Fetch the resource again.")
    # Imported here: rest_framework.views imports, by the settings' names, modules that import this one.
    from rest_framework.views import exception_handler as default_handler

    answer = default_handler(error, context)
    if answer is None:
        return None
    if isinstance(error, ValidationError):
        errors = list(_by_field(error.detail, ""))
        detail = f"{errors[0]['path'] or 'The body'}: {errors[0]['message']}" if errors else "The body is not valid."
        if len(errors) > 1:
            detail += f" ({len(errors) - 1} more in `errors`)"
        return problem(400, code="invalid", detail=detail, errors=errors, headers=answer.headers)
    detail, code = "", ""
    if isinstance(error, APIException):
        code = str(getattr(error.detail, "code", ""))
        detail = str(error.detail)
    status = answer.status_code
    return problem(status, code=code, detail=detail, headers=answer.headers)


def problem(
    status: int,
    *,
    code: str = "",
    detail: str = "",
    remedy: str = "",
    errors: Sequence[Mapping[str, str]] = (),
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One problem as an answer. ``code`` and ``remedy`` default to those of the status."""
    title, usual, cure = _KINDS.get(status, ("Refused", "refused", "Read the API's documentation."))
    code = code if code and code != "error" else usual
    body: dict[str, Any] = {
        "type": f"urn:getdata:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail or title,
        "remedy": remedy or ("" if status == 409 else cure),
        "errors": [{**each, "pointer": _pointer(each.get("path", ""))} for each in errors],
        **(extra or {}),
    }
    kept = {
        name: value for name, value in (headers or {}).items() if name in ("WWW-Authenticate", "Retry-After", "Allow")
    }
    return Response(body, status=status, headers=kept, content_type=CONTENT_TYPE)


def _by_field(detail: Any, path: str) -> Iterator[dict[str, str]]:
    """Every leaf of the framework's nested errors with the place it is about."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            place = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
            yield from _by_field(inner, place)
    elif isinstance(detail, ErrorDetail):
        code = str(detail.code)
        yield {"path": path, "code": code, "message": str(detail), "remedy": _CURES.get(code, "Correct the value.")}
    elif isinstance(detail, list | tuple):
        nested = any(isinstance(inner, Mapping) for inner in detail)
        for index, inner in enumerate(detail):
            yield from _by_field(inner, f"{path}.{index}" if nested else path)
    else:
        yield {"path": path, "code": "invalid", "message": str(detail), "remedy": "Correct the value."}


def _pointer(path: str) -> str:
    """A dotted path as a JSON Pointer (RFC 6901)."""
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path.split(".") if part)
