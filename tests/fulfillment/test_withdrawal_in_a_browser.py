"""A withdrawal in a real browser: a privacy officer takes a patient back; it reaches holder, next version and proof."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from fulfillment.evidence import check_document
from fulfillment.models import Image, Withdrawal
from fulfillment.services import custody
from fulfillment.services.certificates import signing_key
from getdata.accounts.models import Role, User
from tests.e2e.browser import Person, chromium
from tests.factories import PASSWORD, ReviewerFactory, member
from tests.fulfillment.test_releases import published
from tests.support import axe
from tests.support.access import downloader
from tests.support.images import accepted_batch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.once]
SIZES: dict[str, Any] = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def test_a_withdrawal_reaches_the_holders_page_and_the_next_version_with_its_proof(live_server, settings) -> None:
    request = accepted_batch(images=3).fulfillment.request
    first = published(request, ReviewerFactory.create(), ReviewerFactory.create())
    delivery = request.fulfillments.get()
    officer = member(delivery.hospital, Role.PRIVACY_OFFICER, name="Olga Officer")
    holder = downloader(first, Role.DATA_MANAGER)
    custody.note_download(grant=first.grants.get(), user=holder, path=first.archive, first_byte=0)
    image = Image.objects.order_by("source__number")[0]
    patient = image.series.study.patient.pseudonym
    shots = os.environ.get("GETDATA_SHOTS")

    with chromium() as browser:

        def open_for(user: User, size: str) -> Person:
            client = Client()
            client.force_login(user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME]
            person = Person(browser, live_server.url, size=SIZES[size], dark=size == "phone")
            person.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
            return person

        def looked_at(person: Person, name: str) -> None:
            if shots:
                person.page.screenshot(path=Path(shots) / f"{name}.png", full_page=True)
            assert axe.faults(person.page) == [] and person.complaints == []

        at_desk = open_for(officer, "desk")
        page = at_desk.page
        page.goto(f"/withdrawals/new/?image={image.pk}")
        assert page.get_by_label("Pseudonym of the patient").input_value() == patient
        page.get_by_label("The patient withdrew consent").check()
        page.get_by_label("I know that this cannot be undone").check()
        page.get_by_label("Your password, again").fill(PASSWORD)
        looked_at(at_desk, "withdrawal-1-new")
        page.get_by_role("button", name="Take it back").click()
        page.get_by_role("heading", name=f"Patient {patient}").wait_for()
        assert "To be destroyed" in page.inner_text("main")
        looked_at(at_desk, "withdrawal-2-hospital")

        # The next version, by two people of GetDATA.
        second = published(request, ReviewerFactory.create(), ReviewerFactory.create())
        assert not second.items.filter(image=image).exists() and second.items.count() == 2

        on_phone = open_for(holder, "phone")
        page = on_phone.page
        page.goto(f"/releases/{first.pk}/")
        assert "Images of this release were withdrawn" in page.inner_text("main")
        looked_at(on_phone, "withdrawal-3-holder-release")
        page.get_by_role("link", name="What was withdrawn, and who has attested").click()
        page.get_by_role("link", name="Release 2").wait_for()
        looked_at(on_phone, "withdrawal-4-holder")
        page.get_by_role("link", name="Attest that they are gone").click()
        page.get_by_label("I attest the lines above").check()
        page.get_by_label("Your full name").fill("Hanna Holder")
        page.get_by_label("Your password, again").fill(PASSWORD)
        looked_at(on_phone, "withdrawal-5-attest")
        page.get_by_role("button", name="Attest").click()
        page.get_by_text("Attested. The proof is signed").wait_for()

        page = at_desk.page
        page.goto("/withdrawals/")
        assert "1 of 1" in page.inner_text("main")
        looked_at(at_desk, "withdrawal-6-list")
        page.get_by_role("link", name=f"Patient {patient}").click()
        with page.expect_download() as proof:
            page.get_by_role("link", name="Attestation, signed").click()
        raw = Path(proof.value.path()).read_bytes()
        assert check_document(raw, signing_key().public).genuine
        assert json.loads(raw)["statement"]["attestation"]["printed_name"] == "Hanna Holder"
        looked_at(at_desk, "withdrawal-7-proof")
        page.goto("/custody/")
        looked_at(at_desk, "custody")

        # Anybody verifies the proof: no account, dropped as a file on the public page.
        anybody = Person(browser, live_server.url, size=SIZES["phone"], dark=False)
        page = anybody.page
        page.goto("/verify/")
        page.get_by_label("The file").set_input_files(
            {"name": "proof.json", "mimeType": "application/json", "buffer": raw}
        )
        page.get_by_role("button", name="Verify").click()
        page.locator("#answer").get_by_text("Genuine").wait_for()
        assert "Hanna Holder" in page.inner_text("main")
        looked_at(anybody, "verify-genuine")
        page.get_by_label("Or its text").fill(raw.decode().replace("Hanna Holder", "Hanna Helper"))
        page.get_by_role("button", name="Verify").click()
        page.get_by_text("section attestation: it is not what was sealed").wait_for()
        looked_at(anybody, "verify-altered")
    assert Withdrawal.objects.get().status == "complete"
