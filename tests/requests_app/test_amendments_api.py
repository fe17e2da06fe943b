"""Amendments and revisions over the API: the services' own rules."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from requests_app.models import DatasetRequest
from tests.requests_app.people import Market, document


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def put(client: Client, url: str, body: dict[str, Any]) -> Any:
    return client.put(url, json.dumps(body), content_type="application/json")


def at(item: DatasetRequest, tail: str = "") -> str:
    return f"/api/v1/requests/{item.slug}/amendment/{tail}"


def test_an_amendment_is_written_compared_posted_and_gone(market: Market) -> None:
    item, rosa = market.open(), client_of(market.researcher)
    changed = {**document(), "cohort": {"images": {"min": 3500, "max": 6000}}}
    assert rosa.get(at(item)).status_code == 404
    written = put(rosa, at(item), {"document": changed}).json()
    assert (written["status"], written["base_number"], written["revision"]) == ("draft", 1, 1)
    assert "cohort.images" in {change["check_id"] for change in written["changes"]}
    assert put(rosa, at(item), {"document": document(), "revision": 0}).json()["code"] == "draft_changed"
    assert client_of(market.manager).get(at(item)).status_code == 404
    assert rosa.post(at(item, "post/")).json()["status"] == "open"
    assert item.versions.count() == 2
    put(rosa, at(item), {"document": document()})
    assert rosa.delete(at(item)).status_code == 204
    assert rosa.delete(at(item)).status_code == 404


def test_staff_open_or_return_what_they_had_checked(market: Market) -> None:
    item, rosa, staff = market.open(), client_of(market.researcher), client_of(market.reviewer)
    changed = {**document(), "terms": {**document()["terms"], "retention_months": 24}}
    put(rosa, at(item), {"document": changed})
    assert rosa.post(at(item, "post/")).json()["status"] == "submitted"
    assert rosa.post(at(item, "open/")).json()["code"] == "staff_only"
    back = staff.post(at(item, "return/"), {"note": "Say why."}, content_type="application/json").json()
    assert (back["status"], back["status_note"]) == ("draft", "Say why.")
    rosa.post(at(item, "post/"))
    assert staff.post(at(item, "open/")).json()["status"] == "open"
    assert item.versions.count() == 2


def test_a_draft_names_its_revision_and_an_older_one_is_not_saved(market: Market) -> None:
    item, rosa = market.draft(), client_of(market.researcher)
    url = f"/api/v1/requests/{item.slug}/"
    body = {**item.draft, "title": "Renamed"}
    assert put(rosa, f"{url}draft/", {"document": body, "revision": 0}).json()["revision"] == 1
    refused = put(rosa, f"{url}draft/", {"document": item.draft, "revision": 0})
    assert refused.json()["code"] == "draft_changed"
    assert rosa.get(url).json()["title"] == "Renamed"
