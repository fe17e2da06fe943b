"""The front page: honest with data and without."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from getdata.accounts.models import Organization
from requests_app.models import Category, RequestStatus
from tests.factories import HospitalFactory, RequestFactory, open_request
from tests.support.images import accepted_batch
from tests.support.pages import problems

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(client: Client) -> Any:
    def show() -> str:
        response = client.get("/")
        assert response.status_code == 200
        page = response.content.decode()
        assert problems(page) == []
        return page

    return show


def test_an_empty_portal_shows_an_example_and_says_so(home: Any) -> None:
    page = home()
    assert "An example, not a live request" in page
    assert page.count("None open") == len(Category.choices)
    assert 'aria-label="Figures"' not in page, "no number is shown before there is one"


def test_an_open_request_is_shown_with_its_meter_and_deadline(home: Any) -> None:
    request = open_request(title="Bedside chests", deadline=timezone.localdate() + timedelta(days=40))
    page = home()
    film = page[page.index("hero-film") : page.index('class="ruler"')]
    assert "Bedside chests" in film and request.organization.name in film
    assert 'class="meter large"' in film and "accepted" in film
    assert "due " in film
    assert "An example" not in film
    assert "1 open request" in page


@pytest.mark.parametrize("status", [RequestStatus.DRAFT, RequestStatus.SUBMITTED, RequestStatus.CANCELLED])
def test_what_is_not_open_is_never_shown(home: Any, status: str) -> None:
    RequestFactory.create(title="A secret request", status=status)
    assert "A secret request" not in home()


def test_the_request_that_moved_most_is_the_one_shown(home: Any) -> None:
    moved = accepted_batch().fulfillment.request
    open_request(title="Newer and still empty")
    film = home()
    assert f'<h2><a href="{moved.get_absolute_url()}">' in film


def test_a_featured_request_that_closes_gives_way_at_once(home: Any) -> None:
    first = open_request(title="First one")
    assert "First one" in home()
    type(first).objects.filter(pk=first.pk).update(status=RequestStatus.CANCELLED)
    open_request(title="Second one")
    page = home()
    assert "Second one" in page and "First one" not in page


def test_a_number_appears_once_it_means_something(home: Any) -> None:
    HospitalFactory.create_batch(2)
    HospitalFactory.create(status=Organization.Status.PENDING)
    assert "Verified hospitals" not in home()
    HospitalFactory.create()
    page = home()
    assert "Verified hospitals" in page
    figures = page[page.index("<dl", page.index('aria-label="Figures"')) :]
    assert ">3<" in figures[: figures.index("</dl>")].replace(" ", "").replace("\n", "")


def test_the_front_page_stays_cheap_with_many_requests(client: Client, django_assert_max_num_queries: Any) -> None:
    for _ in range(10):
        open_request()
    client.get("/")
    with django_assert_max_num_queries(14):
        client.get("/")
