"""A passkey in a real browser, with an authenticator of its own: set up where a hospital's person is asked to, and signed in with."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from getdata.accounts.models import Role
from tests.e2e.browser import PHONE, Person, chromium
from tests.factories import PASSWORD, HospitalFactory, member

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.timeout(180)]
KEY = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
    "automaticPresenceSimulation": True,
}  # fmt: skip


def test_a_passkey_is_set_up_and_opens_the_account_alone(live_server: Any) -> None:
    user = member(HospitalFactory.create(name="Clinic by the Lake"), Role.VIEWER, second_factor=False)
    with chromium() as browser:
        person = Person(browser, live_server.url)
        devtools = person.context.new_cdp_session(person.page)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
        person.open("/accounts/login/?next=/requests/")
        person.fill("E-mail address", user.email)
        person.fill("Password", PASSWORD)
        person.press("Sign in", exact=True)
        person.heading("One more step to sign in")
        pictures(person, "second-step")
        person.follow("Set up a passkey")
        person.heading("Is it you?")
        person.fill("Your password", PASSWORD)
        person.press("Confirm")
        person.heading("Set up a passkey")
        pictures(person, "passkey")
        person.fill("What you call it", "desk in room 4")
        person.main.get_by_label(re.compile("Sign in with it alone")).check()
        person.press("Set it up")
        person.heading("Recovery codes")
        pictures(person, "recovery-codes")
        person.follow("I have kept them: go on")
        expect(person.page).to_have_url(re.compile("/requests/$"))
        person.open("/accounts/2fa/webauthn/")
        person.sees("desk in room 4")
        pictures(person, "passkeys")
        person.open("/accounts/sessions/")
        pictures(person, "devices")
        person.context.clear_cookies()
        person.open("/accounts/login/")
        pictures(person, "login")
        person.press("Sign in with a passkey")
        expect(person.page).to_have_url(re.compile("/dashboard/$"))
        assert person.complaints == []


def pictures(person: Person, name: str) -> None:
    """For whoever looks at these pages: by day and night, at a desk and on a phone."""
    folder = os.environ.get("GETDATA_PICTURES")
    if not folder:
        return
    for size, place in (({"width": 1440, "height": 900}, "desk"), (PHONE, "phone")):
        for theme in ("light", "dark"):
            person.page.set_viewport_size(size)  # type: ignore[arg-type]
            person.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            person.page.screenshot(path=f"{folder}/{name}-{place}-{theme}.png")
    person.page.set_viewport_size({"width": 1440, "height": 900})
