"""The review of a batch in a real browser, by keyboard alone: looked at, flagged, returned, fixed, accepted, released by another."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect

from fulfillment.models import Batch, BatchStatus, Image, ImageLook, Inspection, Release, ReviewNote
from fulfillment.services import batches, releases
from getdata.accounts.models import User
from getdata.audit.models import AuditEvent
from requests_app.spec import DatasetSpec
from tests import factories
from tests.e2e.browser import Person, chromium
from tests.factories import ReviewerFactory
from tests.fulfillment.test_certificates import quick as _quick
from tests.fulfillment.test_pipeline import SPEC, processed
from tests.support import axe, images
from tests.support.staging import small_radiograph

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.once,
    pytest.mark.usefixtures("quick"),
]
quick = _quick
SHOTS = os.environ.get("GETDATA_SHOTS")


@pytest.fixture(autouse=True)
def _here(settings: Any, tmp_path: Path) -> None:
    settings.STAGING = tmp_path / "staging"
    settings.LOOK_MILLISECONDS = 20


def ninety_six() -> Batch:
    """Ninety-four pictures and two that came through the pipeline, which the hospital can send again."""
    document = DatasetSpec.model_validate(SPEC).model_dump(mode="json")
    under = images.signed_fulfillment(request=factories.open_request(draft=document))
    batch = images.sealed_batch(under, images=0, status=BatchStatus.OPEN, name="Spring series")
    first = processed(batch, small_radiograph(1), "SMITH/1.dcm")
    processed(batch, small_radiograph(2), "SMITH/2.dcm")
    preview = Image.objects.get(source=first).preview
    for number in range(94):
        made = images.image(batch)
        mask = {"frame": 0, "x": 2, "y": 2, "width": 6, "height": 3, "detector": 0.93, "read": 0.71}
        Image.objects.filter(pk=made.pk).update(preview=preview, masks=[mask] if number in (40, 41, 42) else [])
    batches.seal_batch(batch=batch, actor=batch.sealed_by)
    return Batch.objects.get(pk=batch.pk)


def at_a_desk(browser: Browser, live_server: Any, settings: Any, user: User, *, dark: bool = False) -> Person:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    person = Person(browser, live_server.url, dark=dark)
    person.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    return person


def shot(person: Person, name: str, *, whole: bool = False) -> None:
    if SHOTS:
        person.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=whole)


def tab_to(person: Person, name: str) -> None:
    """Press Tab until the control of this name has the focus."""
    for _ in range(60):
        person.page.keyboard.press("Tab")
        if name in person.page.evaluate(
            "(document.activeElement.textContent + ' ' + (document.activeElement.labels?.[0]?.textContent ?? '')).trim()"
        ):
            return
    raise AssertionError(f"Tab never came to {name}")


def look_at_the_sample(person: Person) -> None:
    """L goes from picture to picture of the sample; the counter says when all were looked at."""
    page = person.page
    expect(page).to_have_url(re.compile("/de-identification/$"))
    waiting = page.locator(".sheet-tile[data-wanted]:not(.is-looked)")
    for _ in range(waiting.count()):
        expect(page.locator(".sheet-tile[aria-current].is-looked")).to_have_count(1)
        page.keyboard.press("l")
    expect(waiting).to_have_count(0)
    expect(page.locator("[data-complete]")).to_be_visible()


def sent_again(batch: Batch) -> None:
    """The hospital corrects the two files at their source, sends them under their names, and seals again."""
    for number in (1, 2):
        fresh = processed(Batch.objects.get(pk=batch.pk), small_radiograph(number, side=1120), f"SMITH/{number}.dcm")
        assert fresh.status == "passed", fresh.findings
    batches.seal_batch(batch=Batch.objects.get(pk=batch.pk), actor=batch.sealed_by)


def decide(person: Person, steps: int, summary: str) -> None:
    """On the tab Decision: the choice so many arrows below the first, the summary as it is written, recorded."""
    key = person.page.keyboard
    key.press("7")
    expect(person.page).to_have_url(re.compile("/decision/$"))
    person.sees("Your decision")
    tab_to(person, "Accept")
    for _ in range(steps):
        key.press("ArrowDown")
    if not steps:
        key.press(" ")
    expect(person.page.get_by_label("Summary for the hospital")).to_have_value(re.compile(f"^{summary}"))
    tab_to(person, "Record the decision")
    key.press("Enter")
    person.sees("Your decision is recorded")


def test_a_batch_of_96_is_reviewed_by_keyboard_returned_fixed_and_released_by_another(
    live_server: Any, settings: Any
) -> None:
    batch, first = ninety_six(), ReviewerFactory.create(name="Rune One")
    with chromium() as browser:
        one = at_a_desk(browser, live_server, settings, first, dark=True)
        page, key = one.page, one.page.keyboard
        one.open("/review/")
        key.press("j")
        expect(page.locator("[data-row][aria-current]")).to_contain_text("Spring series")
        shot(one, "queue")
        key.press("?")
        one.sees("next and previous entry")
        key.press("Escape")
        key.press("c")
        one.sees("You have this batch")
        shot(one, "verdict", whole=True)
        key.press("2")
        look_at_the_sample(one)
        assert axe.faults(page) == []
        shot(one, "sheet")
        assert ImageLook.objects.filter(reviewer=first).count() == Inspection.objects.get().items.count()
        page.goto(f"/review/batches/{batch.pk}/de-identification/?show=all&at=1")
        for number in (1, 2):
            expect(page.locator(".sheet-tile[aria-current]")).to_have_attribute("data-number", str(number))
            key.press("x")
            if number == 2:
                key.type("A name is legible at the upper left.")
            key.press("Enter")
            expect(page.locator("#pending-notes")).to_contain_text(f"File {number}:")
            key.press("j")
        decide(one, 1, "2 files go back to you")
        assert list(ReviewNote.objects.values_list("file__number", flat=True)) == [1, 2]
        assert batch.files.filter(status="quarantined").count() == 2, "only those two are open again"

        sent_again(batch)
        one.open("/review/")
        key.press("j")
        key.press("Enter")
        one.heading(re.compile("Spring series"))
        tab_to(one, "Claim this batch")
        key.press("Enter")
        one.sees("You have this batch")
        key.press("2")
        look_at_the_sample(one)
        decide(one, 0, "All 96 images that passed are accepted")
        tab_to_release(one)
        release = Release.objects.get()
        releases.build_release(release.pk)
        one.open(f"/releases/{release.pk}/")
        expect(one.main.get_by_role("button", name="Publish the release")).to_have_count(0)

        two = at_a_desk(browser, live_server, settings, ReviewerFactory.create(name="Ada Two"))
        two.open(f"/releases/{release.pk}/")
        two.press("Publish the release")
        two.sees("Published")
        assert AuditEvent.objects.filter(verb="release.published").count() == 1
        assert one.complaints == two.complaints == []


def tab_to_release(person: Person) -> None:
    """From the queue: prepare the release. The second click of a stray double click neither makes another nor publishes."""
    person.open("/review/")
    person.main.get_by_role("button", name=re.compile("^Prepare a release")).dblclick()
    person.sees("A second person must publish it")
    assert list(Release.objects.values_list("status", flat=True)) == ["draft"]
