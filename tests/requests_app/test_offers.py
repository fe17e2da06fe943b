"""Offers: who may make one, what counts are sensible, how they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from getdata.accounts.models import Organization, Role
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState
from getdata.notifications.models import Notification
from requests_app.models import DatasetRequest, Offer
from requests_app.selectors import compare_offer
from requests_app.services import offers as services
from requests_app.spec import DatasetSpec
from requests_app.tasks import expire_task
from tests.factories import HospitalFactory, member
from tests.requests_app.people import Market


def refused(code: str, call: Any, **arguments: Any) -> None:
    with pytest.raises(CannotDo) as caught:
        call(**arguments)
    assert caught.value.code == code
    assert caught.value.remedy


def offering(market: Market, request: DatasetRequest | None = None, **changes: Any) -> dict[str, Any]:
    given = {"request": request or market.open(), "hospital": market.hospital, "images": 500, "actor": market.manager}
    return {**given, **changes}


def test_an_offer_is_pinned_to_the_open_version_and_tells_who_asked(market: Market) -> None:
    made = market.offer()
    assert made.spec_version == made.request.current_version
    assert made.status == "submitted"
    assert timedelta(days=29) < made.expires_at - timezone.now() <= timedelta(days=30)
    told = Notification.objects.get(user=market.researcher, event="offer.submitted")
    assert "500 images" in told.text
    event = AuditEvent.objects.get(verb="offer.submitted")
    assert event.data == {"images": 500, "patients": 400, "version": 1}


def test_zero_cells_are_left_out(market: Market) -> None:
    request = market.open()
    lines = services.offerable(DatasetSpec.model_validate(request.draft))
    made = market.offer(request, cells={lines[0].check_id: 0, lines[1].check_id: 7})
    assert made.cells == {lines[1].check_id: 7}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("images_out_of_range", {"images": 0}),
        ("images_out_of_range", {"images": 6001}),  # the request takes at most 6,000
        ("patients_out_of_range", {"patients": 501}),
        ("patients_out_of_range", {"patients": -1}),
        ("unknown_line", {"cells": {"quota.of.another.request": 1}}),
        ("cell_out_of_range", {"cells": {"projection.ap": 501}}),
        ("cell_out_of_range", {"cells": {"projection.ap": True}}),
        ("delivery_in_the_past", {"deliver_by": timezone.localdate()}),
    ],
)
def test_counts_that_cannot_be_meant_are_refused(market: Market, code: str, changes: dict[str, Any]) -> None:
    refused(code, services.submit_offer, **offering(market, **changes))
    assert not Offer.objects.exists()


def test_an_image_is_not_promised_to_two_quotas_where_it_counts_in_one(market: Market) -> None:
    quotas = [{"sex": "F", "min": 400}, {"view": "AP", "min": 400}, {"sex": "F", "min": 300, "unit": "patients"}]
    both = {"quota.f": 300, "quota.ap": 300, "quota.f.patients": 300}
    once = market.open(quotas=quotas, quota_counting="once")
    refused("counted_twice", services.submit_offer, **offering(market, once, cells=both))
    assert market.offer(once, cells={**both, "quota.ap": 200}).cells["quota.ap"] == 200
    every = market.open(quotas=quotas)
    assert market.offer(every, cells=both).cells == both


def test_only_verified_hospitals_offer_and_not_on_their_own_request(market: Market) -> None:
    request = market.open()
    refused(
        "not_a_hospital",
        services.submit_offer,
        **offering(market, request, hospital=market.other.memberships.get().organization, actor=market.other),
    )
    pending = HospitalFactory.create(status="pending")
    refused(
        "organization_not_verified",
        services.submit_offer,
        **offering(market, request, hospital=pending, actor=member(pending)),
    )
    Organization.objects.filter(pk=market.hospital.pk).update(kind="hospital")
    DatasetRequest.objects.filter(pk=request.pk).update(organization=market.hospital)
    refused("own_request", services.submit_offer, **offering(market, DatasetRequest.objects.get(pk=request.pk)))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.READER, Role.PRIVACY_OFFICER])
def test_a_role_without_writing_makes_no_offer(market: Market, role: str) -> None:
    person = member(market.hospital, role)
    refused("role_lacks_capability", services.submit_offer, **offering(market, actor=person))


def test_no_offer_on_a_draft_or_after_the_deadline(market: Market) -> None:
    refused("not_open", services.submit_offer, **offering(market, market.draft()))
    request = market.open()
    DatasetRequest.objects.filter(pk=request.pk).update(deadline=timezone.localdate() - timedelta(days=1))
    refused("deadline_passed", services.submit_offer, **offering(market, request))


def test_one_live_offer_a_hospital_and_another_after_withdrawing(market: Market) -> None:
    first = market.offer()
    refused("offer_exists", services.submit_offer, **offering(market, first.request))
    refused("role_lacks_capability", services.withdraw_offer, offer=first, actor=market.researcher)
    withdrawn = services.withdraw_offer(offer=first, actor=market.manager, note="Miscounted.")
    assert (withdrawn.status, withdrawn.status_note) == ("withdrawn", "Miscounted.")
    assert Notification.objects.filter(user=market.researcher, event="offer.withdrawn").exists()
    assert market.offer(first.request).status == "submitted"


def test_declining_needs_a_reason_and_tells_the_hospital(market: Market) -> None:
    made = market.offer()
    refused("note_missing", services.decline_offer, offer=made, note="", actor=market.researcher)
    refused("role_lacks_capability", services.decline_offer, offer=made, note="No", actor=market.manager)
    declined = services.decline_offer(offer=made, note="Too few laterals.", actor=market.researcher)
    assert declined.status == "declined"
    assert Notification.objects.filter(user=market.manager, event="offer.decided").exists()
    with pytest.raises(StaleState):
        services.withdraw_offer(offer=made, actor=market.manager)


def test_the_clock_ends_offers_that_waited_too_long_and_no_others(market: Market) -> None:
    late, fresh = market.offer(), market.offer(market.open("cxr-lines-and-tubes"))
    Offer.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    expire_task()
    late.refresh_from_db()
    fresh.refresh_from_db()
    assert (late.status, fresh.status) == ("expired", "submitted")
    assert AuditEvent.objects.get(verb="offer.expired").actor_kind == "system"
    assert Notification.objects.filter(user=market.manager, event="offer.decided").count() == 1
    assert services.expire_offers() == 0


def test_a_request_past_its_deadline_stays_open(market: Market) -> None:
    request = market.open()
    DatasetRequest.objects.filter(pk=request.pk).update(deadline=timezone.localdate() - timedelta(days=3))
    expire_task()
    request.refresh_from_db()
    assert request.status == "open"


def test_the_expiry_task_is_in_the_beat_schedule(settings: Any) -> None:
    assert expire_task.name == "requests_app.expire_task"
    assert expire_task.name in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}


def test_the_comparison_says_line_by_line_what_is_covered(market: Market) -> None:
    request = market.open()
    late = request.deadline + timedelta(days=20)
    made = market.offer(
        request, images=3000, patients=2500, cells={"projection.ap": 1000, "projection.pa": 500}, deliver_by=late
    )
    rows = {row.label: row for row in compare_offer(made)}
    assert rows["All images"].verdict == "covers"
    assert rows["AP"].word == "Covers 50 %"
    assert rows["PA"].verdict == "covers"
    assert rows["With Pneumothorax"].verdict == "none"
    assert (rows["Delivery"].verdict, rows["Delivery"].word) == ("differs", "20 days late")
