"""What an incident stops, said as a refusal: of a decision about a batch, of a release, of an access."""

from __future__ import annotations

from django.db.models import Q

from fulfillment.models import AccessGrant, Batch, IncidentScope, Release
from fulfillment.models.freezing import frozen_now
from getdata.common.problems import CannotDo

_REMEDY = "Its page says what is being done; access comes back when the stop is lifted."


def scope_stopping_batch(batch: Batch) -> IncidentScope | None:
    """The stop that holds the batch, or its hospital, now."""
    return _first(Q(batch=batch) | Q(organization=batch.fulfillment.hospital_id))


def scope_stopping_release(release: Release) -> IncidentScope | None:
    """The stop that holds the release, a party of it, or images in it, now."""
    scope = _first(Q(release=release) | Q(organization=release.request.organization_id))
    if scope is not None or release.pk not in frozen_now().releases:
        return scope
    inside = release.items.order_by()
    return _first(
        Q(batch__in=inside.values("image__source__batch"))
        | Q(organization__in=inside.values("image__source__batch__fulfillment__hospital"))
    )


def what_stops_batch(batch: Batch) -> CannotDo | None:
    """Why nothing of the batch is accepted now, or None."""
    return _refusal("This batch", scope_stopping_batch(batch))


def what_stops_releasing(release: Release) -> CannotDo | None:
    """Why the release does not go on, or None."""
    return _refusal("This release", scope_stopping_release(release))


def what_stops_access(grant: AccessGrant) -> CannotDo | None:
    """Why nobody downloads under the grant now, or None."""
    own = _refusal(f"The access of {grant.organization.name}", _first(Q(organization=grant.organization_id)))
    return own or what_stops_releasing(grant.release)


def _first(wanted: Q) -> IncidentScope | None:
    return IncidentScope.objects.filter(wanted, lifted_at=None).select_related("incident").first()


def _refusal(what: str, scope: IncidentScope | None) -> CannotDo | None:
    if scope is None:
        return None
    return CannotDo(f"{what} is stopped by incident {scope.incident.number}.", remedy=_REMEDY, code="frozen")
