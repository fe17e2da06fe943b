"""Looking for requests: the list with search and facets, and the page of each category. The address is the page's whole state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.views.decorators.http import require_safe

from requests_app import progress
from requests_app.catalogue import spelling, words
from requests_app.catalogue.find import Found, Row, find
from requests_app.catalogue.wanted import CHOICES, DEADLINES, LABELS, SORTS, Wanted
from requests_app.meter import listed_row
from requests_app.models import Category, DatasetRequest, RequestFacet
from requests_app.progress import MeterRow
from requests_app.spec import View

PAGE_SIZE = 20
#: Values shown of a facet, and those behind "more"; what is rarer is found by its name.
SHOWN, BEHIND = 8, 60


@dataclass(frozen=True)
class About:
    """What a category page says of itself."""

    lede: str
    explanation: str


ABOUT = {
    Category.CXR: About(
        "Frontal and lateral radiographs of the chest, at the bedside and in the department.",
        "Every image is checked against its own pixels: projection, rotation, polarity, burned-in text. Requests count by "
        "projection, finding, sex, age, manufacturer and hospital.",
    ),
    Category.CT: About(
        "Cross-sectional imaging of the chest, asked by series and finding.",
        "A related category: computed tomography that confirms or follows what a radiograph shows. The same rules of "
        "de-identification and review hold; the checks of projection do not.",
    ),
    Category.CARDIAC: About(
        "Heart and great vessels: cardiac CT, serial radiographs, heart size over time.",
        "A related category: imaging of the heart that goes with chest radiographs, often several examinations of one patient. The "
        "same rules of de-identification and review hold.",
    ),
}


@dataclass(frozen=True)
class Option:
    """One value of a facet: its words, how many requests it would show, whether it is chosen."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class FacetBox:
    """One facet with its values. ``more`` are those kept behind a disclosure."""

    name: str
    label: str
    kind: str
    options: list[Option]
    more: list[Option]

    @property
    def more_chosen(self) -> bool:
        return any(option.chosen for option in self.more)


@dataclass(frozen=True)
class Chosen:
    """One filter in force, and the address without it. ``count`` is what would be found then, where that is known."""

    label: str
    url: str
    count: int = 0


@dataclass(frozen=True)
class Result:
    """One request of the list."""

    item: DatasetRequest
    meter: MeterRow | None
    tags: list[str]
    shown: words.Shown | None


class Results(Sequence[Row]):
    """What was found, read a page at a time."""

    def __init__(self, found: Found) -> None:
        self.found, self._total = found, found.total

    def __len__(self) -> int:
        return self._total

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        if isinstance(at, slice):
            return self.found.rows(at.start or 0, at.stop)
        return self.found.rows(at, at + 1)[0]


@require_safe
def request_list(request: HttpRequest, *, category: Category | None = None) -> HttpResponseBase:
    """Open requests with search and facets."""
    asked = Wanted.read(request.GET)
    if category:
        asked = asked.without("category")
    found = find(asked.within(category) if category else asked)
    page = Paginator(Results(found), PAGE_SIZE).get_page(request.GET.get("page"))
    place = request.path
    context = {
        "page": page,
        "rows": results(found, page),
        "wanted": asked,
        "facets": facet_boxes(found, with_category=category is None),
        "chosen": chips(asked, place),
        "category": category,
        "about": ABOUT[category] if category else None,
        "categories": _categories(found, category),
        "sorts": SORTS.items(),
        "place": place,
        "feed_url": _feed(asked, category),
        "save_query": found.wanted.without("sort").without("status").query(),
        "canonical": _canonical(asked, place, page),
        "site": settings.PUBLIC_URL,
        **(_now(found, category) if category and not asked.is_narrowed else {}),
        **(_instead(found, asked, place) if not len(page.object_list) else {}),
    }
    response = render(request, "requests_app/request_list.html", context)
    if getattr(request, "htmx", False):
        response["HX-Push-Url"] = _address(place, asked.query(**_page_number(page)))
    response["Vary"] = "HX-Request"
    return response


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The list of one category, with what it is and what is asked for now."""
    if slug not in Category.values:
        raise Http404("There is no such category.")
    return request_list(request, category=Category(slug))


# --- results ---------------------------------------------------------------------------------------------------------


def results(found: Found, rows: Iterable[Row]) -> list[Result]:
    """The requests of a page, in order. Six statements at most, however many rows. What is not public is left out."""
    numbers = {key: number for number, key in rows}
    # By key alone: SQLite would rather read everything that has one of the public states.
    asked = DatasetRequest.objects.filter(pk__in=numbers).select_related("organization").defer("draft").order_by()
    items = {numbers[item.pk]: item for item in asked.prefetch_related("facets") if item.is_public}
    done = progress.totals([item.pk for item in items.values()])
    shown = words.highlights(found.wanted.q, items) if found.wanted.q else {}
    return [
        Result(item, _meter(item, done.get(item.pk)), _tags(item), shown.get(number))
        for number in numbers.values()
        if (item := items.get(number)) is not None
    ]


def _meter(item: DatasetRequest, done: progress.Totals | None) -> MeterRow | None:
    done = done or progress.Totals()
    if not item.minimum_images and not done.received:
        return None
    return listed_row(item.minimum_images, done)


def _tags(item: DatasetRequest) -> list[str]:
    """A few words by which a row is recognised: projections, then findings."""
    values = list(item.facets.all())
    projections = [capfirst(View(f.value).plain) for f in values if f.kind == RequestFacet.Kind.PROJECTION]
    findings = [f.value for f in values if f.kind == RequestFacet.Kind.FINDING]
    more = len(findings) - 4
    return [*projections, *findings[:4], *([f"{more} more"] if more > 0 else [])]


# --- facets ----------------------------------------------------------------------------------------------------------


def facet_boxes(found: Found, *, with_category: bool) -> list[FacetBox]:
    """Each facet's values, counted over what the *other* facets leave, so that a choice never hides its siblings."""
    names = ["projection", "finding", "annotation", "reports", "images", "deadline", "status"]
    boxes = []
    for name in ["category", *names] if with_category else names:
        counts, words_of = found.counts(name), DEADLINES if name == "deadline" else CHOICES[name]
        chosen = (found.wanted.deadline,) if name == "deadline" else found.wanted.values(name)
        if name == "status":
            chosen = chosen or ("open",)
        options = [
            Option(value, words_of.get(value, value), counts.get(value, 0), value in chosen)
            for value in (words_of or dict.fromkeys([*chosen, *counts]))
            if counts.get(value) or value in chosen
        ]
        if name == "finding":
            options.sort(key=lambda option: (not option.chosen, -option.count, option.label.casefold()))
        # The state is a choice only where there is more than one.
        if len(options) > (1 if name == "status" and not found.wanted.values("status") else 0):
            kind = "radio" if name == "deadline" else "checkbox"
            boxes.append(FacetBox(name, LABELS[name], kind, options[:SHOWN], options[SHOWN : SHOWN + BEHIND]))
    return boxes


