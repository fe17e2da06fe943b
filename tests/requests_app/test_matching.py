"""Matching on pages and in the API: who may state a profile, what a hospital and a researcher are shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from getdata.accounts.models import Role
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from requests_app.match_lists import match_counts, requests_for, said_count
from requests_app.matching import Capability
from requests_app.models import CapabilityProfile
from requests_app.services.capabilities import state_capability
from requests_app.spec import DatasetSpec
from tests.factories import HospitalFactory, member
from tests.requests_app.people import Market, document

WITHOUT_AP = Capability.model_validate({"views": {"PA": 9000, "AP": 0}})
WITH_AP = Capability.model_validate({"views": {"PA": 9000, "AP": 7000}})


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def profile(capability: Capability, **hospital: Any) -> CapabilityProfile:
    made = HospitalFactory.create(**hospital)
    return CapabilityProfile.objects.create(
        hospital=made, document=capability.model_dump(mode="json", exclude_defaults=True)
    )


def test_owner_and_data_manager_state_the_profile_and_it_is_recorded(market: Market) -> None:
    made = state_capability(hospital=market.hospital, capability=WITH_AP, actor=market.manager)
    assert made.capability == WITH_AP
    assert AuditEvent.objects.get(verb="capability.stated").data == {"stated": 1}
    for role in (Role.VIEWER, Role.READER, Role.SIGNATORY, Role.PRIVACY_OFFICER):
        with pytest.raises(CannotDo):
            state_capability(hospital=market.hospital, capability=WITH_AP, actor=member(market.hospital, role))


def test_the_form_saves_what_is_filled_in_and_leaves_the_rest_unstated(market: Market) -> None:
    client, url = signed_in(market.manager), reverse("capability_edit", args=[market.hospital.slug])
    answer = client.post(
        url,
        {
            "views_PA": "12000", "views_LATERAL": "0", "devices": "SIEMENS Healthineers, Ysio Max\n\nAGFA",
            "reports": "true", "languages": "DE en", "annotations": ["none"], "legal_classes": ["gdpr"],
            "countries": "de, fr",
        },
    )  # fmt: skip
    assert answer.status_code == 302
    said = CapabilityProfile.objects.get().capability
    assert said.views == {"PA": 12000, "LATERAL": 0}
    assert [(device.vendor, device.model) for device in said.devices] == [("Siemens", "Ysio Max"), ("Agfa", "")]
    assert (said.reports, said.languages, said.annotations) == (True, ("de", "en"), ())
    assert (said.label_methods, said.modalities, said.countries) == (None, {}, ("DE", "FR"))
    again = client.get(url).content.decode()
    assert 'value="12000"' in again
    assert "Siemens, Ysio Max" in again


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        ({"first_year": "2020", "last_year": "2010"}, "cannot begin in 2020"),
        ({"annotations": ["none", "box"]}, "Untick one"),
        ({"countries": "QQ"}, "no such country code"),
        ({"languages": "german"}, "pattern"),
    ],
)
def test_a_form_that_contradicts_itself_says_so_and_saves_nothing(
    market: Market, posted: dict[str, Any], words: str
) -> None:
    answer = signed_in(market.manager).post(reverse("capability_edit", args=[market.hospital.slug]), posted)
    assert words in answer.content.decode()
    assert not CapabilityProfile.objects.exists()


def test_nobody_outside_the_hospital_sees_its_profile(market: Market) -> None:
    state_capability(hospital=market.hospital, capability=WITH_AP, actor=market.manager)
    for person in (market.researcher, market.reviewer, market.stranger):
        for name in ("capability_edit", "match_list_of"):
            assert signed_in(person).get(reverse(name, args=[market.hospital.slug])).status_code == 404
        assert signed_in(person).get(f"/api/v1/hospitals/{market.hospital.slug}/capability/").status_code == 404


def test_requests_for_a_hospital_come_best_first_without_those_it_cannot_fill(market: Market) -> None:
    bedside = market.open()  # asks 2,000 AP
    other = market.open("cxr-external-validation-14")
    with_ap = requests_for(market.hospital, WITH_AP)
    assert {match.request for match in with_ap} == {bedside, other}
    fits = [match.fit.percent for match in with_ap]
    assert fits == sorted(fits, reverse=True)
    assert bedside not in {match.request for match in requests_for(market.hospital, WITHOUT_AP)}
    assert bedside not in {match.request for match in requests_for(market.group, WITH_AP)}, "not one's own"


def test_the_list_takes_few_queries_however_many_requests(market: Market, django_assert_max_num_queries: Any) -> None:
    for _ in range(4):
        market.open()
    with django_assert_max_num_queries(3):
        assert len(requests_for(market.hospital, WITH_AP)) == 4


def test_the_page_shows_fit_reasons_and_the_way_to_an_offer(market: Market) -> None:
    request = market.open()
    state_capability(hospital=market.hospital, capability=WITH_AP, actor=market.manager)
    page = signed_in(market.manager).get(reverse("match_list")).content.decode()
    assert request.title in page
    assert "AP required" in page
    assert reverse("offer_new", args=[request.slug]) in page
    market.offer(request)
    assert "You offered" in signed_in(market.manager).get(reverse("match_list")).content.decode()
    assert "You belong to no hospital" in signed_in(market.researcher).get(reverse("match_list")).content.decode()


def test_the_researcher_sees_how_many_match_and_what_removes_the_others(market: Market) -> None:
    for _ in range(6):
        profile(WITH_AP)
    for _ in range(5):
        profile(WITHOUT_AP)
    profile(WITHOUT_AP, status="pending")  # not verified: not counted
    draft = market.draft()
    counts = match_counts(DatasetSpec.model_validate(draft.draft), market.group)
    assert (counts.matching, counts.stated) == (6, 11)
    assert [(one.label, one.count) for one in counts.removals] == [("AP required", 5), ("AP supine required", 5)]
    page = signed_in(market.researcher).get(draft.get_absolute_url()).content.decode()
    assert "6 verified hospitals match" in page
    assert "“AP required” removes 5" in page
    opened = market.open()
    assert "verified hospitals match" not in Client().get(opened.get_absolute_url()).content.decode()


def test_small_counts_are_not_told_apart(market: Market) -> None:
    profile(WITH_AP)
    profile(WITHOUT_AP)
    draft = market.draft()
    page = signed_in(market.researcher).get(draft.get_absolute_url()).content.decode()
    assert "Fewer than 5 verified hospitals match" in page
    assert "removes fewer than 5" in page
    assert [said_count(count) for count in (0, 1, 4, 5)] == ["fewer than 5"] * 3 + ["5"]
    told = signed_in(market.researcher).get(f"/api/v1/requests/{draft.slug}/match-counts/").json()
    assert told == {
        "matching": None,
        "removals": [{"label": name, "count": None} for name in ("AP required", "AP supine required")],
    }
    assert signed_in(market.other).get(f"/api/v1/requests/{draft.slug}/match-counts/").status_code == 404


def test_the_api_states_reads_and_matches(market: Market) -> None:
    request, client = market.open(), signed_in(market.manager)
    base = f"/api/v1/hospitals/{market.hospital.slug}"
    assert client.get(f"{base}/capability/").json()["stated"] == 0
    wrong = client.put(f"{base}/capability/", {"capability": {"views": {"PA": -1}}}, "application/json")
    assert wrong.status_code == 400
    assert [error["pointer"] for error in wrong.json()["errors"]] == ["/capability/views/PA"]
    put = client.put(f"{base}/capability/", {"capability": {"views": {"AP": 9000}}}, "application/json")
    assert put.json()["capability"] == {"views": {"AP": 9000}}
    first = client.get(f"{base}/matches/?page_size=1").json()["results"][0]
    assert first["request"] == request.slug
    assert {reason["verdict"] for reason in first["reasons"]} <= {"meets", "part", "lacks", "unknown"}
    viewer = signed_in(member(market.hospital, Role.VIEWER))
    refused = viewer.put(f"{base}/capability/", {"capability": {}}, "application/json")
    assert refused.status_code == 409


def test_an_empty_document_counts_nowhere(market: Market) -> None:
    profile(Capability())
    assert match_counts(DatasetSpec.model_validate(document()), market.group).stated == 0
