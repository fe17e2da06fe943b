"""Every main page, for every role, on a desk and on a phone, by day and by night; and by keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import DESK, PHONE, Person, chromium
from tests.e2e.portal import DEMO_CODE, Portal
from tests.e2e.portal import portal as start_portal
from tests.support import axe

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(900)]

ROLES = ("visitor", "researcher", "hospital_a", "hospital_b", "reviewer", "administrator")
#: Colours differ by theme and layout by size: each is judged on both, in two visits instead of four.
LOOKS = ((DESK, "light"), (PHONE, "dark"))


@dataclass(frozen=True)
class Stocked:
    """A portal with something on every page, and a browser."""

    portal: Portal
    browser: Browser
    cast: dict[str, Any]
    #: Links that answered a visitor; they are in every page's frame and need no second visit.
    open_to_all: set[str] = field(default_factory=set)

    def person(self, role: str, *, size: dict[str, int] | None = None) -> Person:
        person = Person(self.browser, self.portal.url, size=size)
        if role != "visitor":
            person.sign_in(self.cast["people"][role]["email"], self.cast["password"])
        return person


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stocked]:
    with start_portal(tmp_path_factory.mktemp("portal")) as portal, chromium() as browser:
        cast = json.loads(portal.manage("-m", "tests.e2e.stocked").strip().splitlines()[-1])
        yield Stocked(portal, browser, cast)


@pytest.mark.parametrize("role", ROLES)
def test_every_page_is_accessible_fits_the_screen_and_keeps_the_policy(stocked: Stocked, role: str) -> None:
    person = stocked.person(role)
    page, faults, links = person.page, [], {}
    for address in stocked.cast["pages"][role]:
        answer = page.goto(address)
        assert answer is not None
        expected = 404 if address == "/nowhere/" else 200
        if answer.status != expected:
            faults.append(f"{address} answered {answer.status}")
            continue
        for link in links_of(page):
            links.setdefault(link, address)
        for size, theme in LOOKS:
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            where = f"{address} at {size['width']} px, {theme}"
            faults += [f"{where}: {fault}" for fault in axe.faults(page)]
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                faults.append(f"{where}: scrolls sideways by {wide} px; {widest(page)}")
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
    for link, address in links.items():
        if not link:
            faults.append(f"{address}: a link that leads nowhere")
        elif link != "/accounts/logout/" and link not in stocked.open_to_all:
            if (status := person.status(link)) >= 400:
                faults.append(f"{address}: the link to {link} answers {status}")
            elif role == "visitor":
                stocked.open_to_all.add(link)
    said = [line for line in person.complaints if "/nowhere/" not in line]
    person.close()
    assert faults + said == [], "\n".join(["", *faults, *said])


def links_of(page: Any) -> list[str]:
    """Where the page's links to our own addresses lead, without their fragments; empty for one that leads nowhere."""
    found: list[str] = page.evaluate(
        "Array.from(document.querySelectorAll('a[href]')).filter(a => !a.getAttribute('href').startsWith('#'))"
        ".filter(a => a.origin === location.origin && !a.hasAttribute('download'))"
        ".map(a => a.getAttribute('href') && a.pathname + a.search)"
    )
    return [link for link in found if "/download/" not in link]


def widest(page: Any) -> str:
    """The elements that stand out on the right, to say what is to be mended."""
    names: list[str] = page.evaluate(
        "Array.from(document.querySelectorAll('body *'))"
        ".filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
        ".slice(0, 4).map(e => e.tagName.toLowerCase() + '.' + e.className)"
    )
    return ", ".join(names)


def test_axe_would_find_a_grave_fault(stocked: Stocked) -> None:
    person = stocked.person("visitor")
    person.open("/accounts/login/")
    person.page.evaluate("document.querySelector('label[for=id_login]').remove()")
    assert any("label" in fault.rule for fault in axe.faults(person.page))
    person.close()


# --- by keyboard ----------------------------------------------------------------------------------------------------------


def focused(page: Any) -> dict[str, Any]:
    """Name of the element that has the focus, and whether one sees that it has."""
    result: dict[str, Any] = page.evaluate(
        """(() => {
            const e = document.activeElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
            const ring = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1.5;
            return {
                tag: e.tagName, name: (e.getAttribute('aria-label') || e.textContent || e.name || '').trim(), id: e.id,
                visible: (ring || s.boxShadow !== 'none') && box.width > 0 && box.height > 0
                    && box.bottom > 0 && box.top < innerHeight,
            };
        })()"""
    )
    return result


def test_signing_in_needs_no_mouse(stocked: Stocked) -> None:
    person = stocked.person("visitor")
    page = person.page
    person.open("/accounts/login/")
    page.keyboard.press("Tab")
    skip = focused(page)
    assert skip["name"] == "Skip to the content" and skip["visible"]
    page.keyboard.press("Enter")
    assert focused(page)["id"] == "main"
    reached = tab_to(page, "id_login")
    page.keyboard.type(stocked.cast["people"]["researcher"]["email"])
    reached += tab_to(page, "id_password")
    page.keyboard.type(stocked.cast["password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/2fa/authenticate/")
    reached += tab_to(page, "id_code")
    page.keyboard.type(DEMO_CODE)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/")
    assert all(step["visible"] for step in reached), reached
    person.close()


def test_the_list_of_requests_is_walked_by_keyboard(stocked: Stocked) -> None:
    person = stocked.person("visitor")
    page = person.page
    person.open("/requests/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page)["id"] == "main", "the skip link leads past the header"
    title = "Forty frontal radiographs"
    steps = []
    for _ in range(60):
        page.keyboard.press("Tab")
        steps.append(focused(page))
        if title in steps[-1]["name"]:
            break
    assert title in steps[-1]["name"], [step["name"][:40] for step in steps]
    assert [step for step in steps if not step["visible"]] == []
    page.keyboard.press("Enter")
    person.heading(title)
    person.close()


def tab_to(page: Any, ident: str) -> list[dict[str, Any]]:
    """Press Tab until the element has the focus; every stop on the way."""
    steps = []
    for _ in range(30):
        page.keyboard.press("Tab")
        steps.append(focused(page))
        if steps[-1]["id"] == ident:
            return steps
    raise AssertionError(f"{ident} is not reached by Tab: {[step['name'][:30] for step in steps]}")
