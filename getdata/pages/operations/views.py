"""The operations board and its lists: for staff; for everyone else they do not exist."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from getdata.accounts.models import User
from getdata.pages.operations import access, board, lists
from requests_app.reminders import CHECK_TIME

#: Rows of a list on a page.
ROWS = 50


@login_required
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """Every number, counted now."""
    _staff(request)
    return _page(request, "board", {name: part() for name, part in board.PARTS.items()})


@login_required
@require_safe
def operations_files(request: HttpRequest) -> HttpResponse:
    """Files of the ledger by state, cause or time; by number, never by name: names are the hospital's."""
    _staff(request)
    choice = lists.FileChoice.of(request.GET)
    rows = choice.rows().select_related("batch__fulfillment__hospital", "batch__fulfillment__request")
    return _page(request, "files", {"choice": choice, "page": _paged(request, rows)})


@login_required
@require_safe
def operations_requests(request: HttpRequest) -> HttpResponse:
    """Requests that wait for a check."""
    _staff(request)
    page = _paged(request, lists.requests_to_check())
    for row in page:
        row.due = row.submitted_at + CHECK_TIME if row.submitted_at else None
    return _page(request, "requests", {"page": page})


@login_required
@require_safe
def operations_uploads(request: HttpRequest) -> HttpResponse:
    """Transfers that are not finished."""
    _staff(request)
    rows = lists.transfers().select_related("batch__fulfillment__hospital", "batch__fulfillment__request", "created_by")
    return _page(request, "uploads", {"page": _paged(request, rows)})


@login_required
@require_safe
def operations_releases(request: HttpRequest, key: str) -> HttpResponse:
    """Releases in one state of their way out."""
    _staff(request)
    if key not in lists.RELEASES:
        raise Http404
    title, words, _ = lists.RELEASES[key]
    return _page(request, "releases", {"heading": title, "words": words, "page": _paged(request, lists.releases(key))})


@login_required
@require_safe
def operations_access(request: HttpRequest, key: str) -> HttpResponse:
    """Who meets a rule of suspicious access; with ``?person=`` the acts of one of them."""
    _staff(request)
    rule = access.rule_of(key)
    if rule is None:
        raise Http404
    context: dict[str, Any] = {"rule": rule}
    asked = request.GET.get("person", "")
    if asked:
        try:
            person = get_object_or_404(User, pk=uuid.UUID(asked))
        except ValueError:
            raise Http404 from None
        context |= {"person": person, "page": _paged(request, rule.lines(person))}
    else:
        context["page"] = _paged(request, rule.seen())
    return _page(request, "access", context)


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    answer = render(request, f"pages/operations/{name}.html", context)
    answer["Cache-Control"] = "private, no-store"
    return answer


def _paged(request: HttpRequest, rows: Any) -> Any:
    return Paginator(rows, ROWS).get_page(request.GET.get("page"))


def _staff(request: HttpRequest) -> None:
    if not getattr(request.user, "is_reviewer", False):
        raise Http404
