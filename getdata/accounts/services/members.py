"""Who belongs to an organization: invitations by e-mail, roles, leaving."""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from getdata.accounts.models import Invitation, Membership, Organization, Role, User
from getdata.accounts.permissions import confirmed_addresses, require
from getdata.accounts.services.common import locked
from getdata.accounts.services.offboarding import end_access
from getdata.accounts.tokens import fingerprint
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState, transition
from getdata.notifications.services import mail, notify

Status = Invitation.Status

#: An organization that invites more people at once than this is asked to wait for answers.
MAX_LIVE_INVITATIONS = 50


def invite(*, organization: Organization, email: str, role: str, actor: User) -> Invitation:
    """Offer membership to an address. The token goes out by e-mail and is kept only as a hash.

    Raises ``CannotDo`` for a bad address or role, somebody who is a member already, or an address that has a
    live invitation.
    """
    require(actor, "manage", organization)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise CannotDo("Enter an e-mail address such as name@hospital.example.", code="bad_email") from None
    _check_role(role)
    with transaction.atomic():
        current = locked(organization)
        if organization.memberships.filter(Q(user__email__iexact=email) | Q(user__in=_owners_of(email))).exists():
            raise CannotDo(
                f"{email} belongs to {current.name} already.",
                remedy="Change the role in the list of members instead.",
                code="already_member",
            )
        pending = current.invitations.filter(status=Status.PENDING)
        live = 0
        for earlier in pending:
            if not earlier.is_live:
                _expire(earlier)
                continue
            live += 1
            if earlier.email == email:
                raise CannotDo(
                    f"{email} has an invitation that was not answered yet.",
                    remedy="Revoke it first if you want to send a new one.",
                    code="already_invited",
                )
        if live >= MAX_LIVE_INVITATIONS:
            raise CannotDo(
                f"{live} invitations wait for an answer.",
                remedy="Revoke those you no longer need, then invite again.",
                code="too_many_invitations",
            )
        token = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            organization=current,
            email=email,
            role=role,
            token_hash=fingerprint(token),
            invited_by=actor,
            expires_at=timezone.now() + timedelta(days=settings.INVITATION_DAYS),
        )
        record(
            verb="invitation.created",
            target=invitation,
            actor=actor,
            organization_id=current.pk,
            data={"role": role},
        )
        label = Role(role).label.lower()
        mail(
            to=email,
            subject=f"GetDATA: {_one_line(str(actor))} invites you to {_one_line(current.name)}"[:200],
            body=(
                f"{_one_line(str(actor))} invites you to join {_one_line(current.name)} on GetDATA as {label}.\n\n"
                f"Open this link to accept. It works for {settings.INVITATION_DAYS} days and only for {email}:\n"
                f"{settings.PUBLIC_URL}{reverse('invitation_accept', args=[token])}\n\n"
                "If you did not expect this, ignore it: nothing happens.\n\nGetDATA\n"
            ),
        )
        notify(
            event="invitation.created",
            users=User.objects.filter(pk__in=_owners_of(email)),
            text=f"{actor} invites you to join {current.name} as {label}.",
            url=reverse("organization_list"),
        )
    return invitation


def find_invitation(*, token: str) -> Invitation | None:
    """The invitation this token belongs to, whatever its state."""
    return Invitation.objects.select_related("organization", "invited_by").filter(token_hash=fingerprint(token)).first()


def accept_invitation(*, token: str, actor: User) -> Membership:
    """Join by the token from the e-mail. The actor must have confirmed the address that was invited.

    Raises ``CannotDo`` for an unknown, expired, revoked or used token, and for another person's.
    """
    invitation = find_invitation(token=token)
    if invitation is None:
        raise CannotDo(
            "This invitation link is not complete or no longer exists.",
            remedy="Open the link from the e-mail again, or ask for a new invitation.",
            code="unknown_invitation",
        )
    return _accept(invitation, actor)


def accept_own_invitation(*, invitation: Invitation, actor: User) -> Membership:
    """Join without the e-mail's link: a confirmed address is the same proof. Refuses as :func:`accept_invitation`."""
    return _accept(invitation, actor)


def revoke_invitation(*, invitation: Invitation, actor: User) -> Invitation:
    """Take an unanswered invitation back. Raises ``StaleState`` when it was answered meanwhile."""
    require(actor, "manage", invitation.organization)
    with transaction.atomic():
        revoked = transition(Invitation, invitation.pk, Status.PENDING, Status.REVOKED, actor=actor)
        notify(
            event="invitation.revoked",
            users=User.objects.filter(pk__in=_owners_of(invitation.email)),
            text=f"The invitation to {invitation.organization.name} was taken back.",
            url=reverse("organization_list"),
        )
    return revoked


def expire_invitations() -> int:
    """Mark every pending invitation whose time is over. Returns how many."""
    count = 0
    for invitation in Invitation.objects.filter(status=Status.PENDING, expires_at__lte=timezone.now()):
        try:
            _expire(invitation)
        except StaleState:  # answered in this very moment
            continue
        count += 1
    return count


