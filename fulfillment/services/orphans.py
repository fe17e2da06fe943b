"""Sealed objects in quarantine that no row names: left by a process that died between sealing and the ledger.

They are somebody's originals all the same. After a stated age, in which any upload would have entered the ledger, they are
destroyed, and the audit log says so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from fulfillment.sealed_things import named_by_a_row
from getdata.accounts.models import Organization
from getdata.audit.chain import record
from getdata.common import storage, stored_objects

logger = logging.getLogger("getdata.orphans")
_AT_ONCE = 200


def sweep_orphans(*, now: datetime | None = None) -> int:
    """Destroy the orphans that are old enough, each with an event. Returns how many. Raises ``storage.Unreachable``."""
    now = now or timezone.now()
    store, destroyed = storage.quarantine(), 0
    for key, written in orphans():
        if written > now - timedelta(hours=settings.ORPHAN_HOURS) or named_by_a_row([key]):
            continue
        size = storage.persist(partial(store.size, key))
        storage.persist(partial(store.delete, key))
        owner = _owner(key)
        if owner is None:
            logger.warning("orphan.of_nobody", extra={"count": 1})
            continue
        record(
            verb="original.orphan_destroyed",
            target=owner,
            organization_id=owner.pk,
            data={"object": key[:200], "bytes": size, "written_at": written.isoformat()},
        )
        destroyed += 1
    return destroyed


def orphans() -> Iterator[tuple[str, datetime]]:
    """Keys of objects that no row names, with the time they were written."""
    store = storage.quarantine()
    keys = stored_objects.keys(store)
    while page := list(islice(keys, _AT_ONCE)):
        known = named_by_a_row(page)
        for key in page:
            if key not in known:
                try:
                    yield key, stored_objects.written_at(store, key)
                except FileNotFoundError:
                    continue


def _owner(key: str) -> Organization | None:
    """The hospital whose folder it lies in."""
    try:
        return Organization.objects.filter(pk=UUID(key.partition("/")[0])).first()
    except ValueError:
        return None
