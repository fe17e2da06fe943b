"""The live meter in a real browser: it renews itself while somebody looks, and asks nothing while nobody does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from tests.fulfillment.test_meter import asked, deliver, delivery
from tests.support.axe import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HIDE = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true})"
LOOK = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture
def page(live_server: Any) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        opened = browser.new_page(base_url=live_server.url)
        complaints: list[str] = []
        opened.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
        browser.close()
        assert complaints == []


def test_the_counts_renew_themselves_while_somebody_looks_and_only_then(page: Any) -> None:
    cell = {"sex": "F", "age_min": 66, "view": "AP", "position": "supine"}
    request = asked(cohort={"images": {"min": 40}}, quotas=[{**cell, "min": 38}, {"sex": "F", "min": 20}])
    batch = delivery(request, cells={"quota.f": 30})
    page.goto(request.get_absolute_url())
    assert page.get_by_text("38 images", exact=True).is_visible()
    questions: list[str] = []
    page.on("request", lambda sent: questions.append(sent.url) if sent.url.endswith("/meter/") else None)

    deliver(batch, sex="F", age_years=70.0, view="AP", position="supine")
    cache.clear()
    page.evaluate(HIDE % "true")
    page.evaluate(LOOK)
    page.wait_for_timeout(200)
    assert questions == [] and page.get_by_text("38 images", exact=True).is_visible()

    page.evaluate(HIDE % "false")
    page.evaluate(LOOK)
    page.get_by_text("37 images", exact=True).wait_for()
    assert len(questions) == 1
    assert page.locator("[data-live-status]").inner_text() == "0 of 40 images accepted, 1 received."
    with page.expect_response(lambda answer: answer.url.endswith("/meter/")) as again:
        page.evaluate(LOOK)
    assert again.value.status == 304
    for width, scheme in ((1440, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        if folder := os.environ.get("GETDATA_SHOTS"):
            page.screenshot(path=f"{folder}/meter-{width}-{scheme}.png", full_page=True)
    assert faults(page) == []
