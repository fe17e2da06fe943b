"""API tokens: made once, kept as a hash, each limited to scopes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from getdata.accounts.models import ApiToken, Membership, Organization, User
from getdata.accounts.second_factor import FACTORS, has_second_factor, must_have_second_factor, shown_at
from getdata.audit.chain import record
from getdata.common.problems import CannotDo

if TYPE_CHECKING:  # rest_framework.views imports this module by the settings' name: at run time that would be a circle
    from rest_framework.views import APIView

#: Scope -> what it allows, in the words of the page that makes tokens.
SCOPES = {
    "requests:read": "Read requests, offers and agreements",
    "requests:write": "Create and edit requests, offers and agreements",
    "deliveries:read": "Read batches, files and verdicts",
    "deliveries:write": "Create batches, upload and seal them",
    "review:write": "Review batches and prepare releases (staff)",
    "releases:read": "List and download releases",
    "releases:write": "Attest purpose, country and duties before a download",
    "webhooks:read": "Read the webhooks of organizations you own, and what was sent to them",
    "webhooks:write": "Register and change the webhooks of organizations you own",
    "account:read": "Read your own profile, organizations and their members",
    "account:write": "Create organizations, give evidence and submit them for verification",
}
#: What leads to released data: never without a second factor, by token or by session.
DOWNLOADS = "releases"
NO_SECOND_FACTOR = (
    "Released data, and what hospitals and staff work on, are open only to people with a second factor. "
    "Set up an authenticator app or a passkey on your account page, and sign in with it."
)
_PREFIX = "gd_"


def fingerprint(token: str) -> str:
    """SHA-256 (hex): the token is 32 random bytes, so a plain hash cannot be searched."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_token(*, user: User, name: str, scopes: Iterable[str], days: int = 90) -> tuple[ApiToken, str]:
    """Create a token and return it with its secret, which is shown once and never again."""
    chosen, name = sorted(set(scopes)), " ".join(name.split())
    if not 1 <= len(name) <= 80:
        raise CannotDo("Give the token a name of up to 80 characters.", code="bad_name")
    if not chosen or not set(chosen) <= set(SCOPES):
        raise CannotDo("Choose at least one of the listed scopes.", code="unknown_scope")
    if not 1 <= days <= 365:
        raise CannotDo("A token lives between 1 and 365 days.", code="bad_lifetime")
    if not has_second_factor(user) and (must_have_second_factor(user) or _downloads(chosen)):
        raise CannotDo(
            "Such a token can only be made by somebody who signs in with a second factor.",
            remedy="Set up an authenticator app or a passkey on your account page first.",
            code="second_factor_required",
        )
    secret = _PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        token_hash=fingerprint(secret),
        scopes=chosen,
        expires_at=timezone.now() + timedelta(days=days),
    )
    record(verb="apitoken.created", target=token, actor=user, data={"scopes": chosen, "days": days})
    return token, secret


def revoke_token(*, token: ApiToken, actor: User) -> None:
    """Make the token useless at once. Revoking twice changes nothing."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record(verb="apitoken.revoked", target=token, actor=actor)


def _downloads(scopes: Iterable[str]) -> bool:
    return any(scope.startswith(f"{DOWNLOADS}:") for scope in scopes)


def _with_sign_in() -> QuerySet[ApiToken]:
    """Tokens with what their person's sign-in is worth, in one query: a factor taken off stops their tokens too."""
    return ApiToken.objects.select_related("user").annotate(
        has_second_factor=Exists(Authenticator.objects.filter(user=OuterRef("user"), type__in=FACTORS)),
        is_of_hospital=Exists(
            Membership.objects.filter(user=OuterRef("user"), organization__kind=Organization.Kind.HOSPITAL)
        ),
    )


def _count_unknown(request: Request) -> None:
    """Tokens that work are never held up: behind one address of a hospital many scripts may stand."""
    key = f"unknown-tokens:{get_adapter().get_client_ip(request._request)}"
    cache.add(key, 0, settings.UNKNOWN_TOKENS_SECONDS)
    if cache.incr(key) > settings.MAX_UNKNOWN_TOKENS:
        raise Throttled(settings.UNKNOWN_TOKENS_SECONDS)


def _showed_second_factor(request: Request) -> bool:
    """A token's person has one; a session has shown it."""
    if isinstance(request.auth, ApiToken):
        return bool(getattr(request.auth, "has_second_factor", False))
    return shown_at(request._request) is not None


class ApiTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer gd_...``"""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if len(parts) != 2 or parts[0].lower() != b"bearer":
            return None
        return self.accept(parts[1].decode("latin-1"), request)

    def accept(self, secret: str, request: Request) -> tuple[User, ApiToken]:
        """Whose token it is. Raises ``AuthenticationFailed``, or ``Throttled`` for an address that tried many unknown ones."""
        token = _with_sign_in().filter(token_hash=fingerprint(secret)).first()
        if token is None or not token.is_live or not token.user.is_active:
            _count_unknown(request)
            raise AuthenticationFailed(
                "This token is unknown, expired or revoked. Make a new one on your account page."
            )
        user = token.user
        if not token.has_second_factor and (user.is_reviewer or token.is_of_hospital):  # type: ignore[attr-defined]
            raise PermissionDenied(NO_SECOND_FACTOR, code="second_factor_required")
        if token.last_used_at is None or timezone.now() - token.last_used_at > timedelta(minutes=5):
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
        token.user.acting_token_id = str(token.pk)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ScopedAccess(BasePermission):
    """Signed-in people and tokens whose scope covers the view; anonymous visitors only where ``public_read`` is True.

    A view names its scope as ``scope = "deliveries"``; reading needs ``deliveries:read``, anything else
    ``deliveries:write``.
    What each of them can see is decided by ``visible_to``, not here.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        reading = request.method in SAFE_METHODS
        if not request.user.is_authenticated:
            return bool(reading and getattr(view, "public_read", False))
        if getattr(view, "scope", None) == DOWNLOADS and not _showed_second_factor(request):
            raise PermissionDenied(NO_SECOND_FACTOR, code="second_factor_required")
        if isinstance(request.auth, ApiToken):
            scope = getattr(view, "scope", None)
            needed = f"{scope}:{'read' if reading else 'write'}"
            held = set(request.auth.scopes)
            return scope is not None and (needed in held or (reading and f"{scope}:write" in held))
        return True


class ApiTokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document describes the token."""

    target_class = "getdata.accounts.tokens.ApiTokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API token made on your account page."}
