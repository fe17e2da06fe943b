"""The check of a request: evidence beside each point, what the portal sees itself, and why a reviewer of a party may not decide."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from getdata.accounts.models import Membership, Organization, Role, User
from getdata.common.problems import CannotDo
from requests_app.documents import check_document
from requests_app.models import DatasetRequest
from requests_app.request_check import points_of
from requests_app.services import requests
from tests.requests_app.people import Market
from tests.support.pages import problems

pytestmark = pytest.mark.django_db


def page_of(item: DatasetRequest, person: User) -> str:
    client = Client()
    client.force_login(person)
    text = client.get(item.get_absolute_url()).content.decode()
    assert not problems(text)
    return text


def states(item: DatasetRequest) -> dict[str, str]:
    fresh = DatasetRequest.objects.select_related("organization", "created_by").get(pk=item.pk)
    return {point.key: point.state for point in points_of(fresh, check_document(fresh.draft))}


def changed(item: DatasetRequest, part: str, **values: Any) -> None:
    draft = {**item.draft, part: {**item.draft[part], **values}}
    DatasetRequest.objects.filter(pk=item.pk).update(draft=draft)


def test_each_check_stands_beside_its_evidence_and_says_what_the_portal_sees(market: Market) -> None:
    item = market.submitted()
    changed(item, "terms", ethics_approval="IRB 2026-114, approved in May")
    item.refresh_from_db()
    text = page_of(item, market.reviewer)
    for said in ("Evidence for your check", "IRB 2026-114, approved in May", item.organization.name, "You judge"):
        assert said in text, said
    assert "Evidence for your check" not in page_of(item, market.researcher), "its writers have the form"
    before = states(item)
    assert before["organization"] == "yes" and before["ethics"] == "look"
    yesterday = (timezone.localdate() - timedelta(days=1)).isoformat()
    changed(item, "terms", ethics_approval="", countries=["CN"])
    item.refresh_from_db()
    changed(item, "delivery", deadline=yesterday)
    item.refresh_from_db()
    changed(item, "purpose", description="Ask Dr Smith, MRN: 12345678.")
    Organization.objects.filter(pk=item.organization_id).update(status="suspended")
    Membership.objects.filter(user=item.created_by, organization=item.organization_id).delete()
    after = states(item)
    for key in ("organization", "writer", "ethics", "countries", "deadline"):
        assert after[key] == "no", key
    assert after["words"] == "look" and "Looks like" in page_of(item, market.reviewer)


def test_a_reviewer_of_the_asking_organization_is_refused_with_the_reason(market: Market) -> None:
    item = market.submitted()
    Membership.objects.create(user=market.reviewer, organization=item.organization, role=Role.VIEWER)
    text = page_of(item, market.reviewer)
    assert "You cannot decide about this request" in text and "You belong to the organization" in text
    assert "Evidence for your check" not in text and "Open the request" not in text
    with pytest.raises(CannotDo) as refusal:
        requests.open_request(request=item, actor=market.reviewer)
    assert refusal.value.code == "conflict_of_interest"
    assert DatasetRequest.objects.get(pk=item.pk).status == "submitted"
