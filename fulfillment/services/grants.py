"""Who may download a release now: grants to organizations, the people they name, and how an access ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import AccessGrant, GrantedUser, Release, ReleaseStatus
from fulfillment.services.custody import downloads_for, note_download, taken_back
from fulfillment.services.freezes import what_stops_access
from getdata.accounts.models import CAPABILITIES, User
from getdata.accounts.permissions import can, require, require_staff, require_verified
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.notifications.services import notify
from requests_app.models import SpecVersion
from requests_app.spec import DatasetSpec

DEFAULT_GRANT_DAYS = 365
DAYS_A_MONTH = 30

__all__ = [
    "downloads_for",
    "grant_days",
    "live_grant",
    "make_grant",
    "may_name",
    "name_user",
    "nameable",
    "note_download",
    "remove_user",
    "revoke_grant",
    "still_live",
    "what_bars",
    "with_people",
]


def live_grant(*, release: Release, user: User) -> AccessGrant | None:
    """The grant under which this person may download the release now, or None. Every door asks here, each time.

    The organization must still be verified: one that was suspended holds its grants but cannot use them. The person must be
    a member whose role allows it, named for the grant, and have attested purpose, country and duties.
    """
    return AccessGrant.objects.usable_by(user).filter(release=release).select_related("organization", "release").first()


def still_live(grant: AccessGrant, user: User) -> Callable[[], bool]:
    """A question for a long transfer to ask again on its way: may this person still have it?"""
    pk, person, release, before = grant.pk, user.pk, grant.release, taken_back(grant.release)

    def ask() -> bool:
        now = User.objects.filter(pk=person, is_active=True).first()
        if now is None or not AccessGrant.objects.usable_by(now).filter(pk=pk).exists():
            return False
        return taken_back(release) == before  # something was withdrawn meanwhile: ask anew

    return ask


def what_bars(*, release: Release, user: User) -> CannotDo | None:
    """Why a member of an organization that holds or held a grant cannot download, with the cure; None where nothing does,
    or where the person has no such place: then the release's package does not exist for them."""
    mine = AccessGrant.objects.filter(release=release, organization__memberships__user=user)
    grant = mine.filter(revoked_at=None).select_related("organization").first() or mine.first()
    if grant is None or live_grant(release=release, user=user) is not None:
        return None
    name = grant.organization.name
    ask_owner = f"Ask an owner or data manager of {name}."
    if release.status == ReleaseStatus.WITHDRAWN:
        return CannotDo("This release was withdrawn.", remedy="Destroy your copies.", code="release_withdrawn")
    if grant.revoked_at is not None:
        return CannotDo(
            f"The access of {name} was revoked: {grant.revoked_reason}",
            remedy="Destroy your copies, and write to GetDATA's staff if you think this is wrong.",
            code="grant_revoked",
        )
    stopped = what_stops_access(grant)
    if stopped is not None:
        return stopped
    if not grant.is_live:
        return CannotDo(
            f"The access of {name} has ended.",
            remedy="Destroy your copies, or ask GetDATA's staff for a new period.",
            code="grant_expired",
        )
    if not grant.organization.is_verified:
        return CannotDo(
            f"{name} is suspended.",
            remedy="Your organization's page says why; its owners settle it with GetDATA's staff.",
            code="organization_suspended",
        )
    if not can(user, "download", grant.organization):
        return CannotDo(
            f"Your role in {name} does not allow downloads.", remedy=ask_owner, code="role_lacks_capability"
        )
    if not may_name(user, grant) and not grant.named.filter(user=user, removed_at=None).exists():
        return CannotDo(
            f"You are not named among those of {name} who may download.", remedy=ask_owner, code="not_named"
        )
    return CannotDo(
        "You have not attested purpose, country and duties yet.",
        remedy="Open the release's page and choose “Attest and download”.",
        code="not_attested",
    )


def may_name(user: User, grant: AccessGrant) -> bool:
    """Owners and data managers of the granted organization say who of it may download."""
    return can(user, "upload", grant.organization)


def nameable(grant: AccessGrant) -> Any:
    """Active members of the organization whose role allows downloads and who are not named yet."""
    named = grant.named.filter(removed_at=None).values("user")
    return (
        User.objects.filter(
            is_active=True,
            memberships__organization=grant.organization,
            memberships__role__in=CAPABILITIES["download"],
        )
        .exclude(pk__in=named)
        .order_by("name", "email")
    )


def name_user(*, grant: AccessGrant, user: User, actor: User) -> GrantedUser:
    """Name a member of the granted organization as one who may download, once they have attested. Raises ``CannotDo``."""
    require(actor, "upload", grant.organization)
    require_verified(grant.organization)
    _require_live(grant)
    if not user.is_active or not can(user, "download", grant.organization):
        raise CannotDo(
            f"{user} has no role in {grant.organization.name} that allows downloads.",
            remedy="Name an owner, data manager or reader; an owner can change roles.",
            code="role_lacks_capability",
        )
    try:
        with transaction.atomic():
            named = GrantedUser.objects.create(grant=grant, user=user, named_by=actor)
            record(
                verb="grant.named",
                target=grant,
                actor=actor,
                organization_id=grant.organization_id,
                data={"user": str(user.pk)},
            )
            release = grant.release
            notify(
                event="grant.named",
                users=[user],
                but=actor,
                text=f"You may download release {release.number} of “{release.request.title}” once you have attested.",
                url=reverse("release_detail", args=[release.pk]),
            )
    except IntegrityError:
        raise CannotDo(f"{user} is named already.", remedy="Nothing more is needed.", code="already_named") from None
    return named


