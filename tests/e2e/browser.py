"""People at a real browser: a window each, acting by what stands on the page.

The portal's Content-Security-Policy refuses ``eval`` in the page, so nothing here waits with a string for
``wait_for_function``: it asks again with ``evaluate`` or by locators.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.e2e.portal import DEMO_CODE
from tests.support.sign_in import code

CHROMIUM = os.environ.get("GETDATA_CHROMIUM", "/usr/bin/chromium")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-GB",
]
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
#: A busy machine with a worker beside the browser answers slowly; a step that takes longer is stuck.
PATIENCE = 30_000
#: Pictures above this many bytes are reduced to 256 colours.
HEAVY = 250_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium without a window of its own."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


class Person:
    """Somebody at a browser. ``complaints`` gathers what the page said against itself: errors and policy violations."""

    def __init__(self, browser: Browser, url: str, *, size: dict[str, int] | None = None, dark: bool = False) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(
            base_url=url,
            viewport=size or DESK,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            timezone_id="UTC",
        )
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(f"{self.page.url}: {message.text}")

    @property
    def main(self) -> Locator:
        """The page without its header and footer."""
        return self.page.locator("#main")

    def part(self, ident: str) -> Locator:
        """The section of the page whose heading carries this id, or the element itself."""
        return self.page.locator(f'section[aria-labelledby="{ident}"], div#{ident}')

    def open(self, path: str) -> None:
        """Type an address; it must be answered with a page."""
        answer = self.page.goto(path)
        assert answer is not None and answer.ok, f"{path} answered {answer and answer.status}"

    def status(self, path: str, **headers: str) -> int:
        """What an address answers to this person's session, without leaving the page."""
        return self.context.request.get(path, headers=headers).status

    def follow(self, name: str | re.Pattern[str], *, within: Locator | None = None, exact: bool = False) -> None:
        """Click a link by its words."""
        (within or self.main).get_by_role("link", name=name, exact=exact).first.click()

    def take_next_step(self, about: re.Pattern[str]) -> None:
        """What the dashboard says waits for this person."""
        self.open("/dashboard/")
        row = self.main.get_by_role("region", name="Next steps").get_by_role("row").filter(has_text=about)
        row.first.get_by_role("link").click()

    def press(self, name: str | re.Pattern[str], *, within: Locator | None = None, exact: bool = False) -> None:
        """Click a button by its words."""
        (within or self.main).get_by_role("button", name=name, exact=exact).first.click()

    def field(self, label: str, *, within: Locator | None = None) -> Locator:
        """The control with exactly this label, marked optional or not."""
        return (within or self.main).get_by_label(re.compile(rf"^\s*{re.escape(label)}(\s*\(optional\))?\s*$")).first

    def fill(self, label: str, text: str, *, within: Locator | None = None) -> None:
        """Type into the field with this label."""
        (within or self.main).get_by_label(label).first.fill(text)

    def sees(self, text: str | re.Pattern[str], *, within: Locator | None = None) -> Locator:
        """Wait until the words stand on the page; returns where."""
        place = (within or self.page.locator("body")).get_by_text(text).locator("visible=true").first
        expect(place).to_be_visible()
        return place

    def heading(self, text: str | re.Pattern[str]) -> None:
        """Wait until the page with this heading is there."""
        expect(self.page.get_by_role("heading", level=1, name=text)).to_be_visible()

    def sign_in(self, email: str, password: str) -> None:
        """From the front page to the dashboard."""
        self.open("/")
        self.follow("Sign in", within=self.page.locator("header"))
        self.fill("E-mail address", email)
        self.fill("Password", password)
        self.press("Sign in")
        self.heading("One more step")
        self.fill("Code", DEMO_CODE)
        self.press("Sign in")
        expect(self.page).to_have_url(re.compile("/dashboard/$"))

    def proves_it(self, password: str = "") -> None:
        """Where the portal asks who one is before something counts: answer, setting a second step up where there is none."""
        self.page.wait_for_load_state()
        if self.page.locator("h1").inner_text() == "One more step to sign in":
            self.follow("Set up an app")
            self.heading("Is it you?")
            self.fill("Your password", password)
            self.press("Confirm")
            self.heading("Set up an authenticator app")
            self.fill("Code from the app", code(self.page.locator("#authenticator_secret").input_value()))
            self.press("Turn on")
            self.heading("Recovery codes")
            self.follow("I have kept them: go on")
        elif self.page.locator("h1").inner_text() == "Is it you?":
            self.fill("Code of your authenticator app", DEMO_CODE)
            self.press("Confirm")

    def close(self) -> None:
        """Shut the window."""
        self.context.close()


class Camera:
    """Pictures for the documentation, taken only where ``GETDATA_SCREENSHOTS=1``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.on = os.environ.get("GETDATA_SCREENSHOTS") == "1"
        if self.on:
            folder.mkdir(parents=True, exist_ok=True)

    def take(
        self,
        person: Person,
        name: str,
        *,
        at: Locator | None = None,
        size: dict[str, int] | None = None,
        theme: Literal["light", "dark"] = "light",
    ) -> None:
        """``NAME.png``: what the window shows, from the top or from ``at`` on. Never the endless whole page."""
        if not self.on:
            return
        page = person.page
        page.wait_for_load_state("networkidle")
        toast = page.locator("#toasts .toast [data-dismiss]")
        while toast.count():
            toast.first.click()
        page.set_viewport_size(size or DESK)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=theme)
        if at is None:
            page.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")
        else:
            at.first.evaluate(
                "e => window.scrollTo({top: e.getBoundingClientRect().top + scrollY - 90, behavior: 'instant'})"
            )
        page.wait_for_timeout(400)
        picture = page.screenshot(animations="disabled", caret="hide", scale="css")
        (self.folder / f"{name}.png").write_bytes(_lighter(picture))
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        page.emulate_media(color_scheme="light")


def _lighter(picture: bytes) -> bytes:
    """The same picture with 256 colours where it is heavy, as one full of radiographs is."""
    if len(picture) <= HEAVY:
        return picture
    from PIL import Image

    reduced = Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1)
    out = io.BytesIO()
    reduced.save(out, "PNG", optimize=True)
    return out.getvalue()
