"""What incidents stop now. Asked by every rule that lets data out, each time; one small query where nothing is frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Q


@dataclass(frozen=True)
class Frozen:
    """Keys of what is stopped. ``releases``: named, or with stopped images in them; ``unseen``: batches whose pictures and texts
    the organization that asked does not see, because they or a release with images of theirs are stopped."""

    releases: frozenset[Any] = frozenset()
    batches: frozenset[Any] = frozenset()
    organizations: frozenset[Any] = frozenset()
    unseen: frozenset[Any] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.releases or self.batches or self.organizations)

    def for_askers(self, batch: str = "") -> Q:
        """What of batches the organization that asked does not see now; ``batch`` leads to the batch (``"batch__"``)."""
        return (
            Q(**{f"{batch}pk__in": self.unseen})
            | Q(**{f"{batch}fulfillment__hospital__in": self.organizations})
            | Q(**{f"{batch}fulfillment__request__organization__in": self.organizations})
        )


def frozen_now() -> Frozen:
    """Everything that some incident stops. A release is stopped with each batch and each hospital that has images in it.

    The keys are read first and then asked for by value: a join over a release's images would be planned anew for each block
    of a transfer.
    """
    scopes = apps.get_model("fulfillment", "IncidentScope")._default_manager.filter(lifted_at=None).order_by()
    held = list(scopes.values_list("release", "batch", "organization"))
    if not held:
        return Frozen()
    named, batches, organizations = ({key for key in column if key} for column in zip(*held, strict=True))
    items = apps.get_model("fulfillment", "ReleaseItem")._default_manager.order_by()
    stopped = Q(image__source__batch__in=batches) | Q(image__source__batch__fulfillment__hospital__in=organizations)
    releases = named | set(items.filter(stopped).values_list("release", flat=True).distinct())
    inside = items.filter(release__in=named).values_list("image__source__batch", flat=True).distinct()
    return Frozen(
        releases=frozenset(releases),
        batches=frozenset(batches),
        organizations=frozenset(organizations),
        unseen=frozenset(batches | set(inside)),
    )
