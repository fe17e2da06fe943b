"""The pages in a real browser: what moves, what the keyboard does, what the Content-Security-Policy lets through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse

from getdata.accounts.models import User
from requests_app.services import requests as services
from tests.requests_app.people import Market

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1440, 390)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, live_server: Any, settings: Any) -> Iterator[Any]:
    """``visit(path, user, width, scheme)`` opens a page; what the browser complains about fails the test."""
    contexts, complaints = [], []

    def go(
        path: str, user: User | None = None, width: int = 1440, scheme: str = "light", javascript: bool = True
    ) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=javascript
        )
        contexts.append(context)
        if user is not None:
            client = Client()  # one session each: a second login would end the first
            client.force_login(user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME]
            context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(live_server.url + path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


def test_typing_a_search_updates_results_and_address(market: Market, visit: Any) -> None:
    market.open()
    tubes = market.open("cxr-lines-and-tubes")
    page = visit(reverse("request_list"))
    page.fill("#id_q", "intensive care")
    page.get_by_role("heading", name="1 request").wait_for()
    assert page.get_by_role("link", name=tubes.title).is_visible()
    assert page.url.endswith("?q=intensive+care")
    page.reload()
    assert page.input_value("#id_q") == "intensive care"
    page.get_by_role("link", name="Clear all").click()
    page.get_by_role("heading", name="2 requests").wait_for()


def test_a_facet_chosen_by_keyboard_keeps_the_focus(market: Market, visit: Any) -> None:
    market.open()
    market.open("cxr-lines-and-tubes")
    page = visit(reverse("request_list"))
    page.focus("#f-annotation-polygon")
    page.keyboard.press("Space")
    page.get_by_role("heading", name="1 request").wait_for()
    assert page.evaluate("document.activeElement.id") == "f-annotation-polygon"
    page.keyboard.press("Space")
    page.get_by_role("heading", name="2 requests").wait_for()


def test_the_list_works_without_javascript(market: Market, visit: Any) -> None:
    market.open()
    market.open("cxr-lines-and-tubes")
    page = visit(reverse("request_list"), javascript=False)
    page.check("#f-annotation-polygon")
    page.get_by_role("button", name="Search").click()
    assert page.locator(".request-row").count() == 1


@pytest.mark.parametrize("javascript", [True, False])
def test_a_quota_is_added_filled_in_and_saved(market: Market, visit: Any, javascript: bool) -> None:
    draft = market.draft()
    before = len(draft.draft["quotas"])
    page = visit(reverse("request_edit", args=[draft.slug]), market.researcher, javascript=javascript)
    page.get_by_role("button", name="Add a quota").click()
    field = page.locator(f"#id_quotas-{before}-min")
    field.wait_for()
    if javascript:
        page.wait_for_timeout(200)
        assert page.evaluate("document.activeElement.id") == f"id_quotas-{before}-min"
    field.fill("77")
    page.select_option(f"#id_quotas-{before}-sex", "O")
    field.press("Enter")
    page.wait_for_load_state()
    page.locator("text=other sex").first.wait_for(state="attached")
    draft.refresh_from_db()
    assert draft.draft["quotas"][before] == {**draft.draft["quotas"][before], "min": 77, "sex": "O"}


def test_choosing_an_own_label_list_brings_its_rows(market: Market, visit: Any) -> None:
    draft = market.draft()
    page = visit(reverse("request_edit", args=[draft.slug]), market.researcher)
    assert page.locator("#id_custom-0-definition").get_attribute("type") == "hidden"
    page.select_option("#id_labels-taxonomy", "custom")
    page.get_by_role("button", name="Add a finding of your own").wait_for()
    page.select_option("#id_labels-taxonomy", "chexpert-14")
    page.locator('#finding-names option[value="Enlarged Cardiomediastinum"]').wait_for(state="attached")


def test_every_page_passes_axe_and_fits_a_phone(market: Market, visit: Any) -> None:
    agreement = market.agreement()
    offer = agreement.offer
    draft = services.create_request(organization=market.group, title="Blocked", category="cxr", actor=market.researcher)
    waiting = market.submitted("cxr-external-validation-14")
    places = [
        (reverse("request_list"), None),
        (reverse("category", args=["ct"]), None),
        (offer.request.get_absolute_url(), market.manager),
        (waiting.get_absolute_url(), market.reviewer),
        (reverse("request_new"), market.researcher),
        (reverse("request_edit", args=[draft.slug]), market.researcher),
        (reverse("my_requests"), market.researcher),
        (reverse("offer_list"), market.manager),
        (offer.get_absolute_url(), market.researcher),
        (agreement.get_absolute_url(), market.signatory),
    ]
    axe = Axe()
    problems = []
    for path, user in places:
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                page = visit(path, user, width, scheme)
                found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
                problems += [(path, width, scheme, item["id"]) for item in found.response["violations"]]
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                problems += [(path, width, scheme, f"{wide} px too wide")] if wide > 0 else []
                page.close()
    assert problems == []
