"""Pages: who sees what, what the buttons do, and what a person is told."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from getdata.accounts.models import Membership, Organization, Role
from requests_app.models import DatasetRequest, Offer
from requests_app.services import agreements as agreement_services
from requests_app.services import requests as services
from tests.factories import PASSWORD, member
from tests.requests_app.people import Market, document


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def visit(user: Any, url: str) -> int:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client.get(url).status_code


STAGES = ["draft", "submitted", "open", "closed", "cancelled"]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("who", ["visitor", "other", "manager", "owner", "viewer", "reviewer"])
def test_a_request_is_seen_by_those_who_may(market: Market, stage: str, who: str) -> None:
    if stage == "closed":
        item = services.close_request(request=market.open(), actor=market.researcher)
    elif stage == "cancelled":
        item = services.cancel_request(request=market.open(), actor=market.researcher)
    else:
        item = getattr(market, stage)()
    people = {
        "visitor": None,
        "other": market.other,
        "manager": market.manager,
        "owner": market.researcher,
        "viewer": member(market.group, Role.VIEWER),
        "reviewer": market.reviewer,
    }
    expected = 200 if stage in ("open", "closed") or who in ("owner", "viewer", "reviewer") else 404
    assert visit(people[who], reverse("request_detail", args=[item.slug])) == expected
    assert visit(people[who], reverse("request_spec_json", args=[item.slug])) == expected


@pytest.mark.parametrize("who", ["visitor", "other", "owner", "manager", "signatory", "reviewer"])
def test_an_offer_and_its_agreement_are_seen_by_both_sides_and_staff(market: Market, who: str) -> None:
    agreement = market.agreement()
    people = {
        "visitor": None,
        "other": market.other,
        "owner": market.researcher,
        "manager": market.manager,
        "signatory": market.signatory,
        "reviewer": market.reviewer,
    }
    expected = {"visitor": 302, "other": 404}.get(who, 200)
    for url in (
        agreement.offer.get_absolute_url(),
        agreement.get_absolute_url(),
        reverse("agreement_text", args=[agreement.pk]),
    ):
        assert visit(people[who], url) == expected
    assert visit(people[who], reverse("offer_list")) == (302 if who == "visitor" else 200)


def test_an_offer_is_not_named_to_those_who_may_not_see_it(market: Market, client: Client) -> None:
    offer = market.offer()
    for user in (None, market.other):
        if user:
            client.force_login(user)
        page = client.get(offer.request.get_absolute_url())
        assert market.hospital.name.encode() not in page.content
    client.force_login(market.researcher)
    assert market.hospital.name.encode() in client.get(offer.request.get_absolute_url()).content


def test_the_page_says_everything_in_words_with_levels_meter_and_hash(market: Market, client: Client) -> None:
    item = market.open()
    body = client.get(item.get_absolute_url()).content.decode()
    version = item.current_version
    assert version is not None
    for expected in (
        "At least 12 bits stored",
        "image.bits_stored",
        "0 of 3,000 images accepted",
        "Female, aged 66 and over, AP supine",
        version.sha256,
        "dates shifted by a secret number of days",
        "Sign in to make an offer",
    ):
        assert expected in body, expected


def test_the_json_file_has_the_hash_of_its_version(market: Market, client: Client) -> None:
    item = market.open()
    changed = document()
    changed["cohort"]["images"]["min"] = 3500
    services.amend_request(request=item, document=changed, actor=market.researcher)
    for version in item.versions.all():
        url = f"{reverse('request_spec_json', args=[item.slug])}?version={version.number}"
        assert hashlib.sha256(client.get(url).content).hexdigest() == version.sha256
    assert client.get(reverse("request_spec_json", args=[item.slug]) + "?version=9").status_code == 404
    assert "3,500" in client.get(item.get_absolute_url()).content.decode()


def test_a_request_is_not_made_for_an_organization_of_others(market: Market, client: Client) -> None:
    client.force_login(market.other)
    page = client.post(
        reverse("request_new"), {"organization": str(market.group.pk), "title": "Theirs", "category": "cxr"}
    )
    assert page.status_code == 200
    assert page.context["form"].errors["organization"]
    assert not DatasetRequest.objects.exists()


def test_without_an_organization_the_page_says_what_to_do(market: Market, client: Client) -> None:
    client.force_login(market.stranger)
    assert b"You need an organization first" in client.get(reverse("request_new")).content


def test_staff_see_the_lint_beside_the_buttons_and_insiders_see_none(market: Market, client: Client) -> None:
    item = market.submitted()
    opening = f'action="{reverse("request_open", args=[item.slug])}"'
    client.force_login(market.reviewer)
    body = client.get(item.get_absolute_url()).content.decode()
    assert opening in body
    assert "Nothing blocks posting" in body
    assert item.title in client.get(reverse("my_requests")).content.decode()
    Membership.objects.create(user=market.reviewer, organization=market.group, role=Role.VIEWER)
    assert opening not in client.get(item.get_absolute_url()).content.decode()
    client.force_login(market.researcher)
    assert opening not in client.get(item.get_absolute_url()).content.decode()


def test_every_button_of_a_request_needs_post_login_and_right(market: Market) -> None:
    item = market.submitted()
    for name in ("submit", "open", "return", "close", "cancel"):
        url = reverse(f"request_{name}", args=[item.slug])
        client = Client()
        assert client.post(url).status_code == 302
        assert "login" in client.post(url).url
        client.force_login(market.other)
        assert client.get(url).status_code == 405
        assert client.post(url).status_code == 404
    viewer = Client()
    viewer.force_login(member(market.group, Role.VIEWER))
    for name in ("submit", "close", "cancel"):
        assert "Your role" in said(viewer.post(reverse(f"request_{name}", args=[item.slug])))
    item.refresh_from_db()
    assert item.status == "submitted"


def test_opening_twice_shows_a_message_not_an_error(market: Market, client: Client) -> None:
    item = market.open()
    client.force_login(market.reviewer)
    response = client.post(reverse("request_open", args=[item.slug]))
    assert response.status_code == 302
    assert "no longer submitted" in said(response)


def test_my_requests_are_grouped_by_state_with_the_next_step(market: Market, client: Client) -> None:
    market.draft()
    market.submitted("cxr-lines-and-tubes")
    offer = market.offer()
    client.force_login(market.researcher)
    page = client.get(reverse("my_requests"))
    groups = {status: [step.text for _, step in rows] for status, rows in page.context["groups"]}
    assert groups == {
        "draft": ["Finish and submit it."],
        "submitted": ["GetDATA staff check it. You will be told."],
        "open": ["1 offer waits for your answer."],
    }
    assert offer.get_absolute_url().encode() in page.content
    client.force_login(market.other)
    assert client.get(reverse("my_requests")).context["groups"] == []


def test_a_hospital_offers_by_the_form_and_others_are_sent_back(market: Market, client: Client) -> None:
    item = market.open()
    url = reverse("offer_new", args=[item.slug])
    client.force_login(market.researcher)
    assert client.get(url).url == item.get_absolute_url()
    client.force_login(market.manager)
    assert reverse("offer_new", args=[item.slug]).encode() in client.get(item.get_absolute_url()).content
    page = client.post(url, {"hospital": str(market.hospital.pk), "images": "10", "cell-0": "11"})
    assert "counts part of what you offer" in page.content.decode()
    page = client.post(url, {"hospital": str(market.hospital.pk), "images": "", "cell-0": "-1"})
    assert 'href="#id_images"' in page.content.decode()
    done = client.post(url, {"hospital": str(market.hospital.pk), "images": "500", "cell-0": "40", "patients": ""})
    offer = Offer.objects.get()
    assert done.url == offer.get_absolute_url()
    assert offer.cells == {"projection.ap.supine": 40}
    assert client.get(url).url == item.get_absolute_url()


def test_an_unverified_hospital_is_not_asked_to_offer(market: Market, client: Client) -> None:
    item = market.open()
    Organization.objects.filter(pk=market.hospital.pk).update(status="pending")
    client.force_login(market.manager)
    assert reverse("offer_new", args=[item.slug]).encode() not in client.get(item.get_absolute_url()).content


def test_the_offer_page_shows_each_side_its_own_actions(market: Market, client: Client) -> None:
    offer = market.offer()
    draw, decline, withdraw = (
        reverse(name, args=[offer.pk]) for name in ("agreement_draw", "offer_decline", "offer_withdraw")
    )
    client.force_login(market.researcher)
    body = client.get(offer.get_absolute_url()).content.decode()
    assert (draw in body, decline in body, withdraw in body) == (True, True, False)
    client.force_login(market.manager)
    body = client.get(offer.get_absolute_url()).content.decode()
    assert (draw in body, decline in body, withdraw in body) == (False, False, True)
    client.force_login(market.reviewer)
    body = client.get(offer.get_absolute_url()).content.decode()
    assert (draw in body, decline in body, withdraw in body) == (False, False, False)
    assert "Your role" in said(client.post(draw))


def test_the_offer_page_tells_of_a_newer_version(market: Market, client: Client) -> None:
    offer = market.offer()
    changed = document()
    changed["cohort"]["images"]["min"] = 3500
    services.amend_request(request=offer.request, document=changed, actor=market.researcher)
    client.force_login(market.manager)
    assert "The request has changed since" in client.get(offer.get_absolute_url()).content.decode()


def test_the_agreement_is_read_signed_by_both_and_filed(market: Market, client: Client) -> None:
    agreement = market.agreement()
    url = agreement.get_absolute_url()
    for side, person in (("group", market.researcher), ("hospital", market.signatory)):
        client.force_login(person)
        body = client.get(url).content.decode()
        assert "Data use agreement for medical images" in body
        assert "What your signature says" in body
        form = {
            "organization": str(getattr(market, side).pk),
            "printed_name": person.name,
            "password": "wrong",
            "agree": "on",
        }
        refused = client.post(url, form).content.decode()
        assert "The password is not right." in refused
        assert "wrong" not in refused[refused.index('type="password"') :][:200]
        assert client.post(url, {**form, "password": PASSWORD, "agree": ""}).status_code == 200
        assert client.post(url, {**form, "password": PASSWORD}).status_code == 302
    body = client.get(url).content.decode()
    assert market.signatory.name in body
    assert market.researcher.name in body
    assert 'type="password"' not in body
    agreement.offer.refresh_from_db()
    assert agreement.offer.status == "accepted"
    filed = client.get(reverse("agreement_text", args=[agreement.pk]))
    assert hashlib.sha256(filed.content).hexdigest() == agreement.text_sha256


def test_who_may_not_sign_gets_no_form(market: Market, client: Client) -> None:
    agreement = market.agreement()
    for person in (market.manager, market.reviewer):
        client.force_login(person)
        assert b'type="password"' not in client.get(agreement.get_absolute_url()).content
        assert "nothing for you to sign" in said(client.post(agreement.get_absolute_url(), {"password": PASSWORD}))
    assert not agreement.signatures.exists()


def test_the_offer_list_filters_by_state(market: Market, client: Client) -> None:
    offer = market.offer()
    client.force_login(market.manager)
    assert len(client.get(reverse("offer_list")).context["rows"]) == 1
    assert client.get(reverse("offer_list"), {"status": "accepted"}).context["rows"] == []
    agreement = market.agreement(offer)
    for side, person in (("group", market.researcher), ("hospital", market.signatory)):
        agreement_services.sign_agreement(
            agreement=agreement,
            organization=getattr(market, side),
            printed_name=person.name,
            password=PASSWORD,
            actor=person,
        )
    assert len(client.get(reverse("offer_list"), {"status": "accepted"}).context["rows"]) == 1
    client.force_login(market.stranger)
    assert b"No offers here yet" in client.get(reverse("offer_list")).content


def test_no_page_has_inline_style_or_script(market: Market, client: Client) -> None:
    agreement = market.agreement()
    draft = market.draft("cxr-lines-and-tubes")
    client.force_login(market.researcher)
    for url in (
        reverse("request_list"),
        agreement.offer.request.get_absolute_url(),
        reverse("request_edit", args=[draft.slug]),
        reverse("my_requests"),
        reverse("request_new"),
        reverse("offer_list"),
        agreement.offer.get_absolute_url(),
        agreement.get_absolute_url(),
    ):
        body = client.get(url).content.decode()
        assert " style=" not in body, url
        assert "<script>" not in body, url
        assert "onclick" not in body, url
