"""The portal under fault: its people, a batch to fill, small files, and what became of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

#: Pixels a side: a whole passage through the engine takes some 50 ms, so that a thousand files say something within minutes.
SIDE = 64


def small_files(count: int) -> Iterator[tuple[str, bytes]]:
    """So many different small radiographs, each a patient of its own."""
    from tests.support.staging import small_radiograph

    for seed in range(count):
        yield f"PATIENT_{seed}/image-{seed}.dcm", small_radiograph(seed, side=SIDE)


def make_batch() -> tuple[str, str]:
    """A batch that takes small files, and a token of somebody who may fill it: (batch, token)."""
    from getdata.accounts.models import Role
    from getdata.accounts.tokens import SCOPES, make_token
    from requests_app.spec import DatasetSpec
    from tests import factories
    from tests.support.staging import ensure_key

    document = DatasetSpec.model_validate({"title": "Any", "image": {"short_side": {"min_px": SIDE}}})
    request = factories.open_request(draft=document.model_dump(mode="json"))
    batch = factories.batch(factories.fulfillment(request=request))
    ensure_key(batch)
    manager = factories.member(batch.fulfillment.hospital, Role.DATA_MANAGER)
    return str(batch.pk), make_token(user=manager, name="faults", scopes=SCOPES)[1]


def settled(batch: str) -> int:
    """Files that have an outcome."""
    from fulfillment.models import SourceFile

    return SourceFile.objects.filter(batch=batch, settled_at__isnull=False).exclude(status="withdrawn").count()


def taken(batch: str) -> int:
    """Files in the ledger."""
    from fulfillment.models import SourceFile

    return SourceFile.objects.filter(batch=batch).count()


def account(batch: str, files: int) -> dict[str, Any]:
    """Every file accounted for: lost, processed into two outputs, without a reason, and how often the ledger had to help."""
    from django.db.models import Count, Q, Sum

    from fulfillment.models import Image, SourceFile
    from fulfillment.uploads import staging
    from getdata.audit.models import AuditEvent
    from getdata.common import storage

    rows = SourceFile.objects.filter(batch=batch)
    outcomes = dict(rows.order_by().values_list("status").annotate(n=Count("pk")))
    unsaid = rows.filter(status__in=["failed", "rejected", "quarantined"]).filter(Q(reason="") | Q(findings=[]))
    images = Image.objects.filter(source__batch=batch)
    settling = AuditEvent.objects.filter(
        verb__in=[f"sourcefile.{status}" for status in ("passed", "rejected", "quarantined", "failed")]
    )
    twice = settling.values("target_id").annotate(n=Count("id")).filter(n__gt=1).count()
    missing = sum(not storage.released().exists(image.stored) for image in images.iterator())
    totals = rows.aggregate(attempts=Sum("attempts"), outages=Sum("outages"))
    return {
        "files": files,
        "in_ledger": rows.count(),
        "outcomes": outcomes,
        "lost": files - rows.filter(settled_at__isnull=False).count() + missing,
        "two_outputs": images.count() - images.values("sop_instance_uid").distinct().count(),
        "settled_twice": twice,
        "without_reason": unsaid.count(),
        "reasons": dict(Counter(rows.exclude(reason="").values_list("reason", flat=True))),
        "further_attempts": max(0, (totals["attempts"] or 0) - rows.count()),
        "outages": totals["outages"] or 0,
        "staged_left": sum(1 for entry in staging.folder().iterdir() if entry.is_file()),
    }


def print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)
