"""What a person should do next, across the whole portal. Every pending thing has a next step and a place to take it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse

from fulfillment import ledger
from fulfillment.models import (
    AccessGrant,
    Batch,
    BatchStatus,
    DownloadEvent,
    Fulfillment,
    FulfillmentStatus,
    Release,
    ReleaseStatus,
)
from fulfillment.selectors import releasable_requests
from fulfillment.services import attestations
from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import organizations_with
from requests_app.models import (
    Agreement,
    Amendment,
    AmendmentStatus,
    Coauthor,
    DatasetRequest,
    Offer,
    OfferStatus,
    RequestStatus,
)
from requests_app.progress import meter

#: Rows of each list on the dashboard; the lists' own pages have the rest.
SHOWN = 6


@dataclass(frozen=True)
class Step:
    """One thing that waits for this person: what, why, where, since when."""

    title: str
    detail: str
    url: str
    action: str
    since: datetime | None = None


def for_user(user: User) -> list[Step]:
    """The person's next steps, oldest first; what has no date comes first."""
    found = [*_organizations(user), *_researcher(user), *_hospital(user), *(_staff(user) if user.is_reviewer else [])]
    return sorted(found, key=lambda step: step.since.timestamp() if step.since else 0.0)


def overview(user: User) -> dict[str, Any]:
    """The lists below the steps: requests with their meters, deliveries, releases."""
    mine = Organization.objects.filter(memberships__user=user)
    asked = DatasetRequest.objects.filter(organization__in=mine).exclude(status=RequestStatus.CANCELLED)
    # What moves comes first: requests that hospitals deliver to, then the newest.
    requests = asked.annotate(deliveries=Count("fulfillments")).order_by("-deliveries", "-created_at")
    released = Release.objects.visible_to(user).filter(request__organization__in=mine).select_related("request")
    batches = Batch.objects.filter(fulfillment__hospital__in=mine).select_related("fulfillment__request")
    return {
        "organizations": mine.distinct(),
        "requests": [{"request": item, "meter": next(iter(meter(item)), None)} for item in requests[:SHOWN]],
        "more_requests": max(0, asked.count() - SHOWN),
        "batches": [{"batch": batch, "progress": ledger.progress(batch)} for batch in batches[:SHOWN]],
        "releases": released[:SHOWN],
    }


def _organizations(user: User) -> list[Step]:
    steps = []
    mine = organizations_with(user, "manage")
    if not user.is_reviewer and not Organization.objects.filter(memberships__user=user).exists():
        steps.append(
            Step(
                "Tell us which organization you work for",
                "Requests and deliveries belong to organizations. Create yours, or ask a colleague to invite you.",
                reverse("organization_new"),
                "Create an organization",
            )
        )
    for organization in mine.filter(status__in=[Organization.Status.DRAFT, Organization.Status.REJECTED]):
        steps.append(
            Step(
                f"Complete the checklist of {organization.name}",
                "It can act on the market once it is verified.",
                reverse("organization_detail", args=[organization.slug]),
                "Open the checklist",
                organization.created_at,
            )
        )
    return steps


def _researcher(user: User) -> list[Step]:
    writing = organizations_with(user, "write")
    signing = organizations_with(user, "sign")
    steps = [
        Step(
            f"Finish the draft “{request.title}”",
            request.status_note or "Only you and your colleagues see it until it is open.",
            reverse("request_edit", args=[request.slug]),
            "Continue",
            request.created_at,
        )
        for request in DatasetRequest.objects.filter(status=RequestStatus.DRAFT)
        .filter(Q(organization__in=writing) | Q(coauthors__user=user, coauthors__part=Coauthor.Part.EDITOR))
        .distinct()
    ]
    steps += [
        Step(
            f"Finish the amendment of “{amendment.request.title}”",
            amendment.status_note or "The open version stays until you post it.",
            reverse("request_edit", args=[amendment.request.slug]),
            "Continue",
            amendment.created_at,
        )
        for amendment in Amendment.objects.filter(
            request__organization__in=writing, status=AmendmentStatus.DRAFT
        ).select_related("request")
    ]
    steps += [
        Step(
            f"Answer the offer of {offer.hospital.name}",
            f"{offer.images:,} images for “{offer.request.title}”.",
            reverse("offer_detail", args=[offer.pk]),
            "Compare and answer",
            offer.created_at,
        )
        for offer in Offer.objects.filter(
            request__organization__in=writing, status=OfferStatus.SUBMITTED, agreement=None
        ).select_related("hospital", "request")
    ]
    unsigned = (
        Agreement.objects.filter(
            Q(offer__request__organization__in=signing) | Q(offer__hospital__in=signing),
            offer__status=OfferStatus.SUBMITTED,
        )
        .select_related("offer__request__organization", "offer__hospital")
        .prefetch_related("signatures")
    )
    may_sign = set(signing.values_list("pk", flat=True))
    for agreement in unsigned.distinct():
        signed = {signature.organization_id for signature in agreement.signatures.all()}
        if any(party.pk not in signed and party.pk in may_sign for party in agreement.parties):
            steps.append(
                Step(
                    f"Sign the agreement on “{agreement.offer.request.title}”",
                    "Delivery begins when both parties have signed.",
                    reverse("agreement_detail", args=[agreement.pk]),
                    "Read and sign",
                    agreement.created_at,
                )
            )
    taken = DownloadEvent.objects.filter(grant=OuterRef("pk"))
    waiting = AccessGrant.objects.live().filter(~Exists(taken)).select_related("release__request")
    for grant in waiting.filter(organization__in=organizations_with(user, "download")):
        release = grant.release
        page = reverse("release_detail", args=[release.pk])
        if AccessGrant.objects.usable_by(user).filter(pk=grant.pk).exists():
            detail, action = "Your organization holds a grant for it.", "Open the release"
        elif attestations.grant_to_attest(release=release, user=user) is not None:
            detail, action = "Attest purpose and country first.", "Attest and download"
            page = reverse("release_attest", args=[release.pk])
        else:
            continue  # not named: an owner or data manager decides
        title = f"Download release {release.number} of “{release.request.title}”"
        steps.append(Step(title, detail, page, action, release.published_at))
    return steps


