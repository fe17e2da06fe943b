"""From an empty batch to a downloaded release, by clicking."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from tests.e2e.browser import PHONE, Person
from tests.e2e.portal import until
from tests.e2e.stage import NEW_PASSWORD, NOTE, TITLE, Stage
from tests.support.corpus import HospitalDelivery

# --- delivery -------------------------------------------------------------------------------------------------------------


def hospital_begins_a_batch(stage: Stage, role: str) -> None:
    hospital = stage[role]
    hospital.open("/deliveries/")
    hospital.follow(TITLE)
    hospital.heading(TITLE)
    if role == "hospital_a":
        stage.camera.take(hospital, "16-delivery")
    hospital.follow("New batch")
    hospital.fill("Name", "Everything")
    hospital.press("Begin the batch")
    hospital.sees("Drop a folder or files here")
    if role == "hospital_a":
        stage.camera.take(hospital, "17-empty-batch")


def hospital_uploads_its_folder(stage: Stage, role: str, side: HospitalDelivery) -> None:
    hospital, page = stage[role], stage[role].page
    with page.expect_file_chooser() as asked:
        hospital.press("Choose a folder")
    asked.value.set_files(side.folder)
    uploaded(hospital, len(side.files))
    choose_files(hospital, [side.labels])
    uploaded(hospital, len(side.files) + 1)


def hospital_uploads_an_archive(stage: Stage, role: str, side: HospitalDelivery, folder: Path) -> None:
    archive = shutil.make_archive(str(folder / "export"), "zip", side.folder)
    choose_files(stage[role], [Path(archive), side.labels])
    uploaded(stage[role], 2)


def choose_files(hospital: Person, files: list[Path]) -> None:
    with hospital.page.expect_file_chooser() as asked:
        hospital.press("Choose files")
    asked.value.set_files(files)


def uploaded(hospital: Person, files: int) -> None:
    """Wait until the upload area says that everything was sent."""
    expect(hospital.page.locator("[data-headline]")).to_have_text("Uploaded", timeout=180_000)
    hospital.sees(f"{files} files sent", within=hospital.page.locator("[data-upload]"))
    assert not hospital.page.locator("[data-failures]").is_visible()


def batch_settles_before_the_eyes(stage: Stage, role: str, *, live: bool) -> None:
    """The page counts by itself, without being loaded again, until every file is settled."""
    hospital, page = stage[role], stage[role].page
    page.evaluate("window.neverLeft = true")
    seen: list[int] = []

    def settled() -> bool:
        shown = page.locator("#batch-progress progress")
        if shown.count():
            value = int(float(shown.first.get_attribute("value") or 0))
            if value not in seen:
                seen.append(value)
                if live and len(seen) == 3:
                    stage.camera.take(hospital, "batch-progress")
                    stage.camera.take(hospital, "batch-progress-dark", theme="dark")
                    stage.camera.take(hospital, "batch-progress-phone", size=PHONE)
        return page.locator("#batch-progress").get_by_role("link", name="Check and submit").count() > 0

    until(settled, seconds=600, what="every file to settle")
    if live:
        assert len(seen) >= 2, "no progress was shown on the way"
    assert page.evaluate("window.neverLeft === true"), "the page was loaded again"


def results_name_cause_and_remedy(stage: Stage, role: str, side: HospitalDelivery) -> int:
    """Every file is listed; what was withheld says why and what to do. Returns how many images passed."""
    hospital, page = stage[role], stage[role].page
    rows = page.locator("#batch-files tbody tr")
    expect(rows.first).to_be_visible()
    if role == "hospital_a":
        stage.camera.take(hospital, "18-results")
        stage.camera.take(hospital, "18-results-phone", size=PHONE, at=page.locator("#causes"))
        stage.camera.take(hospital, "19-files", at=page.locator("#files"))
    states = {}
    for file in side.files:
        row = rows.filter(has=page.locator(".file-name").filter(has_text=file.relative)).first
        states[file.relative] = row.locator("[data-label='State']").inner_text().strip()
        if states[file.relative] != "Passed":
            assert row.locator(".finding").first.inner_text().strip(), f"no cause for a {file.kind} file"
            assert row.locator(".finding-remedy").first.inner_text().strip(), f"no remedy for a {file.kind} file"
    for file in side.files:
        if file.kind == "duplicate":  # two workers: whichever of the two comes first is kept
            first = next(one for one in side.files if one.sop_instance_uid == file.duplicate_of)
            assert sorted([states[first.relative], states[file.relative]]) == ["Passed", "Rejected"]
        elif file.expectation == "withheld":
            assert states[file.relative] in ("Rejected", "Quarantined"), (file.kind, states[file.relative])
    labels = rows.filter(has=page.locator(".file-name").filter(has_text="labels.csv")).first
    assert "Passed" in labels.locator("[data-label='State']").inner_text()
    assert "Need you, by cause" in page.locator("#batch-files").inner_text()
    return sum(state == "Passed" for state in states.values())


def hospital_seals(stage: Stage, role: str) -> None:
    hospital = stage[role]
    hospital.follow("Check and submit")
    hospital.heading("Check and submit")
    if role == "hospital_a":
        stage.camera.take(hospital, "20-check-and-submit")
    hospital.press("Seal and submit")
    hospital.sees("With the reviewers")


# --- review ---------------------------------------------------------------------------------------------------------------


def claim(stage: Stage, hospital: str, names: list[str]) -> Person:
    reviewer = stage["reviewer"]
    reviewer.open("/review/")
    if hospital.endswith("A"):
        stage.camera.take(reviewer, "21-review-queue")
    row = reviewer.main.locator("tr").filter(has_text=hospital).filter(has_text="Sealed").first
    row.get_by_role("link").first.click()
    reviewer.press("Claim this batch")
    reviewer.sees("You have this batch")
    text = reviewer.page.content()
    assert not [name for name in names if name in text], "a reviewer must not see the hospital's file names"
    return reviewer


def decide(reviewer: Person, choice: str, summary: str) -> None:
    reviewer.follow(re.compile("^Decision"))
    reviewer.main.get_by_label(re.compile(f"^{choice}")).check()
    reviewer.fill("Summary for the hospital", summary)
    reviewer.press("Record the decision")
    reviewer.sees("Your decision is recorded")


def reviewer_accepts(stage: Stage, hospital: str, *, names: list[str]) -> None:
    reviewer = claim(stage, hospital, names)
    if hospital.endswith("A"):
        stage.camera.take(reviewer, "22-batch-review")
    look_at_the_sample(reviewer)
    if hospital.endswith("A"):
        stage.camera.take(reviewer, "23-contact-sheet", at=reviewer.page.locator("#sheet"))
        stage.camera.take(reviewer, "23-contact-sheet-dark", at=reviewer.page.locator("#sheet"), theme="dark")
    decide(reviewer, "Accept", "Looked at every image; the labels are linked.")


def look_at_the_sample(reviewer: Person) -> None:
    """By keyboard: each picture of the sample arrives, stands before the reviewer, and is counted."""
    reviewer.follow(re.compile("^De-identification"))
    page = reviewer.page
    waiting = page.locator(".sheet-tile[data-wanted]:not(.is-looked)")
    picture = page.locator(".loupe-film img")
    for _ in range(waiting.count()):
        until(lambda: picture.evaluate("i => i.complete && i.naturalWidth > 100"), seconds=30, what="a preview")
        expect(page.locator(".sheet-tile[aria-current].is-looked")).to_have_count(1)
        page.keyboard.press("l")
    expect(page.locator("[data-complete]")).to_be_visible()


def reviewer_returns_with_a_note(stage: Stage, hospital: str) -> None:
    reviewer = claim(stage, hospital, [])
    reviewer.follow(re.compile("^De-identification"))
    expect(reviewer.page.locator(".loupe-film img")).to_be_visible()
    reviewer.page.keyboard.press("x")
    reviewer.page.keyboard.type(NOTE)
    reviewer.page.keyboard.press("Enter")
    reviewer.sees("1 note", within=reviewer.page.locator("#pending-notes"))
    reviewer.follow(re.compile("^Decision"))
    reviewer.main.get_by_label(re.compile("^Return with notes")).check()
    stage.camera.take(reviewer, "24-decision", at=reviewer.page.locator("#decide"))
    decide(reviewer, "Return with notes", "All but one are fine; please see the note.")


def hospital_withdraws_the_file_and_reseals(stage: Stage, role: str) -> None:
    hospital, page = stage[role], stage[role].page
    hospital.take_next_step(re.compile("Everything|returned", re.IGNORECASE))
    hospital.sees("Returned with notes")
    stage.camera.take(hospital, "25-returned-to-hospital")
    row: Locator = page.locator("#batch-files tbody tr").filter(has_text=NOTE)
    expect(row).to_have_count(1)
    hospital.press(re.compile("^Withdraw"), within=row)
    hospital.sees("is withdrawn")
    hospital_seals(stage, role)


# --- release --------------------------------------------------------------------------------------------------------------


def reviewer_prepares_the_release(stage: Stage, *, images: int) -> None:
    reviewer = stage["reviewer"]
    reviewer.open("/review/")
    reviewer.press(re.compile("^Prepare a release"))
    reviewer.sees("A second person must publish it")
    reviewer.sees(str(images), within=reviewer.main)
    expect(reviewer.main.get_by_role("button", name="Publish the release")).to_have_count(0)
    stage.camera.take(reviewer, "26-release-prepared")


def second_person_publishes(stage: Stage) -> None:
    administrator = stage["administrator"]
    administrator.take_next_step(re.compile("Release|release"))
    administrator.sees("Check, then publish")
    stage.camera.take(administrator, "27-second-person")
    administrator.press("Publish the release")
    administrator.proves_it()
    administrator.sees("The release is published")


def researcher_attests(stage: Stage) -> None:
    """Purpose, country and duties before the first download: the obvious next step on the release's page."""
    researcher = stage["new_researcher"]
    researcher.open("/releases/")
    researcher.follow(re.compile(TITLE))
    researcher.follow("Attest and download")
    researcher.proves_it(NEW_PASSWORD)
    researcher.heading("Attest before the first download")
    researcher.fill("What you will do with the data", "Train and judge a detector of effusions.")
    researcher.main.get_by_label("I have read these duties and keep them").check()
    researcher.fill("Your password, again", NEW_PASSWORD)
    researcher.press("Attest")
    researcher.sees("Ready to download")


