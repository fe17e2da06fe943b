"""A request from draft to its end, and every refusal on the way."""

from __future__ import annotations

from typing import Any

import pytest

from getdata.accounts.models import Membership, Organization, Role
from getdata.audit.chain import verify
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState
from getdata.notifications.models import Notification
from requests_app.models import DatasetRequest, SpecVersion
from requests_app.services import requests as services
from requests_app.spec import DatasetSpec, canonical_json, spec_sha256
from tests.factories import OrganizationFactory, ReviewerFactory, member
from tests.requests_app.people import Market, document


def refused(code: str, call: Any, **arguments: Any) -> CannotDo:
    with pytest.raises(CannotDo) as caught:
        call(**arguments)
    assert caught.value.code == code
    assert caught.value.remedy
    return caught.value


def test_a_draft_is_made_with_its_title_and_category_in_the_document(market: Market) -> None:
    made = services.create_request(
        organization=market.group, title="  Bedside images ", category="cxr", actor=market.researcher
    )
    assert (made.status, made.title, made.slug) == ("draft", "Bedside images", "bedside-images")
    assert made.draft["title"] == "Bedside images"
    assert AuditEvent.objects.filter(verb="datasetrequest.created", target_id=str(made.pk)).count() == 1


@pytest.mark.parametrize("title", ["New", "Bedside images", "胸部X線"])
def test_slugs_are_free_and_never_a_reserved_word(market: Market, title: str) -> None:
    first, second = (
        services.create_request(organization=market.group, title=title, category="cxr", actor=market.researcher)
        for _ in range(2)
    )
    assert first.slug != second.slug
    assert "new" not in (first.slug, second.slug)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.READER, Role.PRIVACY_OFFICER])
def test_a_role_without_writing_makes_no_request(market: Market, role: str) -> None:
    person = member(market.group, role)
    refused(
        "role_lacks_capability",
        services.create_request,
        organization=market.group,
        title="x",
        category="cxr",
        actor=person,
    )


def test_an_unknown_category_is_refused(market: Market) -> None:
    refused(
        "unknown_category",
        services.create_request,
        organization=market.group,
        title="x",
        category="dental",
        actor=market.researcher,
    )


def test_a_document_of_the_wrong_shape_is_not_saved(market: Market) -> None:
    made = market.draft()
    before = made.draft
    refusal = refused(
        "spec_invalid",
        services.save_draft,
        request=made,
        document={**before, "quotas": [{"min": "many"}], "surprise": 1},
        actor=market.researcher,
    )
    assert "(1 more)" in refusal.message
    made.refresh_from_db()
    assert made.draft == before


def test_a_draft_that_somebody_else_saved_is_not_overwritten(market: Market) -> None:
    made = market.draft()
    revision = made.revision
    services.save_draft(
        request=made, document={**made.draft, "title": "Theirs"}, actor=market.researcher, revision=revision
    )
    refused(
        "draft_changed",
        services.save_draft,
        request=made,
        document={**made.draft, "title": "Mine"},
        actor=market.researcher,
        revision=revision,
    )
    made.refresh_from_db()
    assert made.title == made.draft["title"] == "Theirs"


def test_a_request_that_blocks_is_not_submitted(market: Market) -> None:
    made = services.create_request(
        organization=market.group, title="Too little said", category="cxr", actor=market.researcher
    )
    refusal = refused("spec_blocked", services.submit_request, request=made, actor=market.researcher)
    assert refusal.message.startswith("4 things block posting.")
    made.refresh_from_db()
    assert made.status == "draft"


def test_an_organization_that_is_not_verified_submits_nothing(market: Market) -> None:
    made = market.draft()
    Organization.objects.filter(pk=market.group.pk).update(status="pending")
    refused(
        "organization_not_verified",
        services.submit_request,
        request=DatasetRequest.objects.get(pk=made.pk),
        actor=market.researcher,
    )


def test_submitting_tells_staff_and_opening_tells_the_owner(market: Market) -> None:
    made = market.open()
    assert Notification.objects.filter(user=market.reviewer, event="request.submitted").count() == 1
    told = Notification.objects.get(user=market.researcher, event="request.opened")
    assert made.title in told.text
    assert told.url == made.get_absolute_url()
    assert not Notification.objects.filter(user=market.stranger).exists()


def test_opening_freezes_version_one_with_facets_and_derived_columns(market: Market) -> None:
    made = market.open()
    version = SpecVersion.objects.get(request=made)
    spec = DatasetSpec.model_validate(version.document)
    assert (version.number, version.sha256) == (1, spec_sha256(spec))
    assert made.deadline == spec.delivery.deadline
    assert made.minimum_images == 3000
    assert made.report_linkage == "optional"
    facets = {(facet.kind, facet.value) for facet in made.facets.all()}
    assert {("projection", "AP"), ("finding", "Pneumothorax"), ("annotation", "mask")} <= facets
    assert "Pneumothorax: " in made.listing.findings
    assert (made.listing.version, made.listing.images) == (1, made.minimum_images)
    assert canonical_json(spec) == canonical_json(DatasetSpec.model_validate(made.draft))


