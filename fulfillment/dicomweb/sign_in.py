"""Signing in for DICOMweb: an API token as bearer or as the password of Basic, which is what PACS can send."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from rest_framework.authentication import get_authorization_header
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from fulfillment.api.csrf_in_header import HeaderCsrfSession
from getdata.accounts.models import ApiToken, User
from getdata.accounts.tokens import ApiTokenAuthentication


class TokenOrBasic(ApiTokenAuthentication):
    """``Authorization: Bearer gd_...``, or ``Basic`` with the token as password; the name before it may be anything."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if len(parts) == 2 and parts[0].lower() == b"basic":
            return self.accept(_password(parts[1]), request)
        return super().authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="GetDATA", Basic realm="GetDATA", charset="UTF-8"'


def _password(encoded: bytes) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


SIGN_IN = [TokenOrBasic, HeaderCsrfSession]


class Unnegotiated(BaseContentNegotiation):
    """The views choose what they send; problems are JSON whatever the client accepts."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type
