"""``manage.py verify_storage``: certificates, signed texts, releases and stored images against what was written down of them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fulfillment.services.kept_evidence import verify_everything


class Command(BaseCommand):
    help = (
        "Verify every certificate, agreement, release file and stored image; name what was altered. See docs/audit.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--originals", action="store_true", help="open every sealed original too")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = verify_everything(tell=self.stdout.write, originals=options["originals"])
        for problem in findings.problems[:200]:
            self.stderr.write(problem)
        if findings.problems:
            raise CommandError(
                f"{len(findings.problems)} thing(s) are not what they were. Treat it as an incident: keep everything as it is, "
                "withdraw what is concerned, and compare with a backup."
            )
        looked = ", ".join(f"{count:,} {kind}" for kind, count in findings.looked.items()) or "nothing is kept yet"
        self.stdout.write(f"All as it was: {looked}. Whether the audit log is whole: manage.py verify_audit")
