"""Finding requests: search, facets, order, categories, the address as state."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from requests_app.models import DatasetRequest, RequestListing
from requests_app.services.listing import record_change
from requests_app.services.requests import close_request
from tests.requests_app.people import Market


@pytest.fixture
def shelf(market: Market) -> dict[str, DatasetRequest]:
    names = ("cxr-pneumothorax-bedside", "cxr-lines-and-tubes", "ct-pulmonary-embolism", "cxr-external-validation-14")
    return {name: market.open(name) for name in names}


def titles(client: Client, **query: Any) -> list[str]:
    page = client.get(reverse("request_list"), query)
    assert page.status_code == 200
    return [row.item.title for row in page.context["rows"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, 4),
        ({"q": "pneumothorax bedside"}, 1),
        ({"q": "PNEUMOTHORAX"}, 2),
        ({"q": "collapsed lung zebra"}, 0),
        ({"q": "%_"}, 0),
        ({"category": "ct"}, 1),
        ({"category": ["ct", "cxr"]}, 4),
        ({"projection": "LATERAL"}, 1),
        ({"projection": ["PA", "LATERAL"]}, 2),
        ({"finding": "Endotracheal tube"}, 2),
        ({"finding": "Endotracheal tube", "annotation": "mask"}, 1),
        ({"annotation": "polygon"}, 1),
        ({"reports": "required"}, 2),
        ({"category": "ct", "projection": "PA"}, 0),
        ({"category": "nonsense"}, 4),
        ({"page": "999"}, 4),
    ],
)
def test_search_and_facets_find_what_they_say(
    shelf: dict[str, DatasetRequest], client: Client, query: dict[str, Any], expected: int
) -> None:
    assert len(titles(client, **query)) == expected


def test_the_deadline_facet_counts_from_today(shelf: dict[str, DatasetRequest], client: Client) -> None:
    today = timezone.localdate()
    for days, request in zip((10, 60, 120, 400), shelf.values(), strict=True):
        RequestListing.objects.filter(request=request).update(deadline=today + timedelta(days=days))
        record_change([request.listing.pk])
    assert [len(titles(client, deadline=value)) for value in ("30", "90", "180", "later")] == [1, 2, 3, 1]


def test_results_are_sorted_as_asked(shelf: dict[str, DatasetRequest], client: Client) -> None:
    assert titles(client)[0] == shelf["cxr-external-validation-14"].title
    assert titles(client, sort="largest")[0] == shelf["ct-pulmonary-embolism"].title
    assert titles(client, sort="smallest")[0] == shelf["cxr-lines-and-tubes"].title
    deadlines = [DatasetRequest.objects.get(title=title).deadline for title in titles(client, sort="deadline")]
    assert deadlines == sorted(deadlines)


def test_facet_counts_are_over_what_the_other_filters_leave(shelf: dict[str, DatasetRequest], client: Client) -> None:
    page = client.get(reverse("request_list"), {"category": "cxr"})
    boxes = {box.name: {o.value: o.count for o in (*box.options, *box.more)} for box in page.context["facets"]}
    assert boxes["category"] == {"cxr": 3, "ct": 1}
    assert boxes["projection"] == {"PA": 2, "AP": 3, "LATERAL": 1}
    assert boxes["finding"]["Pneumothorax"] == 2


def test_a_finding_has_one_name_whatever_list_a_request_uses(shelf: dict[str, DatasetRequest], client: Client) -> None:
    names = set(
        DatasetRequest.objects.filter(facets__kind="finding").values_list("facets__value", flat=True).distinct()
    )
    assert "No finding" in names
    assert "No Finding" not in names


def test_drafts_and_what_waits_for_a_check_are_never_in_the_list(market: Market, client: Client) -> None:
    market.draft()
    market.submitted("cxr-lines-and-tubes")
    client.force_login(market.reviewer)
    assert titles(client) == []
    assert titles(client, status="draft") == []


def test_closed_requests_show_when_asked_for(shelf: dict[str, DatasetRequest], market: Market, client: Client) -> None:
    close_request(request=shelf["cxr-lines-and-tubes"], actor=market.researcher)
    assert len(titles(client)) == 3
    assert titles(client, status="closed") == [shelf["cxr-lines-and-tubes"].title]


def test_category_pages_list_their_own_and_others_do_not_exist(
    shelf: dict[str, DatasetRequest], client: Client
) -> None:
    page = client.get(reverse("category", args=["ct"]))
    assert [row.item.title for row in page.context["rows"]] == [shelf["ct-pulmonary-embolism"].title]
    assert client.get(reverse("category", args=["dental"])).status_code == 404


def test_each_result_has_its_meter(shelf: dict[str, DatasetRequest], market: Market, client: Client) -> None:
    market.offer(shelf["cxr-pneumothorax-bedside"], images=700)
    page = client.get(reverse("request_list"), {"q": "bedside"})
    meter = page.context["rows"][0].meter
    assert (meter.needed, meter.offered, meter.accepted) == (3000, 700, 0)
    assert b"0 of 3,000 images accepted" in page.content


def test_htmx_gets_a_tidy_address_and_the_same_results(shelf: dict[str, DatasetRequest], client: Client) -> None:
    page = client.get(
        reverse("request_list"), {"q": "", "projection": "AP", "deadline": ""}, headers={"HX-Request": "true"}
    )
    assert page.headers["HX-Push-Url"] == f"{reverse('request_list')}?projection=AP"
    assert "HX-Push-Url" not in client.get(reverse("request_list")).headers
    assert b'id="results"' in page.content


def test_every_chosen_filter_can_be_taken_away_by_a_link(shelf: dict[str, DatasetRequest], client: Client) -> None:
    page = client.get(reverse("request_list"), {"q": "lung", "projection": ["PA", "AP"]})
    links = {chosen.label: chosen.url for chosen in page.context["chosen"]}
    assert set(links) == {"“lung”", "Projection: PA", "Projection: AP"}
    assert links["Projection: PA"].endswith("?q=lung&projection=AP")


def test_an_empty_list_says_what_to_do(market: Market, client: Client) -> None:
    assert b"No open requests" in client.get(reverse("request_list")).content
    assert b"Clear all filters" in client.get(reverse("request_list"), {"q": "zebra"}).content


def test_what_people_write_is_escaped(market: Market, client: Client) -> None:
    market.open(title="<script>alert(1)</script> images")
    for url in (reverse("request_list"), reverse("request_list") + "?q=%3Cscript%3E"):
        assert not re.search(rb"<script>alert", client.get(url).content)
