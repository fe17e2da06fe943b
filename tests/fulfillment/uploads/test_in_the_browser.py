"""The upload area in a real browser: folders, pause, a reload in the middle, failures in words, no script at all."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from fulfillment.models import SourceFile, Upload
from fulfillment.uploads import staging
from fulfillment.uploads.names import unseal_name
from tests.fulfillment.uploads.conftest import Scene
from tests.support.staging import small_radiograph

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CHUNK = 200_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def _small_parts_and_no_work(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.UPLOAD_CHUNK_BYTES = CHUNK
    monkeypatch.setattr("getdata.common.queue.ring", lambda *args: True)  # this is about the way in alone


@pytest.fixture
def visit(browser: Browser, live_server: Any, scene: Scene) -> Iterator[Callable[..., tuple[BrowserContext, Page]]]:
    """Open the batch's page, signed in as the data manager."""
    opened: list[BrowserContext] = []

    def open_page(**options: Any) -> tuple[BrowserContext, Page]:
        session = Client()
        session.force_login(scene.manager)
        context = browser.new_context(**options)
        opened.append(context)
        cookie = session.cookies["getdata_session"]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{live_server.url}/batches/{scene.batch.pk}/")
        return context, page

    yield open_page
    for context in opened:
        context.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "export"
    for number, size in enumerate((50_000, 199_999, 200_000, 900_000, 1_600_000)):
        path = place / f"P{number}" / f"IM{number}.dcm"
        path.parent.mkdir(parents=True)
        path.write_bytes(os.urandom(size))
    (place / "Thumbs.db").write_bytes(b"noise")
    return place


def choose(page: Page, folder: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)


def slow_down(context: BrowserContext, page: Page, bytes_a_second: int) -> None:
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    session.send("Network.emulateNetworkConditions", conditions)


def wait_for(true: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.1)


def assert_all_here(folder: Path) -> None:
    sent = {path.relative_to(folder.parent).as_posix(): path for path in folder.rglob("*.dcm")}
    files = {unseal_name(file): file for file in SourceFile.objects.all()}
    assert set(files) == set(sent)
    for name, file in files.items():
        there = hashlib.sha256(staging.path(file.staged).read_bytes()).digest()
        assert there == hashlib.sha256(sent[name].read_bytes()).digest(), name


def test_a_folder_is_sent_whole_and_choosing_it_again_sends_nothing(
    visit: Callable[..., tuple[BrowserContext, Page]], folder: Path
) -> None:
    _, page = visit()
    choose(page, folder)
    expect(page.locator("[data-detail]")).to_contain_text("5 files sent", timeout=20_000)
    assert_all_here(folder)
    expect(page.locator("#batch-progress")).to_contain_text("Processing")
    page.reload()
    parts: list[str] = []
    page.on("request", lambda request: parts.append(request.method) if "/uploads" in request.url else None)
    choose(page, folder)
    expect(page.locator("[data-detail]")).to_contain_text("5 were already here", timeout=20_000)
    assert "PATCH" not in parts
    assert SourceFile.objects.count() == 5


def test_a_reload_in_the_middle_loses_nothing(visit: Callable[..., tuple[BrowserContext, Page]], folder: Path) -> None:
    context, page = visit()
    slow_down(context, page, 400_000)
    choose(page, folder)
    half_way = Upload.objects.filter(
        status="active", length__gt=2 * CHUNK, offset__gt=0, offset__lt=F("length") - CHUNK
    )
    wait_for(half_way.exists)
    page.reload()
    begun = list(half_way.values_list("pk", flat=True))
    assert begun
    expect(page.locator("#batch-progress")).to_contain_text("not finished")
    slow_down(context, page, -1)
    choose(page, folder)
    wait_for(lambda: SourceFile.objects.count() == 5)
    assert_all_here(folder)
    went_on = Upload.objects.filter(pk__in=begun, status="complete")
    assert went_on.exists(), "at least one transfer went on where it had stopped"
    wait_for(lambda: not Upload.objects.filter(status="active").exists())


def test_pause_stops_and_continue_goes_on(visit: Callable[..., tuple[BrowserContext, Page]], folder: Path) -> None:
    context, page = visit()
    slow_down(context, page, 400_000)
    choose(page, folder)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-headline]")).to_have_text("Paused")
    time.sleep(0.5)
    before = sum(Upload.objects.values_list("offset", flat=True))
    time.sleep(1)
    assert sum(Upload.objects.values_list("offset", flat=True)) == before
    slow_down(context, page, -1)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-headline]")).to_have_text("Uploaded", timeout=20_000)
    assert_all_here(folder)


