"""What holds for every request of somebody who is signed in: staff and members of hospitals have shown a second factor."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from getdata.accounts.models import User
from getdata.accounts.second_factor import ask_for_second_factor, came_from, must_have_second_factor, shown_at

#: Open without a second factor: what leads to one, what one's sign-in consists of, and what everybody reads anyway.
OPEN_PREFIXES = ("account_", "mfa_", "usersessions_")
OPEN_NAMES = frozenset(
    {
        "second_step", "still_here",
        "home", "about_deid", "quality_guide", "api_docs", "api_schema", "healthz", "readyz", "metrics", "robots",
        "sitemap", "sitemap_pages", "sitemap_requests", "signing_public_key", "invitation_accept", "saved_search_stop",
    }
)  # fmt: skip
#: Named like allauth's own, but ours and not open.
NOT_OPEN = frozenset({"account_settings"})


def is_open(name: str) -> bool:
    """Whether the address of this name is reached without a second factor."""
    return name in OPEN_NAMES or (name.startswith(OPEN_PREFIXES) and name not in NOT_OPEN)


class SecondFactorMiddleware:
    """Leads staff and members of hospitals, whose session has shown no second factor, to the page that says why and how.

    Sessions only: what comes with a token is judged by ``getdata.accounts.tokens``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponseBase | None:
        if not request.session.get("_auth_user_id") or shown_at(request) is not None:
            return None
        user, match = request.user, request.resolver_match
        if not isinstance(user, User) or is_open((match and match.url_name) or "") or not must_have_second_factor(user):
            return None
        here = request.get_full_path() if request.method in ("GET", "HEAD") else came_from(request)
        return ask_for_second_factor(request, "must", back_to=here)
