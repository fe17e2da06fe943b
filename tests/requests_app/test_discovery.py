"""What programs find: feeds, sitemap, robots, JSON-LD; and that nothing which is not public is in any of it."""

from __future__ import annotations

import hashlib
import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from requests_app.models import RequestListing
from requests_app.services.requests import amend_request, cancel_request, close_request
from tests.requests_app.people import Market

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
SITE = "https://portal.example"


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.PUBLIC_URL = SITE


def entries(client: Client, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    return [str(entry.findtext(f"{ATOM}title")) for entry in ET.fromstring(answer.content).iter(f"{ATOM}entry")]


def places(client: Client, address: str) -> list[str]:
    return [str(loc.text) for loc in ET.fromstring(client.get(address).content).iter(f"{MAP}loc")]


def jsonld(client: Client, address: str) -> dict[str, Any]:
    page = client.get(address).content.decode()
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, flags=re.DOTALL)
    found: dict[str, Any] = json.loads(block)
    return found


def test_each_state_of_the_list_has_a_feed(market: Market, client: Client) -> None:
    bedside, tubes = market.open(), market.open("cxr-lines-and-tubes")
    embolism = market.open("ct-pulmonary-embolism")
    feed = reverse("request_feed")
    assert entries(client, feed) == [embolism.title, tubes.title, bedside.title]
    assert (
        entries(client, f"{feed}?category=ct")
        == entries(client, reverse("category_feed", args=["ct"]))
        == [embolism.title]
    )
    assert entries(client, f"{feed}?q=pneumothorax+bedside") == [bedside.title]
    close_request(request=tubes, actor=market.researcher)
    assert entries(client, f"{feed}?status=closed") == [tubes.title]
    page = client.get(reverse("request_list"), {"q": "pneumothorax bedside"})
    assert entries(client, page.context["feed_url"]) == [bedside.title]
    assert f'type="application/atom+xml" title="These requests" href="{feed}?q=' in page.content.decode()


def test_a_feed_says_who_when_and_where_and_stays_valid_with_odd_titles(market: Market, client: Client) -> None:
    request = market.open(title='Films < 5 kB & "odd" names')
    entry = ET.fromstring(client.get(reverse("request_feed")).content).find(f"{ATOM}entry")
    assert entry is not None
    link = entry.find(f"{ATOM}link")
    assert link is not None and link.attrib["href"] == f"{SITE}{request.get_absolute_url()}"
    assert entry.findtext(f"{ATOM}id") == f"urn:uuid:{request.pk}"
    assert entry.findtext(f"{ATOM}title") == 'Films < 5 kB & "odd" names'
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == market.group.name
    before = entry.findtext(f"{ATOM}updated") or ""
    amend_request(request=request, document={**request.draft, "title": "Amended"}, actor=market.researcher)
    entry = ET.fromstring(client.get(reverse("request_feed")).content).find(f"{ATOM}entry")
    assert entry is not None and (entry.findtext(f"{ATOM}updated") or "") >= before
    assert entry.findtext(f"{ATOM}id") == f"urn:uuid:{request.pk}"


