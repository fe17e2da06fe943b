"""For programs that follow the portal: Atom feeds of any state of the list, the sitemap, and what robots may read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from io import StringIO
from xml.sax.xmlreader import AttributesImpl

from django.conf import settings
from django.db.models import F, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.xmlutils import SimplerXMLGenerator
from django.views.decorators.http import require_safe

from requests_app.catalogue.find import find
from requests_app.catalogue.wanted import Wanted
from requests_app.models import Category, DatasetRequest, RequestListing

ENTRIES = 50
#: Addresses of one sitemap; the protocol allows 50,000, and a file that is made while one waits should be small.
A_SITEMAP = 10_000


@require_safe
def request_feed(request: HttpRequest, *, category: Category | None = None) -> HttpResponse:
    """The newest of any state of the list, as Atom (RFC 4287): the list's address with ``feed.atom``."""
    asked = Wanted.read(request.GET).without("sort")
    wanted = asked.within(category) if category else asked
    found = find(wanted)
    place = reverse("category", args=[category.value]) if category else reverse("request_list")
    page = f"{place}?{asked.query()}" if asked.query() else place
    title = wanted.in_words() if wanted.is_narrowed else "Open requests"
    feed = Atom1Feed(
        title=f"GetDATA: {title}",
        link=_site(page),
        feed_url=_site(request.get_full_path()),
        description="Requests for chest X-ray data.",
        language="en-GB",
        author_name="GetDATA",
    )
    keys = [key for _, key in found.newest(ENTRIES)]
    rows = DatasetRequest.objects.filter(pk__in=keys).select_related("organization")
    rows = rows.annotate(frozen_at=Max("versions__created_at")).defer("draft").order_by()
    for item in sorted(rows, key=lambda row: row.opened_at or row.created_at, reverse=True):
        if item.is_public and item.opened_at is not None:
            feed.add_item(
                title=item.title,
                link=_site(item.get_absolute_url()),
                unique_id=f"urn:uuid:{item.pk}",
                description=_said(item),
                author_name=item.organization.name,
                categories=[item.get_category_display()],
                pubdate=item.opened_at,
                updateddate=item.closed_at or item.frozen_at or item.opened_at,
            )
    body = feed.writeString("utf-8")
    return HttpResponse(body, content_type="application/atom+xml; charset=utf-8")


@require_safe
def category_feed(request: HttpRequest, slug: str) -> HttpResponse:
    """The feed of one category."""
    if slug not in Category.values:
        raise Http404("There is no such category.")
    return request_feed(request, category=Category(slug))


@require_safe
def sitemap_index(request: HttpRequest) -> HttpResponse:
    """The sitemaps there are: the portal's own pages, and the public requests by thousands."""
    numbers = (
        RequestListing.objects.order_by().annotate(part=(F("number") - 1) / A_SITEMAP).values_list("part", flat=True)
    )
    parts = [reverse("sitemap_pages")]
    parts += [reverse("sitemap_requests", args=[part + 1]) for part in sorted(numbers.distinct())]
    return _xml("sitemapindex", "sitemap", ((_site(part), None) for part in parts))


@require_safe
def sitemap_pages(request: HttpRequest) -> HttpResponse:
    """Pages that are there whatever is asked for."""
    names = ("home", "request_list", "about_deid", "api_docs")
    places = [reverse(name) for name in names] + [reverse("category", args=[value]) for value in Category.values]
    return _xml("urlset", "url", ((_site(place), None) for place in places))


@require_safe
def sitemap_requests(request: HttpRequest, part: int) -> HttpResponse:
    """Public requests, ``A_SITEMAP`` numbers a part; one with none in it is empty, because a request may leave."""
    listings = RequestListing.objects.filter(number__gt=(part - 1) * A_SITEMAP, number__lte=part * A_SITEMAP)
    public = listings.filter(request__in=DatasetRequest.objects.public())
    if not part or not public.exists():
        raise Http404("There is no such part.")
    rows = public.annotate(frozen_at=Max("request__versions__created_at")).values_list(
        "request__slug", "frozen_at", "request__closed_at"
    )
    places = ((_site(reverse("request_detail", args=[slug])), closed or frozen) for slug, frozen, closed in rows)
    return _xml("urlset", "url", places)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What robots may read: everything public; not the endless combinations of filters, nor anybody's own pages."""
    own = ("/accounts/", "/api/v1/", "/dashboard/", "/my/", "/notifications/", "/saved-searches/", "/review/")
    lines = ["User-agent: *", *(f"Disallow: {place}" for place in own)]
    lines += [f"Disallow: {reverse('request_list')}?*&", f"Sitemap: {_site(reverse('sitemap'))}", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


# --- parts -----------------------------------------------------------------------------------------------------------


def _site(place: str) -> str:
    return f"{settings.PUBLIC_URL}{place}"


def _said(item: DatasetRequest) -> str:
    images = f"At least {item.minimum_images:,} images" if item.minimum_images else "Images"
    due = f", wanted by {item.deadline:%-d %B %Y}" if item.deadline else ""
    state = "" if item.status == DatasetRequest.Status.OPEN else f" {item.get_status_display()}."
    return f"{images}{due}. Asked by {item.organization.name}.{state}"


def _xml(root: str, each: str, places: Iterable[tuple[str, datetime | None]]) -> HttpResponse:
    """A document of the sitemap protocol 0.9."""
    text = StringIO()
    xml = SimplerXMLGenerator(text, "utf-8", short_empty_elements=True)
    xml.startDocument()
    xml.startElement(root, AttributesImpl({"xmlns": "http://www.sitemaps.org/schemas/sitemap/0.9"}))
    for place, changed in places:
        xml.startElement(each, AttributesImpl({}))
        xml.addQuickElement("loc", place)
        if changed is not None:
            xml.addQuickElement("lastmod", changed.strftime("%Y-%m-%dT%H:%M:%SZ"))
        xml.endElement(each)
    xml.endElement(root)
    xml.endDocument()
    return HttpResponse(text.getvalue(), content_type="application/xml; charset=utf-8")
