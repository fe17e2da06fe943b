"""The API: the same services, the same visibility, tokens with scopes."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from getdata.accounts.tokens import make_token
from requests_app.models import DatasetRequest
from requests_app.spec import spec_json_schema
from tests.factories import PASSWORD
from tests.requests_app.people import Market, document

pytestmark = pytest.mark.urls("tests.requests_app.urls")


def client_of(user: Any = None, *scopes: str) -> APIClient:
    client = APIClient()
    if user is not None:
        _, secret = make_token(user=user, name="test", scopes=scopes or ("requests:write",))
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def at(name: str, *args: Any) -> str:
    return reverse(f"api-{name}", args=args)


def test_visitors_read_open_requests_and_nothing_else(market: Market) -> None:
    item, draft = market.open(), market.draft("cxr-lines-and-tubes")
    client = client_of()
    page = client.get(at("request-list")).json()
    assert [row["slug"] for row in page["results"]] == [item.slug]
    body = client.get(at("request-detail", item.slug)).json()
    assert body["version"] == 1
    assert body["sha256"] == item.current_version.sha256  # type: ignore[union-attr]
    assert body["meter"][0]["needed"] == 3000
    assert body["document"]["title"] == item.title
    assert client.get(at("request-detail", draft.slug)).status_code == 404
    assert client.post(at("request-list"), {}).status_code in (401, 403)
    assert client.get(at("offer-list")).status_code in (401, 403)
    assert client.get(at("agreement-list")).status_code in (401, 403)


@pytest.mark.parametrize(
    ("who", "expected"),
    [("visitor", 404), ("other", 404), ("manager", 404), ("researcher", 200), ("reviewer", 200)],
)
def test_a_draft_is_seen_over_the_api_as_on_the_pages(market: Market, who: str, expected: int) -> None:
    draft = market.draft()
    client = client_of(None if who == "visitor" else getattr(market, who), "requests:read")
    assert client.get(at("request-detail", draft.slug)).status_code == expected
    assert len(client.get(at("request-list")).json()["results"]) == (1 if expected == 200 else 0)


def test_the_list_takes_the_filters_of_the_page(market: Market) -> None:
    market.open()
    tubes = market.open("cxr-lines-and-tubes")
    client = client_of()
    for query in ({"q": "intensive care"}, {"annotation": "polygon"}, {"sort": "smallest", "page_size": 1}):
        assert [row["slug"] for row in client.get(at("request-list"), query).json()["results"]] == [tubes.slug]
    assert client.get(at("request-list"), {"status": "closed"}).json()["results"] == []


def test_a_whole_path_by_tokens_alone(market: Market) -> None:
    mine, theirs, staff = (client_of(user) for user in (market.researcher, market.manager, market.reviewer))
    made = mine.post(
        at("request-list"),
        {"organization": market.group.slug, "title": "By API", "category": "cxr", "document": document()},
    )
    assert made.status_code == 201, made.json()
    slug = made.json()["slug"]
    changed = {**document(), "title": "By API, again"}
    assert mine.put(at("request-draft", slug), {"document": changed}).json()["title"] == "By API, again"
    assert mine.post(at("request-submit", slug)).json()["status"] == "submitted"
    assert staff.post(at("request-give-back", slug), {"note": "Shorter."}).json()["status_note"] == "Shorter."
    assert mine.post(at("request-submit", slug)).json()["status"] == "submitted"
    assert staff.post(at("request-open", slug)).json()["status"] == "open"
    offered = theirs.post(
        at("offer-list"),
        {"request": slug, "hospital": market.hospital.slug, "images": 200, "cells": {"projection.ap": 50}},
    )
    assert offered.status_code == 201, offered.json()
    drawn = mine.post(at("offer-agreement", offered.json()["id"]))
    assert drawn.status_code == 201
    agreement = drawn.json()["id"]
    for user, organization in ((market.researcher, market.group), (market.signatory, market.hospital)):
        signed = client_of(user).post(
            at("agreement-sign", agreement),
            {"organization": organization.slug, "printed_name": user.name, "password": PASSWORD},
        )
        assert signed.status_code == 201, signed.json()
    assert signed.json()["is_complete"] is True
    assert PASSWORD not in signed.content.decode()
    assert theirs.get(at("offer-detail", offered.json()["id"])).json()["status"] == "accepted"
    amended = mine.post(
        at("request-amend", slug), {"document": {**changed, "cohort": {**changed["cohort"], "per_patient": None}}}
    )
    assert amended.status_code == 201, amended.json()
    assert amended.json()["version"]["number"] == 2
    assert amended.json()["changes"][0]["check_id"] == "cohort.per_patient"
    versions = client_of().get(at("request-versions", slug)).json()["results"]
    assert [version["number"] for version in versions] == [1, 2]
    assert mine.post(at("request-close", slug)).json()["status"] == "closed"


def test_refusals_are_409_with_code_cause_and_remedy(market: Market) -> None:
    draft = market.draft()
    refused = client_of(market.reviewer).post(at("request-open", draft.slug))
    assert refused.status_code == 409
    assert refused.json()["code"] == "stale_state"
    refused = client_of(market.researcher).put(at("request-draft", draft.slug), {"document": {"title": ""}})
    assert refused.status_code == 409
    assert refused.json()["code"] == "spec_invalid"
    assert refused.json()["remedy"]
    assert refused.json()["detail"].startswith("title: ")
    assert [(note["path"], note["pointer"]) for note in refused.json()["errors"]] == [("title", "/title")]
    offer = market.offer()
    refused = client_of(market.other).post(at("offer-withdraw", offer.pk))
    assert refused.status_code == 404
    refused = client_of(market.researcher).post(at("offer-withdraw", offer.pk))
    assert refused.json()["code"] == "role_lacks_capability"
    assert client_of(market.researcher).post(at("offer-decline", offer.pk), {}).status_code == 400
    declined = client_of(market.researcher).post(at("offer-decline", offer.pk), {"note": "No"})
    assert declined.json()["status"] == "declined"


def test_a_reading_token_writes_nothing(market: Market) -> None:
    draft = market.draft()
    reading = client_of(market.researcher, "requests:read")
    assert reading.post(at("request-submit", draft.slug)).status_code == 403
    assert client_of(market.researcher, "releases:read").get(at("offer-list")).status_code == 403
    assert DatasetRequest.objects.get(pk=draft.pk).status == "draft"


def test_an_organization_of_others_cannot_be_named(market: Market) -> None:
    refused = client_of(market.other).post(
        at("request-list"), {"organization": market.group.slug, "title": "x", "category": "cxr"}
    )
    assert refused.status_code == 400
    assert [error["path"] for error in refused.json()["errors"]] == ["organization"]


def test_anyone_reads_the_schema_and_lints_a_document(db: None) -> None:
    client = client_of()
    for address in ("/api/v1/dataset-spec.schema.json", at("spec-schema")):
        answer = client.get(address)
        assert answer.json() == spec_json_schema()
        assert answer["Content-Type"].startswith("application/schema+json")
        assert client.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    good = client.post(at("lint"), {"document": document()}).json()
    assert (good["readable"], good["may_be_posted"], len(good["sha256"])) == (True, True, 64)
    assert good["summary"]
    bad = client.post(at("lint"), {"document": {"title": "x", "quotas": [{"min": "many"}]}}).json()
    assert (bad["readable"], bad["may_be_posted"], bad["sha256"]) == (False, False, "")
    assert bad["notes"][0]["pointer"] == "/quotas/0/min"
    blocked = client.post(at("lint"), {"document": {"title": "x"}}).json()
    assert (blocked["readable"], blocked["may_be_posted"]) == (True, False)
    assert client.post(at("lint"), {"document": "text"}).status_code == 400
