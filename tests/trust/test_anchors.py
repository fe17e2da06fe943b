"""Anchors of the audit log: what the chain alone cannot show, they show, and name the place."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from getdata.audit.chain import digest, record
from getdata.audit.models import AuditEvent
from getdata.common import storage
from getdata.notifications.models import OutboxMail
from getdata.trust import anchors, signing
from getdata.trust.models import AuditAnchor
from tests.audit.test_chain import triggers_aside
from tests.factories import UserFactory
from tests.support.evidence import evidence_aside

pytestmark = pytest.mark.django_db


def events(count: int) -> list[AuditEvent]:
    user = UserFactory.create()
    return [record(verb="test.happened", target=user, data={"number": number}) for number in range(count)]


@pytest.fixture(autouse=True)
def _no_file_of_another_test() -> None:
    store = storage.released()
    for number in range(1, 9):
        store.delete(anchors.key_of(number))


def rewrite_from(event: AuditEvent) -> None:
    """What somebody with the database's password and our source can do: change a row and make every hash after it anew."""
    with triggers_aside():
        previous = event.previous_hash
        for row in AuditEvent.objects.filter(pk__gte=event.pk).order_by("id"):
            if row.pk == event.pk:
                row.data = {"number": 99}
            row.previous_hash = previous
            previous = digest(row)
            # One column after the other: a hash is unique.
            AuditEvent.objects.filter(pk=row.pk).update(data=row.data, previous_hash=row.previous_hash, hash=previous)


def said(verdict: anchors.Verdict) -> str:
    return " | ".join(f"{shown.anchor}: {shown.problem}" for shown in verdict.disagreements)


def test_an_untouched_log_agrees_with_its_anchors_and_their_files(settings: Any, tmp_path: Path) -> None:
    settings.ANCHOR_MAIL = ["keeper@hospital.example"]
    made = events(3)
    first = anchors.anchor_due()
    assert first is not None and (first.events, first.event_id, first.head) == (3, made[-1].pk, made[-1].hash)
    assert anchors.anchor_due() is None, "one a day"
    second = anchors.anchor()
    anchors.export_missing()
    assert storage.get(storage.released(), anchors.key_of(second.number)).decode() == second.text
    mailed = OutboxMail.objects.filter(to="keeper@hospital.example").order_by("created_at")
    assert [first.text in mailed[0].body, second.text in mailed[1].body] == [True, True]
    kept = tmp_path / "anchor.json"
    kept.write_text(first.text)
    out = StringIO()
    call_command("verify_audit", "--anchor", str(kept), stdout=out)
    assert "chain whole, 3 anchor(s) agree" in out.getvalue()


def test_a_rewritten_log_is_whole_by_its_chain_and_shown_by_the_anchor(tmp_path: Path) -> None:
    made = events(5)
    row = anchors.anchor()
    anchors.export_missing()
    rewrite_from(made[1])
    verdict = anchors.check()
    assert verdict.breaks == [], "the chain alone does not show it"
    assert f"event {row.event_id} had another hash" in said(verdict)
    with pytest.raises(CommandError, match="broken against anchor 1"):
        call_command("verify_audit", stderr=StringIO())


def test_a_tail_that_was_cut_off_is_shown_with_the_event_it_was_cut_after() -> None:
    made = events(5)
    row = anchors.anchor()
    anchors.export_missing()
    with triggers_aside():
        AuditEvent.objects.filter(pk__gt=made[2].pk).delete()
    assert anchors.check().breaks == []
    assert f"cut off after event {made[2].pk}" in said(anchors.check())
    # The database's anchor goes with the rows: the file in the storage, or one kept elsewhere, still shows it.
    with evidence_aside():
        AuditAnchor.objects.all().delete()
    assert "the database has no such anchor" in said(anchors.check())
    storage.released().delete(anchors.key_of(row.number))
    assert anchors.check().whole
    assert f"cut off after event {made[2].pk}" in said(anchors.check([("mailed", row.text)]))


def test_an_anchor_that_was_altered_removed_or_signed_by_a_stranger_is_not_believed(settings: Any) -> None:
    events(2)
    row, other = anchors.anchor(), anchors.anchor()
    anchors.export_missing()
    forged = json.loads(row.text)
    forged["head"] = "f" * 64
    assert "its signature does not fit" in said(anchors.check([("forged", json.dumps(forged))]))
    del forged["signature"]
    seed, settings.GETDATA_SIGNING_KEY = settings.GETDATA_SIGNING_KEY, b"s" * 32
    strange = signing.signed(forged)
    settings.GETDATA_SIGNING_KEY = seed
    assert "key that is not known here" in said(anchors.check([("strange", strange)]))
    assert "not a signed document" in said(anchors.check([("nonsense", "{}")]))
    with evidence_aside():
        AuditAnchor.objects.filter(pk=row.pk).delete()
    assert f"anchor {row.number}: it is missing in the database" in said(anchors.check())
    assert other.number == 2


def test_what_was_done_to_the_chain_is_told_apart() -> None:
    made = events(6)
    with triggers_aside():
        AuditEvent.objects.filter(pk=made[1].pk).delete()
    assert [problem.problem for problem in anchors.check().breaks] == [
        f"its predecessor is not there: a row between events {made[0].pk} and {made[2].pk} was removed "
        f"(numbers {made[1].pk} to {made[1].pk} are not there), or event {made[0].pk} was rewritten with a fresh hash"
    ]
    with triggers_aside():
        for source, target in ((made[3].pk, 10**9), (made[4].pk, made[3].pk), (10**9, made[4].pk)):
            AuditEvent.objects.filter(pk=source).update(id=target)
    assert any("reordered" in problem.problem for problem in anchors.check().breaks)
