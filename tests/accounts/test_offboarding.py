"""Somebody leaves: their sessions and tokens end with the membership, and somebody is told to go on."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client

from getdata.accounts import services
from getdata.accounts.models import ApiToken, Membership, Role
from getdata.accounts.tokens import make_token
from getdata.notifications.models import Notification
from tests.factories import HospitalFactory, OrganizationFactory, member

pytestmark = pytest.mark.django_db


def test_who_is_removed_is_signed_out_everywhere_and_their_tokens_stop() -> None:
    hospital = HospitalFactory.create()
    owner, colleague = member(hospital), member(hospital, Role.DATA_MANAGER)
    gone = member(hospital, Role.DATA_MANAGER, name="Gone Tomorrow")
    make_token(user=gone, name="PACS", scopes=["deliveries:write"])
    client = Client()
    client.force_login(gone)
    key = client.session.session_key
    UserSession.objects.create(user=gone, session_key=key, ip="192.0.2.1", user_agent="x")
    services.remove_member(membership=Membership.objects.get(user=gone), actor=owner)
    assert not Session.objects.filter(session_key=key).exists()
    assert client.get("/dashboard/").status_code == 302
    assert ApiToken.objects.get(user=gone).revoked_at is not None
    told = Notification.objects.get(user=colleague, text__contains="Gone Tomorrow")
    assert "yours to go on with" in told.text
    assert not Notification.objects.filter(user=owner, text__contains="yours to go on").exists(), "the owner did it"


def test_who_belongs_elsewhere_keeps_their_tokens_and_the_last_of_a_role_is_followed_by_the_owner() -> None:
    hospital, group = HospitalFactory.create(), OrganizationFactory.create()
    owner, reader = member(hospital), member(hospital, Role.READER)
    Membership.objects.create(user=reader, organization=group, role=Role.READER)
    make_token(user=reader, name="pull", scopes=["releases:read"])
    services.remove_member(membership=Membership.objects.get(user=reader, organization=hospital), actor=reader)
    assert ApiToken.objects.get(user=reader).revoked_at is None
    assert Notification.objects.filter(user=owner, text__contains="yours to go on").count() == 1
