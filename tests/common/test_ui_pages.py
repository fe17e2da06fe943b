"""Layouts, menus and ways through: well formed, nothing inline, and only what exists and may be seen."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.template import TemplateSyntaxError, engines
from django.test import RequestFactory, override_settings
from django.urls import path

from tests.common.markup import Balance, page_of, show


def _page(request: Any) -> HttpResponse:
    return HttpResponse("")


# Only some of the addresses the menus know: the others must simply not appear.
urlpatterns = [
    path("", _page, name="home"),
    path("requests/", _page, name="request_list"),
    path("dashboard/", _page, name="dashboard"),
    path("review/", _page, name="review_queue"),
    path("sign-out/", _page, name="account_logout"),
]


GUEST = SimpleNamespace(is_authenticated=False)
MEMBER = SimpleNamespace(is_authenticated=True, is_reviewer=False, is_administrator=False, email="a@example.org")
REVIEWER = SimpleNamespace(is_authenticated=True, is_reviewer=True, is_administrator=False, email="r@example.org")


def labels(html: str) -> list[str]:
    return re.findall(r"\[(.*?)\]", html)


MENU = "{% main_links as links %}{% for l in links %}[{{ l.label }}|{{ l.current }}]{% endfor %}"


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize(
    ("user", "seen"),
    [
        (GUEST, ["Requests|"]),
        (MEMBER, ["Requests|", "Dashboard|"]),
        (REVIEWER, ["Requests|", "Dashboard|", "Review|"]),
    ],
)
def test_menus_show_what_exists_and_what_the_person_may_see(user: Any, seen: list[str]) -> None:
    assert labels(page_of(MENU, "/", user)) == seen


@override_settings(ROOT_URLCONF=__name__)
def test_menus_mark_the_page_and_the_part_it_is_in() -> None:
    assert "Requests|page" in labels(page_of(MENU, "/requests/", MEMBER))
    assert "Requests|true" in labels(page_of(MENU, "/requests/effusion/", MEMBER))


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize("user", [GUEST, MEMBER, REVIEWER])
@pytest.mark.parametrize(
    "template",
    [
        "base.html",
        "layouts/workbench.html",
        "layouts/form.html",
        "layouts/room.html",
        "pages/home.html",
        "pages/about_deid.html",
        "pages/styleguide.html",
        "404.html",
        "403.html",
        "429.html",
    ],
)
def test_every_page_is_well_formed_and_has_nothing_inline(template: str, user: Any) -> None:
    request = RequestFactory().get("/requests/")
    request.user = user
    html = engines["django"].get_template(template).render({}, request)
    tree = Balance()
    tree.feed(html)
    assert not tree.stack
    assert not tree.inline, "the Content-Security-Policy refuses inline style and script"
    assert len(tree.ids) == len(set(tree.ids))
    assert '<main class="site-main' in html and 'href="#main"' in html and html.count("<h1") <= 2


def test_the_page_for_a_broken_server_needs_no_context() -> None:
    html = engines["django"].get_template("500.html").render()
    tree = Balance()
    tree.feed(html)
    assert not tree.stack and not tree.inline and "Something broke" in html


@override_settings(ROOT_URLCONF=__name__)
def test_signing_out_is_a_post_with_a_token() -> None:
    html = page_of("{% include 'components/header.html' %}", "/", MEMBER)
    form = html[html.index('action="/sign-out/"') - 60 :]
    assert 'method="post"' in form and "csrfmiddlewaretoken" in form


def test_breadcrumbs_end_with_the_page_itself() -> None:
    html = show("{% breadcrumbs 'Requests' '/r/' 'Effusion' %}")
    assert '<a href="/r/">Requests</a>' in html and '<span aria-current="page">Effusion</span>' in html
    with pytest.raises(TemplateSyntaxError, match="label, address pairs"):
        show("{% breadcrumbs 'Requests' '/r/' %}")


def test_pagination_keeps_the_other_parameters() -> None:
    page = Paginator(range(412), 50).page(4)
    html = page_of("{% pagination p noun='batch,batches' %}", "/?q=a%26b&page=4", p=page)
    assert "<b>151</b> to <b>200</b> of 412 batches" in html
    assert 'href="?q=a%26b&amp;page=5" rel="next"' in html
    assert '<span class="here" aria-current="page">' in html


def test_one_page_shows_the_count_and_no_links() -> None:
    html = page_of("{% pagination p noun='batch,batches' %}", p=Paginator(range(3), 50).page(1))
    assert "3 batches" in html and "<a " not in html


@pytest.mark.parametrize(
    ("address", "direction", "link"),
    [
        ("/?sort=name&page=3", "ascending", "?sort=-name"),
        ("/?sort=-name", "descending", "?sort=name"),
        ("/?sort=files", "", "?sort=name"),
    ],
)
def test_a_sortable_column_says_its_order_and_turns_it(address: str, direction: str, link: str) -> None:
    html = page_of("{% sort_th 'Name' 'name' %}", address)
    assert f'href="{link}"' in html
    assert (f'aria-sort="{direction}"' in html) if direction else ("aria-sort" not in html)
