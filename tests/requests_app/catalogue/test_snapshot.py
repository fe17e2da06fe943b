"""The catalogue in memory is what the database holds, after every change, in every process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from requests_app.catalogue import snapshot as module
from requests_app.catalogue.find import find
from requests_app.catalogue.snapshot import Pairs, snapshot
from requests_app.catalogue.wanted import Wanted
from requests_app.models import CatalogueChange, DatasetRequest, RequestListing
from requests_app.services.listing import record_change, sweep_listings
from requests_app.services.requests import amend_request, cancel_request, close_request
from requests_app.views.feeds import A_SITEMAP
from tests.factories import open_request
from tests.requests_app.people import Market, document

pytestmark = pytest.mark.django_db


def read_anew() -> module.Snapshot:
    module._current = None
    return snapshot()


def contents(found: module.Snapshot) -> dict[str, Any]:
    facets = {
        kind: {value: found.number[facet.mark([value], len(found))].tolist() for value in sorted(facet.values)}
        for kind, facet in found.facets.items()
    }
    columns = ("number", "is_open", "images", "still_needed", "deadline", "opened_at", "announced")
    keys = [key for _, key in found.keys(np.arange(len(found)))]
    return {"facets": facets, "keys": keys} | {name: getattr(found, name).tolist() for name in columns}


def test_after_each_change_the_snapshot_is_what_reading_everything_gives(market: Market) -> None:
    read_anew()
    first, second = market.open(), market.open("ct-pulmonary-embolism")
    kept = contents(snapshot())
    assert kept == contents(read_anew()) and kept["is_open"] == [True, True]
    changed = {**document(), "labels": {**document()["labels"], "findings": [{"finding": "Nodule"}]}, "quotas": []}
    amend_request(request=first, document=changed, actor=market.researcher)
    kept = contents(snapshot())
    assert kept == contents(read_anew()) and list(kept["facets"]["finding"]) != []
    assert "Pneumothorax" not in kept["facets"]["finding"]
    close_request(request=second, actor=market.researcher)
    kept = contents(snapshot())
    assert kept == contents(read_anew()) and kept["is_open"] == [True, False]
    cancel_request(request=first, actor=market.researcher)
    kept = contents(snapshot())
    assert kept == contents(read_anew()) and kept["number"] == [second.listing.number]


def test_it_costs_one_statement_when_nothing_changed_and_two_after_a_change(
    market: Market, django_assert_num_queries: Any
) -> None:
    listing = market.open().listing
    read_anew()
    with django_assert_num_queries(1):
        snapshot()
    record_change([listing.pk])
    with django_assert_num_queries(2):
        snapshot()


def test_what_a_rolled_back_transaction_showed_is_forgotten(market: Market) -> None:
    market.open()
    read_anew()
    with transaction.atomic():
        market.open("ct-pulmonary-embolism")
        assert len(snapshot()) == 2
        transaction.set_rollback(True)
    assert len(snapshot()) == 1
    # The same number is given out again, for another change.
    market.open("cxr-lines-and-tubes")
    assert contents(snapshot()) == contents(read_anew())


def test_an_empty_catalogue_is_read_too() -> None:
    found = read_anew()
    assert len(found) == 0 and snapshot() is found
    assert find(Wanted.of("q=chest&finding=Nodule&deadline=30")).total == 0


def test_the_sweeper_lists_what_was_opened_without_the_service_and_drops_what_is_not_public() -> None:
    request = open_request()
    assert len(snapshot()) == 0
    assert sweep_listings() == 1
    assert find(Wanted()).total == 1
    assert sweep_listings() == 0
    DatasetRequest.objects.filter(pk=request.pk).update(status="cancelled")
    assert sweep_listings() == 1
    assert len(snapshot()) == 0 and not RequestListing.objects.exists()


def test_old_changes_are_forgotten_and_a_snapshot_that_is_older_reads_everything(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = market.open().listing
    old = read_anew()
    monkeypatch.setattr("requests_app.services.listing._KEPT_CHANGES", 2)
    record_change([listing.pk] * 5)
    sweep_listings()
    assert CatalogueChange.objects.count() == 2
    assert snapshot().version == old.version + 5


def test_values_that_nothing_carries_any_more_leave_the_pairs() -> None:
    pairs = Pairs.of([("a", 1), ("b", 1), ("a", 2)])
    left = pairs.replaced(np.array([1]), Pairs.of([("c", 1)])).used()
    facet = left.facet(np.array([0, 0, 1]))
    assert facet.counts(np.array([True, True])) == {"a": 1, "c": 1}
    assert facet.counts(np.array([True, False])) == {"c": 1}


def test_every_page_of_the_catalogue_asks_the_database_at_most_twelve_times(market: Market, client: Any) -> None:
    from django.db import connection

    for name in ("cxr-pneumothorax-bedside", "cxr-lines-and-tubes", "ct-pulmonary-embolism"):
        market.offer(market.open(name))
    client.force_login(market.manager)
    client.get("/dashboard/")  # a session notes that it lives, once a minute
    addresses = [
        "/requests/",
        "/requests/?q=pneumothorax&category=cxr&projection=AP&images=1000-4999&sort=still",
        "/requests/?q=pnuemothorax",
        "/requests/?finding=Pneumothorax&finding=Edema&status=closed",
        "/categories/ct/",
        "/requests/feed.atom?q=bedside",
        "/categories/cxr/feed.atom",
        "/sitemap.xml",
        reverse("sitemap_requests", args=[(RequestListing.objects.order_by("-pk")[0].pk - 1) // A_SITEMAP + 1]),
        "/saved-searches/",
        "/saved-searches/new/?q=bedside",
    ]
    for address in addresses:
        for changed in (False, True):
            if changed:
                record_change([RequestListing.objects.values_list("pk", flat=True)[0]])
            with CaptureQueriesContext(connection) as asked:
                assert client.get(address).status_code == 200
            assert len(asked) <= 12, (address, changed, [query["sql"][:90] for query in asked])
