"""Words: what is found, what comes first, what is marked, what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from requests_app.catalogue import spelling, words
from requests_app.catalogue.find import find
from requests_app.catalogue.wanted import Wanted
from requests_app.models import DatasetRequest
from requests_app.services.requests import amend_request
from tests.requests_app.people import Market, document

pytestmark = pytest.mark.django_db


def titles(text: str, **more: str) -> list[str]:
    found = find(Wanted.of(f"q={text}"))
    items = {item.pk: item.title for item in DatasetRequest.objects.all()}
    return [items[key] for _, key in found.rows()]


@pytest.fixture
def shelf(market: Market) -> Market:
    market.open(
        title="Nodules in screening",
        purpose={
            **document()["purpose"],
            "description": "To weigh zebrafish, day after day, until each of them is known.",
        },
    )
    market.open("cxr-lines-and-tubes", title="Lines at the bedside")
    market.open("ct-pulmonary-embolism", title="Zebrafish of Universität Jaén")
    return market


def test_a_finding_is_found_by_its_aliases(shelf: Market) -> None:
    by_name = set(titles("pneumothorax"))
    assert by_name and by_name == set(titles("PTX")) == set(titles("ptx"))


def test_words_are_found_in_another_form_and_from_their_beginning(shelf: Market) -> None:
    assert titles("nodule screen") == titles("NODULES screening") == ["Nodules in screening"]
    assert titles("bedsi") == ["Lines at the bedside"]
    assert titles("bedside tubes") == ["Lines at the bedside"]
    assert titles("bedside zebrafish") == []


def test_a_title_counts_more_than_a_purpose(shelf: Market) -> None:
    assert titles("zebrafish") == ["Zebrafish of Universität Jaén", "Nodules in screening"]
    assert titles("zebrafish&sort=newest") == ["Zebrafish of Universität Jaén", "Nodules in screening"]
    assert titles("zebrafish&sort=smallest")[-1] == "Zebrafish of Universität Jaén"


def test_letters_with_accents_are_found_with_and_without(shelf: Market) -> None:
    assert titles("jaen") == titles("Jaén") == titles("universitat") == ["Zebrafish of Universität Jaén"]


def test_an_amendment_is_found_by_its_new_words_only(shelf: Market) -> None:
    request = DatasetRequest.objects.get(title="Nodules in screening")
    changed = {**request.draft, "title": "Masses in follow-up"}
    amend_request(request=request, document=changed, actor=shelf.researcher)
    assert titles("nodules screening") == []
    assert titles("masses follow-up") == ["Masses in follow-up"]


def test_a_request_that_is_gone_is_not_found(shelf: Market) -> None:
    DatasetRequest.objects.get(title="Lines at the bedside").listing.delete()
    hits = words.search("bedside lines")
    assert hits is not None and len(hits.numbers) == 0


def test_what_was_searched_is_marked_and_the_rest_is_escaped(shelf: Market, client: Client) -> None:
    page = client.get(reverse("request_list"), {"q": "bedside"}).content.decode()
    assert "Lines at the <mark>bedside</mark>" in page
    page = client.get(reverse("request_list"), {"q": "PTX"}).content.decode()
    assert "<mark>PTX</mark>" in page, "an alias that matched is shown"
    shelf.open(title="<b>Bold</b> effusions & more")
    page = client.get(reverse("request_list"), {"q": "effusions bold"}).content.decode()
    assert "&lt;b&gt;<mark>Bold</mark>&lt;/b&gt; <mark>effusions</mark> &amp; more" in page


@given(text=st.text(max_size=60))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_is_typed_ends_in_a_fault(market: Market, text: str) -> None:
    wanted = Wanted().with_words(text.replace("\x00", ""))
    assert find(wanted).total == 0
    assert list(DatasetRequest.objects.filter(listing__number__in=words.matching(text) or [])) == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("pnuemothorax", "pneumothorax"),
        ("efusion bedside", "effusion bedside"),
        ("cardiomegally", "cardiomegaly"),
        ("pneumothorax", None),
        ("qqqq", None),
        ("ct", None),
    ],
)
def test_a_misspelt_word_has_a_suggestion(typed: str, meant: str | None) -> None:
    assert spelling.suggest(typed) == meant


def test_a_suggestion_is_made_only_where_it_finds_something(shelf: Market, client: Client) -> None:
    page = client.get(reverse("request_list"), {"q": "pnuemothorax"})
    assert page.context["meant"].label == "pneumothorax" and b"Did you mean" in page.content
    there = client.get(page.context["meant"].url)
    assert len(there.context["rows"]) == page.context["meant"].count > 0
    assert client.get(reverse("request_list"), {"q": "cardiomegally", "category": "ct"}).context["meant"] is None


def test_the_nearest_word_is_measured_with_swaps() -> None:
    assert spelling.edits("nodlue", "nodule", 2) == 1
    assert spelling.edits("mass", "mask", 1) == 1
    assert spelling.edits("mass", "pleura", 2) == 3


def test_the_api_searches_the_same_words(shelf: Market, client: Client) -> None:
    def found(**query: Any) -> list[str]:
        return [item["title"] for item in client.get("/api/v1/requests/", query).json()["results"]]

    assert found(q="bedside tubes") == ["Lines at the bedside"]
    assert found(q="%_") == []
    assert found(q="zebrafish", category="ct") == ["Zebrafish of Universität Jaén"]
    assert len(found(images="under-1000")) + len(found(images=["1000-4999", "5000-19999", "20000-up"])) == 3
    assert found(finding="Nobody asks this") == []