def change_role(*, membership: Membership, role: str, actor: User) -> Membership:
    """Give a member another role. Raises ``CannotDo`` when the last owner would lose theirs."""
    _check_role(role)
    with transaction.atomic():
        organization = locked(membership.organization)
        require(actor, "manage", organization)
        current = _current(membership)
        if current.role == role:
            return current
        if role != Role.OWNER:
            _require_other_owner(current, organization)
        before = current.role
        Membership.objects.filter(pk=current.pk).update(role=role)
        current.role = role
        record(
            verb="membership.role_changed",
            target=current,
            actor=actor,
            organization_id=organization.pk,
            data={"from": before, "role": role, "user": str(current.user_id)},
        )
        if current.user_id != actor.pk:
            notify(
                event="membership.changed",
                users=[current.user],
                text=f"Your role in {organization.name} is now {Role(role).label.lower()}.",
                url=reverse("organization_detail", args=[organization.slug]),
            )
    return current


def remove_member(*, membership: Membership, actor: User) -> None:
    """End a membership: an owner removes anybody, everybody may leave. Never the last owner."""
    with transaction.atomic():
        organization = locked(membership.organization)
        current = _current(membership)
        if current.user_id != actor.pk:
            require(actor, "manage", organization)
        _require_other_owner(current, organization)
        record(
            verb="membership.ended",
            target=current,
            actor=actor,
            organization_id=organization.pk,
            data={"role": current.role, "user": str(current.user_id), "left": current.user_id == actor.pk},
        )
        current.delete()
        end_access(organization=organization, role=current.role, user=membership.user, actor=actor)
        if membership.user_id != actor.pk:
            notify(
                event="membership.changed",
                users=[membership.user],
                text=f"You no longer belong to {organization.name}.",
                url=reverse("organization_list"),
            )


def _accept(invitation: Invitation, actor: User) -> Membership:
    if invitation.email.lower() not in confirmed_addresses(actor):
        raise CannotDo(
            f"This invitation is for {invitation.email}, which is not a confirmed address of yours.",
            remedy="Sign in with that address, or add it to your account and confirm it.",
            code="other_address",
        )
    if invitation.status == Status.PENDING and not invitation.is_live:
        _expire(invitation)  # on its own, before the refusal: a raised error must not undo it
        invitation.refresh_from_db()
    if invitation.status != Status.PENDING:
        reason = {
            Status.ACCEPTED: "was accepted already",
            Status.REVOKED: "was taken back",
            Status.EXPIRED: "has expired",
        }[Status(invitation.status)]
        raise CannotDo(
            f"This invitation to {invitation.organization.name} {reason}.",
            remedy="Ask an owner of the organization for a new one if you still want to join.",
            code=f"invitation_{invitation.status}",
        )
    with transaction.atomic():
        organization = locked(invitation.organization)
        if Membership.objects.filter(user=actor, organization=organization).exists():
            raise CannotDo(
                f"You belong to {organization.name} already.",
                remedy="An owner can change your role in the list of members.",
                code="already_member",
            )
        transition(
            Invitation, invitation.pk, Status.PENDING, Status.ACCEPTED, actor=actor, data={"role": invitation.role}
        )
        membership = Membership.objects.create(user=actor, organization=organization, role=invitation.role)
        record(
            verb="membership.created",
            target=membership,
            actor=actor,
            organization_id=organization.pk,
            data={"role": invitation.role, "user": str(actor.pk)},
        )
        notify(
            event="invitation.accepted",
            parties={"organization": organization},
            but=actor,
            text=f"{actor} joined {organization.name} as {Role(invitation.role).label.lower()}.",
            url=reverse("organization_members", args=[organization.slug]),
        )
    return membership


def _expire(invitation: Invitation) -> None:
    with transaction.atomic():
        transition(Invitation, invitation.pk, Status.PENDING, Status.EXPIRED, actor=None)
        notify(
            event="invitation.expired",
            parties={"organization": invitation.organization},
            text=f"An invitation to {invitation.organization.name} found no answer in its time.",
            url=reverse("organization_members", args=[invitation.organization.slug]),
        )


def _owners_of(email: str) -> set[UUID]:
    return set(EmailAddress.objects.filter(email__iexact=email, verified=True).values_list("user_id", flat=True))


def _current(membership: Membership) -> Membership:
    current = Membership.objects.select_related("user", "organization").filter(pk=membership.pk).first()
    if current is None:
        raise CannotDo("This person no longer belongs to the organization.", code="not_a_member")
    return current


def _require_other_owner(membership: Membership, organization: Organization) -> None:
    if membership.role != Role.OWNER:
        return
    others = organization.memberships.filter(role=Role.OWNER, user__is_active=True).exclude(pk=membership.pk)
    if not others.exists():
        raise CannotDo(
            f"{membership.user} is the last owner of {organization.name}.",
            remedy="Make another member an owner first.",
            code="last_owner",
        )


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise CannotDo("Choose one of the listed roles.", code="unknown_role")


def _one_line(text: str) -> str:
    """Names are written by people; in a mail's subject and sentences they stay on one line."""
    return " ".join(text.split())