def test_the_sitemap_leads_to_every_public_page(
    market: Market, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("requests_app.views.feeds.A_SITEMAP", 2)
    made = [market.open(title=f"Request {n}") for n in range(5)]
    made.append(market.open(title="Far from the others"))
    RequestListing.objects.filter(request=made[-1]).update(
        number=made[-1].listing.number + 9
    )  # the parts between are empty
    parts = places(client, reverse("sitemap"))
    assert all(part.startswith(SITE) for part in parts)
    found = [place for part in parts for place in places(client, part.removeprefix(SITE))]
    assert len(found) == len(set(found))
    assert {f"{SITE}{request.get_absolute_url()}" for request in made} <= set(found)
    for place in found:
        assert client.get(place.removeprefix(SITE)).status_code == 200, place
    assert client.get(reverse("sitemap_requests", args=[0])).status_code == 404


def test_robots_are_shown_the_sitemap_and_kept_from_what_is_personal(client: Client) -> None:
    text = client.get("/robots.txt").content.decode()
    assert f"Sitemap: {SITE}/sitemap.xml" in text
    assert "Disallow: /accounts/" in text and "Disallow: /requests/\n" not in text


def test_a_public_request_describes_itself_in_croissant(market: Market, client: Client) -> None:
    request = market.open(title="Films with </script><b>odd</b> & titles")
    found = jsonld(client, request.get_absolute_url())
    assert found["name"] == "Films with </script><b>odd</b> & titles"
    assert found["@type"] == "sc:Dataset" and found["creativeWorkStatus"].startswith("Wanted")
    assert client.get(reverse("request_jsonld", args=[request.slug])).json() == found
    (file,) = found["distribution"]
    body = client.get(file["contentUrl"].removeprefix(SITE)).content
    assert hashlib.sha256(body).hexdigest() == file["sha256"]
    page = client.get(request.get_absolute_url()).content.decode()
    assert f'<link rel="canonical" href="{SITE}{request.get_absolute_url()}">' in page
    assert '<meta property="og:title" content="Films with &lt;/script&gt;&lt;b&gt;odd&lt;/b&gt; &amp; titles">' in page
    close_request(request=request, actor=market.researcher)
    assert jsonld(client, request.get_absolute_url())["creativeWorkStatus"] == "No longer wanted"


def test_what_is_not_public_is_nowhere(market: Market, client: Client) -> None:
    """Drafts, submitted and cancelled requests: not for visitors, strangers, staff, or even their own people."""
    secret = "Unheard-of zebrafish"
    draft = market.draft(title=f"{secret} draft")
    submitted = market.submitted("cxr-lines-and-tubes", title=f"{secret} submitted")
    cancelled = market.open(title=f"{secret} cancelled")
    cancel_request(request=cancelled, actor=market.researcher)
    market.open(title="Plain effusions")
    addresses = [
        reverse("request_list"), "/requests/?q=zebrafish", "/requests/?q=zebrafish&status=open&status=closed",
        "/requests/?status=draft&status=submitted&status=cancelled", "/requests/?sort=deadline&finding=Pneumothorax",
        reverse("category", args=["cxr"]), "/categories/cxr/?q=unheard", reverse("request_feed"), "/requests/feed.atom?q=zebrafish",
        reverse("category_feed", args=["cxr"]), reverse("sitemap"), reverse("sitemap_pages"), reverse("sitemap_requests", args=[1]),
        reverse("home"),
    ]  # fmt: skip
    for user in (None, market.stranger, market.other, market.reviewer, market.researcher):
        if user is not None:
            client.force_login(user)
        for address in addresses:
            page = client.get(address).content.decode().replace("zebrafish", "", address.count("zebrafish"))
            assert "Unheard" not in page, (user, address)
            assert not any(item.slug in page for item in (draft, submitted, cancelled)), (user, address)
        listed = client.get("/requests/")
        assert listed.context["page"].paginator.count == 1
        boxes = {box.name: sum(o.count for o in (*box.options, *box.more)) for box in listed.context["facets"]}
        assert boxes["category"] == 1
        for item in (draft, submitted, cancelled):
            assert client.get(reverse("request_jsonld", args=[item.slug])).status_code == 404
    client.logout()
    for query in (
        "",
        "?q=zebrafish",
        "?finding=Pneumothorax",
        "?status=draft",
        "?status=submitted",
        "?images=1000-4999",
    ):
        body = client.get(f"/api/v1/requests/{query}").content.decode()
        assert secret not in body, query
    client.force_login(market.researcher)
    own = client.get(draft.get_absolute_url()).content.decode()
    assert "application/ld+json" not in own and '<meta name="robots" content="noindex">' in own
