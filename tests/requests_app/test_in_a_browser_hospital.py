"""The hospital's path by keyboard alone: profile, match, counts, offer, an agreement signed by both, and the delivery begins."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from fulfillment.models import Fulfillment
from requests_app.models import Agreement, Feasibility, Offer
from tests.factories import PASSWORD
from tests.requests_app.people import Market
from tests.requests_app.test_in_a_browser import LOOKS, Keyboard, chromium, visit  # noqa: F401  fixtures
from tests.support import axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@LOOKS
def test_from_the_profile_to_a_signed_agreement_by_keyboard(
    market: Market,
    visit: Any,  # noqa: F811
    width: int,
    scheme: str,
) -> None:
    item, hospital = market.open(), market.hospital.name
    manager = visit(reverse("match_list"), market.manager, width, scheme)
    keys = Keyboard(manager)
    keys.to("State more").enter("What you hold")
    keys.to("PA").type("9000").to("AP").type("7000").to("HIPAA expert").press("Space").to("Recipients of any").press(
        "Space"
    )
    keys.to("Save").enter("Requests for you")
    keys.to(item.title).enter(item.title)
    keys.to("Count first").enter("Count what you have")
    keys.to("All images").type("900").to("AP supine").type("4").to("AP").type("640")
    keys.to("Keep the counts").enter(f"Counts of {hospital}")
    counts = Feasibility.objects.get().counts
    assert (counts["cohort.images"], counts["projection.ap"], counts["projection.ap.supine"]) == (900, 640, "<11")
    keys.to("Make an offer from these").enter("Make an offer")
    lines = manager.get_by_text("lines", exact=False).locator("xpath=self::summary").inner_text()
    keys.to("Of how many patients").type("700").to(lines).press("Enter")
    keys.to("AP: share").type("10").to("AP").type("Semi-erect where lying flat is not possible")
    keys.to("Send the offer").enter(f"{hospital} offers 900 images")
    made = Offer.objects.get()
    assert made.deviations == {"projection.ap": {"text": "Semi-erect where lying flat is not possible", "percent": 10}}

    researcher = visit(reverse("offers_compare", args=[item.slug]), market.researcher, width, scheme)
    asking = Keyboard(researcher)
    asking.to(hospital).enter(f"{hospital} offers 900 images")
    asking.to("Accept only a part").press("Enter").to("Images").type("600").to("Draw up the agreement").enter(
        "Agreement"
    )
    _sign(asking, "Rosa Researcher")
    agreement = Agreement.objects.get()
    assert "600 images" in agreement.text

    signatory = visit(agreement.get_absolute_url(), market.signatory, width, scheme)
    _sign(Keyboard(signatory), "Georg Signatory")
    signatory.get_by_text("Signed by both parties").first.wait_for()
    begun = Fulfillment.objects.get()
    assert (begun.offer_id, begun.status) == (made.pk, "active")


def _sign(keys: Keyboard, name: str) -> None:
    keys.to("Your full name").type(name).to("Your password").type(PASSWORD)
    keys.to("I have read").press("Space").to("Sign the agreement").press("Enter")
    keys.page.locator(".signature .name").filter(has_text=name).wait_for()
    assert axe.faults(keys.page, impacts=None) == []