@pytest.mark.once
def test_progress_is_by_study_and_no_uid_is_shown_or_sent(
    visit: Callable[..., tuple[BrowserContext, Page]], tmp_path: Path
) -> None:
    """Three images of two studies in one folder, and one file that does not say its study; undefined lengths in the header."""
    place = tmp_path / "mixed"
    place.mkdir()
    for number, study in enumerate((1, 1, 2)):
        (place / f"{number}.dcm").write_bytes(small_radiograph(number, StudyInstanceUID=f"1.2.826.0.1.99.77.{study}"))
    (place / "note.bin").write_bytes(os.urandom(60_000))
    context, page = visit()
    bodies: list[str] = []
    page.on("request", lambda sent: bodies.append(sent.post_data or "") if sent.url.endswith("/known/") else None)
    slow_down(context, page, 900_000)
    choose(page, place)
    expect(page.locator("[data-group-name]").first).to_have_text(
        re.compile("^(Study|Folder mixed).* of 3$"), timeout=20_000
    )
    slow_down(context, page, -1)
    expect(page.locator("[data-detail]")).to_contain_text("4 files sent", timeout=30_000)
    expect(page.locator("[data-groups-done]")).to_have_text("3 of 3 studies or folders complete")
    assert "1.2.826" not in page.content()
    assert bodies and not any("1.2.826" in body for body in bodies)


@pytest.mark.once
def test_a_server_that_asks_for_a_pause_is_taken_at_its_word_and_a_dead_network_is_waited_for(
    visit: Callable[..., tuple[BrowserContext, Page]], folder: Path
) -> None:
    _, page = visit()
    answers = [(503, {"Retry-After": "2"}), (507, {"Retry-After": "1"})]
    asked: list[float] = []

    def answer(route: Route) -> None:
        asked.append(time.monotonic())
        if not answers:
            route.continue_()
            return
        status, headers = answers.pop(0)
        route.fulfill(
            status=status, headers=headers, json={"code": "busy", "detail": "No room just now.", "remedy": "Wait."}
        )

    page.route("**/uploads/known/", answer)
    choose(page, folder)
    expect(page.locator("[data-wait-words]")).to_contain_text("No room just now. It goes on by itself in")
    expect(page.locator("[data-detail]")).to_contain_text("5 files sent", timeout=30_000)
    assert asked[1] - asked[0] >= 2
    assert len(asked) == 3
    assert_all_here(folder)


@pytest.mark.once
def test_a_whole_folder_chosen_again_sends_only_what_was_corrected(
    visit: Callable[..., tuple[BrowserContext, Page]], folder: Path
) -> None:
    _, page = visit()
    choose(page, folder)
    expect(page.locator("[data-detail]")).to_contain_text("5 files sent", timeout=20_000)
    two = [file for file in SourceFile.objects.all() if unseal_name(file).endswith(("IM0.dcm", "IM1.dcm"))]
    for file in two:
        SourceFile.objects.filter(pk=file.pk).update(status="rejected", reason="not-dicom", staged="")
    (folder / "P0" / "IM0.dcm").write_bytes(os.urandom(50_000))
    page.reload()
    choose(page, folder)
    expect(page.locator("[data-detail]")).to_contain_text("1 file sent", timeout=20_000)
    expect(page.locator("[data-detail]")).to_contain_text(
        "4 were already here. 1 of these was refused and is unchanged"
    )
    assert SourceFile.objects.count() == 6
    assert SourceFile.objects.get(reason="REPLACED").replaced_by is not None


def test_what_cannot_be_sent_says_why_and_what_to_do(
    visit: Callable[..., tuple[BrowserContext, Page]], folder: Path, settings: Any
) -> None:
    settings.MAX_INSTANCE_BYTES = 1_000_000
    (folder / "empty.dcm").write_bytes(b"")
    _, page = visit()
    choose(page, folder)
    failures = page.locator("[data-failure-list] .file-row")
    expect(failures).to_have_count(2, timeout=20_000)
    text = page.locator("[data-failures]").inner_text()
    assert "The file is empty." in text
    assert "the limit is 1 MB" in text
    assert ".zip" in text
    expect(page.locator("[data-detail]")).to_contain_text("4 files sent")


def test_a_batch_sealed_meanwhile_is_said_in_words(
    visit: Callable[..., tuple[BrowserContext, Page]], folder: Path, scene: Scene
) -> None:
    _, page = visit()
    type(scene.batch).objects.update(status="sealed")
    choose(page, folder)
    expect(page.locator("[data-failures]")).to_contain_text("it takes no more files", timeout=20_000)


def test_without_javascript_the_form_does_the_work(
    visit: Callable[..., tuple[BrowserContext, Page]], folder: Path
) -> None:
    _, page = visit(java_script_enabled=False)
    page.set_input_files("input[name=files]", [folder / "P0" / "IM0.dcm", folder / "P3" / "IM3.dcm"])
    page.get_by_role("button", name="Send the files").click()
    assert "2 files were taken in" in page.content()
    assert sorted(unseal_name(file) for file in SourceFile.objects.all()) == ["IM0.dcm", "IM3.dcm"]
