"""People and organizations through the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from getdata.accounts.checklist import checks_for
from getdata.accounts.models import Organization, Role
from tests.accounts.people import answer_all, draft, owner_of, pending
from tests.factories import OrganizationFactory, ReviewerFactory, UserFactory, member

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.api_urls")]
LIST = "/api/v1/organizations/"


def _as(user: Any) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def _slugs(answer: Any) -> set[str]:
    return {row["slug"] for row in answer.json()["results"]}


def test_lists_and_details_agree_on_who_sees_what() -> None:
    mine, other = OrganizationFactory.create(), OrganizationFactory.create()
    expected = {
        "owner": (member(mine), {mine.slug}),
        "viewer": (member(mine, Role.VIEWER), {mine.slug}),
        "stranger": (UserFactory.create(), set()),
        "staff": (ReviewerFactory.create(), {mine.slug, other.slug}),
    }
    for name, (user, visible) in expected.items():
        client = _as(user)
        assert _slugs(client.get(LIST)) == visible, name
        for organization in (mine, other):
            wanted = 200 if organization.slug in visible else 404
            for address in (f"{LIST}{organization.slug}/", f"{LIST}{organization.slug}/members/"):
                assert client.get(address).status_code == wanted, (name, address)
    for address in (LIST, f"{LIST}{mine.slug}/", f"{LIST}{mine.slug}/members/", "/api/v1/me/"):
        assert _as(None).get(address).status_code == 401


def test_the_whole_way_to_submission_works_through_the_api() -> None:
    client = _as(UserFactory.create())
    made = client.post(
        LIST, {"kind": "hospital", "name": "Example Hospital", "country": "DE"}, content_type="application/json"
    )
    assert made.status_code == 201
    assert made.json()["my_role"] == "owner"
    address = f"{LIST}{made.json()['slug']}/"
    early = client.post(f"{address}submit/")
    assert (early.status_code, early.json()["code"]) == (409, "checklist_incomplete")
    assert early.json()["remedy"]
    for check in checks_for("hospital"):
        answer = client.put(
            f"{address}checklist/{check.key}/", {"evidence": check.example}, content_type="application/json"
        )
        assert answer.status_code == 200, answer.content
    submitted = client.post(f"{address}submit/").json()
    assert submitted["status"] == "pending"
    assert submitted["next_step"]["owner"] == "GetDATA's reviewers"
    assert submitted["next_step"]["due"]
    assert [line["state"] for line in submitted["checklist"]] == ["provided"] * 5


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "bank", "name": "Example", "country": "DE"},
        {"kind": "hospital", "name": "Example", "country": "Germany"},
        {"kind": "hospital", "country": "DE"},
    ],
)
def test_a_malformed_organization_is_a_400_that_names_the_field(body: dict[str, str]) -> None:
    answer = _as(UserFactory.create()).post(LIST, body, content_type="application/json")
    assert answer.status_code == 400
    told = answer.json()["errors"]
    assert {error["path"] for error in told} <= {"kind", "name", "country"}
    assert all(error["message"] and error["remedy"] for error in told)
    assert not Organization.objects.exists()


def test_a_viewer_reads_but_does_not_write() -> None:
    organization = answer_all(draft())
    client = _as(member(organization, Role.VIEWER))
    address = f"{LIST}{organization.slug}/"
    assert client.post(f"{address}submit/").status_code == 409
    evidence = client.put(
        f"{address}checklist/email_domain/", {"evidence": "x.example"}, content_type="application/json"
    )
    assert (evidence.status_code, evidence.json()["code"]) == (409, "role_lacks_capability")
    organization.refresh_from_db()
    assert organization.status == "draft"


def test_a_strangers_write_finds_nothing() -> None:
    organization = answer_all(draft())
    client = _as(UserFactory.create())
    assert client.post(f"{LIST}{organization.slug}/submit/").status_code == 404
    answer = client.put(
        f"{LIST}{organization.slug}/checklist/email_domain/", {"evidence": "x.y"}, content_type="application/json"
    )
    assert answer.status_code == 404


def test_staff_decisions_are_not_in_the_api() -> None:
    organization = pending()
    client = _as(ReviewerFactory.create())
    for verb in ("verify", "reject", "suspend", "reinstate"):
        assert client.post(f"{LIST}{organization.slug}/{verb}/").status_code == 404


def test_lists_are_paginated_and_filtered() -> None:
    OrganizationFactory.create_batch(3)
    waiting = pending()
    client = _as(ReviewerFactory.create())
    page = client.get(LIST, {"page_size": 2}).json()
    assert (page["count"], len(page["results"])) == (4, 2)
    assert page["next"]
    assert _slugs(client.get(LIST, {"status": "pending"})) == {waiting.slug}
    assert client.get(f"{LIST}{waiting.slug}/members/").json()["count"] == 1


def test_me_tells_where_one_may_act() -> None:
    organization = draft()
    answer = _as(owner_of(organization)).get("/api/v1/me/").json()
    assert answer["memberships"] == [
        {
            "organization": organization.slug,
            "organization_name": organization.name,
            "organization_status": "draft",
            "role": "owner",
        }
    ]
    assert (answer["two_factor"], answer["token_scopes"], answer["staff_role"]) == (True, None, "")


def test_the_api_of_people_is_described_without_a_warning(tmp_path: Any) -> None:
    from django.core.management import call_command

    target = tmp_path / "schema.yaml"
    call_command(
        "spectacular", urlconf="tests.accounts.api_only_urls", validate=True, fail_on_warn=True, file=str(target)
    )
    assert "/api/v1/organizations/{slug}/checklist/{key}/" in target.read_text()
