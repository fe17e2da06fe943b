"""Database triggers that keep evidence as it was written, whoever asks: labels and their shapes, audits of releases, signatures,
certificates, decisions of reviewers, attestations, the ledger of downloads, the timelines of incidents, anchors of the audit log.

They are put in place after every ``migrate`` and step aside during one, because SQLite rebuilds a table to alter it and loses its
triggers. What may change is a label's link to its image, once from nothing to an image, and back when a retried file's image goes.
An audit goes with a draft of a release that is discarded, never with a published one.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

LABELS = "fulfillment_label"
SHAPES = "fulfillment_annotation"
AUDITS = "fulfillment_auditresult"
#: Rows that nobody ever changes or removes.
EVIDENCE = (
    "requests_app_signature",
    "fulfillment_review",
    "fulfillment_deidcertificate",
    "fulfillment_attestation",
    "fulfillment_downloadevent",
    "fulfillment_downloadedfile",
    "fulfillment_originalsdestruction",
    "fulfillment_withdrawnimage",
    "fulfillment_destructionattestation",
    "fulfillment_incidentparty",
    "fulfillment_incidententry",
    "trust_auditanchor",
)
_RELEASES = "fulfillment_release"
_LINK = "image_id"
_MESSAGE = "labels and annotations are written once; add a row that supersedes"
_EVIDENCE_MESSAGE = "evidence is written once; add another row"
_AUDIT_MESSAGE = "audits of releases are written once; make another"
# A draft may go, and what hangs on it with it.
_KEPT = f"EXISTS (SELECT 1 FROM {_RELEASES} WHERE id = OLD.release_id AND status <> 'draft')"  # noqa: S608 (names of ours)


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers for the tables that are there. Raises NotImplementedError on a database we do not support."""
    remove(connection)
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION write_once_refuse() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{_MESSAGE}'; END $$"
            )
        for table in (LABELS, SHAPES):
            if table not in present:
                continue
            columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
            for name, when in _events(table, columns).items():
                if connection.vendor == "sqlite":
                    body = f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
                    cursor.execute(f"CREATE TRIGGER {name} BEFORE {when} {body}")
                else:
                    event, _, condition = when.partition(" WHEN ")
                    clause = f" WHEN {condition}" if condition else ""
                    cursor.execute(
                        f"CREATE TRIGGER {name} BEFORE {event} FOR EACH ROW{clause} EXECUTE FUNCTION write_once_refuse()"
                    )
            if connection.vendor == "postgresql":
                cursor.execute(
                    f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                    "FOR EACH STATEMENT EXECUTE FUNCTION write_once_refuse()"
                )
        if AUDITS in present:
            _install_audits(cursor, connection.vendor)
        for table in EVIDENCE:
            if table in present:
                _install_evidence(cursor, connection.vendor, table)


def _install_evidence(cursor: Any, vendor: str, table: str) -> None:
    if vendor == "sqlite":
        for event in ("UPDATE", "DELETE"):
            cursor.execute(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{_EVIDENCE_MESSAGE}'); END"
            )
        return
    cursor.execute(
        "CREATE OR REPLACE FUNCTION evidence_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_EVIDENCE_MESSAGE}'; END $$"
    )
    for name, event, each in (
        ("no_update", "UPDATE", "ROW"),
        ("no_delete", "DELETE", "ROW"),
        ("no_truncate", "TRUNCATE", "STATEMENT"),
    ):
        cursor.execute(
            f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} FOR EACH {each} EXECUTE FUNCTION evidence_refuse()"
        )


def _install_audits(cursor: Any, vendor: str) -> None:
    if vendor == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{_AUDIT_MESSAGE}'); END"
        cursor.execute(f"CREATE TRIGGER {AUDITS}_no_update BEFORE UPDATE ON {AUDITS} {refuse}")
        cursor.execute(f"CREATE TRIGGER {AUDITS}_no_delete BEFORE DELETE ON {AUDITS} WHEN {_KEPT} {refuse}")
        return
    cursor.execute(
        "CREATE OR REPLACE FUNCTION audit_result_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' AND NOT {_KEPT} THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION '{_AUDIT_MESSAGE}'; END $$"
    )
    for name, event in (("no_update", "UPDATE"), ("no_delete", "DELETE")):
        cursor.execute(
            f"CREATE TRIGGER {AUDITS}_{name} BEFORE {event} ON {AUDITS} FOR EACH ROW EXECUTE FUNCTION audit_result_refuse()"
        )
    cursor.execute(
        f"CREATE TRIGGER {AUDITS}_no_truncate BEFORE TRUNCATE ON {AUDITS} "
        "FOR EACH STATEMENT EXECUTE FUNCTION write_once_refuse()"
    )


def _events(table: str, columns: list[str]) -> dict[str, str]:
    """Trigger name -> when it refuses."""
    fixed = ", ".join(f'"{column}"' for column in columns if column != _LINK)
    events = {f"{table}_no_delete": f"DELETE ON {table}", f"{table}_no_update": f"UPDATE OF {fixed} ON {table}"}
    if _LINK in columns:
        moved = f"(OLD.{_LINK} IS NOT NULL AND NEW.{_LINK} IS NOT NULL AND OLD.{_LINK} <> NEW.{_LINK})"
        events[f"{table}_no_moving"] = f"UPDATE OF {_LINK} ON {table} WHEN {moved}"
    return events


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers: while a migration runs and for emptying a test database."""
    if connection.vendor not in ("sqlite", "postgresql"):
        raise NotImplementedError(f"GetDATA supports SQLite and PostgreSQL, not {connection.vendor}")
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
        for table in (LABELS, SHAPES, AUDITS, *EVIDENCE):
            for name in ("no_delete", "no_update", "no_moving", "no_truncate"):
                if connection.vendor == "sqlite":
                    cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}")
                elif table in present:
                    cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}")


def before_migrate(sender: Any, using: str, **kwargs: Any) -> None:
    """Signal receiver."""
    remove(connections[using])


def after_migrate(sender: Any, using: str, **kwargs: Any) -> None:
    """Signal receiver."""
    install(connections[using])
