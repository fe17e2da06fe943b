"""Break-glass: staff open a hospital's protected material, with a reason, for a short time, and the hospital knows at once.

Staff never see file names, originals or withheld pictures. Where somebody must look (a complaint, a suspected leak), they open the
organization's scope here. Every look under an opening is an event of its own that names it; the hospital is told at once, sees
the opening on its page while it runs and for ever after, and can end it.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can, require_may_decide
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.notifications.services import notify
from getdata.trust.models import ScopeOpening

SHORTEST_REASON = 20


def opening_for(user: User | AnonymousUser, organization: Organization) -> ScopeOpening | None:
    """The opening under which this person may look now, if there is one. Staff who lost their role see nothing more."""
    if not isinstance(user, User) or not user.is_reviewer:
        return None
    return ScopeOpening.objects.running().filter(organization=organization, opened_by=user).first()


def open_scope(*, organization: Organization, actor: User, reason: str, minutes: int) -> ScopeOpening:
    """Open the organization's protected material to ``actor`` for ``minutes``. Tells the organization at once.

    Raises ``CannotDo`` for anybody but staff, for staff who belong to the organization, without a real reason, for too long, or
    while one is running.
    """
    require_may_decide(actor, organization)
    reason = " ".join(reason.split())
    if len(reason) < SHORTEST_REASON:
        raise CannotDo(
            f"The reason has {len(reason)} characters.",
            remedy=f"Say in at least {SHORTEST_REASON} why you must look; the organization reads it.",
            code="reason_too_short",
        )
    if not 1 <= minutes <= settings.OPENING_MINUTES:
        raise CannotDo(
            f"An opening lasts 1 to {settings.OPENING_MINUTES} minutes.",
            remedy="Ask for less; open it again if you need to.",
            code="opening_too_long",
        )
    end_expired()
    try:
        with transaction.atomic():
            opening = ScopeOpening.objects.create(
                organization=organization,
                opened_by=actor,
                reason=reason[:1000],
                expires_at=timezone.now() + timedelta(minutes=minutes),
            )
            record(
                verb="scope.opened",
                target=opening,
                actor=actor,
                organization_id=organization.pk,
                data={"minutes": minutes, "expires_at": opening.expires_at.isoformat()},
            )
            notify(
                event="scope.opened",
                parties={"organization": organization},
                text=f"{actor} of GetDATA staff opened the protected material of {organization.name} for {minutes} minutes. "
                "The reason is on your page, where you can end it.",
                url=reverse("organization_openings", args=[organization.slug]),
            )
    except IntegrityError:
        raise CannotDo(
            "You have an opening of this organization already.", remedy="Use it, or end it first.", code="opening_runs"
        ) from None
    return opening


def may_end(user: User | AnonymousUser, opening: ScopeOpening) -> bool:
    """Whoever opened it, and the organization's owner and privacy officer."""
    return opening.opened_by_id == getattr(user, "pk", None) or can(user, "approve_privacy", opening.organization)


def end_opening(*, opening: ScopeOpening, actor: User) -> ScopeOpening:
    """End an opening before its time. Raises ``CannotDo``."""
    if not may_end(actor, opening):
        raise CannotDo(
            "Only the person who opened it, or an owner or privacy officer, can end this opening.",
            remedy="Ask one of them.",
            code="role_lacks_capability",
        )
    _end(opening, actor)
    opening.refresh_from_db()
    return opening


def end_expired() -> int:
    """Note the end of openings whose time is over. They open nothing from the moment on at which they expire."""
    over = ScopeOpening.objects.filter(ended_at=None, expires_at__lte=timezone.now())
    return sum(_end(opening, None) for opening in over)


def _end(opening: ScopeOpening, actor: User | None) -> bool:
    with transaction.atomic():
        if not ScopeOpening.objects.filter(pk=opening.pk, ended_at=None).update(ended_at=timezone.now()):
            return False
        record(verb="scope.closed", target=opening, actor=actor, organization_id=opening.organization_id)
    return True
