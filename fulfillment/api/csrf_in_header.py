"""Signing in for requests whose body must not be read yet."""

from __future__ import annotations

import copy
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from getdata.accounts.tokens import ApiTokenAuthentication


class HeaderCsrfSession(SessionAuthentication):
    """A browser's session, with its CSRF token in the header ``X-CSRFToken`` only.

    Django looks into a POST's form first, and that would read the whole body before it is known whether it is welcome.
    """

    def enforce_csrf(self, request: Request) -> None:
        without_form = copy.copy(getattr(request, "_request", request))
        without_form.method = "PATCH"  # any unsafe method but POST: its form is not looked at
        super().enforce_csrf(without_form)  # type: ignore[arg-type]


HEADER_AUTHENTICATION = [ApiTokenAuthentication, HeaderCsrfSession]


class HeaderCsrfSessionScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document describes it: the session's cookie, as elsewhere."""

    target_class = "fulfillment.api.csrf_in_header.HeaderCsrfSession"
    name = "cookieAuthHeaderCsrf"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "getdata_session"}