def chips(asked: Wanted, place: str) -> list[Chosen]:
    """What is in force, each with the address that takes it away."""
    return [Chosen(label, _address(place, asked.without(name, value).query())) for name, value, label in asked.parts()]


# --- parts -----------------------------------------------------------------------------------------------------------


def _now(found: Found, category: Category) -> dict[str, Any]:
    """What a category's requests ask for at present: numbers that lead to their lists."""
    here = reverse("category", args=[category.value])
    findings = sorted(found.counts("finding").items(), key=lambda pair: (-pair[1], pair[0]))
    return {
        "asked_images": found.images(),
        "most_asked": [
            Chosen(value, _address(here, Wanted(chosen={"finding": (value,)}).query()), count)
            for value, count in findings[:6]
        ],
    }


def _categories(found: Found, here: Category | None) -> list[dict[str, Any]]:
    """The categories as tabs of a category page, each with its open requests."""
    if here is None:
        return []
    among = found.catalogue.is_open
    facet = found.catalogue.facets.get("category")
    counts = facet.counts(among) if facet else {}
    return [
        {
            "label": label,
            "url": reverse("category", args=[value]),
            "current": value == here,
            "count": counts.get(value, 0),
        }
        for value, label in Category.choices
    ]


def _instead(found: Found, asked: Wanted, place: str) -> dict[str, Any]:
    """What to do where nothing fits: another spelling, or one filter less."""
    without = []
    for name in dict.fromkeys(name for name, _, _ in asked.parts()):
        left = int(found.but(name).sum())
        if left and name != "status":
            label = "Without the words" if name == "q" else f"Any {LABELS[name].lower()}"
            without.append(Chosen(label, _address(place, asked.without(name).query()), left))
    facet = found.catalogue.facets.get("finding")
    better = spelling.suggest(asked.q, facet.values if facet else ()) if asked.q else None
    meant = None
    if better:
        again = find(found.wanted.with_words(better))
        if again.total:
            meant = Chosen(better, _address(place, asked.with_words(better).query()), again.total)
    return {"any_public": len(found.catalogue) > 0, "without": without, "meant": meant}


def _feed(asked: Wanted, category: Category | None) -> str:
    query = asked.without("sort").query()
    place = reverse("category_feed", args=[category.value]) if category else reverse("request_feed")
    return _address(place, query)


def _canonical(asked: Wanted, place: str, page: Page[Row]) -> str:
    """One address for each set of results: without the order, which shows the same requests."""
    return _address(place, asked.without("sort").query(**_page_number(page)))


def _page_number(page: Page[Row]) -> dict[str, str]:
    return {"page": str(page.number)} if page.number > 1 else {}


def _address(place: str, query: str) -> str:
    return f"{place}?{query}" if query else place
