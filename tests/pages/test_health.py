"""The health address: true words, no details."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from fulfillment import ledger
from fulfillment.models import Pulse, SourceFileStatus
from getdata.common import queue, storage
from tests.fulfillment.test_ledger import waiting_file

pytestmark = pytest.mark.django_db


def test_a_healthy_portal_says_so(client: Client) -> None:
    response = client.get("/healthz")
    assert response.status_code == 200 and response.json() == {"ok": True, "database": True, "cache": True}


def test_a_lost_database_is_named_without_details(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> Any:
        raise RuntimeError("postgresql://user:secret@host")

    monkeypatch.setattr(connection, "cursor", gone)
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {"ok": False, "database": False, "cache": True}
    assert b"secret" not in response.content


def test_a_cache_that_forgets_is_noticed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "get", lambda *_, **__: None)
    response = client.get("/healthz")
    assert response.status_code == 503 and response.json()["cache"] is False


def sweep_ran(seconds_ago: float) -> None:
    Pulse.objects.update_or_create(
        name=ledger.SWEEP, defaults={"at": timezone.now() - timedelta(seconds=seconds_ago), "count": 0}
    )


def test_a_portal_that_can_work_is_ready(client: Client) -> None:
    sweep_ran(5)
    response = client.get("/readyz")
    parts = ("database", "cache", "broker", "storage", "staging", "sweeper")
    assert response.json() == {"ok": True, **dict.fromkeys(parts, True)}
    assert response.status_code == 200


def test_without_a_sweeper_or_room_or_broker_or_store_it_is_not_ready_and_says_which(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def down(*_: object) -> bool:
        raise ConnectionError("https://key:secret@store")

    sweep_ran(1000)
    settings.STAGING_RESERVE_BYTES = 10**18
    monkeypatch.setattr(queue, "depth", lambda _: None)
    monkeypatch.setattr(type(storage.released()), "exists", down)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert [name for name, fine in response.json().items() if not fine] == [
        "ok",
        "broker",
        "storage",
        "staging",
        "sweeper",
    ]
    assert b"secret" not in response.content


def test_the_sweeper_leaves_a_pulse(client: Client) -> None:
    ledger.sweep()
    assert client.get("/readyz").json()["sweeper"] is True


# --- figures ----------------------------------------------------------------------------------------------------------


def test_the_figures_are_counted_from_the_ledger_and_name_nobody(client: Client) -> None:
    file = waiting_file()
    held = ledger.claim(waiting_file(batch=file.batch).pk)
    assert held is not None
    ledger.settle(held, SourceFileStatus.REJECTED, reason="VIEW_MISMATCH", seconds=0.3)
    said = client.get("/metrics").content.decode()
    for line in (
        'getdata_files{status="received"} 1.0',
        'getdata_files_withheld{reason="VIEW_MISMATCH",status="rejected"} 1.0',
        'getdata_file_moves_total{status="rejected"} 1.0',
        'getdata_file_seconds_bucket{le="0.25"} 0.0',
        'getdata_file_seconds_bucket{le="0.5"} 1.0',
        "getdata_file_seconds_sum 0.3",
        'getdata_queue_messages{queue="files"} 0.0',
    ):
        assert line in said
    assert file.batch.fulfillment.hospital.name not in said and "process_resident_memory_bytes" in said


def test_the_figures_are_for_this_machine_or_for_the_token_alone(client: Client, settings: Any) -> None:
    assert client.get("/metrics", REMOTE_ADDR="192.168.0.7").status_code == 404
    assert client.get("/metrics", HTTP_X_FORWARDED_FOR="127.0.0.1").status_code == 404
    settings.METRICS_TOKEN = "a token of the monitoring"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer another").status_code == 404
    assert client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {settings.METRICS_TOKEN}").status_code == 200


def test_in_production_the_figures_need_a_token(client: Client, settings: Any) -> None:
    settings.PRODUCTION = True
    assert client.get("/metrics").status_code == 404