def remove_user(*, named: GrantedUser, actor: User) -> None:
    """Take a name off a grant; from then on the person gets nothing. An owner, a data manager or the person themselves."""
    if actor.pk != named.user_id:
        require(actor, "upload", named.grant.organization)
    with transaction.atomic():
        removed = GrantedUser.objects.filter(pk=named.pk, removed_at=None)
        if not removed.update(removed_at=timezone.now(), removed_by=actor):
            raise CannotDo("This name was removed already.", remedy="Reload the page.", code="already_removed")
        record(
            verb="grant.name_removed",
            target=named.grant,
            actor=actor,
            organization_id=named.grant.organization_id,
            data={"user": str(named.user_id)},
        )
        release = named.grant.release
        notify(
            event="grant.name_removed",
            users=[named.user],
            but=actor,
            text=f"You may no longer download release {release.number} of “{release.request.title}”.",
            url=reverse("release_detail", args=[release.pk]),
        )


def make_grant(*, release: Release, actor: User, expires_at: datetime | None = None) -> AccessGrant:
    """Grant a published release to the organization that asked, until a day: the agreements' own where none is given.

    Called when a release is published, and by staff for a new period. Everybody named then attests anew.
    """
    require_staff(actor)
    organization = release.request.organization
    require_verified(organization)
    longest = timezone.now() + timedelta(days=grant_days(release))
    if expires_at is not None and not timezone.now() < expires_at <= longest:
        raise CannotDo(
            "The agreements do not allow this day.",
            remedy=f"Choose a day from tomorrow to {longest:%-d %B %Y}.",
            code="bad_expiry",
        )
    try:
        with transaction.atomic():
            fresh = Release.objects.select_for_update().get(pk=release.pk)
            if fresh.status != ReleaseStatus.PUBLISHED:
                raise CannotDo("Only a published release can be granted.", code="not_published")
            over = AccessGrant.objects.filter(
                release=release, organization=organization, revoked_at=None, expires_at__lte=timezone.now()
            )
            over.update(revoked_at=timezone.now(), revoked_by=actor, revoked_reason="It had ended; a new one was made.")
            grant = AccessGrant.objects.create(
                release=release, organization=organization, granted_by=actor, expires_at=expires_at or longest
            )
            record(
                verb="grant.made",
                target=grant,
                actor=actor,
                organization_id=organization.pk,
                data={"until": grant.expires_at.isoformat()},
            )
    except IntegrityError:
        raise CannotDo(
            f"{organization.name} holds a grant already.", remedy="Revoke it first.", code="grant_exists"
        ) from None
    return grant


def revoke_grant(*, grant: AccessGrant, actor: User, reason: str) -> AccessGrant:
    """End an organization's access at once, everywhere; its people are told to destroy their copies.

    Any member of staff may: stopping must not wait for an independent colleague. What a signed address of an S3 store may still
    give ends within a minute (``storage.SIGNED_SECONDS``).
    """
    require_staff(actor)
    reason = reason.strip()
    if not reason:
        raise CannotDo("Revoking needs a reason.", remedy="Say why, for the people concerned.", code="no_reason")
    with transaction.atomic():
        standing = AccessGrant.objects.filter(pk=grant.pk, revoked_at=None)
        if not standing.update(revoked_at=timezone.now(), revoked_by=actor, revoked_reason=reason):
            raise CannotDo("This grant was revoked already.", remedy="Reload the page.", code="already_revoked")
        record(verb="grant.revoked", target=grant, actor=actor, organization_id=grant.organization_id)
        release = grant.release
        notify(
            event="grant.revoked",
            parties={"asker": grant.organization},
            text=f"Access to release {release.number} of “{release.request.title}” was revoked. Destroy your copies.",
            url=reverse("grant_detail", args=[grant.pk]),
        )
    return AccessGrant.objects.get(pk=grant.pk)


def grant_days(release: Release) -> int:
    """How long the shortest of the agreements allows keeping the data; a year where none of them says."""
    months = [spec.terms.retention_months for spec in agreed_specs(release)]
    stated = [month for month in months if month]
    return DAYS_A_MONTH * min(stated) if stated else DEFAULT_GRANT_DAYS


def agreed_specs(release: Release) -> list[DatasetSpec]:
    """The specifications under whose agreements the images of the release were delivered."""
    documents = SpecVersion.objects.filter(
        pk__in=release.items.values("image__source__batch__fulfillment__offer__spec_version")
    ).values_list("document", flat=True)
    return [DatasetSpec.model_validate(document) for document in documents]


def _require_live(grant: AccessGrant) -> None:
    if not AccessGrant.objects.live().filter(pk=grant.pk).exists():
        raise CannotDo("This grant has ended.", remedy="Ask GetDATA's staff for a new period.", code="grant_over")


def with_people(rows: QuerySet[AccessGrant]) -> QuerySet[AccessGrant]:
    """The grants, each with ``people``: how many are named and have attested."""
    ready = Q(named__removed_at=None, named__attestations__isnull=False)
    return rows.annotate(people=Count("named", filter=ready, distinct=True))