def _hospital(user: User) -> list[Step]:
    uploading = organizations_with(user, "upload")
    steps = []
    for delivery in Fulfillment.objects.filter(
        hospital__in=uploading, status=FulfillmentStatus.ACTIVE, batches=None
    ).select_related("request"):
        steps.append(
            Step(
                f"Begin the first batch for “{delivery.request.title}”",
                "The agreement is signed.",
                reverse("fulfillment_detail", args=[delivery.pk]),
                "Begin a batch",
                delivery.created_at,
            )
        )
    for batch in Batch.objects.filter(
        fulfillment__hospital__in=uploading, status__in=[BatchStatus.OPEN, BatchStatus.RETURNED]
    ).select_related("fulfillment__request"):
        returned = batch.status == BatchStatus.RETURNED
        steps.append(
            Step(
                f"{'Mend' if returned else 'Complete'} batch {batch.number}: {batch.name}",
                "It was returned with notes." if returned else f"For “{batch.fulfillment.request.title}”.",
                reverse("batch_detail", args=[batch.pk]),
                "See the notes" if returned else "Open the batch",
                batch.decided_at or batch.created_at,
            )
        )
    return steps


def _staff(user: User) -> list[Step]:
    steps = [
        Step(
            f"Verify {organization.name}",
            f"{organization.get_kind_display()}, {organization.country}.",
            reverse("organization_detail", args=[organization.slug]),
            "Check the evidence",
            organization.submitted_at,
        )
        for organization in Organization.objects.filter(status=Organization.Status.PENDING)
    ]
    steps += [
        Step(
            f"Check the request “{request.title}”",
            f"From {request.organization.name}.",
            reverse("request_detail", args=[request.slug]),
            "Check it",
            request.submitted_at,
        )
        for request in DatasetRequest.objects.filter(status=RequestStatus.SUBMITTED).select_related("organization")
    ]
    steps += [
        Step(
            f"Check the amendment of “{amendment.request.title}”",
            f"From {amendment.request.organization.name}, to version {amendment.base_number + 1}.",
            f"{amendment.request.get_absolute_url()}#amendment",
            "Check it",
            amendment.submitted_at,
        )
        for amendment in Amendment.objects.filter(status=AmendmentStatus.SUBMITTED)
        .exclude(request__organization__memberships__user=user)
        .select_related("request__organization")
    ]
    steps += [
        Step(
            f"Review batch {batch.number}: {batch.name}",
            f"From {batch.fulfillment.hospital.name}.",
            reverse("batch_review", args=[batch.pk]),
            "Review",
            batch.sealed_at,
        )
        for batch in Batch.objects.filter(Q(status=BatchStatus.SEALED) | Q(status=BatchStatus.IN_REVIEW, reviewer=user))
        .exclude(fulfillment__hospital__memberships__user=user)
        .exclude(fulfillment__request__organization__memberships__user=user)
        .select_related("fulfillment__hospital")
    ]
    steps += [
        Step(
            f"Prepare a release of “{row['request'].title}”",
            f"{row['fresh']:,} accepted {'image waits' if row['fresh'] == 1 else 'images wait'} for it.",
            reverse("review_queue"),
            "Open the queue",
            row["since"],
        )
        for row in releasable_requests()
    ]
    steps += [
        Step(
            f"{'Build again: release' if release.problem else 'Publish release'} {release.number} "
            f"of “{release.request.title}”",
            release.problem or "Prepared by a colleague; a second person must publish it.",
            reverse("release_detail", args=[release.pk]),
            "Open the release" if release.problem else "Check and publish",
            release.created_at,
        )
        for release in Release.objects.filter(status=ReleaseStatus.DRAFT)
        .exclude(~Q(problem="") & ~Q(prepared_by=user))
        .exclude(Q(problem="") & (Q(prepared_by=user) | Q(archive="")))
        .select_related("request")
    ]
    return steps
