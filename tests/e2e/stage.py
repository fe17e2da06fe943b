"""Everybody of the browser test at a window of their own, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from tests.e2e.browser import Camera, Person
from tests.e2e.portal import Portal

TITLE = "Forty frontal radiographs with NIH labels"
GROUP = "Thorax Imaging Group"
NEW_PASSWORD = "a quiet corner of the library 7"
HOSPITALS = {"hospital_a": "Participating Clinic A", "hospital_b": "Participating Clinic B"}
ANSWERS = {
    "Institutional affiliation": "University of Nordhafen, ror.org/000000000; group page nordhafen.example/thorax",
    "Data-protection contact": "Alex Example, dataprotection@nordhafen.example",
    "Ethics training or approval": "Ethics board of the University of Nordhafen, protocol 2026-0457",
    "Purpose": "A rehearsal of the whole path with public radiographs; used and held by our group in Germany.",
    "Signing authority": "Dr Ida Novak, head of the group; delegation of signature of 3 March 2026",
}
NOTE = "Lead apron over the left lung base: please leave this one out."


class Stage:
    """Everybody at a browser of their own, and the camera."""

    def __init__(self, browser: Browser, portal: Portal, camera: Camera) -> None:
        self.portal, self.camera, self.browser = portal, camera, browser
        cast = portal.people()
        self.people, self.password = cast["people"], cast["password"]
        self.at: dict[str, Person] = {}
        self.package = ""  # where the release is downloaded, once it is published

    def enter(self, role: str, *, signed_in: bool = True) -> Person:
        person = self.at[role] = Person(self.browser, self.portal.url)
        if signed_in:
            person.sign_in(self.people[role]["email"], self.password)
        return person

    def __getitem__(self, role: str) -> Person:
        return self.at.get(role) or self.enter(role)

    @contextmanager
    def pictures_of_a_failure(self, folder: Path) -> Iterator[None]:
        """When a step fails, what everybody had before them is kept in ``folder``."""
        try:
            yield
        except BaseException:
            for role, person in self.at.items():
                person.page.screenshot(path=folder / f"failed-{role}.png", timeout=10_000)
            raise
