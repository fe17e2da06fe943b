"""The next version: begun, written, compared, checked where it changes what staff have checked, opened once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification
from requests_app.models import Amendment
from requests_app.services import amendments, drafts
from requests_app.services import requests as services
from tests.requests_app.people import Market, document
from tests.requests_app.test_requests import refused

CHECKED = [
    ("deidentification", {"policy": "limited-data-set", "dates": "kept"}),
    ("terms", {"sharing": "named_team"}),
    ("purpose", {"description": "Something else entirely, which nobody has checked so far."}),
]


def changed(amendment: Amendment, part: str, change: dict[str, Any]) -> dict[str, Any]:
    return {**amendment.document, part: {**amendment.document[part], **change}}


def more_images(amendment: Amendment, count: int = 3500) -> dict[str, Any]:
    return changed(amendment, "cohort", {"images": {"min": count, "max": 6000}})


def written(market: Market, **change: Any) -> Amendment:
    begun = amendments.start_amendment(request=market.open(), actor=market.researcher)
    body = changed(begun, **change) if change else more_images(begun)
    return drafts.save_amendment(amendment=begun, document=body, actor=market.researcher)


def test_an_amendment_is_begun_once_from_the_current_version(market: Market) -> None:
    item = market.open()
    begun = amendments.start_amendment(request=item, actor=market.researcher)
    assert amendments.start_amendment(request=item, actor=market.researcher) == begun
    assert (begun.base_number, begun.document) == (1, item.current_version.document)  # type: ignore[union-attr]
    with pytest.raises(IntegrityError), transaction.atomic():
        Amendment.objects.create(request=item, created_by=market.researcher, base_number=1, document={})
    refused("not_open", amendments.start_amendment, request=market.draft(), actor=market.researcher)
    refused("role_lacks_capability", amendments.start_amendment, request=item, actor=market.other)


def test_writing_it_changes_nothing_that_others_see(market: Market) -> None:
    amendment = written(market)
    amendment.request.refresh_from_db()
    assert amendment.request.minimum_images == 3000
    assert amendment.request.versions.count() == 1
    assert not Amendment.objects.visible_to(market.manager).exists()
    assert Amendment.objects.visible_to(market.reviewer).count() == 1


def test_a_change_of_counts_opens_at_once_and_tells_hospitals_that_offered(market: Market) -> None:
    offer = market.offer()
    begun = amendments.start_amendment(request=offer.request, actor=market.researcher)
    saved = drafts.save_amendment(amendment=begun, document=more_images(begun), actor=market.researcher)
    assert [change.check_id for change in amendments.amendment_changes(saved)] == ["cohort.images"]
    opened = amendments.post_amendment(amendment=saved, actor=market.researcher)
    assert opened.status == "open"
    offer.request.refresh_from_db()
    assert offer.request.minimum_images == 3500
    assert offer.request.current_version.number == 2
    told = Notification.objects.get(user=market.manager, event="request.amended")
    assert told.url.endswith("/versions/?from=1&to=2")
    refused("amendment_outdated", amendments.post_amendment, amendment=saved, actor=market.researcher)
    assert offer.request.versions.count() == 2


@pytest.mark.parametrize(("part", "change"), CHECKED)
def test_what_staff_checked_is_checked_again(market: Market, part: str, change: dict[str, Any]) -> None:
    amendment = written(market, part=part, change=change)
    posted = amendments.post_amendment(amendment=amendment, actor=market.researcher)
    assert posted.status == "submitted"
    assert posted.request.versions.count() == 1
    assert Notification.objects.filter(user=market.reviewer, event="amendment.submitted").count() == 1
    refused("not_a_draft", drafts.save_amendment, amendment=posted, document=posted.document, actor=market.researcher)
    refused("staff_only", amendments.open_amendment, amendment=posted, actor=market.researcher)
    amendments.open_amendment(amendment=posted, actor=market.reviewer)
    assert posted.request.current_version.number == 2  # type: ignore[union-attr]
    refused("amendment_outdated", amendments.open_amendment, amendment=posted, actor=market.reviewer)
    assert posted.request.versions.count() == 2


@pytest.mark.parametrize(("part", "change"), CHECKED)
def test_what_a_hospital_offered_on_does_not_change(market: Market, part: str, change: dict[str, Any]) -> None:
    amendment = written(market, part=part, change=change)
    market.offer(amendment.request)
    refused("amendment_needs_new_request", amendments.post_amendment, amendment=amendment, actor=market.researcher)
    refused(
        "amendment_needs_new_request",
        services.amend_request,
        request=amendment.request,
        document=amendment.document,
        actor=market.researcher,
    )
    assert amendment.request.versions.count() == 1


def test_a_direct_amendment_does_not_slip_past_staff_or_a_colleague(market: Market) -> None:
    amendment = written(market, part=CHECKED[0][0], change=CHECKED[0][1])
    call = {"request": amendment.request, "actor": market.researcher}
    refused("amendment_needs_check", services.amend_request, document=amendment.document, **call)
    counts = {**document(), "cohort": {"images": {"min": 3100, "max": 6000}}}
    refused("amendment_begun", services.amend_request, document=counts, **call)


def test_a_returned_amendment_is_written_on_with_the_note(market: Market) -> None:
    amendment = written(market, part="purpose", change=CHECKED[2][1])
    posted = amendments.post_amendment(amendment=amendment, actor=market.researcher)
    refused("note_missing", amendments.return_amendment, amendment=posted, note=" ", actor=market.reviewer)
    back = amendments.return_amendment(amendment=posted, note="Say who reads them.", actor=market.reviewer)
    assert (back.status, back.status_note) == ("draft", "Say who reads them.")
    drafts.save_amendment(amendment=back, document=more_images(back), actor=market.researcher)
    assert amendments.post_amendment(amendment=back, actor=market.researcher).status_note == ""


def test_nothing_changed_and_an_outdated_base_are_refused(market: Market) -> None:
    begun = amendments.start_amendment(request=market.open(), actor=market.researcher)
    refused("nothing_changed", amendments.post_amendment, amendment=begun, actor=market.researcher)
    Amendment.objects.filter(pk=begun.pk).update(base_number=0)
    refused("amendment_outdated", amendments.post_amendment, amendment=begun, actor=market.researcher)


def test_a_discarded_amendment_leaves_room_for_another(market: Market) -> None:
    amendment = written(market)
    gone = amendments.discard_amendment(amendment=amendment, actor=market.researcher)
    assert gone.status == "discarded"
    refused("amendment_over", amendments.discard_amendment, amendment=gone, actor=market.researcher)
    assert amendments.start_amendment(request=amendment.request, actor=market.researcher) != gone
    assert AuditEvent.objects.filter(verb="amendment.discarded").count() == 1


def test_closing_the_request_ends_its_amendment(market: Market) -> None:
    amendment = written(market)
    services.close_request(request=amendment.request, actor=market.researcher)
    amendment.refresh_from_db()
    assert amendment.status == "discarded"


def test_a_draft_somebody_else_saved_is_not_overwritten(market: Market) -> None:
    amendment = written(market)
    refused(
        "draft_changed",
        drafts.save_amendment,
        amendment=amendment,
        document=more_images(amendment, 4000),
        actor=market.researcher,
        revision=amendment.revision - 1,
    )
    again = drafts.save_amendment(
        amendment=amendment, document=amendment.document, actor=market.researcher, revision=amendment.revision
    )
    assert again.revision == amendment.revision


@pytest.mark.django_db(transaction=True)
def test_of_saves_at_the_same_moment_one_wins_and_the_others_are_told(market: Market) -> None:
    item = market.draft()

    def save(number: int) -> str:
        body = {**item.draft, "cohort": {**item.draft["cohort"], "images": {"min": 1000 + number}}}
        try:
            drafts.save_draft(request=item, document=body, actor=market.researcher, revision=0)
        except CannotDo as refusal:
            return refusal.code
        finally:
            connection.close()
        return "saved"

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(save, range(6)))
    assert outcomes == ["draft_changed"] * 5 + ["saved"]
    item.refresh_from_db()
    assert item.revision == 1
