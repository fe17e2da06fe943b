"""The health address: true words, no details."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

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
