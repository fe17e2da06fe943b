"""Every address of the portal, asked by everybody: a page, a redirect or a refusal, and never a fault of the server."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from fulfillment import ledger
from tests.factories import AdministratorFactory, HospitalFactory, ReviewerFactory, UserFactory, member
from tests.support.pages import problems

pytestmark = pytest.mark.django_db
#: One value for each kind of parameter; nothing in an empty portal has it.
VALUES = {
    "uuid": str(uuid.UUID(int=7)),
    "slug": "nothing-here",
    "str": "nothing-here",
    "int": "7",
    "path": "nothing/here",
}
#: Addresses in regular expressions, of allauth and of the API's router, by the name of the group.
REGEX_VALUES = {"pk": VALUES["uuid"], "uidb36": "1", "format": "json"}
_GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)")
#: The others ask everywhere in tests/security/test_permission_matrix.py, without drawing the pages.
PEOPLE = ("visitor", "hospital", "administrator")


def addresses() -> list[str]:
    return sorted(set(_walk(get_resolver().url_patterns, "/")))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for entry in patterns:
        part = str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns, _with_values(prefix + part, entry))
        else:
            yield _filled(prefix + part, entry)


def _filled(route: str, entry: URLPattern) -> str:
    route = _GROUP.sub(lambda group: REGEX_VALUES.get(group[1], "nothing-here"), _with_values(route, entry))
    return re.sub(r"[\^$\\]", "", route).replace("/?", "/")


def _with_values(route: str, entry: URLPattern | URLResolver) -> str:
    for name, converter in getattr(entry.pattern, "converters", {}).items():
        kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
        route = route.replace(f"<{kind}:{name}>", VALUES[kind]).replace(f"<{name}>", VALUES[kind])
    return route


def signed_in(who: str) -> Client:
    client = Client(raise_request_exception=False)
    if who != "visitor":
        person: Any = {
            "person": UserFactory.create,
            "hospital": lambda: member(HospitalFactory.create()),
            "reviewer": ReviewerFactory.create,
            "administrator": AdministratorFactory.create,
        }[who]()
        client.force_login(person)
    return client


def test_the_list_is_complete_and_without_gaps() -> None:
    known = addresses()
    assert len(known) > 120
    assert [route for route in known if set("<>()^$") & set(route)] == []
    assert {"/", "/review/", "/accounts/2fa/", "/accounts/password/reset/", "/api/v1/requests/"} <= set(known)


@pytest.mark.parametrize("who", PEOPLE)
def test_no_address_ends_in_a_fault(who: str) -> None:
    client, faults = signed_in(who), []
    ledger.sweep()  # a portal whose sweeper never ran is not ready, and says so with 503
    for address in addresses():
        if address == "/accounts/logout/":
            continue
        for method in ("get", "post"):
            answer = getattr(client, method)(address)
            if answer.status_code >= 500:
                faults.append(f"{method} {address} answered {answer.status_code}")
            elif answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
                faults += [f"{method} {address}: {problem}" for problem in problems(answer.content.decode())]
    assert faults == []
