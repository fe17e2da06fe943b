"""What webhooks can be told of deliveries, batches and releases, and who is told."""

from __future__ import annotations

from django.urls import reverse

from fulfillment.models import Batch, Fulfillment, Release
from getdata.webhooks.topics import About, Topic, register


def about_fulfillment(fulfillment: Fulfillment) -> About:
    return About(
        kind="fulfillment",
        parties=(fulfillment.hospital_id, fulfillment.request.organization_id),
        page=reverse("fulfillment_detail", args=[fulfillment.pk]),
        api=reverse("api-fulfillment-detail", args=[fulfillment.pk]),
        related=(("request", str(fulfillment.request_id)),),
    )


def about_batch(batch: Batch) -> About:
    """A batch is the hospital's until it is accepted."""
    return About(
        kind="batch",
        parties=(batch.fulfillment.hospital_id,),
        page=reverse("batch_detail", args=[batch.pk]),
        api=reverse("api-batch-detail", args=[batch.pk]),
        related=(("fulfillment", str(batch.fulfillment_id)),),
    )


def about_accepted_batch(batch: Batch) -> About:
    """Then the organization that asked is told too."""
    about = about_batch(batch)
    parties = (*about.parties, batch.fulfillment.request.organization_id)
    return About(about.kind, parties, about.page, about.api, about.related)


def about_release(release: Release) -> About:
    return About(
        kind="release",
        parties=(release.request.organization_id,),
        page=reverse("release_detail", args=[release.pk]),
        related=(("request", str(release.request_id)),),
    )


def register_all() -> None:
    """Called when the app is ready."""
    register(
        [
            Topic("fulfillment.completed", "fulfillment.completed", "A delivery was completed", about_fulfillment),
            Topic("fulfillment.terminated", "fulfillment.terminated", "A delivery was ended early", about_fulfillment),
            Topic("batch.sealed", "batch.sealed", "Your batch waits for review", about_batch),
            Topic("batch.in_review", "batch.in_review", "A reviewer has your batch", about_batch),
            Topic("batch.accepted", "batch.accepted", "A batch was accepted", about_accepted_batch),
            Topic("batch.returned", "batch.returned", "Your batch was returned with notes", about_batch),
            Topic("batch.rejected", "batch.rejected", "Your batch was rejected", about_batch),
            Topic("release.published", "release.published", "A release is ready to download", about_release),
            Topic("release.withdrawn", "release.withdrawn", "A release was withdrawn", about_release),
        ]
    )
