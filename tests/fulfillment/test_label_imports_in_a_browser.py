"""The import screen walked by keyboard, from the file to its passports, at two widths and by day and night."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from fulfillment.models import Label
from tests.fulfillment.test_label_imports import TABLE, Desk
from tests.support.axe import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_data_manager_brings_in_labels_by_keyboard(live_server: Any) -> None:
    from playwright.sync_api import sync_playwright

    desk = Desk()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 900})
        context.add_cookies(
            [{"name": c.key, "value": c.value, "url": live_server.url} for c in desk.client.cookies.values()]
        )
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.goto(reverse("label_import_new", args=[desk.batch.pk]))
        page.get_by_label("File of labels").set_input_files(
            {"name": "labels.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
        )
        _press(page, "Send and read")
        page.wait_for_url("**/mapping/")
        page.get_by_label("Hazy whatnot").focus()
        page.keyboard.type("Mass")  # a native select answers to letters
        assert page.get_by_label("Hazy whatnot").input_value() == "mass"
        _press(page, "Save and look")
        page.wait_for_url("**/preview/")
        assert page.locator("path.mark").count() == 2
        for width, scheme in ((390, "dark"), (1440, "light")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        assert faults(page) == []
        _press(page, "Take them in")
        page.get_by_text("Labels taken in").first.wait_for()
        page.get_by_role("link", name="Pneumothorax").first.focus()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Pneumothorax").wait_for()
        assert complaints == []
        browser.close()
    assert Label.objects.filter(finding="Mass").count() == 1


def _press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name).focus()
    page.keyboard.press("Enter")
