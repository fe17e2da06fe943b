"""Saved searches: kept, renamed, paused, deleted; and telling people of requests that fit."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import numpy as np
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.notifications.services import notify
from requests_app.catalogue.find import find
from requests_app.catalogue.snapshot import last_change, snapshot
from requests_app.catalogue.wanted import Wanted
from requests_app.models import DatasetRequest, Pace, RequestListing, SavedSearch

MAX_SEARCHES = 50
#: How many requests one message names; it says how many more there are.
NAMED = 10
_DAY = timedelta(days=1)


def save_search(
    *, actor: User, wanted: Wanted, name: str = "", pace: str = Pace.DAILY, by_mail: bool = True
) -> SavedSearch:
    """Keep a search. What is open already is not news: it tells of what is opened or amended from now on."""
    wanted = _kept_part(wanted)
    query = wanted.query()
    if len(query) > 2000:
        raise CannotDo(
            "This search is too long to keep.", remedy="Choose fewer values, then save it.", code="search_too_long"
        )
    chosen = _name(name or wanted.in_words())
    _known_pace(pace)
    with transaction.atomic():
        mine = SavedSearch.objects.filter(user=actor)
        if mine.filter(query=query).exists():
            raise _kept_already()
        if mine.count() >= MAX_SEARCHES:
            raise CannotDo(
                f"You keep {MAX_SEARCHES} searches already.",
                remedy="Delete one that you no longer need.",
                code="too_many_searches",
            )
        newest = last_change()[0]
        try:
            with transaction.atomic():
                made = SavedSearch.objects.create(
                    user=actor, name=chosen, query=query, pace=pace, by_mail=by_mail, seen=newest
                )
        except IntegrityError as error:
            raise _kept_already() from error
        record(verb="savedsearch.created", target=made, actor=actor, data={"pace": str(pace)})
    return made


def change_search(
    *, search: SavedSearch, actor: User, name: str | None = None, pace: str | None = None, by_mail: bool | None = None
) -> SavedSearch:
    """Rename it, or change how soon and where one is told."""
    _own(search, actor)
    changes: dict[str, object] = {}
    if name is not None:
        changes["name"] = _name(name)
    if pace is not None:
        changes["pace"] = _known_pace(pace)
    if by_mail is not None:
        changes["by_mail"] = by_mail
    with transaction.atomic():
        SavedSearch.objects.filter(pk=search.pk).update(**changes)
        record(verb="savedsearch.changed", target=search, actor=actor, data={"changed": sorted(changes)})
    return SavedSearch.objects.get(pk=search.pk)


def pause_search(*, search: SavedSearch, actor: User | None) -> SavedSearch:
    """Stop telling. ``actor`` is None when it comes from the link in a message, which only stops."""
    if actor is not None:
        _own(search, actor)
    with transaction.atomic():
        if SavedSearch.objects.filter(pk=search.pk, paused_at=None).update(paused_at=timezone.now()):
            record(verb="savedsearch.paused", target=search, actor=actor)
    return SavedSearch.objects.get(pk=search.pk)


def resume_search(*, search: SavedSearch, actor: User) -> SavedSearch:
    """Tell again, from now on: what happened in between is not told."""
    _own(search, actor)
    with transaction.atomic():
        newest = last_change()[0]
        resumed = SavedSearch.objects.filter(pk=search.pk).exclude(paused_at=None)
        if resumed.update(paused_at=None, seen=newest):
            record(verb="savedsearch.resumed", target=search, actor=actor)
    return SavedSearch.objects.get(pk=search.pk)


def delete_search(*, search: SavedSearch, actor: User) -> None:
    """Forget it."""
    _own(search, actor)
    with transaction.atomic():
        record(verb="savedsearch.deleted", target=search, actor=actor)
        search.delete()


# --- telling ---------------------------------------------------------------------------------------------------------


def tell_searchers(*, limit: int = 2000) -> int:
    """Tell whoever waits of what was opened or amended since. Returns how many were told.

    A search remembers the last change it was compared with and moves on by compare-and-swap, in the transaction that writes the
    message: however many workers do this at once, and wherever one is killed, each change is told once.
    """
    newest = snapshot().version
    due = Q(pace=Pace.AT_ONCE) | Q(told_at=None) | Q(told_at__lte=timezone.now() - _DAY)
    behind = SavedSearch.objects.filter(due, paused_at=None, seen__lt=newest, user__is_active=True)
    return sum(_tell(search, newest) for search in behind.select_related("user").order_by("seen", "pk")[:limit])


def fresh_matches(search: SavedSearch, newest: int) -> list[DatasetRequest]:
    """Open requests that fit and were opened or amended since the search was last compared, up to one change; newest first."""
    found = find(Wanted.of(search.query))
    announced = found.catalogue.announced
    fits = found.but() & found.catalogue.is_open & (announced > search.seen) & (announced <= newest)
    keys = [key for _, key in found.catalogue.keys(np.flatnonzero(fits))]
    if not keys:
        return []
    rows = DatasetRequest.objects.filter(pk__in=keys).select_related("organization").order_by()
    still_open = [row for row in rows if row.status == DatasetRequest.Status.OPEN]
    return sorted(still_open, key=lambda row: row.opened_at or row.created_at, reverse=True)


def _tell(search: SavedSearch, newest: int) -> int:
    matches = fresh_matches(search, newest)
    changes = {"seen": newest, **({"told_at": timezone.now()} if matches else {})}
    with transaction.atomic():
        waits = SavedSearch.objects.filter(pk=search.pk, seen=search.seen, paused_at=None)
        if not waits.update(**changes) or not matches:
            return 0
        versions = dict(RequestListing.objects.filter(request__in=matches).values_list("request", "version"))
        what = f"“{matches[0].title}”" if len(matches) == 1 else f"{len(matches)} requests"
        notify(
            event="search.matched",
            users=[search.user],
            text=f"{what} {'fits' if len(matches) == 1 else 'fit'} your saved search “{search.name}”.",
            url=matches[0].get_absolute_url() if len(matches) == 1 else results_url(search),
            body=_body(search, matches, versions),
            stop=f"{settings.PUBLIC_URL}{unsubscribe_url(search)}",
            inbox_only=not search.by_mail,
        )
    return 1


def results_url(search: SavedSearch) -> str:
    """Where the search is run: the list of requests in that state."""
    return f"{reverse('request_list')}?{search.query}"


def unsubscribe_url(search: SavedSearch) -> str:
    """The address that stops the messages without signing in."""
    return reverse("saved_search_stop", args=[_signer().sign(str(search.pk))])


def search_of_link(token: str) -> SavedSearch | None:
    """The search whose messages a link stops; None when the link is not ours or the search is gone."""
    try:
        pk = _signer().unsign(token)
    except BadSignature:
        return None
    return SavedSearch.objects.filter(pk=pk).first()


def _signer() -> Signer:
    return Signer(salt="requests_app.saved_search.stop")


def _body(search: SavedSearch, matches: list[DatasetRequest], versions: dict[UUID, int]) -> str:
    site = settings.PUBLIC_URL
    lines = [f"New or amended requests that fit your saved search “{search.name}”:", ""]
    for request in matches[:NAMED]:
        amended = versions.get(request.pk, 1) > 1
        due = f", due {request.deadline:%-d %B %Y}" if request.deadline else ""
        lines += [
            f"{request.title}{' (amended)' if amended else ''}",
            f"{request.organization.name}: {request.minimum_images:,} images{due}",
            f"{site}{request.get_absolute_url()}",
            "",
        ]
    if len(matches) > NAMED:
        lines += [f"And {len(matches) - NAMED} more.", ""]
    lines += [
        f"All results: {site}{results_url(search)}",
        f"Your saved searches: {site}{reverse('saved_search_list')}",
        f"Stop these messages, without signing in: {site}{unsubscribe_url(search)}",
        "",
        "GetDATA",
        "",
    ]
    return "\n".join(lines)


# --- parts -----------------------------------------------------------------------------------------------------------


def _kept_part(wanted: Wanted) -> Wanted:
    """What makes a search: its order is a matter of the page, and only open requests are news."""
    return wanted.without("sort").without("status")


def _name(text: str) -> str:
    name = " ".join(text.split())[:120]
    if not name:
        raise CannotDo("A saved search needs a name.", remedy="Write one, then save.", code="name_missing")
    return name


def _known_pace(pace: str) -> str:
    if pace not in Pace.values:
        raise CannotDo("There is no such pace.", remedy="Choose at once or daily.", code="unknown_pace")
    return pace


def _kept_already() -> CannotDo:
    return CannotDo("You keep this search already.", remedy="Find it under Saved searches.", code="search_kept_already")


def _own(search: SavedSearch, actor: User) -> None:
    if search.user_id != actor.pk:
        raise CannotDo("This search is somebody else's.", remedy="Save your own.", code="not_yours")
