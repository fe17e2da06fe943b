"""Facets: counts beside each value are what choosing it shows, in any combination."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from requests_app.catalogue.find import find
from requests_app.catalogue.snapshot import SIZES
from requests_app.catalogue.wanted import CHOICES, DEADLINES, SORTS, Wanted
from requests_app.models import RequestFacet, RequestListing
from requests_app.services.listing import record_change
from requests_app.services.requests import close_request
from requests_app.spec import example_specs
from tests.requests_app.people import Market

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(market: Market) -> list[dict[str, Any]]:
    """All examples, twice, with deadlines and sizes that differ, two of them closed; and the same as plain values."""
    made = [market.open(name, title=f"{name} {n}") for n in (1, 2) for name in example_specs()]
    for n, request in enumerate(made):
        due = timezone.localdate() + timedelta(days=(-5, 10, 45, 100, 300)[n % 5]) if n % 6 else None
        RequestListing.objects.filter(request=request).update(deadline=due, images=10 ** (2 + n % 4))
    for request in made[:2]:
        close_request(request=request, actor=market.researcher)
    record_change(list(RequestListing.objects.values_list("pk", flat=True)))
    plain = []
    for listing in RequestListing.objects.all():
        kinds: dict[str, set[str]] = {}
        for kind, value in RequestFacet.objects.filter(request=listing.request).values_list("kind", "value"):
            kinds.setdefault(kind, set()).add(value)
        days = (listing.deadline - timezone.localdate()).days if listing.deadline else None
        low = [0, *(above for _, _, above in SIZES)]
        kinds |= {
            "category": {listing.category},
            "reports": {listing.report_linkage},
            "status": {"open" if listing.is_open else "closed"},
            "images": {name for n, (name, _, above) in enumerate(SIZES) if low[n] <= listing.images < above},
            "deadline": {
                value for value in DEADLINES
                if days is not None and (days > 180 if value == "later" else 0 <= days <= int(value))
            },
        }  # fmt: skip
        plain.append({"number": listing.number, **kinds})
    return plain


def fits(row: dict[str, Any], wanted: Wanted, leave_out: str = "") -> bool:
    asked = {name: set(wanted.values(name)) for name in CHOICES}
    asked["status"] = asked["status"] or {"open"}
    asked["deadline"] = {wanted.deadline} if wanted.deadline else set()
    return all(values & row.get(name, set()) for name, values in asked.items() if values and name != leave_out)


def test_every_count_is_what_choosing_the_value_shows(shelf: list[dict[str, Any]]) -> None:
    rng = random.Random(7)
    values = {name: sorted({v for row in shelf for v in row.get(name, ())} | set(CHOICES[name])) for name in CHOICES}
    for _ in range(60):
        query = QueryDict(mutable=True)
        for name in rng.sample(sorted(CHOICES), rng.randrange(0, 4)):
            query.setlist(name, rng.sample(values[name], min(len(values[name]), rng.randrange(1, 3))))
        if rng.random() < 0.4:
            query["deadline"] = rng.choice(list(DEADLINES))
        wanted = Wanted.read(query)
        found = find(wanted)
        assert sorted(number for number, _ in found.rows()) == sorted(r["number"] for r in shelf if fits(r, wanted))
        for name in (*CHOICES, "deadline"):
            others = [row for row in shelf if fits(row, wanted, leave_out=name)]
            expected = {
                v: n for v in values.get(name, DEADLINES) if (n := sum(v in row.get(name, ()) for row in others))
            }
            assert {value: n for value, n in found.counts(name).items() if n} == expected, (wanted, name)


@pytest.mark.parametrize("sort", [name for name in SORTS if name != "best"])
def test_every_order_is_total_and_pages_neither_repeat_nor_lose(shelf: list[dict[str, Any]], sort: str) -> None:
    found = find(Wanted.of(f"sort={sort}&status=open&status=closed"))
    whole = found.rows()
    assert [row for start in range(0, len(whole), 7) for row in found.rows(start, start + 7)] == whole
    assert sorted(number for number, _ in whole) == [row["number"] for row in shelf]


def test_the_soonest_deadline_that_can_still_be_met_comes_first(shelf: list[dict[str, Any]]) -> None:
    due = dict(RequestListing.objects.values_list("number", "deadline"))
    days = [due[number] for number, _ in find(Wanted.of("sort=deadline")).rows()]
    today = timezone.localdate()
    kinds = [2 if day is None else int(day < today) for day in days]
    assert kinds == sorted(kinds), "what is past comes after what is to come, what has none comes last"
    assert [day for day in days if day and day >= today] == sorted(day for day in days if day and day >= today)


@given(
    q=st.text(max_size=20),
    chosen=st.dictionaries(st.sampled_from(sorted(CHOICES)), st.lists(st.text(max_size=8), max_size=3)),
    deadline=st.sampled_from(["", *DEADLINES, "soon"]),
    sort=st.sampled_from(["", *SORTS, "random"]),
)
@settings(max_examples=100, deadline=None)
def test_an_address_read_and_written_again_is_the_same_state(
    q: str, chosen: dict[str, list[str]], deadline: str, sort: str
) -> None:
    query = QueryDict(mutable=True)
    query["q"], query["deadline"], query["sort"] = q, deadline, sort
    for name, values in chosen.items():
        query.setlist(name, [*values, *list(CHOICES[name])[:1]])
    wanted = Wanted.read(query)
    assert Wanted.of(wanted.query()) == wanted
    assert Wanted.of(wanted.query()).query() == wanted.query()


def test_chips_take_one_choice_away_each_and_their_addresses_work(shelf: list[dict[str, Any]], client: Client) -> None:
    page = client.get(reverse("request_list"), {"projection": ["PA", "AP"], "images": "1000-4999", "deadline": "90"})
    assert [chip.label for chip in page.context["chosen"]] == [
        "Projection: PA", "Projection: AP", "Images asked for: 1,000 to 4,999", "Deadline: within 90 days",
    ]  # fmt: skip
    for chip in page.context["chosen"]:
        assert len(client.get(chip.url).context["chosen"]) == 3


def test_where_nothing_fits_the_page_says_which_filter_to_take_away(
    shelf: list[dict[str, Any]], client: Client
) -> None:
    page = client.get(reverse("request_list"), {"category": "ct", "projection": "PA"})
    assert not page.context["rows"]
    for one in page.context["without"]:
        assert client.get(one.url).context["page"].paginator.count == one.count > 0
    assert {one.label for one in page.context["without"]} == {"Any category", "Any projection"}


def test_a_category_page_says_what_is_asked_for_now(shelf: list[dict[str, Any]], client: Client) -> None:
    page = client.get(reverse("category", args=["cxr"]))
    assert b"Asked for now" in page.content
    for one in page.context["most_asked"]:
        assert client.get(one.url).context["page"].paginator.count == one.count


def test_an_empty_category_is_still_of_use(market: Market, client: Client) -> None:
    page = client.get(reverse("category", args=["cardiac"])).content.decode()
    assert "Nothing is asked for in this category" in page and "Post a request" in page and "Heart" in page


def test_pages_links_and_htmx_agree_on_the_address(shelf: list[dict[str, Any]], client: Client) -> None:
    page = client.get(
        reverse("request_list"), {"sort": "largest", "q": "", "page": "9"}, headers={"HX-Request": "true"}
    )
    assert page.headers["HX-Push-Url"] == f"{reverse('request_list')}?sort=largest"
