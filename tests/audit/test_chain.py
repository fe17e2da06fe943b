"""The audit log: appended to, never changed, and any change is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from getdata.audit import triggers
from getdata.audit.chain import GENESIS, UnsafeAuditData, digest, record, verify
from getdata.audit.models import AuditEvent
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def triggers_aside() -> Iterator[None]:
    """What somebody with the database's own password can do; the chain must show it."""
    triggers.remove(connection)
    try:
        yield
    finally:
        triggers.install(connection)


def _events(count: int = 5) -> list[AuditEvent]:
    user = UserFactory.create()
    return [
        record(verb="test.happened", target=user, actor=user, organization_id="o1", data={"number": number})
        for number in range(count)
    ]


def _breaks() -> list[tuple[int, str]]:
    return [(broken.event_id, broken.problem) for broken in verify()]


def test_events_follow_each_other_and_an_untouched_chain_is_whole() -> None:
    events = _events()
    assert events[0].previous_hash == GENESIS
    assert [event.previous_hash for event in events[1:]] == [event.hash for event in events[:-1]]
    assert len({event.hash for event in events}) == 5
    assert _breaks() == []


def test_the_hash_survives_the_way_through_the_database() -> None:
    user = UserFactory.create()
    data = {"text": "Ünïcode “quoted”", "share": 0.1, "big": 2**53, "none": None, "yes": True, "list": ["a", 1]}
    event = record(verb="test.happened", target=user, data=data)
    stored = AuditEvent.objects.get(pk=event.pk)
    assert stored.hash == digest(stored) == event.hash
    assert _breaks() == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("verb", "test.other"),
        ("actor_id", "somebody-else"),
        ("actor_kind", "system"),
        ("target_id", "another"),
        ("target_type", "accounts.Other"),
        ("organization_id", "o2"),
        ("data", {"number": 99}),
    ],
)
def test_an_altered_column_is_found_at_its_row(column: str, value: Any) -> None:
    events = _events()
    with triggers_aside():
        AuditEvent.objects.filter(pk=events[2].pk).update(**{column: value})
    assert [event_id for event_id, _ in _breaks()] == [events[2].pk]
    assert "altered" in _breaks()[0][1]


def test_an_altered_time_is_found() -> None:
    from datetime import timedelta

    events = _events()
    with triggers_aside():
        AuditEvent.objects.filter(pk=events[1].pk).update(at=events[1].at + timedelta(microseconds=1))
    assert [event_id for event_id, _ in _breaks()] == [events[1].pk]


def test_an_alteration_with_a_fresh_hash_breaks_the_row_after_it() -> None:
    events = _events()
    forged = events[2]
    forged.data = {"number": 99}
    with triggers_aside():
        AuditEvent.objects.filter(pk=forged.pk).update(data=forged.data, hash=digest(forged))
    assert [event_id for event_id, _ in _breaks()] == [events[3].pk]


def test_a_removed_row_is_found_at_the_row_after_it() -> None:
    events = _events()
    with triggers_aside():
        AuditEvent.objects.filter(pk=events[2].pk).delete()
    assert _breaks()[0][0] == events[3].pk
    assert "removed" in _breaks()[0][1]


def test_a_removed_first_row_is_found() -> None:
    events = _events()
    with triggers_aside():
        AuditEvent.objects.filter(pk=events[0].pk).delete()
    assert [event_id for event_id, _ in _breaks()] == [events[1].pk]


def test_an_inserted_row_is_found() -> None:
    events = _events()
    last = events[-1]
    intruder = AuditEvent(
        id=last.pk + 1000,
        at=last.at,
        actor_kind="system",
        verb="test.never_happened",
        target_type="accounts.User",
        target_id="x",
        previous_hash=events[1].hash,
    )
    intruder.hash = digest(intruder)
    intruder.save(force_insert=True)
    assert [event_id for event_id, _ in _breaks()] == [intruder.pk]


def test_two_rows_that_changed_places_are_found() -> None:
    events = _events()
    first, second = events[1].pk, events[2].pk
    with triggers_aside():
        for source, target in ((first, 10**9), (second, first), (10**9, second)):
            AuditEvent.objects.filter(pk=source).update(id=target)
    assert len(_breaks()) >= 2


@pytest.mark.parametrize("act", ["update", "delete", "save", "raw update", "raw delete", "truncate"])
def test_the_database_refuses_to_change_or_remove_events(act: str) -> None:
    event = _events(1)[0]
    if act == "truncate" and connection.vendor != "postgresql":
        act = "raw delete"  # SQLite has no TRUNCATE: emptying is a DELETE
    acts = {
        "update": lambda: AuditEvent.objects.update(verb="other"),
        "delete": lambda: AuditEvent.objects.all().delete(),
        "save": event.save,
        "raw update": lambda: _execute(f"UPDATE {triggers.TABLE} SET verb = 'other'"),
        "raw delete": lambda: _execute(f"DELETE FROM {triggers.TABLE}"),
        "truncate": lambda: _execute(f"TRUNCATE {triggers.TABLE}"),
    }
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        acts[act]()
    assert AuditEvent.objects.get().verb == "test.happened"


class _Element:
    """Stands for a DICOM element, or anything else that is more than a plain value."""

    def __str__(self) -> str:
        return "DOE^JANE"


class _Text(str):
    """pydicom's PersonName and UID are subclasses of str."""


@pytest.mark.parametrize(
    "value",
    [_Element(), _Text("DOE^JANE"), b"bytes", {"nested": "x"}, [_Element()], [["x"]], {"a"}, "x" * 501],
    ids=["object", "str subclass", "bytes", "dict", "list of objects", "list of lists", "set", "long text"],
)
def test_anything_but_short_plain_values_is_refused_and_never_repeated(value: Any) -> None:
    with pytest.raises(UnsafeAuditData) as caught:
        record(verb="test.happened", target=UserFactory.create(), data={"field": value})
    assert "DOE" not in str(caught.value)
    assert not AuditEvent.objects.exists()


def test_who_acted_is_told_apart() -> None:
    user, scripted = UserFactory.create(), UserFactory.create()
    scripted.acting_token_id = "t1"
    for actor in (user, scripted, None, AnonymousUser()):
        record(verb="test.happened", target=user, actor=actor)
    rows = AuditEvent.objects.order_by("id").values_list("actor_kind", "actor_id")
    assert list(rows) == [("user", str(user.pk)), ("token", str(scripted.pk)), ("system", ""), ("visitor", "")]


def test_an_event_vanishes_with_the_transaction_that_it_belongs_to() -> None:
    user = UserFactory.create()
    with transaction.atomic():
        record(verb="test.happened", target=user)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


def test_the_command_says_whole_with_its_head_or_broken_with_its_place() -> None:
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert GENESIS in out.getvalue()
    events = _events(3)
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "3 events, chain whole" in out.getvalue()
    assert events[-1].hash in out.getvalue()
    with triggers_aside():
        AuditEvent.objects.filter(pk=events[1].pk).update(verb="other")
    with pytest.raises(CommandError, match=f"broken at event {events[1].pk}"):
        call_command("verify_audit", stderr=StringIO())
