"""Finding one's way: the main and side navigation, breadcrumbs, tabs, pages, sortable columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.core.paginator import Page
from django.template import Context
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

register = template.Library()


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of a menu. ``who``: all, guest, user or staff."""

    label: str
    name: str
    who: str = "all"
    icon: str = ""


MAIN = (
    Place("Requests", "request_list"),
    Place("Dashboard", "dashboard", "user"),
    Place("Deliveries", "fulfillment_list", "user"),
    Place("Releases", "release_list", "user"),
    Place("Review", "review_queue", "staff"),
    Place("How de-identification works", "about_deid", "guest"),
    Place("API", "api_docs", "guest"),
)

SIDE: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "Work",
        (
            Place("Dashboard", "dashboard", "user"),
            Place("Browse requests", "request_list"),
            Place("Saved searches", "saved_search_list", "user"),
            Place("Requests for you", "match_list", "user"),
            Place("My requests", "my_requests", "user"),
            Place("Offers", "offer_list", "user"),
            Place("Deliveries", "fulfillment_list", "user"),
            Place("Batches", "batch_list", "user"),
            Place("Releases", "release_list", "user"),
            Place("Custody", "custody", "user"),
            Place("Withdrawals", "withdrawal_list", "user"),
        ),
    ),
    (
        "Staff",
        (
            Place("Review queue", "review_queue", "staff"),
            Place("Verification", "verification_queue", "staff"),
            Place("Incidents", "incident_list", "staff"),
            Place("Operations", "operations", "staff"),
        ),
    ),
    (
        "You",
        (
            Place("Organizations", "organization_list", "user"),
            Place("Notifications", "notifications", "user"),
        ),
    ),
)

ACCOUNT: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "Account",
        (
            Place("Profile and tokens", "account_settings", "user"),
            Place("E-mail address", "account_email", "user"),
            Place("Password", "account_change_password", "user"),
            Place("Two-factor sign-in", "mfa_index", "user"),
            Place("Notifications", "notification_preferences", "user"),
            Place("Sessions", "usersessions_list", "user"),
        ),
    ),
)

USER_MENU = (
    Place("Dashboard", "dashboard", "user", "menu"),
    Place("New request", "request_new", "user", "plus"),
    Place("Organizations", "organization_list", "user", "hospital"),
    Place("Account and security", "account_settings", "user", "lock"),
)


def is_staff(user: Any) -> bool:
    """Reviewers and administrators see the review queue."""
    return bool(getattr(user, "is_reviewer", False) or getattr(user, "is_administrator", False))


def _may_see(place: Place, user: Any) -> bool:
    signed_in = bool(getattr(user, "is_authenticated", False))
    return {
        "all": True,
        "guest": not signed_in,
        "user": signed_in,
        "staff": signed_in and is_staff(user),
    }[place.who]


def _links(context: Context, places: tuple[Place, ...]) -> list[dict[str, str]]:
    """Menu entries this person may see and whose address exists; ``current`` is page, true (a page below) or empty."""
    request = context.get("request")
    user = context.get("user") or getattr(request, "user", None)
    path = getattr(request, "path", "")
    found = []
    for place in places:
        if not _may_see(place, user):
            continue
        try:
            url = reverse(place.name)
        except NoReverseMatch:
            continue
        below = len(url) > 1 and path.startswith(url)
        current = "page" if path == url else "true" if below else ""
        found.append({"label": place.label, "name": place.name, "url": url, "icon": place.icon, "current": current})
    return found


@register.simple_tag(takes_context=True)
def main_links(context: Context) -> list[dict[str, str]]:
    """The header's entries."""
    return _links(context, MAIN)


@register.simple_tag(takes_context=True)
def user_links(context: Context) -> list[dict[str, str]]:
    """The user menu's entries."""
    return _links(context, USER_MENU)


@register.simple_tag(takes_context=True)
def side_links(context: Context, section: str = "work") -> list[dict[str, Any]]:
    """The side navigation's groups with entries; ``section`` is work or account. Empty groups are left out."""
    groups = {"work": SIDE, "account": ACCOUNT}[section]
    found = [{"title": title, "links": _links(context, places)} for title, places in groups]
    return [group for group in found if group["links"]]


@register.inclusion_tag("components/breadcrumbs.html")
def breadcrumbs(*parts: Any) -> dict[str, Any]:
    """``{% breadcrumbs "Requests" url_requests "Effusion, two views" %}``: label and address in turn, the page last."""
    if len(parts) % 2 == 0:
        raise template.TemplateSyntaxError("breadcrumbs takes label, address pairs and then the page's own label")
    crumbs = [{"label": parts[i], "url": parts[i + 1]} for i in range(0, len(parts) - 1, 2)]
    return {"crumbs": crumbs, "here": parts[-1]}


@register.simple_block_tag
def tabs(content: str, label: str) -> SafeString:
    """A row of links to sibling pages; ``label`` names it to screen readers. Holds ``{% tab %}``s."""
    return SafeString(render_to_string("components/tabs.html", {"content": content, "label": label}))


@register.inclusion_tag("components/tab.html")
def tab(label: str, url: str, *, current: bool = False, count: int | None = None) -> dict[str, Any]:
    """One tab: a link, ``current`` for the page shown, with an optional count."""
    return {"label": label, "url": url, "current": current, "count": count}


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: Context, page: Page[Any], *, noun: str = "result", param: str = "page") -> dict[str, Any]:
    """'51 to 100 of 412 requests' and the pages around. Other query parameters are kept. One page: the count only."""
    request = context.get("request")

    def link(number: int) -> str:
        query = request.GET.copy() if request is not None else None
        if query is None:
            return f"?{param}={number}"
        query[param] = str(number)
        return f"?{query.urlencode()}"

    paginator = page.paginator
    numbers = [
        {"gap": True} if n == paginator.ELLIPSIS else {"number": n, "url": link(int(n)), "here": n == page.number}
        for n in paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    ]
    return {
        "page": page,
        "numbers": numbers if paginator.num_pages > 1 else [],
        "previous": link(page.previous_page_number()) if page.has_previous() else "",
        "next": link(page.next_page_number()) if page.has_next() else "",
        "noun": noun,
    }


@register.inclusion_tag("components/sort_th.html", takes_context=True)
def sort_th(
    context: Context, label: str, key: str, *, numeric: bool = False, param: str = "sort", default: str = ""
) -> dict[str, Any]:
    """A ``<th>`` that sorts: its link sets ``?sort=key`` or ``-key`` and goes back to page one."""
    request = context.get("request")
    query = request.GET.copy() if request is not None else None
    now = (query.get(param) if query is not None else "") or default
    direction = {"": "", key: "ascending", f"-{key}": "descending"}.get(now, "")
    wanted = f"-{key}" if direction == "ascending" else key
    if query is None:
        href = f"?{param}={wanted}"
    else:
        query[param] = wanted
        query.pop("page", None)
        href = f"?{query.urlencode()}"
    return {"label": label, "href": href, "direction": direction, "numeric": numeric}
