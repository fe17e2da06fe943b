"""The design system in a real browser: accessible, never scrolling sideways, with script that does its part."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support import axe

pytestmark = [
    pytest.mark.browser,
    pytest.mark.urls(__name__),
    pytest.mark.django_db(transaction=True),
]

CHROMIUM = os.environ.get("GETDATA_CHROMIUM", "/usr/bin/chromium")
PERSON = SimpleNamespace(is_authenticated=True, is_reviewer=True, name="Ada Lovelace", email="ada@example.org")
SAMPLE_METER = {"label": "All images", "needed": 1000, "offered": 900, "received": 500, "accepted": 400}


def _show(template: str, **context: Any) -> Any:
    def view(request: HttpRequest) -> HttpResponse:
        if "signed-in" in request.GET:
            request.user = PERSON  # type: ignore[assignment]
        return render(request, template, context)

    return view


urlpatterns = [
    path(
        "",
        _show(
            "pages/home.html",
            featured={
                "title": "Effusion",
                "url": "/",
                "meter": SAMPLE_METER,
                "cells": [SAMPLE_METER],
                "summary": ["PA"],
            },
            categories=[{"name": "Chest X-ray", "open_count": 3, "url": "/"}],
            figures=[{"label": "verified hospitals", "value": 14}],
        ),
        name="home",
    ),
    path("bare/", _show("pages/home.html")),
    path("styleguide/", _show("pages/styleguide.html"), name="request_list"),
    path("about/", _show("pages/about_deid.html"), name="about_deid"),
    path("missing/", _show("404.html"), name="dashboard"),
    path("broken/", _show("500.html")),
    path("room/", _show("layouts/room.html")),
    path("accounts/", include("allauth.urls")),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, live_server: Any) -> Iterator[Page]:
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1280, "height": 800}, color_scheme="light"
    )
    yield context.new_page()
    context.close()


PAGES = [
    "/",
    "/bare/",
    "/styleguide/",
    "/about/",
    "/missing/?signed-in",
    "/broken/",
    "/accounts/login/",
    "/accounts/signup/",
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_have_no_accessibility_violation_no_sideways_scroll_and_break_no_policy(
    browser: Browser, live_server: Any, width: int, theme: str
) -> None:
    context = browser.new_context(
        base_url=live_server.url,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for address in PAGES:
        page.goto(address)
        assert axe.faults(page, impacts=None) == [], address
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{address} scrolls sideways by {wide} px at {width} px"
    assert complaints == []
    context.close()


def test_axe_does_see_a_violation_when_there_is_one(page: Page) -> None:
    page.goto("/about/")
    page.evaluate("document.querySelector('.prose p').style.color = '#bbb'")
    assert "color-contrast" in {fault.rule for fault in axe.faults(page, impacts=None)}


def test_the_theme_follows_the_system_until_chosen_and_the_choice_is_kept(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page.goto("/about/")
    day = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    night = page.evaluate(ground)
    assert day != night
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(ground) == night
    page.goto("/")
    assert page.evaluate(ground) == night
    assert page.get_by_role("button", name="Dark theme").get_attribute("aria-pressed") == "true"


def test_the_user_menu_opens_by_keyboard_and_escape_gives_the_focus_back(page: Page) -> None:
    page.goto("/missing/?signed-in")
    menu = page.locator("details.menu").first
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    assert menu.evaluate("m => m.open")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Dashboard"
    page.keyboard.press("Escape")
    assert not menu.evaluate("m => m.open")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_the_menu_of_a_small_screen_leads_on(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/")
    assert not page.get_by_role("navigation", name="Main", exact=True).is_visible()
    page.locator("summary", has_text="Menu").click()
    page.get_by_role("link", name="How de-identification works").first.click()
    assert page.url.endswith("/about/")


def test_the_first_tab_leads_past_the_navigation(page: Page) -> None:
    page.goto("/about/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_failed_form_puts_the_focus_on_its_summary_and_a_link_on_the_field(page: Page) -> None:
    page.goto("/styleguide/")
    assert page.evaluate("document.activeElement.className") == "error-summary"
    page.locator(".error-summary a", has_text="Projections").click()
    assert page.evaluate("document.activeElement.id") == "bad_projections_0"


def test_a_toast_sent_by_htmx_appears_as_text_and_can_be_dismissed(page: Page) -> None:
    page.goto("/about/")
    page.evaluate(
        "document.body.dispatchEvent(new CustomEvent('toast', "
        "{bubbles: true, detail: {level: 'success', text: '<b>Saved.</b>'}}))"
    )
    toast = page.locator("#toasts .toast.success")
    assert toast.inner_text().startswith("<b>Saved.</b>")
    toast.get_by_role("button", name="Dismiss").click()
    assert toast.count() == 0


def test_copy_puts_the_code_on_the_clipboard(browser: Browser, live_server: Any) -> None:
    context = browser.new_context(base_url=live_server.url, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto("/styleguide/")
    page.locator(".code .copy-button").click()
    assert page.locator(".code .copy-button").inner_text() == "Copied"
    assert page.evaluate("navigator.clipboard.readText()").startswith("getdata request lint")
    context.close()


def test_without_script_pages_still_read_and_menus_still_open(browser: Browser, live_server: Any) -> None:
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, viewport={"width": 390, "height": 800}
    )
    page = context.new_page()
    page.goto("/")
    page.locator("summary", has_text="Menu").click()
    assert page.get_by_role("link", name="Requests").first.is_visible()
    assert not page.get_by_role("button", name="Dark theme").is_visible()
    context.close()
