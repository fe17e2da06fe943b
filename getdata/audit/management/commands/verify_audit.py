"""``manage.py verify_audit``: walk the audit log's hash chain and say whether it is whole."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from getdata.audit.chain import GENESIS, verify
from getdata.audit.models import AuditEvent


class Command(BaseCommand):
    help = "Verify the audit log's hash chain. Exit status 1 when it is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        breaks = list(verify())
        count = AuditEvent.objects.count()
        for problem in breaks[:20]:
            self.stderr.write(f"event {problem.event_id}: {problem.problem}")
        if breaks:
            raise CommandError(
                f"The audit log is broken at event {breaks[0].event_id} ({len(breaks)} break(s) in {count} events). "
                "Treat it as an incident: keep this database, and compare with the last exported anchor."
            )
        head = AuditEvent.objects.order_by("-id").values_list("hash", flat=True).first() or GENESIS
        self.stdout.write(f"{count} events, chain whole. Head: {head}")
