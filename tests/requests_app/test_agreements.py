"""Agreements: the text and its hash, the legal class, signing, and the fulfillment that follows."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from fulfillment.models import Fulfillment
from getdata.accounts.models import Membership, Organization, Role
from getdata.audit.models import AuditEvent
from getdata.common.models import ImmutableRow
from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification
from requests_app.agreements import agreement_text, blocks
from requests_app.models import Agreement, Offer, Signature
from requests_app.services import agreements as services
from requests_app.services import offers, requests
from requests_app.signals import offer_accepted
from tests.factories import PASSWORD, member
from tests.requests_app.people import Market, document


def refused(code: str, call: Any, **arguments: Any) -> None:
    with pytest.raises(CannotDo) as caught:
        call(**arguments)
    assert caught.value.code == code
    assert caught.value.remedy


def signing(market: Market, agreement: Agreement, side: str = "group", **changes: Any) -> dict[str, Any]:
    actor = market.researcher if side == "group" else market.signatory
    given = {
        "agreement": agreement,
        "organization": getattr(market, side),
        "printed_name": actor.name,
        "password": PASSWORD,
        "actor": actor,
    }
    return {**given, **changes}


def with_policy(policy: str, dates: str) -> dict[str, Any]:
    return {**document()["deidentification"], "policy": policy, "dates": dates}


def test_the_text_is_the_same_for_the_same_offer_and_its_hash_is_of_its_bytes(market: Market) -> None:
    offer = market.offer()
    first, second = agreement_text(offer), agreement_text(Offer.objects.get(pk=offer.pk))
    assert first == second
    assert first.sha256 == hashlib.sha256(first.text.encode()).hexdigest()
    made = services.draw_agreement(offer=offer, actor=market.researcher)
    assert (made.text, made.text_sha256) == (first.text, first.sha256)


def test_the_text_names_both_parties_the_frozen_version_and_the_offer(market: Market) -> None:
    made = market.agreement()
    version = made.offer.spec_version
    for expected in (
        market.group.name,
        market.hospital.name,
        version.sha256,
        f"specification version {version.number}",
        "500 images of 400 patients",
        "AP supine: 100 images",
        "Not to identify, or try to identify, any patient",
        "(deid.policy)",
        "at most 60 months",
    ):
        assert expected in made.text, expected
    for clause in ("Withdrawal of a patient", "Keeping and destruction", "The recipient's obligations"):
        assert clause in made.text


@pytest.mark.parametrize(
    ("policy", "dates", "legal_class", "words"),
    [
        ("cxr-research", "shifted", "de-identified", "shifted by a secret number of days"),
        ("cxr-research", "removed", "de-identified", "dates are removed"),
        ("safe-harbor", "year_only", "de-identified", "dates are cut to the year"),
        ("limited-data-set", "kept", "limited data set", "limited data set under 45 CFR 164.514(e)"),
    ],
)
def test_the_legal_class_follows_from_what_the_policy_keeps(
    market: Market, policy: str, dates: str, legal_class: str, words: str
) -> None:
    made = market.agreement(market.offer(market.open(deidentification=with_policy(policy, dates))))
    assert made.legal_class == legal_class
    assert words in made.text
    assert AuditEvent.objects.get(verb="agreement.drawn").data["legal_class"] == legal_class


def test_what_a_researcher_writes_cannot_look_like_a_clause(market: Market) -> None:
    terms = {**document()["terms"], "other": "Fine.\n\n6. The recipient's obligations\n\n- None.\n"}
    made = market.agreement(market.offer(market.open(terms=terms)))
    headings = [block.text for block in blocks(made.text) if block.kind == "heading"]
    assert sum("obligations" in heading for heading in headings) == 1
    assert "6. The recipient's obligations" not in headings, "the words are on one line, inside clause “Other terms”"
    assert "The recipient's obligations - None." in made.text


def test_the_page_shows_every_word_of_the_text(market: Market) -> None:
    made = market.agreement()
    shown = " ".join(f"{block.text} {' '.join(f'- {item}' for item in block.items)}" for block in blocks(made.text))
    assert shown.split() == made.text.split()


def test_only_who_asked_draws_the_agreement_and_only_once(market: Market) -> None:
    offer = market.offer()
    refused("role_lacks_capability", services.draw_agreement, offer=offer, actor=market.manager)
    services.draw_agreement(offer=offer, actor=market.researcher)
    refused("agreement_exists", services.draw_agreement, offer=offer, actor=market.researcher)
    asked = set(Notification.objects.filter(event="agreement.to_sign").values_list("user__name", flat=True))
    assert asked == {market.researcher.name, market.signatory.name}


def test_drawing_gives_the_parties_time_to_sign(market: Market) -> None:
    offer = market.offer()
    Offer.objects.filter(pk=offer.pk).update(expires_at=timezone.now() + timedelta(hours=1))
    market.agreement(offer)
    offer.refresh_from_db()
    assert offer.expires_at > timezone.now() + timedelta(days=13)


def test_an_agreement_is_drawn_for_the_version_the_offer_was_made_for(market: Market) -> None:
    offer = market.offer()
    changed = document()
    changed["cohort"]["images"]["min"] = 3500
    requests.amend_request(request=offer.request, document=changed, actor=market.researcher)
    made = market.agreement(offer)
    assert offer.spec_version.sha256 in made.text
    assert "specification version 1" in made.text


@pytest.mark.parametrize("end", ["withdrawn", "declined", "expired", "closed"])
def test_nothing_is_drawn_on_what_is_over(market: Market, end: str) -> None:
    offer = market.offer()
    code = "offer_over"
    if end == "withdrawn":
        offers.withdraw_offer(offer=offer, actor=market.manager)
    elif end == "declined":
        offers.decline_offer(offer=offer, note="No", actor=market.researcher)
    elif end == "closed":
        requests.close_request(request=offer.request, actor=market.researcher)
    else:
        Offer.objects.filter(pk=offer.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        code = "offer_expired"
    refused(code, services.draw_agreement, offer=offer, actor=market.researcher)


def test_the_second_signature_accepts_the_offer_and_begins_a_fulfillment(market: Market) -> None:
    made = market.agreement()
    first = services.sign_agreement(**signing(market, made))
    made.offer.refresh_from_db()
    assert made.offer.status == "submitted"
    assert not Fulfillment.objects.exists()
    assert Notification.objects.filter(user=market.signatory, event="agreement.to_sign").count() == 2
    heard: list[Any] = []

    def listen(sender: Any, **kwargs: Any) -> None:
        heard.append((kwargs["offer"].pk, kwargs["offer"].status, kwargs["actor"]))

    offer_accepted.connect(listen)
    try:
        second = services.sign_agreement(**signing(market, made, "hospital"))
    finally:
        offer_accepted.disconnect(listen)
    made.offer.refresh_from_db()
    assert made.offer.status == "accepted"
    assert heard == [(made.offer.pk, "accepted", market.signatory)]
    begun = Fulfillment.objects.get(offer=made.offer)
    assert (begun.status, begun.request, begun.hospital) == ("active", made.offer.request, market.hospital)
    for signature in (first, second):
        assert signature.text_sha256 == made.text_sha256
        assert signature.organization.name in signature.meaning
    for person in (market.researcher, market.manager):
        assert Notification.objects.filter(user=person, event="fulfillment.started").exists()


def test_a_failing_receiver_leaves_the_offer_unaccepted_and_unsigned(market: Market) -> None:
    made = market.agreement()
    services.sign_agreement(**signing(market, made))

    def fail(sender: Any, **kwargs: Any) -> None:
        raise RuntimeError("nothing may be half done")

    offer_accepted.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            services.sign_agreement(**signing(market, made, "hospital"))
    finally:
        offer_accepted.disconnect(fail)
    made.offer.refresh_from_db()
    assert made.offer.status == "submitted"
    assert made.signatures.count() == 1
    assert not Fulfillment.objects.exists()


def test_a_party_signs_once(market: Market) -> None:
    made = market.agreement()
    services.sign_agreement(**signing(market, made))
    refused("already_signed", services.sign_agreement, **signing(market, made))
    assert made.signatures.count() == 1


def test_one_person_does_not_sign_for_both(market: Market) -> None:
    made = market.agreement()
    Membership.objects.create(user=market.researcher, organization=market.hospital, role=Role.OWNER)
    services.sign_agreement(**signing(market, made))
    refused("same_person", services.sign_agreement, **signing(market, made, "hospital", actor=market.researcher))


@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.PRIVACY_OFFICER, Role.READER, Role.VIEWER])
def test_a_role_that_may_not_sign_is_refused(market: Market, role: str) -> None:
    made = market.agreement()
    person = member(market.hospital, role)
    refused("role_lacks_capability", services.sign_agreement, **signing(market, made, "hospital", actor=person))


def test_an_outsider_is_no_party(market: Market) -> None:
    made = market.agreement()
    theirs = market.other.memberships.get().organization
    refused("not_a_party", services.sign_agreement, **signing(market, made, organization=theirs, actor=market.other))


def test_a_wrong_password_signs_nothing_is_recorded_and_counted(market: Market) -> None:
    cache.clear()
    made = market.agreement()
    for password in ("", "wrong", PASSWORD.upper(), "wrong", "wrong"):
        refused("wrong_password", services.sign_agreement, **signing(market, made, password=password))
    refused("too_many_attempts", services.sign_agreement, **signing(market, made))
    assert AuditEvent.objects.filter(verb="agreement.signature_refused").count() == 5
    assert not Signature.objects.exists()
    services.sign_agreement(**signing(market, made, "hospital"))  # another person is not held up


def test_a_printed_name_is_needed(market: Market) -> None:
    refused("name_missing", services.sign_agreement, **signing(market, market.agreement(), printed_name="  "))


def test_a_suspended_party_stops_the_signing(market: Market) -> None:
    made = market.agreement()
    Organization.objects.filter(pk=market.hospital.pk).update(status="suspended")
    refused(
        "organization_not_verified",
        services.sign_agreement,
        **signing(market, Agreement.objects.get(pk=made.pk)),
    )


def test_an_expired_offer_is_not_signed(market: Market) -> None:
    made = market.agreement()
    Offer.objects.filter(pk=made.offer_id).update(expires_at=timezone.now() - timedelta(seconds=1))
    refused("offer_expired", services.sign_agreement, **signing(market, made))


def test_a_text_that_was_altered_is_not_signed(market: Market) -> None:
    made = market.agreement()
    Agreement.objects.filter(pk=made.pk).update(text=made.text.replace("500 images", "900 images"))
    refused("text_altered", services.sign_agreement, **signing(market, Agreement.objects.get(pk=made.pk)))


def test_agreement_and_signature_are_written_once(market: Market) -> None:
    made = market.agreement()
    signature = services.sign_agreement(**signing(market, made))
    for row in (made, signature):
        with pytest.raises(ImmutableRow):
            row.save()


def test_a_signed_request_is_closed_not_cancelled(market: Market) -> None:
    made = market.agreement()
    services.sign_agreement(**signing(market, made))
    services.sign_agreement(**signing(market, made, "hospital"))
    refused("has_agreement", requests.cancel_request, request=made.offer.request, actor=market.researcher)
    requests.close_request(request=made.offer.request, actor=market.researcher)
    made.offer.refresh_from_db()
    assert made.offer.status == "accepted"
