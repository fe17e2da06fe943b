"""The time between a release's second person and its first byte: it can be taken back, and goes live by itself when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import Batch, BatchStatus, Release, ReleaseStatus, ReleaseUndo, SourceFileStatus
from fulfillment.services.freezes import what_stops_releasing
from fulfillment.services.grants import make_grant
from fulfillment.services.independence import require_independent, require_not_deliverer
from fulfillment.services.legal import release_standings, require_lawful
from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import require_staff, require_verified
from getdata.common.problems import CannotDo
from getdata.common.states import transition
from getdata.notifications.services import notify
from requests_app.models import DatasetRequest
from requests_app.services.people import staff


def window() -> timedelta:
    """How long a release can be undone (``GETDATA_RELEASE_UNDO_MINUTES``); zero makes it live at once."""
    return timedelta(minutes=settings.RELEASE_UNDO_MINUTES)


def parties_of(request: DatasetRequest) -> list[Organization]:
    """The organization that asked and every hospital that delivers to it."""
    return [request.organization, *Organization.objects.filter(fulfillments__request=request).distinct()]


def require_may_release(actor: User, request: DatasetRequest) -> None:
    """Raise ``CannotDo`` unless the person is staff, a member of no party, and delivered nothing to the request, ever."""
    require_independent(actor, *parties_of(request))
    batches = Batch.objects.filter(fulfillment__request=request).select_related("fulfillment")
    require_not_deliverer(actor, list(batches))


def what_bars_releasing(actor: User, request: DatasetRequest) -> CannotDo | None:
    """Why this person may not release to the request, or None: for a page to say it before anybody presses a button."""
    try:
        require_may_release(actor, request)
    except CannotDo as refusal:
        return refusal
    return None


def images_gone(release: Release) -> int:
    """Images of the release whose file no longer stands as passed in an accepted batch."""
    return release.items.exclude(
        image__source__status=SourceFileStatus.PASSED, image__source__batch__status=BatchStatus.ACCEPTED
    ).count()


def require_fit_to_leave(release: Release) -> None:
    """Raise ``CannotDo`` when something of the release or around it has changed since it was prepared."""
    require_verified(release.request.organization)
    stopped = what_stops_releasing(release)
    if stopped is not None:
        raise stopped
    gone = images_gone(release)
    if gone:
        raise CannotDo(
            f"{gone:,} {'image' if gone == 1 else 'images'} of this release "
            f"{'was' if gone == 1 else 'were'} withdrawn or returned since it was prepared.",
            remedy="Discard this draft and prepare the release again.",
            code="images_gone",
        )
    require_lawful(release_standings(release), read=True)
    bar = what_bars_releasing(release.prepared_by, release.request)
    if bar is not None:
        raise CannotDo(
            f"{release.prepared_by}, who prepared this release, may not release it any more: {bar.message}",
            remedy="Discard this draft; another reviewer prepares the release again.",
            code="preparer_not_independent",
        )


def require_round(release: Release, seen: int | None) -> None:
    """Raise ``CannotDo`` when the page that asks is older than the last undo: a button pressed on it decides nothing."""
    if seen is not None and seen != release.round:
        raise CannotDo(
            "This release was taken back since your page was made.",
            remedy="Look at it as it stands now, and decide again.",
            code="old_page",
        )


def approve(*, release: Release, actor: User, now: datetime) -> Release:
    """The second person's word on a locked draft: from ``now`` on it can be undone, until it goes live."""
    approved = transition(
        Release,
        release.pk,
        ReleaseStatus.DRAFT,
        ReleaseStatus.APPROVED,
        actor=actor,
        where={"round": release.round},
        changes={"published_by": actor, "approved_at": now, "live_at": now + window()},
    )
    assert approved.live_at is not None
    notify(
        event="release.approved",
        users=staff(),
        but=actor,
        text=f"Release {release.number} of “{release.request.title}” goes live at {approved.live_at:%H:%M} UTC; until "
        "then it can be undone.",
        url=reverse("release_detail", args=[release.pk]),
    )
    return approved


def undo_release(*, release: Release, actor: User, reason: str, seen: int | None = None) -> Release:
    """Take a release back before it is live; it is a draft again, and nobody outside has known of it.

    Its two reviewers may, and any other member of staff: stopping must not wait for somebody. Raises ``CannotDo`` or, where it
    is live already, ``StaleState``.
    """
    require_staff(actor)
    reason = reason.strip()
    if not reason:
        raise CannotDo("Undoing needs a reason.", remedy="Say why, for whoever looks at it next.", code="no_reason")
    return _back_to_draft(release.pk, actor=actor, reason=reason, seen=seen)


def _back_to_draft(pk: Any, *, actor: User | None, reason: str, seen: int | None = None) -> Release:
    with transaction.atomic():
        held = _locked(pk)
        require_round(held, seen)
        undone = transition(
            Release,
            pk,
            ReleaseStatus.APPROVED,
            ReleaseStatus.DRAFT,
            actor=actor,
            changes={"published_by": None, "approved_at": None, "live_at": None, "round": held.round + 1},
            data={"round": held.round},
        )
        assert held.published_by is not None  # what was approved was approved by somebody
        ReleaseUndo.objects.create(release=undone, by=actor, approved_by=held.published_by, reason=reason)
        notify(
            event="release.undone",
            users=staff(),
            but=actor,
            text=f"Release {undone.number} of “{undone.request.title}” was taken back before it went live.",
            url=reverse("release_detail", args=[undone.pk]),
        )
    return undone


def make_live(pk: Any, now: datetime | None = None) -> bool:
    """Make one approved release live whose time to be undone is over, and grant it. Returns whether it is live by this call.

    What no longer may leave goes back to the drafts with the cause; what an incident stops waits until it is lifted.
    """
    now = now or timezone.now()
    with transaction.atomic():
        release = _locked(pk)
        if release.status != ReleaseStatus.APPROVED or release.live_at is None or release.live_at > now:
            return False
        publisher = release.published_by
        assert publisher is not None
        try:
            require_fit_to_leave(release)
            require_may_release(publisher, release.request)
        except CannotDo as cause:
            if cause.code != "frozen":
                _back_to_draft(pk, actor=None, reason=f"{cause.message} {cause.remedy}")
            return False
        published = transition(
            Release,
            pk,
            ReleaseStatus.APPROVED,
            ReleaseStatus.PUBLISHED,
            actor=None,
            where={"live_at__lte": now},
            changes={"published_at": now},
        )
        make_grant(release=published, actor=publisher)
        notify(
            event="release.published",
            parties={"asker": release.request.organization},
            text=f"Release {release.number} of “{release.request.title}” is ready.",
            url=reverse("release_detail", args=[release.pk]),
        )
    return True


def make_due_live(now: datetime | None = None) -> int:
    """Make every release live whose time to be undone is over. Returns how many became so."""
    now = now or timezone.now()
    due = Release.objects.filter(status=ReleaseStatus.APPROVED, live_at__lte=now).order_by("live_at")
    return sum(make_live(pk, now) for pk in due.values_list("pk", flat=True))


def _locked(pk: Any) -> Release:
    return (
        Release.objects.select_for_update(of=("self",))
        .select_related("request__organization", "prepared_by", "published_by")
        .get(pk=pk)
    )
