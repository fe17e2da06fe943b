"""Is this process alive, is the portal able to work: booleans without details, for whatever watches it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from fulfillment.ledger import SWEEP
from fulfillment.models import Pulse
from getdata.common import queue, storage
from getdata.common.clock import database_now

#: Seconds for which an answer of the broker or the store is believed: whoever watches must not become their load.
_BELIEVED = 10


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Alive and able to reach database and cache. Says which part fails, nothing else."""
    return _answer({"database": database, "cache": _cache})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Able to take files in and to work on them: database, cache, broker, the stores, room in staging, a sweeper that runs."""
    return _answer(
        {
            "database": database,
            "cache": _cache,
            "broker": lambda: _believed("broker", lambda: queue.depth(queue.FILES) is not None),
            "storage": lambda: _believed("storage", _storage),
            "staging": staging_has_room,
            "sweeper": sweeper_runs,
        }
    )


def _answer(parts: Mapping[str, Callable[[], bool]]) -> JsonResponse:
    result = {name: _holds(check) for name, check in parts.items()}
    return JsonResponse({"ok": all(result.values()), **result}, status=200 if all(result.values()) else 503)


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:  # any failure of a driver or client means "not ready"
        return False


def database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


def _cache() -> bool:
    cache.set("healthz", 1, 5)
    return cache.get("healthz") == 1


def _believed(name: str, check: Callable[[], bool]) -> bool:
    known = cache.get(f"readyz:{name}")
    if known is None:
        known = _holds(check)
        cache.set(f"readyz:{name}", known, _BELIEVED)
    return bool(known)


def _storage() -> bool:
    """A question to each store that only a store in reach can answer with no."""
    name = f"readyz/{uuid.uuid4()}"
    return not any(store.exists(name) for store in (storage.quarantine(), storage.released(), storage.previews()))


def staging_has_room() -> bool:
    """Whether a new upload would be taken."""
    place = Path(settings.STAGING)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return shutil.disk_usage(place).free > settings.STAGING_RESERVE_BYTES


def sweeper_runs() -> bool:
    """Whether the sweeper ran within five of its intervals, and at least within two minutes."""
    patience = timedelta(seconds=max(120.0, 5 * settings.SWEEP_SECONDS))
    return Pulse.objects.filter(name=SWEEP, at__gt=database_now() - patience).exists()
