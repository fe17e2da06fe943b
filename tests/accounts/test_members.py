"""Invitations, roles, leaving."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from getdata.accounts import services
from getdata.accounts.models import Invitation, Membership, Organization, Role
from getdata.accounts.tasks import expire_invitations_task
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState
from getdata.notifications.models import Notification, OutboxMail
from tests.accounts.people import draft, owner_of
from tests.factories import OrganizationFactory, ReviewerFactory, UserFactory, member

pytestmark = pytest.mark.django_db
ADDRESS = "colleague@hospital.example"


def _code(call: Any, **arguments: Any) -> str:
    with pytest.raises(CannotDo) as caught:
        call(**arguments)
    return caught.value.code


def _invite(organization: Organization, email: str = ADDRESS, role: str = "reader") -> tuple[Invitation, str]:
    """The invitation, and the token as it stands in the e-mail."""
    invitation = services.invite(organization=organization, email=email, role=role, actor=owner_of(organization))
    body = OutboxMail.objects.filter(to=email.lower()).latest("created_at").body
    found = re.search(r"/invitations/([\w-]+)/", body)
    assert found
    return invitation, found[1]


def test_the_token_goes_out_by_mail_and_only_its_hash_is_kept() -> None:
    organization = draft()
    invitation, token = _invite(organization)
    assert len(token) >= 43
    assert token not in str(list(Invitation.objects.values_list()))
    assert token not in str(list(AuditEvent.objects.values_list()))
    assert services.find_invitation(token=token) == invitation
    assert services.find_invitation(token=invitation.token_hash) is None
    assert invitation.expires_at - timezone.now() > timedelta(days=13)


def test_a_person_with_the_confirmed_address_joins_in_the_invited_role() -> None:
    organization = draft()
    invitation, token = _invite(organization, ADDRESS.upper(), "privacy_officer")
    colleague = UserFactory.create(email=ADDRESS)
    membership = services.accept_invitation(token=token, actor=colleague)
    assert (membership.organization, membership.role) == (organization, Role.PRIVACY_OFFICER)
    invitation.refresh_from_db()
    assert invitation.status == "accepted"
    assert Notification.objects.filter(user=owner_of(organization), event="invitation.accepted").exists()
    assert _code(services.accept_invitation, token=token, actor=colleague) == "invitation_accepted"


def test_another_persons_invitation_and_an_unconfirmed_address_are_refused() -> None:
    _, token = _invite(draft())
    stranger = UserFactory.create()
    assert _code(services.accept_invitation, token=token, actor=stranger) == "other_address"
    EmailAddress.objects.create(user=stranger, email=ADDRESS, verified=False)
    assert _code(services.accept_invitation, token=token, actor=stranger) == "other_address"
    assert not Membership.objects.filter(user=stranger).exists()
    EmailAddress.objects.filter(email=ADDRESS).update(verified=True)
    services.accept_invitation(token=token, actor=stranger)
    assert Membership.objects.filter(user=stranger).exists()


def test_a_confirmed_address_accepts_without_the_link() -> None:
    invitation, _ = _invite(draft())
    colleague = UserFactory.create(email=ADDRESS)
    assert _code(services.accept_own_invitation, invitation=invitation, actor=UserFactory.create()) == "other_address"
    assert services.accept_own_invitation(invitation=invitation, actor=colleague).role == "reader"


def test_unknown_revoked_and_expired_tokens_are_refused_each_with_its_reason() -> None:
    organization = draft()
    colleague = UserFactory.create(email=ADDRESS)
    assert _code(services.accept_invitation, token="nonsense", actor=colleague) == "unknown_invitation"
    invitation, token = _invite(organization)
    services.revoke_invitation(invitation=invitation, actor=owner_of(organization))
    assert _code(services.accept_invitation, token=token, actor=colleague) == "invitation_revoked"
    invitation, token = _invite(organization)
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert _code(services.accept_invitation, token=token, actor=colleague) == "invitation_expired"
    invitation.refresh_from_db()
    assert invitation.status == "expired", "the refusal must not undo it"
    assert not organization.memberships.filter(user=colleague).exists()


def test_an_accepted_invitation_cannot_be_revoked() -> None:
    organization = draft()
    invitation, token = _invite(organization)
    services.accept_invitation(token=token, actor=UserFactory.create(email=ADDRESS))
    with pytest.raises(StaleState):
        services.revoke_invitation(invitation=invitation, actor=owner_of(organization))


def test_inviting_refuses_bad_addresses_members_doubles_and_unknown_roles() -> None:
    organization = draft()
    arguments = {"organization": organization, "role": "reader", "actor": owner_of(organization)}
    assert _code(services.invite, email="nobody", **arguments) == "bad_email"
    assert _code(services.invite, email=ADDRESS, **{**arguments, "role": "emperor"}) == "unknown_role"
    colleague = member(organization, Role.READER)
    assert _code(services.invite, email=colleague.email.upper(), **arguments) == "already_member"
    EmailAddress.objects.create(user=colleague, email="second@hospital.example", verified=True)
    assert _code(services.invite, email="second@hospital.example", **arguments) == "already_member"
    _invite(organization)
    assert _code(services.invite, email=f" {ADDRESS.title()} ", **arguments) == "already_invited"
    assert OutboxMail.objects.count() == 1


def test_an_expired_invitation_does_not_stand_in_the_way_of_a_new_one() -> None:
    organization = draft()
    old, _ = _invite(organization)
    Invitation.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    new, _ = _invite(organization)
    old.refresh_from_db()
    assert (old.status, new.status) == ("expired", "pending")


@pytest.mark.parametrize("role", [r for r in Role.values if r != Role.OWNER])
def test_only_owners_manage_people(role: str) -> None:
    organization = draft()
    person, colleague = member(organization, role), member(organization, Role.READER)
    invitation, _ = _invite(organization)
    theirs = colleague.memberships.get()
    arguments = {"organization": organization, "email": "x@y.example", "role": "viewer", "actor": person}
    assert _code(services.invite, **arguments) == "role_lacks_capability"
    assert _code(services.revoke_invitation, invitation=invitation, actor=person) == "role_lacks_capability"
    assert _code(services.change_role, membership=theirs, role="owner", actor=person) == "role_lacks_capability"
    assert _code(services.remove_member, membership=theirs, actor=person) == "role_lacks_capability"
    mine = person.memberships.get()
    assert _code(services.change_role, membership=mine, role="owner", actor=person) == "role_lacks_capability"


def test_an_owner_of_another_organization_and_staff_manage_nobody_here() -> None:
    theirs = member(draft(), Role.READER).memberships.get()
    for actor in (owner_of(draft(name="Another")), ReviewerFactory.create()):
        assert _code(services.change_role, membership=theirs, role="owner", actor=actor) == "role_lacks_capability"
        assert _code(services.remove_member, membership=theirs, actor=actor) == "role_lacks_capability"


def test_the_last_owner_neither_leaves_nor_steps_down() -> None:
    organization = draft()
    owner = owner_of(organization)
    mine = owner.memberships.get()
    assert _code(services.change_role, membership=mine, role="viewer", actor=owner) == "last_owner"
    assert _code(services.remove_member, membership=mine, actor=owner) == "last_owner"
    retired = member(organization, Role.OWNER, is_active=False)
    assert _code(services.remove_member, membership=mine, actor=owner) == "last_owner"
    assert retired.memberships.exists()
    second = member(organization, Role.READER)
    services.change_role(membership=second.memberships.get(), role="owner", actor=owner)
    services.remove_member(membership=mine, actor=owner)
    assert organization.memberships.filter(user=owner).count() == 0
    event = AuditEvent.objects.get(verb="membership.ended")
    assert event.data == {"role": "owner", "user": str(owner.pk), "left": True}


def test_a_role_change_is_audited_and_told() -> None:
    organization = draft()
    colleague = member(organization, Role.READER)
    services.change_role(membership=colleague.memberships.get(), role="data_manager", actor=owner_of(organization))
    event = AuditEvent.objects.get(verb="membership.role_changed")
    assert event.data == {"from": "reader", "role": "data_manager", "user": str(colleague.pk)}
    assert Notification.objects.filter(user=colleague, event="membership.changed").exists()


def test_everybody_may_leave_and_an_owner_may_remove() -> None:
    organization = OrganizationFactory.create()
    owner, reader, viewer = (member(organization, role) for role in ("owner", "reader", "viewer"))
    services.remove_member(membership=reader.memberships.get(), actor=reader)
    gone = viewer.memberships.get()
    services.remove_member(membership=gone, actor=owner)
    assert list(organization.memberships.values_list("user", flat=True)) == [owner.pk]
    stale = Membership(pk=gone.pk, user=viewer, organization=organization)
    assert _code(services.remove_member, membership=stale, actor=owner) == "not_a_member"
    assert not Organization.objects.visible_to(viewer).exists()


def test_the_task_expires_what_is_over_and_nothing_else() -> None:
    organization = draft()
    over, _ = _invite(organization)
    live, _ = _invite(organization, "other@hospital.example")
    Invitation.objects.filter(pk=over.pk).update(expires_at=timezone.now())
    expire_invitations_task.apply()
    over.refresh_from_db()
    live.refresh_from_db()
    assert (over.status, live.status) == ("expired", "pending")
    assert AuditEvent.objects.get(verb="invitation.expired").actor_kind == "system"


def test_a_name_with_a_line_break_cannot_add_lines_to_the_mail() -> None:
    organization = draft()
    owner = owner_of(organization)
    type(owner).objects.filter(pk=owner.pk).update(name="Ada\r\nBcc: all@example.org")
    services.invite(organization=organization, email=ADDRESS, role="reader", actor=owner_of(organization))
    message = OutboxMail.objects.get(to=ADDRESS)
    assert "\n" not in message.subject
    assert "\nBcc:" not in message.body
