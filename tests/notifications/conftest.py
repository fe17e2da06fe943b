"""Fixtures of the notifications' tests."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def market(db: Any) -> Any:
    """People and organizations of a small market."""
    from tests.requests_app.people import Market

    return Market()
