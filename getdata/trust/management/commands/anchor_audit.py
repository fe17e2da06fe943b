"""``manage.py anchor_audit``: sign the audit log's head now, and export it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from getdata.trust import anchors


class Command(BaseCommand):
    help = (
        "Sign the head of the audit log now. Beat does it once a day; this is for a moment of your own, or for a file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", type=Path, metavar="FILE", help="write the anchor to a file too")

    def handle(self, *args: Any, **options: Any) -> None:
        row = anchors.anchor()
        anchors.export_missing()
        if options["to"]:
            try:
                options["to"].write_text(row.text)
            except OSError as problem:
                raise CommandError(
                    f"The file cannot be written ({problem.strerror}). Choose another place; the anchor is in the storage."
                ) from None
        self.stdout.write(f"Anchor {row.number}: {row.events} events up to event {row.event_id}. Head: {row.head}")