def test_only_staff_open_and_nobody_opens_their_own(market: Market) -> None:
    made = market.submitted()
    refused("staff_only", services.open_request, request=made, actor=market.researcher)
    insider = ReviewerFactory.create()
    Membership.objects.create(user=insider, organization=market.group, role=Role.VIEWER)
    refused("conflict_of_interest", services.open_request, request=made, actor=insider)
    refused("conflict_of_interest", services.return_request, request=made, note="No", actor=insider)
    made.refresh_from_db()
    assert made.status == "submitted"


def test_a_returned_request_carries_the_note_until_it_is_submitted_again(market: Market) -> None:
    made = market.submitted()
    refused("note_missing", services.return_request, request=made, note="  ", actor=market.reviewer)
    returned = services.return_request(request=made, note="Name the ethics board.", actor=market.reviewer)
    assert (returned.status, returned.status_note) == ("draft", "Name the ethics board.")
    assert Notification.objects.filter(user=market.researcher, event="request.returned").exists()
    again = services.submit_request(request=returned, actor=market.researcher)
    assert again.status_note == ""


def test_a_request_is_opened_once(market: Market) -> None:
    made = market.submitted()
    services.open_request(request=made, actor=market.reviewer)
    with pytest.raises(StaleState):
        services.open_request(request=made, actor=market.reviewer)
    assert SpecVersion.objects.filter(request=made).count() == 1


def test_an_open_request_is_not_edited_as_a_draft(market: Market) -> None:
    made = market.open()
    refused("not_a_draft", services.save_draft, request=made, document=document(), actor=market.researcher)


def test_an_amendment_opens_the_next_version_with_a_readable_difference(market: Market) -> None:
    offer = market.offer()
    made = offer.request
    changed = document()
    changed["cohort"]["images"]["min"] = 3500
    changed["projections"] = changed["projections"][:2]
    version, changes = services.amend_request(request=made, document=changed, actor=market.researcher)
    assert version.number == 2
    assert any("3,500" in (change.after or "") for change in changes)
    assert any(change.kind == "removed" for change in changes)
    made.refresh_from_db()
    assert made.minimum_images == 3500
    assert not made.facets.filter(kind="projection", value="PA").exists()
    assert SpecVersion.objects.get(request=made, number=1).sha256 != version.sha256
    offer.refresh_from_db()
    assert offer.spec_version.number == 1
    assert Notification.objects.filter(user=market.manager, event="request.amended").count() == 1


def test_an_amendment_that_changes_nothing_or_of_a_draft_is_refused(market: Market) -> None:
    refused(
        "nothing_changed",
        services.amend_request,
        request=market.open(),
        document=document(),
        actor=market.researcher,
    )
    refused("not_open", services.amend_request, request=market.draft(), document=document(), actor=market.researcher)


def test_closing_declines_the_offers_that_wait(market: Market) -> None:
    offer = market.offer()
    closed = services.close_request(request=offer.request, actor=market.researcher)
    offer.refresh_from_db()
    assert (closed.status, offer.status, offer.status_note) == ("closed", "declined", "The request was closed.")
    assert Notification.objects.filter(user=market.manager, event="offer.decided").exists()


@pytest.mark.parametrize("stage", ["draft", "submitted", "open"])
def test_a_request_is_cancelled_at_any_stage_before_its_end(market: Market, stage: str) -> None:
    made = getattr(market, stage)()
    cancelled = services.cancel_request(request=made, note="Funding fell through.", actor=market.researcher)
    assert (cancelled.status, cancelled.status_note) == ("cancelled", "Funding fell through.")
    refused("request_over", services.cancel_request, request=cancelled, actor=market.researcher)


def test_a_stranger_moves_nothing(market: Market) -> None:
    made = market.open()
    for call in (services.close_request, services.cancel_request):
        refused("role_lacks_capability", call, request=made, actor=market.stranger)
    refused(
        "role_lacks_capability",
        services.amend_request,
        request=made,
        document=document(),
        actor=member(OrganizationFactory.create()),
    )


def test_a_whole_life_leaves_an_unbroken_audit_chain(market: Market) -> None:
    services.close_request(request=market.offer().request, actor=market.researcher)
    assert list(verify()) == []
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert {
        "datasetrequest.created",
        "datasetrequest.submitted",
        "datasetrequest.open",
        "specversion.frozen",
        "offer.submitted",
        "offer.declined",
        "datasetrequest.closed",
    } <= verbs