def researcher_downloads(stage: Stage) -> bytes:
    """By the browser, and a part of it by Range with the same session."""
    researcher = stage["new_researcher"]
    researcher_attests(stage)
    stage.camera.take(researcher, "28-release")
    stage.camera.take(researcher, "28-release-phone", size=PHONE)
    stage.camera.take(researcher, "28-release-dark", theme="dark")
    stage.package = str(researcher.main.get_by_role("link", name="Download the package").get_attribute("href"))
    with researcher.page.expect_download() as begun:
        researcher.follow("Download the package")
    archive = Path(begun.value.path()).read_bytes()
    digest = hashlib.sha256(archive).hexdigest()
    researcher.open(researcher.page.url)
    assert digest in researcher.page.content(), "the page shows the checksum of what was downloaded"
    part: Any = researcher.context.request.get(stage.package, headers={"Range": "bytes=1000-2999"})
    assert part.status == 206
    assert part.body() == archive[1000:3000]
    return archive


def nobody_else_may(stage: Stage) -> None:
    address = stage.package
    for stranger in ("outsider", "hospital_a", "hospital_b", "reviewer"):
        assert stage[stranger].status(address) == 404, f"{stranger} got the package"
        assert stage[stranger].status(address, Range="bytes=0-99") == 404
    answer = stage["visitor"].context.request.get(address, max_redirects=0)
    assert answer.status == 302 and "login" in answer.headers["location"]


def everybody_sees_how_far_it_is(stage: Stage) -> None:
    visitor = stage["visitor"]
    visitor.open("/")
    visitor.sees(TITLE)
    stage.camera.take(visitor, "29-front-page-live")
    stage.camera.take(visitor, "29-front-page-live-phone", size=PHONE)
    stage.camera.take(visitor, "29-front-page-live-dark", theme="dark")
    for number, role in ((30, "new_researcher"), (31, "hospital_a"), (32, "reviewer")):
        stage[role].open("/dashboard/")
        stage.camera.take(stage[role], f"{number}-dashboard-{role.replace('_', '-')}")
