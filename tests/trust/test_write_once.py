"""Evidence is written once: the database itself refuses to change or remove it, and a new table of evidence is decided on."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from fulfillment import write_once
from getdata.trust import anchors

#: Tables of immutable rows that no trigger holds, and why not.
LEFT_OUT = {
    "fulfillment_releaseundo": "goes with a draft that is discarded; the audit log keeps the move back",
    "fulfillment_inspection": "the draw is an event, with its seed and sizes, and can be drawn again from them",
    "fulfillment_imagelook": "goes with an image that a retried file leaves behind",
    "requests_app_agreement": "its digest stands beside each signature, which is held; verify_storage compares",
    "requests_app_specversion": "its digest stands in each signed agreement over it; verify_storage compares",
    "requests_app_feasibility": "goes with the profile of a hospital that never made an offer",
    "fulfillment_duplicatedecision": "goes with an image that a retried file leaves behind; the audit log keeps the decision",
    "fulfillment_duplicatehit": "goes with an image that a retried file leaves behind",
    "fulfillment_publisheddecision": "goes with an image that a retried file leaves behind; the audit log keeps the decision",
    "fulfillment_publishedhit": "goes with an image that a retried file leaves behind",
    "fulfillment_qualityscore": "goes with an image that a retried file leaves behind",
    "fulfillment_report": "its link to the sealed original is emptied when the original is destroyed",
    "fulfillment_rereading": "goes with a batch that is open again",
    "fulfillment_rereadinganswer": "goes with an image that a retried file leaves behind",
    "fulfillment_reviewnote": "goes with its file",
    "fulfillment_releaseitem": "goes with a draft that is discarded; the package's manifest is signed for",
}


@pytest.mark.django_db
def test_the_database_refuses_to_change_or_remove_evidence() -> None:
    anchors.anchor()
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
        assert set(write_once.EVIDENCE) <= present
        for statement in ("UPDATE trust_auditanchor SET events = 0", "DELETE FROM trust_auditanchor"):
            with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
                cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        names = {name for (name,) in cursor.fetchall()}
    assert {f"{table}_{kind}" for table in write_once.EVIDENCE for kind in ("no_update", "no_delete")} <= names
