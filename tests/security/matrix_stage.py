"""One market with a thing of each kind, and everybody who might ask for it: the stage of the permission matrix."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from fulfillment.models import DicomSender, Image, LabelImport, Report
from fulfillment.services import releases
from getdata.accounts.models import ApiToken, Invitation, Membership, Organization, Role, User
from getdata.notifications.models import Notification
from getdata.webhooks.models import Delivery, Endpoint
from requests_app.models import Agreement, Coauthor, Feasibility, Question, SavedSearch
from tests import factories
from tests.support.access import named
from tests.support.images import accepted_batch, label, sealed_batch, signed_fulfillment, source_file

#: Letter -> who. The asker's people are those of the group whose request it is; the hospital's those who deliver to it.
PEOPLE = {
    "v": "visitor, not signed in",
    "n": "somebody who belongs nowhere",
    "r": "owner of another hospital",
    "O": "asker: owner",
    "S": "asker: signatory",
    "D": "asker: data manager",
    "R": "asker: reader",
    "W": "asker: viewer",
    "o": "hospital: owner",
    "s": "hospital: signatory",
    "p": "hospital: privacy officer",
    "d": "hospital: data manager",
    "w": "hospital: viewer",
    "x": "reviewer",
    "a": "administrator",
}


@dataclass
class Market:
    """Who is there, and what: the value of each parameter of a route, by the word of the path before it."""

    people: dict[str, User | None]
    keys: dict[str, str]
    hospital: Organization


def market() -> Market:
    """Build it; some two hundred rows."""
    under = signed_fulfillment()
    request, hospital = under.request, under.hospital
    asker = request.organization
    people: dict[str, User | None] = {"v": None, "n": factories.UserFactory.create()}
    people["r"] = factories.member(factories.HospitalFactory.create())
    for letter, role in (("O", Role.OWNER), ("S", Role.SIGNATORY), ("D", Role.DATA_MANAGER), ("R", Role.READER)):
        people[letter] = factories.member(asker, role)
    people["W"] = factories.member(asker, Role.VIEWER)
    for letter, role in (("o", Role.OWNER), ("s", Role.SIGNATORY), ("p", Role.PRIVACY_OFFICER)):
        people[letter] = factories.member(hospital, role)
    people["d"], people["w"] = factories.member(hospital, Role.DATA_MANAGER), factories.member(hospital, Role.VIEWER)
    people["x"], people["a"] = factories.ReviewerFactory.create(), factories.AdministratorFactory.create()
    owner = people["o"]
    assert owner is not None and people["O"] is not None

    accepted_batch(under, images=1)
    made = releases.prepare_release(request=request, actor=factories.ReviewerFactory.create())
    releases.build_release(made.pk)
    made.refresh_from_db()
    release = releases.publish_release(release=made, actor=factories.AdministratorFactory.create())
    grant = release.grants.get()
    waiting = sealed_batch(under, images=1)
    filling = factories.batch(under)
    passed = source_file(filling)
    picture = Image.objects.get(source__batch=waiting)
    for letter in "OR":
        somebody = people[letter]
        assert somebody is not None
        named(grant, somebody)
    hook = Endpoint.objects.create(organization=hospital, url="https://hook.example/x", created_by=owner)
    later = timezone.now() + timedelta(days=9)
    invitation = Invitation.objects.create(
        organization=hospital,
        email="new@example.org",
        role=Role.VIEWER,
        token_hash=uuid.uuid4().hex,
        invited_by=owner,
        expires_at=later,
    )
    question = Question.objects.create(request=request, asked_by=owner, text="Which views?")
    counted = Feasibility.objects.create(
        request=request,
        spec_version=under.offer.spec_version,
        hospital=hospital,
        counted_by=owner,
        counts={},
        source="form",
    )
    table = LabelImport.objects.create(
        batch=filling, created_by=owner, sealed_name=b"GD1", size=1, content_digest="c", status="failed"
    )
    report = Report.objects.create(batch=waiting, source=source_file(waiting), row=1, state="waiting")
    sender = DicomSender.objects.create(hospital=hospital, ae_title="PACS", address="192.0.2.7", created_by=owner)
    search = SavedSearch.objects.create(user=owner, name="Mine", query="q=effusion")
    note = Notification.objects.create(user=owner, event="offer.submitted", text="A note.", url="/dashboard/")
    token = ApiToken.objects.create(user=owner, name="t", token_hash=uuid.uuid4().hex, scopes=[], expires_at=later)
    coauthor = Coauthor.objects.create(request=request, user=people["D"], invited_by=people["O"], part="editor")
    delivery = Delivery.objects.create(endpoint=hook, topic="offer.submitted", event_id=uuid.uuid4(), body="{}")
    keys: dict[str, Any] = {
        "organizations": hospital.slug,
        "hospitals": hospital.slug,
        "matches": hospital.slug,
        "members": Membership.objects.get(user=people["w"]).pk,
        "invitations": invitation.pk,
        "mine": invitation.pk,
        "webhooks": hook.pk,
        "deliveries of webhooks": delivery.pk,
        "dicom": sender.pk,
        "requests": request.slug,
        "match-counts": request.slug,
        "questions": question.pk,
        "coauthors": coauthor.pk,
        "counts": counted.pk,
        "feasibilities": counted.pk,
        "offers": under.offer.pk,
        "agreements": Agreement.objects.get().pk,
        "fulfillments": under.pk,
        "deliveries": under.pk,
        "batches": filling.pk,
        "review batches": waiting.pk,
        "files": passed.pk,
        "images": picture.pk,
        "labels": label(picture, "Pneumothorax").pk,
        "label-imports": table.pk,
        "reports": report.pk,
        "releases": release.pk,
        "grants": grant.pk,
        "names": grant.named.first().pk,
        "saved-searches": search.pk,
        "notifications": note.pk,
        "tokens": token.pk,
        "categories": "cxr",
        "taxonomies": "getdata-cxr",
        "checklist": "legal-name",
        "edit": "purpose",
    }
    return Market(people, {word: str(value) for word, value in keys.items()}, hospital)
