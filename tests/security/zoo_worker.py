"""The zoo's worker: a process with a worker's limits that stages what it is told and carries it through the pipeline."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import django


def _prepare() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")
    django.setup()
    from django.conf import settings

    settings.CELERY_TASK_ALWAYS_EAGER = False
    from getdata import celery

    celery._one_thread_a_process()
    celery._a_limit_on_memory()
    celery._no_core_files()


def _tables() -> None:
    """The schema straight from the models: the migrations of a throw-away database would take longer than the zoo."""
    from django.conf import settings
    from django.core.management import call_command

    class NoMigrations:
        def __contains__(self, _: object) -> bool:
            return True

        def __getitem__(self, _: object) -> None:
            return None

    settings.MIGRATION_MODULES = NoMigrations()
    call_command("migrate", run_syncdb=True, verbosity=0, skip_checks=True)


def _batch() -> Any:
    from requests_app.spec import DatasetSpec
    from tests import factories

    spec = {
        "title": "Anything",
        "delivery": {"pictures": True},
        "image": {"modality": {"allowed": ["CR", "DX", "RG", "OT"]}},
        "labels": {"findings": [{"finding": "Edema"}]},
    }
    document = DatasetSpec.model_validate(spec).model_dump(mode="json")
    return factories.batch(factories.fulfillment(request=factories.open_request(draft=document)))


class Keeper:
    """One batch, and what is asked of it."""

    def __init__(self) -> None:
        from fulfillment.models import Batch
        from tests.security.zoo import kinds

        self.batch = Batch.objects.first() or _batch()
        self.kinds = kinds()
        self.good = 0

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        from django.utils import timezone

        from fulfillment import ledger
        from fulfillment.models import SourceFile
        from fulfillment.uploads import names

        name = question.get("send") or question["sweep"]
        _forget_peak()
        started = time.process_time()
        if "send" in question:
            refused = self._send(name)
            if refused is not None:
                return {"status": "rejected", "reason": refused, "remedy": True, "seconds": 0.0, "peak": _peak()}
        else:  # what a dead worker held is handed out again
            SourceFile.objects.filter(status="processing").update(
                lease_until=timezone.now() - timezone.timedelta(hours=9)
            )
            ledger.sweep()
        file = SourceFile.objects.filter(batch=self.batch, name_digest=names.name_digest(self.batch, name)).latest(
            "number"
        )
        self._work(file.pk)
        file.refresh_from_db()
        members = [self._work(member.pk) for member in file.members.all()[:20]]
        del members
        return {
            "status": file.status,
            "reason": file.reason or (file.findings[0]["code"] if file.findings else ""),
            "remedy": file.status == "passed" or any(f.get("message") and f.get("remedy") for f in file.findings),
            "seconds": time.process_time() - started,
            "peak": _peak(),
        }

    def _work(self, pk: Any) -> None:
        from fulfillment import pipeline
        from fulfillment.models import SourceFile

        for _ in range(4):
            SourceFile.objects.filter(pk=pk, status="received").update(lease_until=None)
            pipeline.process(pk)
            if not SourceFile.objects.filter(pk=pk, status="received").exists():
                return

    def _send(self, name: str) -> str | None:
        """Stage the animal as an upload does; the code of a refusal at the door."""
        from fulfillment.uploads import rights
        from getdata.common.problems import CannotDo
        from tests.security.zoo import GOOD
        from tests.support.staging import small_radiograph, stage

        if name == GOOD:
            self.good += 1
            data = small_radiograph(7000 + self.good + os.getpid() % 1000 * 50)
        else:
            data = self.kinds[name]()
        try:
            rights.require_length(len(data), name)
            stage(self.batch, data, name)
        except CannotDo as refused:
            return refused.code
        return None


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # then the peak is that of all before


def main() -> None:
    """Answer line by line until the parent hangs up."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    _prepare()
    if sys.argv[1] == "fresh":
        _tables()
    keeper = Keeper()
    for line in sys.stdin:
        out.write(json.dumps(keeper.answer(json.loads(line))) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
