"""What the pages of incidents show: to staff everything, to a party what of its own is affected and what is shared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse

from fulfillment.models import Batch, Incident, IncidentEntry, IncidentScope, Release
from fulfillment.services.freezes import scope_stopping_batch, scope_stopping_release
from fulfillment.services.incidents import said_name
from getdata.accounts.models import Organization, User


@dataclass(frozen=True)
class Affected:
    """One thing that is or was stopped, as a person may know it."""

    name: str
    kind: str
    page: str
    since: datetime
    lifted_at: datetime | None
    scope: IncidentScope


def incidents_for(user: User) -> QuerySet[Incident]:
    """Those the person may see, the open ones first, each with ``stopped``: how many things it stops now."""
    return (
        Incident.objects.visible_to(user)
        .annotate(stopped=Count("scopes", filter=Q(scopes__isnull=False, scopes__lifted_at=None)))
        .select_related("opened_by")
        .order_by(F("closed_at").desc(nulls_first=True), F("contained_at").desc(nulls_first=True), "-number")
    )


def affected(incident: Incident, user: User) -> list[Affected]:
    """To staff each thing that the incident names; to others the releases, batches and organizations of theirs that it touches."""
    scopes = incident.scopes.select_related(
        "release__request", "batch__fulfillment__request", "organization", "added_by", "lifted_by"
    )
    if user.is_reviewer:
        return [_row(scope.thing, scope) for scope in scopes]
    mine = Organization.objects.filter(memberships__user=user)
    found: dict[Any, Affected] = {}
    for scope in scopes:
        for thing in _of_theirs(scope, user, mine):
            known = found.get(thing.pk)
            if known is None or (known.lifted_at is not None and scope.lifted_at is None):
                found[thing.pk] = _row(thing, scope)
    return list(found.values())


def _of_theirs(scope: IncidentScope, user: User, mine: QuerySet[Organization]) -> list[Release | Batch | Organization]:
    releases = Release.objects.visible_to(user).select_related("request")
    inside: dict[str, Any]
    own: list[Release | Batch | Organization] = []
    if scope.release_id:
        inside = {"pk": scope.release_id}
    elif scope.batch_id:
        inside = {"items__image__source__batch": scope.batch_id}
        batches = Batch.objects.visible_to(user).select_related("fulfillment__request")
        own = list(batches.filter(pk=scope.batch_id))
    else:
        inside = {"items__image__source__batch__fulfillment__hospital": scope.organization_id}
        own = [one for one in mine if one.pk == scope.organization_id]
    return [*own, *releases.filter(**inside).distinct()]


def _row(thing: Release | Batch | Organization, scope: IncidentScope) -> Affected:
    if isinstance(thing, Release):
        page, kind = reverse("release_detail", args=[thing.pk]), "Release"
    elif isinstance(thing, Batch):
        page, kind = reverse("batch_detail", args=[thing.pk]), "Batch"
    else:
        page, kind = reverse("organization_detail", args=[thing.slug]), "Organization"
    name = said_name(thing)
    return Affected(name[0].upper() + name[1:], kind, page, scope.created_at, scope.lifted_at, scope)


def timeline(incident: Incident, user: User) -> QuerySet[IncidentEntry]:
    """The lines that this person reads, newest first."""
    rows = incident.entries.select_related("by").order_by("-created_at", "-pk")
    return rows if user.is_reviewer else rows.filter(shared=True)


def incident_stopping(*, release: Release | None = None, batch: Batch | None = None, user: User) -> Incident | None:
    """The incident that stops the release or the batch now, if this person may read of it: for a line on its page."""
    scope = scope_stopping_release(release) if release is not None else None
    if batch is not None:
        scope = scope_stopping_batch(batch)
    if scope is None:
        return None
    return Incident.objects.visible_to(user).filter(pk=scope.incident_id).first()
