"""The pages in a real browser: the researcher's path by keyboard alone, and what moves while one browses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from getdata.accounts.models import User
from requests_app.models import DatasetRequest
from tests.requests_app.people import Market
from tests.support import axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
#: A desk by day and a phone by night: each path is walked on both.
LOOKS = pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
_NAME = """() => {
  const e = document.activeElement;
  const label = e.labels?.[0]?.innerText ?? e.getAttribute('aria-label') ?? e.innerText ?? '';
  return label.trim().replace(/\\s+/g, ' ');
}"""


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

    def go(path: str, user: User | None = None, width: int = 1440, scheme: str = "light") -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, locale="en-GB", base_url=live_server.url
        )
        contexts.append(context)
        if user is not None:
            client = Client()  # one session each: a second login would end the first
            client.force_login(user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME]
            context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


class Keyboard:
    """A person without a mouse: Tab until the control is there, then keys."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def to(self, name: str) -> Keyboard:
        """Tab to the control whose label or text begins with ``name``."""
        passed = []
        for _ in range(150):
            self.page.keyboard.press("Tab")
            passed.append(self.page.evaluate(_NAME))
            if passed[-1].startswith(name):
                return self
        raise AssertionError(f"Tab never came to {name!r}, but to {passed}")

    def type(self, text: str) -> Keyboard:
        self.page.keyboard.type(text)
        return self

    def press(self, *keys: str) -> Keyboard:
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def enter(self, heading: str) -> None:
        """Press Enter; the page with this heading comes, without a fault."""
        self.press("Enter")
        self.page.get_by_role("heading", level=1, name=heading).wait_for()
        assert axe.faults(self.page, impacts=None) == [], heading
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{heading} is {wide} px too wide"


@LOOKS
def test_a_request_is_written_from_the_first_field_to_submission_by_keyboard_alone(
    market: Market, visit: Any, width: int, scheme: str
) -> None:
    page = visit(reverse("request_new"), market.researcher, width, scheme)
    keys = Keyboard(page)
    keys.to("Title").type("Pneumothorax by keyboard").to("Make the draft").enter("Pneumothorax by keyboard")
    keys.to("1. Purpose").enter("What is the data for?")
    keys.to("Intended use").type("Aca").to("Purpose").type("A study of pneumothorax on frontal radiographs of adults.")
    page.get_by_role("heading", name="2 things block posting").wait_for()
    page.get_by_text("Saved just now").wait_for()
    keys.to("Save and continue").enter("How many images, of whom?")
    page.context.set_offline(True)
    keys.to("Images, at least").type("500")
    page.get_by_text("Offline: your changes stay").wait_for()
    page.context.set_offline(False)
    page.locator("#wizard-side").get_by_text("at least 500 images").first.wait_for()
    keys.to("Save and continue").enter("Which images are accepted?")
    keys.to("Projection").type("PA").to("Add a projection").press("Enter")
    page.locator("#id_projections-1-view:focus").wait_for()
    keys.type("AP").to("Save and continue").enter("What must be labelled, and by whom?")
    keys.to("Finding").type("Pneumothorax").press("Escape").to("5 Quotas").enter("How many of which kind?")
    keys.to("Choose rows and columns").press("Enter")
    keys.to("Sex").type("Ro").to("Age band").type("Co").to("Lay out the grid").press("Enter")
    page.locator(".quota-grid").wait_for()
    page.locator(".quota-grid input:focus").wait_for()
    assert page.evaluate(_NAME) == "Female, Up to 17, at least"
    keys.press("ArrowRight").type("50").press("ArrowDown").type("60").press("ArrowRight")
    assert page.evaluate(_NAME) == "Male, 40 to 64, at least"
    assert page.locator("[data-sum]").inner_text() == "110"
    page.evaluate(
        """() => { const data = new DataTransfer(); data.setData('text/plain', '7\\t8\\n');
        document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true})); }"""
    )
    assert page.locator("[data-sum]").inner_text() == "125"
    assert axe.faults(page, impacts=None) == []
    keys.to("Save and continue").enter("On what terms?")
    keys.to("Deadline").type("01012099").to("Save and check").enter("Pneumothorax by keyboard")
    page.get_by_text("Nothing blocks posting").wait_for()
    keys.to("Preview as the public page").enter("Pneumothorax by keyboard")
    keys.to("Submit for a check").press("Enter")
    page.get_by_text("Submitted. GetDATA staff check it").wait_for()
    made = DatasetRequest.objects.get()
    assert made.status == "submitted"
    assert [line["finding"] for line in made.draft["labels"]["findings"]] == ["Pneumothorax"]
    counted = {quota["check_id"]: quota["min"] for quota in made.draft["quotas"]}
    assert counted == {
        "quota.f.age-18-39": 50,
        "quota.m.age-18-39": 60,
        "quota.m.age-40-64": 7,
        "quota.m.age-65-plus": 8,
    }


def test_a_button_pressed_while_a_save_is_on_its_way_meets_no_conflict_with_it(market: Market, visit: Any) -> None:
    item = market.draft()
    page = visit(reverse("request_step", args=[item.slug, "cohort"]), market.researcher)
    page.evaluate(
        """() => { const real = window.fetch; window.fetch = async (...asked) => {
        const answer = await real(...asked); await new Promise((done) => setTimeout(done, 900)); return answer; }; }"""
    )
    with page.expect_response(lambda answer: answer.request.headers.get("x-autosave") == "1"):
        Keyboard(page).to("Images, at least").press("Control+A").type("4321")
    page.get_by_role("button", name="Save and continue").click()  # saved there already, and not yet known here
    page.get_by_role("heading", level=1, name="Which images are accepted?").wait_for()
    item.refresh_from_db()
    assert item.draft["cohort"]["images"]["min"] == 4321


def test_the_wizard_fits_a_phone_by_night(market: Market, visit: Any) -> None:
    item = market.draft("cxr-cardiomegaly-segmentation")  # its grid of quotas is wider than a phone
    steps = [reverse("request_step", args=[item.slug, key]) for key in ("labels", "quotas", "terms")]
    places = [reverse("request_edit", args=[item.slug]), *steps, reverse("request_preview", args=[item.slug])]
    page = visit(places[0], market.researcher, 390, "dark")
    problems = []
    for place in places:
        page.goto(place)
        problems += [(place, str(fault)) for fault in axe.faults(page, impacts=None)]
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        problems += [(place, f"{wide} px too wide")] if wide > 0 else []
    assert problems == []


def test_a_search_and_a_facet_move_results_address_and_focus(market: Market, visit: Any) -> None:
    market.open()
    tubes = market.open("cxr-lines-and-tubes")
    page = visit(reverse("request_list"))
    page.fill("#id_q", "intensive care")
    page.get_by_role("heading", name="1 request").wait_for()
    assert page.get_by_role("link", name=tubes.title).is_visible()
    assert page.url.endswith("?q=intensive+care")
    page.get_by_role("link", name="Clear all").click()
    page.get_by_role("heading", name="2 requests").wait_for()
    page.focus("#f-annotation-polygon")
    page.keyboard.press("Space")
    page.get_by_role("heading", name="1 request").wait_for()
    assert page.evaluate("document.activeElement.id") == "f-annotation-polygon"
