"""What a person or a client is told when something cannot be done: what happened, why, and what to do next."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response

from getdata.common.states import StaleState


class CannotDo(Exception):
    """An expected refusal of a service: ``message`` says what and why, ``remedy`` what to do next, ``code`` names it."""

    def __init__(self, message: str, *, remedy: str = "", code: str = "cannot_do") -> None:
        self.message, self.remedy, self.code = message, remedy, code
        super().__init__(message)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler plus our own refusals: 409 with ``code``, ``detail`` and ``remedy``."""
    if isinstance(error, CannotDo):
        return Response({"code": error.code, "detail": error.message, "remedy": error.remedy}, status=409)
    if isinstance(error, StaleState):
        return Response(
            {"code": "stale_state", "detail": str(error), "remedy": "Fetch the resource again."}, status=409
        )
    # Imported here: rest_framework.views imports, by the settings' names, modules that import this one.
    from rest_framework.views import exception_handler as default_handler

    return default_handler(error, context)
