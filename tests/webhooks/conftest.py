"""Fixtures of the webhooks' tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.requests_app.people import Market
from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """An endpoint of this machine that the portal may send to."""
    with receiving() as found:
        settings.WEBHOOK_TEST_HOSTS = [found.host]
        yield found


@pytest.fixture
def market(db: Any) -> Market:
    """People and organizations of a small market."""
    return Market()
