"""The reviewer's pairs in a real browser: laid over each other by keyboard, and nothing that axe finds grave."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.test import Client

from fulfillment import near_duplicates
from tests.e2e.browser import Person, chromium
from tests.factories import ReviewerFactory
from tests.fulfillment.duplicates.pictures import chest
from tests.fulfillment.test_near_duplicates import pictured, small
from tests.support import axe, images

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.once]


def test_a_pair_is_laid_over_and_changed_by_keyboard_at_a_desk_and_on_a_phone(live_server, settings) -> None:
    near_duplicates.forget()
    batch = images.sealed_batch(images=0)
    for pixels in (chest(1), small(chest(1))):
        near_duplicates.compare(pictured(batch, pixels).pk)
    reviewer = ReviewerFactory.create()
    client = Client()
    client.force_login(reviewer)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    shots = os.environ.get("GETDATA_SHOTS")
    with chromium() as browser:
        for name, size in (("desk", {"width": 1440, "height": 900}), ("phone", {"width": 390, "height": 844})):
            person = Person(browser, live_server.url, size=size, dark=name == "phone")
            person.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
            page = person.page
            page.goto(f"/review/batches/{batch.pk}/duplicates/")
            if shots:
                page.screenshot(path=Path(shots) / f"{name}-1.png", full_page=True)
            pair = page.locator("[data-pair]")
            pair.focus()
            page.keyboard.press("b")
            stage = page.locator(".pair-stage")
            assert stage.get_attribute("data-shown") == "first"
            page.keyboard.press("b")
            assert stage.get_attribute("data-shown") == "second"
            over = stage.locator(".pair-over")
            over.evaluate("picture => picture.decode()")
            page.wait_for_timeout(100)
            box, ground = over.bounding_box(), stage.bounding_box()
            assert box and ground
            # The crop covers 15 to 375 of 400 columns of the first picture.
            assert abs((box["x"] - ground["x"]) / ground["width"] - 15 / 400) < 0.02
            assert abs(box["width"] / ground["width"] - 360 / 400) < 0.03
            if shots:
                page.screenshot(path=Path(shots) / f"{name}-2.png", full_page=True)
            assert axe.faults(page) == []
            assert person.complaints == []
            person.context.close()
