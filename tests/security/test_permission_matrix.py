"""Who reaches what: every address x every person, against what ``permission_rules.txt`` declares. One market serves all.

A rule is a line ``route | METHOD=people METHOD=people``: the letters (``matrix_stage.PEOPLE``) of those whom the address lets in with
a thing of the market in its path. Let in means a page, a file, a form with its errors, or a refusal that is not about who one is.
Not let in means the sign-in page, 401, 403, 404, or "your role does not allow this". A route without a rule fails, and so does
a rule without a route; a new address is declared by hand, after thinking who it is for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from fulfillment import ledger
from getdata.audit.models import AuditEvent
from tests.pages.test_every_address import REGEX_VALUES, VALUES
from tests.security.matrix_stage import PEOPLE, Market, market

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]
RULES = Path(__file__).with_name("permission_rules.txt")
#: Refusals that are about who one is, in an API's code or on a page.
ABOUT_ME = {"role_lacks_capability", "staff_only", "own_organization", "second_factor_required", "not_yours"}
_ABOUT_ME = re.compile("role in .* does not allow|Only GetDATA staff|You belong to|Only the person")
#: What must not be tried on a session that goes on, and what says nothing of rights.
SKIPPED = {"accounts/logout/"}
PROVE_IT = ("/accounts/login/", "/accounts/2fa/authenticate/", "/accounts/2fa/reauthenticate/", "/account/second-step/")
_GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)")
_CONVERTER = re.compile(r"<(?:(\w+):)?(\w+)>")


def routes() -> dict[str, tuple[str, ...]]:
    """Every route as it is declared, with the methods its view takes."""
    return {route: _methods(entry) for route, entry in _walk(get_resolver().url_patterns, "") if route not in SKIPPED}


def test_no_two_pages_share_a_name() -> None:
    """Of two routes with one name and the same keys, every link to it leads to the last."""
    entries = [(entry, _keys(route)) for route, entry in _walk(get_resolver().url_patterns, "") if entry.name]
    own = ("fulfillment", "getdata", "requests_app")
    named = Counter((entry.name, keys) for entry, keys in entries if entry.callback.__module__.startswith(own))
    assert [name for name, count in named.items() if count > 1 and not str(name[0]).startswith("api-")] == []


def _keys(route: str) -> frozenset[str]:
    return frozenset(re.findall(r"<(?:\w+:)?(\w+)>", route))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns, route)
        else:
            yield route, entry


def _methods(entry: URLPattern) -> tuple[str, ...]:
    view: Any = entry.callback
    actions = getattr(view, "actions", None)
    if actions:
        return tuple(sorted(method.upper() for method in actions if method != "head"))
    of_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if of_class is None or (hasattr(view, "view_class") and not hasattr(view, "cls")):
        return ("GET", "POST")
    known = ("get", "post", "put", "patch", "delete")
    return tuple(m.upper() for m in known if hasattr(of_class, m) and m in of_class.http_method_names)


def address(route: str, keys: dict[str, str]) -> str:
    """The route with a thing of the market wherever it takes a key."""
    plain = re.sub(r"[\^$\\]", "", _GROUP.sub(r"<\1>", route)).replace("/?", "/")
    filled: list[str] = []
    for part in plain.split("/"):
        word = filled[-1] if filled else ""
        if word == "deliveries" and "webhooks" in filled:
            word = "deliveries of webhooks"
        if word == "batches" and "review" in filled:
            word = "review batches"
        value = keys.get(word)

        def of_converter(found: re.Match[str], value: str | None = value) -> str:
            return value or (VALUES[found[1]] if found[1] else REGEX_VALUES.get(found[2], "nothing-here"))

        filled.append(_CONVERTER.sub(of_converter, part))
    return "/" + "/".join(filled)


def let_in(answer: Any) -> bool:
    if answer.status_code in (401, 403, 404, 405):
        return False
    if answer.status_code in (301, 302):
        place = answer["Location"]
        if place.startswith(
            (
                "/accounts/login/",
                "/accounts/2fa/authenticate/",
                "/accounts/2fa/reauthenticate/",
                "/account/second-step/",
            )
        ):
            return False
        return not any(_ABOUT_ME.search(str(message)) for message in get_messages(answer.wsgi_request))
    if answer.status_code == 409 and "json" in answer["Content-Type"]:
        return answer.json().get("code") not in ABOUT_ME
    return True


def observed(stage: Market, known: dict[str, tuple[str, ...]]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """route -> method -> letters of those let in; and what went wrong on the way.

    Owners and viewers of both sides, strangers and staff ask everywhere; the roles between ask where owner and viewer differ.
    """
    found: dict[str, dict[str, str]] = {route: dict.fromkeys(methods, "") for route, methods in known.items()}
    faults: list[str] = []
    last = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    def walk(letter: str, differ: str = "") -> None:
        client, person = Client(raise_request_exception=False), stage.people[letter]
        if person is not None:
            client.force_login(person)
        for route, methods in known.items():
            place = address(route, stage.keys)
            for method in methods:
                if letter not in _asking(route):
                    continue
                if differ and len(set(differ) & set(found[route][method])) != 1:
                    continue
                answer, verbs = asked(client, method, place, last)
                if answer.status_code >= 500 and answer.status_code != 503:
                    faults.append(f"{method} {place} by {PEOPLE[letter]}: {answer.status_code}")
                if let_in(answer):
                    found[route][method] += letter
                elif [verb for verb in verbs if not verb.endswith((".refused", ".blocked"))]:
                    faults.append(f"{method} {place} by {PEOPLE[letter]}: refused, and yet recorded {verbs}")

    for letter in "vnrOWowxa":
        walk(letter)
    for letter in "SDR":
        walk(letter, "OW")
    for letter in "spd":
        walk(letter, "ow")
    return found, faults


def _asking(route: str) -> str:
    """Who asks: allauth's pages are about oneself alone; a place without a key is the same for all members of a side."""
    if route.startswith("accounts/"):
        return "vn"
    return "vnrOWowxaSDRspd" if "<" in route else "vnOoxa"


