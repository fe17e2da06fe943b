"""Which clauses an agreement has: by legal class, by the parties' countries; what is refused, and the files it is taken away as."""

from __future__ import annotations

import base64
import hashlib
import re
import time
import zlib
from itertools import pairwise
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from getdata.accounts.models import Organization
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from requests_app.agreements import agreement_pdf, agreement_text, blocks, law
from requests_app.models import Agreement, Offer
from requests_app.services import agreements as services
from requests_app.spec import DatasetSpec, canonical_json
from tests.factories import PASSWORD, SECOND_FACTOR
from tests.requests_app.people import Market, document


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def refused(expected: str, call: Any, /, **arguments: Any) -> CannotDo:
    with pytest.raises(CannotDo) as caught:
        call(**arguments)
    assert caught.value.code == expected
    assert caught.value.remedy
    return caught.value


def offer_with(market: Market, policy: str, dates: str, hospital: str = "US", asker: str = "US") -> Offer:
    Organization.objects.filter(pk=market.hospital.pk).update(country=hospital)
    Organization.objects.filter(pk=market.group.pk).update(country=asker)
    market.hospital.refresh_from_db()
    market.group.refresh_from_db()
    terms = {**document()["terms"], "countries": []}
    kept = {**document()["deidentification"], "policy": policy, "dates": dates}
    return market.offer(market.open(deidentification=kept, terms=terms))


def headings(text: str) -> list[str]:
    return [block.text.split(". ", 1)[-1] for block in blocks(text) if block.kind == "heading"]


def test_the_five_duties_stand_in_a_limited_data_set_and_only_there(market: Market) -> None:
    text = agreement_text(offer_with(market, "limited-data-set", "kept")).text
    for number in range(1, 6):
        assert f"- ({number}) " in text
    assert "164.514(e)(4)(ii)(C)" in text
    assert "No re-identification (California)" not in headings(text), "AB 713 is about de-identified data"
    other = agreement_text(offer_with(Market(), "safe-harbor", "year_only")).text
    assert "164.514(e)" not in other
    assert "1798.148" in other


@pytest.mark.parametrize(
    ("dates", "suggested", "possible"),
    [
        ("kept", "limited_data_set", {"limited_data_set"}),
        ("shifted", "expert_determination", {"expert_determination", "limited_data_set"}),
        ("year_only", "safe_harbor", {"safe_harbor", "expert_determination", "limited_data_set"}),
        ("removed", "safe_harbor", {"safe_harbor", "expert_determination", "limited_data_set"}),
    ],
)
def test_what_is_kept_decides_the_class_and_a_mismatch_names_the_cure(
    dates: str, suggested: str, possible: set[str]
) -> None:
    spec = DatasetSpec.model_validate({"title": "t", "deidentification": {"dates": dates}})
    assert law.suggested_class(spec) == suggested
    assert {name for name in law.CLASSES if law.class_mismatch(spec, name) is None} == possible
    for name in set(law.CLASSES) - possible:
        mismatch = law.class_mismatch(spec, name)
        assert mismatch is not None
        assert "limited data set" in mismatch.remedy


def test_safe_harbor_over_kept_dates_is_refused_with_the_cure(market: Market) -> None:
    offer = offer_with(market, "limited-data-set", "kept")
    problem = refused(
        "class_mismatch", services.draw_agreement, offer=offer, actor=market.researcher, legal_class="safe_harbor"
    )
    assert "keeps dates as they were" in problem.message
    assert "limited data set" in problem.remedy
    assert not Agreement.objects.exists()
    client = signed_in(market.researcher)
    page = client.post(reverse("agreement_draw", args=[offer.pk]), {"legal_class": "safe_harbor"}, follow=True)
    assert "Draw it up as a limited data set" in page.content.decode()
    api = client.post(f"/api/v1/offers/{offer.pk}/agreement/", {"legal_class": "safe_harbor"}, "application/json")
    assert (api.status_code, api.json()["code"]) == (409, "class_mismatch")


def test_a_stricter_class_than_needed_may_be_chosen_and_is_kept(market: Market) -> None:
    offer = offer_with(market, "safe-harbor", "year_only")
    made = services.draw_agreement(offer=offer, actor=market.researcher, legal_class="limited_data_set")
    assert (made.basis, made.legal_class, made.form) == ("limited_data_set", "limited data set", "data-use-2")
    assert "- (5) does not identify" in made.text
    assert AuditEvent.objects.get(verb="agreement.drawn").data["basis"] == "limited_data_set"


