"""From the front page to a signed agreement, by clicking."""

from __future__ import annotations

import re
from datetime import date, timedelta

from playwright.sync_api import expect

from tests.e2e.browser import PHONE, Person
from tests.e2e.portal import Portal, until
from tests.e2e.stage import ANSWERS, GROUP, HOSPITALS, NEW_PASSWORD, TITLE, Stage

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
    reviewer.take_next_step(re.compile(GROUP))
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
    researcher.follow("1. Purpose")
    researcher.heading("What is the data for?")
    researcher.field("Intended use").select_option("academic_research")
    researcher.field("Purpose").fill(
        "A rehearsal of the whole path: forty public radiographs with their labels travel from request to release."
    )
    stage.camera.take(researcher, "07-request-editor")
    researcher.press("Save and continue")
    researcher.heading("How many images, of whom?")
    researcher.fill("Images, at least", "38")
    researcher.fill("Patients, at least", "20")
    researcher.press("Save and continue")
    researcher.heading("Which images are accepted?")
    for number, view in enumerate(("PA", "AP")):
        if number:
            researcher.press("Add a projection")
        row = part("rows-projections").locator("fieldset").nth(number)
        researcher.field("Projection", within=row).select_option(view)
        row.get_by_label("Images, at least").fill("10")
    researcher.fill("Bits stored, at least", "8")
    researcher.fill("Short side, at least", "600")
    researcher.main.get_by_text("Pixel spacing", exact=True).click()
    researcher.main.get_by_label("Pixel spacing is given").uncheck()
    researcher.press("Save and continue")
    researcher.heading("What must be labelled, and by whom?")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        researcher.main.get_by_label("Label list").select_option("nih-chestxray14")
    researcher.field("Finding", within=part("rows-findings")).fill("Pneumothorax")
    stage.camera.take(researcher, "08-request-saved")
    researcher.press("Save and continue")
    researcher.heading("How many of which kind?")
    researcher.press("Save and continue")
    researcher.heading("On what terms?")
    researcher.fill("Deadline", (date.today() + timedelta(days=60)).isoformat())
    researcher.fill("Kept for", "12")
    researcher.fill("Ethics approval or exemption", "Exempt: public images")
    researcher.press("Save and check")
    researcher.heading(TITLE)
    researcher.sees("Nothing blocks posting", within=part("lint"))
    researcher.press("Submit for a check")
    researcher.sees("Submitted.")
    assert stage["visitor"].status(page.url) == 404, "a request is private until it is open"


def reviewer_opens_the_request(stage: Stage) -> None:
    reviewer = stage["reviewer"]
    reviewer.take_next_step(re.compile(TITLE))
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
    hospital.fill("Delivered by", (date.today() + timedelta(days=30)).isoformat())
    hospital.fill("Message to the researcher", "Two digital rooms and one portable unit; labels mined from reports.")
    if role == "hospital_a":
        stage.camera.take(hospital, "12-offer")
    hospital.press("Send the offer")
    hospital.heading(re.compile(f"offers {images} images"))


def researcher_draws_up_the_agreement_and_signs(stage: Stage, role: str) -> None:
    researcher = stage["new_researcher"]
    researcher.take_next_step(re.compile(HOSPITALS[role]))
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
    hospital.take_next_step(re.compile("agreement", re.IGNORECASE))
    hospital.heading("Agreement")
    if role == "hospital_a":
        stage.camera.take(hospital, "15-agreement-to-sign", at=hospital.part("sign"))
    sign(hospital, stage.people[role]["name"], stage.password)


def sign(person: Person, name: str, password: str) -> None:
    agreement = person.page.url.partition("#")[0]
    confirm = person.main.get_by_role("link", name="Confirm it is you, then sign")
    if confirm.count():
        confirm.click()
        person.proves_it(password)
        person.heading("Agreement")
    person.fill("Your full name", name)
    person.fill("Your password, again", password)
    person.main.get_by_label("I have read the whole text").check()
    person.press("Sign the agreement")
    expect(person.page.get_by_role("button", name="Sign the agreement")).to_have_count(0)
    person.open("/dashboard/")
    person.open(agreement)
    expect(person.main.locator(".signature .name").filter(has_text=name)).to_have_count(1)
