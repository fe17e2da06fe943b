"""``python -m tests.e2e.killed stage N | state BATCH``: fill a batch, or count what became of it, in this portal's database."""

from __future__ import annotations

import json
import os
import sys

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")
    django.setup()
    if sys.argv[1] == "stage":
        print(json.dumps(_stage(int(sys.argv[2]))))
    else:
        print(json.dumps(_state(sys.argv[2])))


def _stage(count: int) -> dict[str, str]:
    from requests_app.spec import DatasetSpec
    from tests import factories
    from tests.support.staging import small_radiograph, stage

    document = DatasetSpec.model_validate({"title": "Any", "image": {"short_side": {"min_px": 600}}})
    request = factories.open_request(draft=document.model_dump(mode="json"))
    batch = factories.batch(factories.fulfillment(request=request))
    for seed in range(count):
        stage(batch, small_radiograph(seed, side=1024), f"file-{seed}.dcm")
    return {"batch": str(batch.pk)}


def _state(pk: str) -> dict[str, int]:
    from fulfillment import ledger
    from fulfillment.models import Batch, Image
    from getdata.audit.models import AuditEvent

    batch = Batch.objects.get(pk=pk)
    progress = ledger.progress(batch)
    events = AuditEvent.objects.filter(
        verb__in=["sourcefile.passed", "sourcefile.rejected", "sourcefile.quarantined", "sourcefile.failed"]
    )
    return {
        "settled": progress.settled,
        "passed": progress.passed,
        "images": Image.objects.filter(source__batch=batch).count(),
        "settling_events": events.count(),
    }


if __name__ == "__main__":
    main()