def asked(client: Client, method: str, place: str, last: int) -> tuple[Any, list[str]]:
    """The answer to one call and what it recorded; whatever it changed is taken back."""
    client.cookies.pop("messages", None)  # pages are not drawn here, so nobody has read the last one's
    with transaction.atomic():
        if method == "GET":
            answer: Any = client.get(place)
        elif place.startswith(("/api/", "/dicomweb/")):
            answer = client.generic(method, place, "{}", content_type="application/json")
        else:
            answer = client.post(place)
        verbs = list(AuditEvent.objects.filter(pk__gt=last).values_list("verb", flat=True)) if method != "GET" else []
        transaction.set_rollback(True)
    return answer, verbs


@pytest.fixture
def _pages_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights are judged before a page is drawn; how pages look is judged in tests/pages/test_every_address.py."""
    monkeypatch.setattr("django.template.backends.django.Template.render", lambda *_, **__: "")


def declared() -> dict[str, dict[str, str]]:
    """The table of rules."""
    rules: dict[str, dict[str, str]] = {}
    for line in RULES.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        route, _, said = line.rpartition(" | ")
        rules[route.strip()] = dict(each.split("=", 1) for each in said.split())
    return rules


def written(found: dict[str, dict[str, str]]) -> str:
    """The table as text: what a person then reads line by line."""
    lines = []
    for route, methods in sorted(found.items()):
        said = " ".join(f"{method}={letters or '-'}" for method, letters in methods.items())
        lines.append(f"{route} | {said}")
    return "\n".join(lines) + "\n"


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    known, rules = routes(), declared()
    assert sorted(set(known) - set(rules)) == [], "declare who may reach these, in tests/security/permission_rules.txt"
    assert sorted(set(rules) - set(known)) == [], "these routes are gone"
    assert {route: tuple(methods) for route, methods in rules.items()} == known, "a view takes other methods now"


@pytest.mark.usefixtures("_pages_are_not_drawn")
def test_everybody_reaches_exactly_what_is_declared() -> None:
    ledger.sweep()
    found, faults = observed(market(), routes())
    rules = declared()
    wrong = [
        f"{method} {route}: {PEOPLE[letter]} {'is let in' if letter in now else 'is kept out'}"
        for route, methods in found.items()
        for method, now in methods.items()
        for letter in sorted(set(now) ^ set(rules.get(route, {}).get(method, "-").strip("-")))
    ]
    assert faults == []
    assert wrong == []
