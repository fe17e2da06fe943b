"""Several writers at once leave one chain."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from getdata.audit.chain import record, verify
from getdata.audit.models import AuditEvent
from tests.factories import UserFactory


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_leave_one_unbroken_chain() -> None:
    user = UserFactory.create()
    start, errors = threading.Barrier(4), []

    def write() -> None:
        try:
            start.wait(20)
            for number in range(5):
                record(verb="test.happened", target=user, data={"number": number})
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert AuditEvent.objects.count() == 20
    assert list(verify()) == []