@pytest.mark.parametrize(
    ("hospital", "asker", "role", "words", "absent"),
    [
        ("US", "US", "", (), ("General Data Protection", "Transfer to other countries")),
        ("DE", "FR", "", ("independent controllers", "no further instrument"), ("2021/914",)),
        ("DE", "US", "", ("2021/914", "module one", "EU-US Data Privacy Framework"), ("119A",)),
        ("DE", "IN", "processor", ("Article 28", "module two"), ("Privacy Framework",)),
        ("DE", "JP", "joint", ("joint controllers (Article 26)", "no further instrument"), ("2021/914",)),
        ("GB", "US", "", ("119A",), ("2021/914",)),
        ("CH", "US", "", ("2021/914", "Swiss Federal Act"), ("Privacy Framework",)),
        ("US", "DE", "", ("independent controllers", "no further instrument"), ("2021/914",)),
    ],
)
def test_the_parties_countries_decide_the_data_protection_clauses(
    market: Market, hospital: str, asker: str, role: str, words: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    offer = offer_with(market, "safe-harbor", "year_only", hospital, asker)
    text = services.draw_agreement(offer=offer, actor=market.researcher, gdpr_role=role).text
    assert [word for word in words if word not in text] == []
    assert [word for word in absent if word in text] == []


def test_a_use_in_another_country_is_a_transfer_too(market: Market) -> None:
    offer = offer_with(market, "safe-harbor", "year_only", "DE", "FR")
    spec = DatasetSpec.model_validate({**offer.spec_version.document, "terms": {"countries": ["FR", "US", "JP"]}})
    assert law.outside(spec, "DE", "FR") == ["US"]
    assert law.transfer(spec, "DE", "FR") == "eu"
    assert law.transfer(spec, "US", "FR") == "none"


def test_a_role_where_no_european_law_applies_is_refused(market: Market) -> None:
    offer = offer_with(market, "safe-harbor", "year_only")
    refused("role_not_needed", services.draw_agreement, offer=offer, actor=market.researcher, gdpr_role="joint")


def test_data_of_a_us_hospital_do_not_go_to_a_country_of_concern(market: Market) -> None:
    offer = offer_with(market, "safe-harbor", "year_only", "US", "CN")
    problem = refused("country_of_concern", services.draw_agreement, offer=offer, actor=market.researcher)
    assert "28 CFR Part 202" in problem.message
    elsewhere = offer_with(Market(), "safe-harbor", "year_only", "DE", "CN")
    assert law.concern_mismatch(DatasetSpec.model_validate(elsewhere.spec_version.document), "DE", "CN") is None


def test_the_recipient_attests_purpose_and_country_and_its_signature_says_so(market: Market) -> None:
    made = services.draw_agreement(
        offer=offer_with(market, "safe-harbor", "year_only", "US", "CA"), actor=market.researcher
    )
    assert "Attestation of purpose and country" in headings(made.text)
    assert "uses the data in CA" in made.text
    assert "28 CFR 202.302" in made.text
    page = signed_in(market.researcher).get(made.get_absolute_url()).content.decode()
    assert "attests the purpose and country" in page
    for organization, actor, attests in (
        (market.group, market.researcher, True),
        (market.hospital, market.signatory, False),
    ):
        signature = services.sign_agreement(
            agreement=made, organization=organization, printed_name="N", password=PASSWORD, actor=actor
        )
        assert ("attests" in signature.meaning) is attests


def test_the_document_itself_is_an_annex_and_its_hash_can_be_checked(market: Market) -> None:
    made = market.agreement()
    annex = next(block.text for block in blocks(made.text) if block.kind == "code")
    version = made.offer.spec_version
    assert annex == canonical_json(DatasetSpec.model_validate(version.document))
    assert hashlib.sha256(annex.encode()).hexdigest() == version.sha256


def test_deviations_and_the_hospitals_terms_are_part_of_the_text(market: Market) -> None:
    differs = {"projection.ap": {"text": "Semi-erect\n\n1. Parties", "percent": 10}}
    made = market.agreement(market.offer(deviations=differs, terms="Credit us."))
    assert 'AP (projection.ap): for 10 % of the images, "Semi-erect 1. Parties"' in made.text
    assert 'As stated by the hospital: "Credit us."' in made.text
    assert headings(made.text).count("Parties") == 1


def test_clauses_are_numbered_in_a_row_and_their_references_meet_them(market: Market) -> None:
    text = agreement_text(offer_with(market, "limited-data-set", "kept", "DE", "US")).text
    found = [(int(n), title) for n, title in re.findall(r"(?m)^(\d{1,2})\. (.+)$", text)]
    assert all(b == a + 1 for (a, _), (b, _) in pairwise(found))
    titles = dict(found)
    ending = text.split("Ending\n\n")[1].split("\n\n")[0]
    named = {titles[int(n)] for n in re.findall(r"\b(\d{1,2})\b(?! days)", ending)}
    assert {"The recipient's obligations", "Withdrawal of a patient", "Keeping and destruction"} <= named
    assert "Duties of the recipient of the limited data set" in named


# --- files --------------------------------------------------------------------------------------------------------------


def pdf_text(data: bytes) -> str:
    """The words drawn on the pages: reportlab writes them as plain strings in compressed streams."""
    words = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        drawn = zlib.decompress(base64.a85decode(stream.strip().removesuffix(b"~>")))
        words += re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", drawn)
    return " ".join(b" ".join(words).decode("latin-1").replace("\\(", "(").replace("\\)", ")").split())


def test_the_pdf_is_the_same_until_somebody_signs_and_then_shows_it(market: Market) -> None:
    made = market.agreement()
    first = agreement_pdf(made)
    assert first.startswith(b"%PDF")
    assert agreement_pdf(Agreement.objects.get(pk=made.pk)) == first
    services.sign_agreement(
        agreement=made, organization=market.group, printed_name="Rosa R.", password=PASSWORD, actor=market.researcher
    )
    second = agreement_pdf(Agreement.objects.get(pk=made.pk))
    shown = pdf_text(second)
    for words in ("Rosa R.", "Not signed yet", made.text_sha256, made.offer.spec_version.sha256, "Annex C"):
        assert words in shown, words
    assert "Rosa R." not in pdf_text(first)
    assert agreement_pdf(Agreement.objects.get(pk=made.pk)) == second


def test_names_that_the_fonts_lack_are_spelled_in_plain_letters_in_the_pdf_and_kept_in_the_text(market: Market) -> None:
    market.hospital.name = "Szpital Łęczna, Dvořák & Şahin"
    market.hospital.save()
    made = market.agreement()
    assert "Szpital Łęczna, Dvořák & Şahin" in made.text
    assert "Szpital Leczna, Dvorák & Sahin" in pdf_text(agreement_pdf(made)).replace("\\341", "á")


def test_who_may_read_the_agreement_may_take_it_away(market: Market) -> None:
    made = market.agreement()
    for name, kind in (("agreement_pdf", "application/pdf"), ("agreement_text", "text/plain; charset=utf-8")):
        url = reverse(name, args=[made.pk])
        for person in (market.researcher, market.signatory, market.reviewer):
            answer = signed_in(person).get(url)
            assert (answer.status_code, answer["Content-Type"]) == (200, kind)
        assert signed_in(market.other).get(url).status_code == 404


# --- proving once more who one is ---------------------------------------------------------------------------------------


def code_now() -> str:
    return format_hotp_value(hotp_value(SECOND_FACTOR, int(time.time()) // 30))


def test_a_one_time_code_signs_once_and_is_named_in_the_signature(market: Market) -> None:
    cache.clear()
    made = market.agreement()
    given = {"agreement": made, "organization": market.hospital, "printed_name": "G", "actor": market.signatory}
    refused("wrong_code", services.sign_agreement, **given, code="000000")
    refused("wrong_password", services.sign_agreement, **given)
    code = code_now()
    signature = services.sign_agreement(**given, code=code)
    assert signature.method == "totp"
    assert AuditEvent.objects.get(verb="agreement.signed").data["method"] == "totp"
    other = market.agreement(market.offer(market.open("cxr-lines-and-tubes"), cells={}))
    refused("wrong_code", services.sign_agreement, **{**given, "agreement": other}, code=code)  # used before


def test_the_page_offers_a_code_to_those_who_have_one_and_remembers_the_proof(market: Market) -> None:
    cache.clear()
    made = market.agreement()
    url = made.get_absolute_url()
    Authenticator.objects.filter(user=market.researcher).delete()
    assert "authenticator" not in signed_in(market.researcher).get(url).content.decode()
    TOTP.activate(market.researcher, SECOND_FACTOR)
    client = signed_in(market.researcher)
    assert "Or a code of your authenticator" in client.get(url).content.decode()
    posted = {"organization": market.group.pk, "printed_name": "Rosa", "agree": "on"}
    assert "Enter your password, or a code" in client.post(url, posted).content.decode()
    assert client.post(url, {**posted, "code": code_now()}).status_code == 302
    assert made.signatures.get().method == "totp"
    last = client.session["account_authentication_methods"][-1]
    assert (last["method"], last["reauthenticated"]) == ("mfa", True)
    assert Authenticator.objects.filter(user=market.researcher).exists()
