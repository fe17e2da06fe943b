"""Co-authors: who may be one, what an editor may do, and when it ends."""

from __future__ import annotations

from getdata.accounts.models import Membership, Role
from getdata.audit.models import AuditEvent
from getdata.notifications.models import Notification
from requests_app.models import Coauthor, DatasetRequest
from requests_app.services import coauthors, drafts
from requests_app.services import requests as services
from tests.factories import member
from tests.requests_app.people import Market
from tests.requests_app.test_requests import refused


def test_an_editor_saves_but_does_not_submit(market: Market) -> None:
    item, reader = market.draft(), member(market.group, Role.READER)
    refused("role_lacks_capability", drafts.save_draft, request=item, document=item.draft, actor=reader)
    added = coauthors.add_coauthor(request=item, email=reader.email.upper(), part="editor", actor=market.researcher)
    assert drafts.may_write(reader, item)
    saved = drafts.save_draft(request=item, document={**item.draft, "title": "Ours"}, actor=reader)
    assert (saved.title, saved.revision, saved.edited_by) == ("Ours", item.revision + 1, reader)
    refused("role_lacks_capability", services.submit_request, request=item, actor=reader)
    assert Notification.objects.get(user=reader, event="coauthor.added").url.endswith("/edit/")
    assert AuditEvent.objects.filter(verb="coauthor.added", target_id=str(added.pk)).count() == 1


def test_a_viewer_follows_and_does_not_edit(market: Market) -> None:
    item, reader = market.draft(), member(market.group, Role.VIEWER)
    coauthors.add_coauthor(request=item, email=reader.email, part="viewer", actor=market.researcher)
    assert DatasetRequest.objects.visible_to(reader).contains(item)
    assert not drafts.may_write(reader, item)


def test_the_part_ends_with_the_place_in_the_organization(market: Market) -> None:
    item, reader = market.draft(), member(market.group, Role.READER)
    coauthors.add_coauthor(request=item, email=reader.email, part="editor", actor=market.researcher)
    Membership.objects.filter(user=reader).delete()
    assert not drafts.may_write(reader, item)
    assert not DatasetRequest.objects.visible_to(reader).contains(item)


def test_only_members_are_added_and_whoever_writes_adds_them(market: Market) -> None:
    item, reader = market.draft(), member(market.group, Role.READER)
    call = {"request": item, "actor": market.researcher}
    for email in (market.other.email, "nobody@example.org", ""):
        refused("not_a_member", coauthors.add_coauthor, email=email, part="editor", **call)
    refused("unknown_part", coauthors.add_coauthor, email=reader.email, part="owner", **call)
    refused(
        "role_lacks_capability", coauthors.add_coauthor, request=item, email=reader.email, part="editor", actor=reader
    )


def test_the_part_is_changed_and_taken_away_on_the_record(market: Market) -> None:
    item, reader = market.draft(), member(market.group, Role.READER)
    call = {"request": item, "email": reader.email, "actor": market.researcher}
    coauthors.add_coauthor(part="editor", **call)
    changed = coauthors.add_coauthor(part="viewer", **call)
    assert Coauthor.objects.get() == changed
    refused(
        "role_lacks_capability", coauthors.remove_coauthor, coauthor=changed, actor=member(market.group, Role.VIEWER)
    )
    coauthors.remove_coauthor(coauthor=changed, actor=reader)
    assert not Coauthor.objects.exists()
    assert set(AuditEvent.objects.filter(verb__startswith="coauthor").values_list("verb", flat=True)) == {
        "coauthor.added",
        "coauthor.changed",
        "coauthor.removed",
    }
