"""Where a hospital's data are now: originals, accepted images, every release they went into, every holder, until when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, Sum

from fulfillment.models import (
    AccessGrant,
    DestructionDuty,
    DutyStatus,
    Image,
    OriginalsDestruction,
    Release,
    ReleaseItem,
    ReleaseStatus,
    SourceFile,
    Withdrawal,
)
from getdata.accounts.models import Organization


@dataclass
class Holder:
    """One organization's access to one release, and what became of its copies."""

    grant: AccessGrant
    downloads: int
    last: datetime | None
    destroyed_at: datetime | None = None
    due_at: datetime | None = None
    overdue: bool = False

    @property
    def copies(self) -> str:
        """none, held, due (to be destroyed), overdue or destroyed."""
        if self.destroyed_at is not None:
            return "destroyed"
        if self.due_at is not None:
            return "overdue" if self.overdue else "due"
        return "held" if self.downloads else "none"


@dataclass
class InRelease:
    """One release that holds images of the hospital: how many of its own, and how many of them were taken back."""

    release: Release
    own: int
    taken_back: int
    holders: list[Holder] = field(default_factory=list)


@dataclass
class WhereNow:
    """Everything of one hospital."""

    hospital: Organization
    originals: int
    originals_size: int
    destroyed: int
    certificates: int
    images: int
    unreleased: int
    releases: list[InRelease]
    withdrawals: int
    open_duties: int
    overdue: int

    @property
    def holders(self) -> list[tuple[InRelease, Holder]]:
        return [(one, holder) for one in self.releases for holder in one.holders]


def where_now(hospital: Organization) -> WhereNow:
    """The state of this moment, from the rows; a release shows what is the hospital's own in it alone."""
    files = SourceFile.objects.filter(batch__fulfillment__hospital=hospital)
    held = files.exclude(stored="").aggregate(count=Count("pk"), size=Sum("size"))
    images = Image.objects.live().filter(
        source__batch__fulfillment__hospital=hospital, source__batch__status="accepted"
    )
    inside = ReleaseItem.objects.filter(release__status=ReleaseStatus.PUBLISHED).values("image")
    duties = _duties(hospital)
    return WhereNow(
        hospital=hospital,
        originals=int(held["count"]),
        originals_size=int(held["size"] or 0),
        destroyed=files.exclude(destroyed_at=None).count(),
        certificates=OriginalsDestruction.objects.filter(batch__fulfillment__hospital=hospital).count(),
        images=images.count(),
        unreleased=images.exclude(pk__in=inside).count(),
        releases=_releases(hospital, duties),
        withdrawals=Withdrawal.objects.filter(hospital=hospital).count(),
        open_duties=sum(duty.status == DutyStatus.OPEN for duty in duties),
        overdue=sum(duty.is_overdue for duty in duties),
    )


def _duties(hospital: Organization) -> list[DestructionDuty]:
    """Duties of holders from this hospital's own withdrawals, and from recalls of releases that hold its images."""
    recalled = ReleaseItem.objects.filter(image__source__batch__fulfillment__hospital=hospital).values("release")
    mine = Q(withdrawal__hospital=hospital) | Q(withdrawal__release__in=recalled)
    return list(DestructionDuty.objects.filter(mine).select_related("withdrawal"))


def _releases(hospital: Organization, duties: list[DestructionDuty]) -> list[InRelease]:
    own = Q(items__image__source__batch__fulfillment__hospital=hospital)
    rows = (
        Release.objects.exclude(status=ReleaseStatus.DRAFT)
        .filter(
            pk__in=ReleaseItem.objects.filter(image__source__batch__fulfillment__hospital=hospital).values("release")
        )
        .select_related("request__organization")
        .annotate(
            own=Count("items", filter=own, distinct=True),
            gone=Count("items", filter=own & Q(items__image__taken_back__isnull=False), distinct=True),
        )
        .order_by("request__title", "-number")
    )
    found = {row.pk: InRelease(row, row.own, row.gone) for row in rows}
    grants = AccessGrant.objects.filter(release__in=found).select_related("organization", "release")
    recalls: dict[tuple[Any, Any], DestructionDuty] = {
        (duty.withdrawal.release_id, duty.organization_id): duty for duty in duties if duty.withdrawal.release_id
    }
    for grant in grants.annotate(taken=Count("downloads"), last=Max("downloads__created_at")).order_by("created_at"):
        holder = Holder(grant, grant.taken, grant.last)
        duty = recalls.get((grant.release_id, grant.organization_id))
        if duty is not None:
            holder.destroyed_at, holder.due_at, holder.overdue = duty.attested_at, duty.due_at, duty.is_overdue
        found[grant.release_id].holders.append(holder)
    return list(found.values())
