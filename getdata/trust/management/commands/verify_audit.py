"""``manage.py verify_audit``: walk the audit log's hash chain and hold it against its anchors; say where it is not whole."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deid.proof.signature import SigningKeyProblem, read_public_key
from getdata.trust import anchors


class Command(BaseCommand):
    help = "Verify the audit log: its chain, and every anchor of it. Exit status 1 when it is not whole."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor",
            action="append",
            default=[],
            type=Path,
            metavar="FILE",
            help="an anchor that was exported or mailed and kept elsewhere (may be given several times)",
        )
        parser.add_argument(
            "--public-key",
            type=Path,
            metavar="FILE",
            help="believe anchors of this key alone (PEM), and not the list of keys in the database",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outside = [(path.name, path.read_text()) for path in options["anchor"]]
            keys = [read_public_key(options["public_key"])] if options["public_key"] else None
        except (OSError, UnicodeDecodeError) as problem:
            raise CommandError(
                f"An anchor's file cannot be read ({type(problem).__name__}). Give a readable file."
            ) from None
        except SigningKeyProblem as problem:
            raise CommandError(str(problem)) from None
        verdict = anchors.check(outside, keys=keys)
        for broken in verdict.breaks[:20]:
            self.stderr.write(f"event {broken.event_id}: {broken.problem}")
        for shown in verdict.disagreements[:20]:
            self.stderr.write(f"{shown.anchor}: {shown.problem}")
        if not verdict.whole:
            place = (
                f"at event {verdict.breaks[0].event_id} ({len(verdict.breaks)} break(s) in {verdict.events} events)"
                if verdict.breaks
                else f"against {verdict.disagreements[0].anchor}"
            )
            raise CommandError(
                f"The audit log is broken {place}. "
                "Treat it as an incident: keep this database as it is, and compare with a backup and the anchors kept elsewhere."
            )
        self.stdout.write(
            f"{verdict.events} events, chain whole, {verdict.anchors} anchor(s) agree. Head: {verdict.head}"
        )
