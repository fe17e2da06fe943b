"""Break-glass: with a reason, for a short time, told at once, every look recorded, ended by the hospital when it likes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from getdata.accounts.models import Role
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification, OutboxMail
from getdata.trust import openings
from getdata.trust.models import ScopeOpening
from tests.factories import ReviewerFactory, member
from tests.fulfillment.uploads.conftest import Scene, Tus

pytestmark = pytest.mark.django_db
REASON = "Complaint 4711: a name is said to show in a file of this batch."


def test_staff_look_under_an_opening_that_the_hospital_hears_of_reads_and_ends(
    scene: Scene, tus: Tus, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)
    tus.send("MUELLER_HANS.dcm", b"\0" * 128 + b"DICM")
    hospital, files = scene.batch.fulfillment.hospital, f"/batches/{scene.batch.pk}/"
    page = f"/organizations/{hospital.slug}/openings/"
    officer, reviewer, other = (
        member(hospital, Role.PRIVACY_OFFICER),
        ReviewerFactory.create(),
        ReviewerFactory.create(),
    )
    client.force_login(officer)
    empty = client.get(page).content.decode()
    assert "Nobody has looked" in empty and "Open the protected material" not in empty
    assert client.post(page, {"reason": REASON, "minutes": 10}).status_code == 200 and not ScopeOpening.objects.exists()

    client.force_login(reviewer)
    assert "MUELLER" not in client.get(files).content.decode()
    assert "at least 20" in client.post(page, {"reason": "because", "minutes": 10}).content.decode()
    assert client.post(page, {"reason": REASON, "minutes": 10}).status_code == 302
    opening = ScopeOpening.objects.get()
    assert Notification.objects.filter(user=officer, event="scope.opened", url=page).exists()
    mailed = OutboxMail.objects.get(to=officer.email)
    assert REASON not in mailed.body and "opened the protected material" in mailed.body
    for _ in range(2):
        assert "MUELLER" in client.get(files).content.decode()
    looks = AuditEvent.objects.filter(verb="names.viewed", actor_id=str(reviewer.pk))
    assert [event.data["opening"] for event in looks] == [str(opening.pk)] * 2, "each look, with the opening"
    with pytest.raises(CannotDo, match="already"):
        openings.open_scope(organization=hospital, actor=reviewer, reason=REASON, minutes=10)
    client.force_login(other)
    assert "MUELLER" not in client.get(files).content.decode(), "it is one person's"

    client.force_login(officer)
    shown = client.get(page).content.decode()
    assert REASON in shown and "Open now" in shown and "End it now" in shown
    client.post(f"{page}{opening.pk}/end/")
    client.force_login(reviewer)
    assert "MUELLER" not in client.get(files).content.decode()
    assert "Ended" in client.get(page).content.decode()
    verbs = AuditEvent.objects.filter(target_id=str(opening.pk)).order_by("id").values_list("verb", "actor_id")
    assert list(verbs) == [("scope.opened", str(reviewer.pk)), ("scope.closed", str(officer.pk))]


def test_an_opening_ends_by_itself_and_only_staff_outside_the_hospital_get_one(scene: Scene, settings: Any) -> None:
    hospital, reviewer = scene.batch.fulfillment.hospital, ReviewerFactory.create()
    refused = [
        (scene.manager, REASON, 10, "staff_only"),
        (reviewer, REASON, settings.OPENING_MINUTES + 1, "opening_too_long"),
        (reviewer, "x" * 19, 10, "reason_too_short"),
    ]
    for person, reason, minutes, code in refused:
        with pytest.raises(CannotDo) as caught:
            openings.open_scope(organization=hospital, actor=person, reason=reason, minutes=minutes)
        assert caught.value.code == code
    opening = openings.open_scope(organization=hospital, actor=reviewer, reason=REASON, minutes=10)
    assert openings.opening_for(reviewer, hospital) == opening
    with pytest.raises(CannotDo):
        openings.end_opening(opening=opening, actor=scene.viewer)
    ScopeOpening.objects.filter(pk=opening.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert openings.opening_for(reviewer, hospital) is None
    assert openings.end_expired() == 1 and openings.end_expired() == 0
    again = openings.open_scope(organization=hospital, actor=reviewer, reason=REASON, minutes=1)
    reviewer.staff_role = ""
    reviewer.save()
    assert again.is_running and openings.opening_for(reviewer, hospital) is None, "the role went, and the look with it"
