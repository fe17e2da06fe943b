"""The whole path by clicking: forty radiographs of two hospitals from a request to a release, each person at a browser."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e import package_checks as package
from tests.e2e.browser import PHONE, Camera, Person, chromium
from tests.e2e.portal import ROOT, Portal, until
from tests.support.corpus import Delivery, HospitalDelivery
from tests.support.leaks import LeakFinder

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(900)]

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


@pytest.fixture
def stage(portal: Portal) -> Iterator[Stage]:
    with chromium() as browser:
        yield Stage(browser, portal, Camera(ROOT / "docs" / "screenshots"))


def test_forty_radiographs_travel_from_request_to_release_by_clicking(
    stage: Stage, delivery: Delivery, tmp_path: Path
) -> None:
    with stage.pictures_of_a_failure(tmp_path):
        carry_the_delivery(stage, delivery, tmp_path)


def carry_the_delivery(stage: Stage, delivery: Delivery, tmp_path: Path) -> None:
    visitor_opens_the_front_page(stage)
    researcher_signs_up(stage)
    researcher_registers_an_organization(stage)
    reviewer_verifies_it(stage)
    researcher_writes_a_request(stage)
    reviewer_opens_the_request(stage)
    visitor_reads_the_request(stage)

    sides = dict(zip(HOSPITALS, delivery.hospitals, strict=True))
    for role in HOSPITALS:
        hospital_makes_an_offer(stage, role, images=sum(f.kind == "image" for f in sides[role].files))
        researcher_draws_up_the_agreement_and_signs(stage, role)
        hospital_signs(stage, role)
        hospital_begins_a_batch(stage, role)
    hospital_uploads_its_folder(stage, "hospital_a", sides["hospital_a"])
    hospital_uploads_an_archive(stage, "hospital_b", sides["hospital_b"], tmp_path)
    passed = 0
    for role in HOSPITALS:
        batch_settles_before_the_eyes(stage, role, live=role == "hospital_a")
        passed += results_name_cause_and_remedy(stage, role, sides[role])
        hospital_seals(stage, role)
    wanted = sum(file.expectation == "released" for file in delivery.files)
    assert passed >= 0.95 * wanted, f"{passed} of {wanted} images passed"

    reviewer_accepts(stage, HOSPITALS["hospital_a"], names=[file.relative for file in sides["hospital_a"].files])
    reviewer_returns_with_a_note(stage, HOSPITALS["hospital_b"])
    hospital_withdraws_the_file_and_reseals(stage, "hospital_b")
    reviewer_accepts(stage, HOSPITALS["hospital_b"], names=[file.relative for file in sides["hospital_b"].files])
    reviewer_prepares_the_release(stage, images=passed - 1)
    second_person_publishes(stage)
    archive = researcher_downloads(stage)
    nobody_else_may(stage)
    everybody_sees_how_far_it_is(stage)

    bag = package.unpack(archive, tmp_path / "package")
    package.assert_valid_bag(bag)
    package.assert_no_identity(archive, delivery)
    counts = package.assert_images_are_the_delivered_ones(bag, delivery)
    assert counts["images"] == passed - 1 == len(package.read_table(bag, "images.csv"))
    assert counts["burned"] >= 1, "the delivery was meant to hold burned-in text"
    assert package.read_table(bag, "labels.csv")

    named = [item for item in delivery.planted if item.everywhere]
    assert LeakFinder(named).find(stage.portal.everything_logged(), where="log") == []
    stage.portal.manage("manage.py", "verify_audit")
    assert [line for person in stage.at.values() for line in person.complaints] == []


# --- a request ----------------------------------------------------------------------------------------------------------


def visitor_opens_the_front_page(stage: Stage) -> None:
    visitor = stage.enter("visitor", signed_in=False)
    visitor.open("/")
    visitor.heading("Chest X-ray data, made to your specification")
    stage.camera.take(visitor, "01-front-page")
    visitor.follow("Browse open requests")
    visitor.heading(re.compile("request", re.IGNORECASE))


def researcher_signs_up(stage: Stage) -> None:
    researcher = stage.enter("new_researcher", signed_in=False)
    researcher.open("/")
    researcher.follow("I need data")
    researcher.heading("Create an account")
    researcher.fill("Full name", "Ida Novak")
    researcher.fill("E-mail address", "ida.novak@nordhafen.example")
    researcher.fill("Password", NEW_PASSWORD)
    researcher.fill("Password again", NEW_PASSWORD)
    stage.camera.take(researcher, "02-sign-up")
    researcher.press("Create account")
    link = until(lambda: confirmation_link(stage.portal), seconds=90, what="the confirmation e-mail")
    researcher.open(link)
    researcher.press(re.compile("Confirm"))
    if researcher.page.url.rstrip("/").endswith("login"):  # confirming does not sign in, by allauth's default
        researcher.fill("E-mail address", "ida.novak@nordhafen.example")
        researcher.fill("Password", NEW_PASSWORD)
        researcher.press("Sign in")
    researcher.sees("Create an organization")
    stage.camera.take(researcher, "03-first-dashboard")


def confirmation_link(portal: Portal) -> str:
    """The address in the newest e-mail that confirms one, as its reader would click it."""
    for letter in sorted((portal.var / "mail").glob("*"), key=lambda path: path.stat().st_mtime, reverse=True):
        found = re.search(r"http\S+/accounts/confirm-email/\S+", letter.read_text().replace("=\n", ""))
        if found:
            return found.group()
    return ""


def researcher_registers_an_organization(stage: Stage) -> None:
    researcher = stage["new_researcher"]
    researcher.follow("Create an organization")
    researcher.main.get_by_label("A research group that needs data").check()
    researcher.fill("Legal name", GROUP)
    researcher.main.get_by_label("Country").select_option(label="Germany")
    researcher.press("Create the organization")
    researcher.follow(re.compile("^Answer: "))
    for title, answer in ANSWERS.items():
        researcher.heading(title)
        researcher.fill("Your answer", answer)
        if title == "Purpose":
            stage.camera.take(researcher, "04-checklist-answer")
        researcher.press(re.compile("^Save"))
    researcher.sees("5 of 5")
    researcher.press("Submit for verification")
    researcher.sees(f"{GROUP} is submitted")
    stage.camera.take(researcher, "05-organization-submitted")


def reviewer_verifies_it(stage: Stage) -> None:
    reviewer = stage["reviewer"]
    reviewer.open("/dashboard/")
    reviewer.follow(re.compile(GROUP))
    reviewer.heading(GROUP)
    stage.camera.take(reviewer, "06-verification")
    accept = reviewer.main.get_by_role("button", name=re.compile("^Accept: "))
    for left in range(len(ANSWERS), 0, -1):
        expect(accept).to_have_count(left)
        accept.first.click()
    reviewer.press(f"Verify {GROUP}")
    reviewer.sees(f"{GROUP} is verified")


def researcher_writes_a_request(stage: Stage) -> None:
    researcher, page = stage["new_researcher"], stage["new_researcher"].page
    researcher.open("/")
    researcher.follow("I need data")
    researcher.fill("Title", TITLE)
    researcher.press("Make the draft")
    researcher.heading(TITLE)
    part = researcher.part
    part("purpose").get_by_label("Intended use").select_option("academic_research")
    researcher.field("Purpose", within=part("purpose")).fill(
        "A rehearsal of the whole path: forty public radiographs with their labels travel from request to release."
    )
    part("cohort").get_by_label("Images, at least").fill("38")
    part("cohort").get_by_label("Patients, at least").fill("20")
    for number, view in enumerate(("PA", "AP")):
        if number:
            researcher.press("Add a projection")
        row = part("rows-projections").locator("fieldset").nth(number)
        researcher.field("Projection", within=row).select_option(view)
        row.get_by_label("Images, at least").fill("10")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        part("labels").get_by_label("Label list").select_option("nih-chestxray14")
    researcher.field("Finding", within=part("rows-findings")).fill("Pneumothorax")
    part("image").get_by_label("Bits stored, at least").fill("8")
    part("image").get_by_label("Short side, at least").fill("600")
    part("image").get_by_label("Pixel spacing is given").uncheck()
    part("delivery").get_by_label("Deadline").fill((date.today() + timedelta(days=60)).isoformat())
    part("terms").get_by_label("Kept for").fill("12")
    part("terms").get_by_label("Ethics approval or exemption").fill("Exempt: public images")
    stage.camera.take(researcher, "07-request-editor")
    researcher.press("Save the draft", exact=True)
    researcher.sees("Draft saved")
    researcher.sees("Nothing blocks posting", within=part("lint"))
    stage.camera.take(researcher, "08-request-saved", at=part("labels"))
    researcher.press("Save and submit")
    researcher.sees("Submitted.")
    assert stage["visitor"].status(page.url) == 404, "a request is private until it is open"


def reviewer_opens_the_request(stage: Stage) -> None:
    reviewer = stage["reviewer"]
    reviewer.open("/dashboard/")
    reviewer.follow(re.compile(TITLE))
    reviewer.heading(TITLE)
    stage.camera.take(reviewer, "09-request-check")
    reviewer.press("Open the request")
    expect(reviewer.main.get_by_role("button", name="Open the request")).to_have_count(0)


def visitor_reads_the_request(stage: Stage) -> None:
    visitor = stage["visitor"]
    visitor.open("/requests/")
    stage.camera.take(visitor, "10-open-requests")
    visitor.follow(TITLE)
    visitor.heading(TITLE)
    visitor.sees("Every line that is checked")
    stage.camera.take(visitor, "11-request")
    stage.camera.take(visitor, "11-request-phone", size=PHONE)


# --- offer and agreement ------------------------------------------------------------------------------------------------


def hospital_makes_an_offer(stage: Stage, role: str, *, images: int) -> None:
    hospital = stage[role]
    hospital.open("/requests/")
    hospital.follow(TITLE)
    hospital.follow("Make an offer")
    hospital.fill("Images you can deliver", str(images))
    hospital.fill("Of how many patients", "10")
    for row in hospital.main.locator(".offer-lines tbody tr").all():
        row.get_by_role("spinbutton").fill("8")
    hospital.fill("Message to the researcher", "Two digital rooms and one portable unit; labels mined from reports.")
    if role == "hospital_a":
        stage.camera.take(hospital, "12-offer")
    hospital.press("Send the offer")
    hospital.heading(re.compile(f"offers {images} images"))


def researcher_draws_up_the_agreement_and_signs(stage: Stage, role: str) -> None:
    researcher = stage["new_researcher"]
    researcher.open("/dashboard/")
    researcher.follow(re.compile(HOSPITALS[role]))
    researcher.heading(re.compile(f"{HOSPITALS[role]} offers"))
    if role == "hospital_a":
        stage.camera.take(researcher, "13-offer-compared")
    researcher.press("Draw up the agreement")
    researcher.heading("Agreement")
    if role == "hospital_a":
        stage.camera.take(researcher, "14-agreement")
    sign(researcher, "Ida Novak", NEW_PASSWORD)


def hospital_signs(stage: Stage, role: str) -> None:
    hospital = stage[role]
    hospital.open("/dashboard/")
    hospital.follow(re.compile("agreement", re.IGNORECASE))
    hospital.heading("Agreement")
    if role == "hospital_a":
        stage.camera.take(hospital, "15-agreement-to-sign", at=hospital.part("sign"))
    sign(hospital, stage.people[role]["name"], stage.password)


def sign(person: Person, name: str, password: str) -> None:
    agreement = person.page.url.partition("#")[0]
    person.fill("Your full name", name)
    person.fill("Your password, again", password)
    person.main.get_by_label("I have read the whole text").check()
    person.press("Sign the agreement")
    expect(person.page.get_by_role("button", name="Sign the agreement")).to_have_count(0)
    person.open("/dashboard/")
    person.open(agreement)
    expect(person.main.locator(".signature .name").filter(has_text=name)).to_have_count(1)


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
    hospital.sees(
        re.compile(f"{files} files sent|files sent and handed"), within=hospital.page.locator("[data-upload]")
    )
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
    stage.camera.take(hospital, f"18-results-{role[-1]}")
    stage.camera.take(hospital, f"19-files-{role[-1]}", at=page.locator("#files"))
    passed = 0
    for file in side.files:
        row = rows.filter(has=page.locator(".file-name").filter(has_text=file.relative)).first
        state = row.locator("[data-label='State']").inner_text()
        if file.expectation == "withheld":
            assert re.search("Rejected|Quarantined", state), (file.kind, state)
        if "Passed" in state:
            passed += 1
        else:
            assert row.locator(".finding").first.inner_text().strip(), f"no cause for a {file.kind} file"
            assert row.locator(".finding-remedy").first.inner_text().strip(), f"no remedy for a {file.kind} file"
    labels = rows.filter(has=page.locator(".file-name").filter(has_text="labels.csv")).first
    assert "Passed" in labels.locator("[data-label='State']").inner_text()
    assert "Need you, by cause" in page.locator("#batch-files").inner_text()
    return passed


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
    stage.camera.take(reviewer, "21-review-queue")
    row = reviewer.main.locator("tr").filter(has_text=hospital).filter(has_text="Sealed").first
    row.get_by_role("link").first.click()
    reviewer.press("Claim this batch")
    reviewer.sees("You have this batch")
    text = reviewer.page.content()
    assert not [name for name in names if name in text], "a reviewer must not see the hospital's file names"
    return reviewer


def decide(reviewer: Person, choice: str, summary: str) -> None:
    reviewer.main.get_by_label(re.compile(f"^{choice}")).check()
    reviewer.fill("Summary for the hospital", summary)
    reviewer.press("Record the decision")
    reviewer.sees("Your decision is recorded")


def reviewer_accepts(stage: Stage, hospital: str, *, names: list[str]) -> None:
    reviewer = claim(stage, hospital, names)
    look_at_every_picture(reviewer)
    if hospital.endswith("A"):
        stage.camera.take(reviewer, "22-batch-review")
        stage.camera.take(reviewer, "23-contact-sheet", at=reviewer.page.locator("#files"))
        stage.camera.take(reviewer, "23-contact-sheet-dark", at=reviewer.page.locator("#files"), theme="dark")
    decide(reviewer, "Accept", "Looked at every image; the labels are linked.")


def look_at_every_picture(reviewer: Person) -> None:
    """Scroll through the contact sheet: each preview arrives and is a picture."""
    for picture in reviewer.main.locator(".contact-film img").all():
        picture.scroll_into_view_if_needed()
        until(
            lambda shown=picture: shown.evaluate("i => i.complete && i.naturalWidth > 100"),
            seconds=30,
            what="a preview",
        )


def reviewer_returns_with_a_note(stage: Stage, hospital: str) -> None:
    reviewer = claim(stage, hospital, [])
    tile = reviewer.main.locator(".contact").filter(has=reviewer.page.locator("textarea")).first
    tile.get_by_label(re.compile("^Note on file")).fill(NOTE)
    reviewer.page.keyboard.press("Tab")
    reviewer.sees("1 note", within=reviewer.page.locator("#pending-notes"))
    reviewer.main.get_by_label(re.compile("^Return with notes")).check()
    stage.camera.take(reviewer, "24-decision", at=reviewer.page.locator("#decide"))
    decide(reviewer, "Return with notes", "All but one are fine; please see the note.")


def hospital_withdraws_the_file_and_reseals(stage: Stage, role: str) -> None:
    hospital, page = stage[role], stage[role].page
    hospital.open("/dashboard/")
    hospital.follow(re.compile("Everything|returned", re.IGNORECASE))
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
    administrator.open("/dashboard/")
    administrator.follow(re.compile("Release|release"))
    administrator.sees("Check, then publish")
    stage.camera.take(administrator, "27-second-person")
    administrator.press("Publish the release")
    administrator.sees("The release is published")


def researcher_downloads(stage: Stage) -> bytes:
    """By the browser, and a part of it by Range with the same session."""
    researcher = stage["new_researcher"]
    researcher.open("/releases/")
    researcher.follow(re.compile(TITLE))
    researcher.sees("Ready to download")
    stage.camera.take(researcher, "28-release")
    stage.camera.take(researcher, "28-release-phone", size=PHONE)
    stage.camera.take(researcher, "28-release-dark", theme="dark")
    address = researcher.main.get_by_role("link", name="Download the package").get_attribute("href")
    with researcher.page.expect_download() as begun:
        researcher.follow("Download the package")
    archive = Path(begun.value.path()).read_bytes()
    digest = hashlib.sha256(archive).hexdigest()
    researcher.open(researcher.page.url)
    assert digest in researcher.page.content(), "the page shows the checksum of what was downloaded"
    part: Any = researcher.context.request.get(str(address), headers={"Range": "bytes=1000-2999"})
    assert part.status == 206
    assert part.body() == archive[1000:3000]
    stage.at["new_researcher"].address = str(address)  # type: ignore[attr-defined]
    return archive


def nobody_else_may(stage: Stage) -> None:
    address: str = stage.at["new_researcher"].address  # type: ignore[attr-defined]
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
