"""``manage.py restore``: a backup into an empty system, with proof that it is all there."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from getdata.trust.backup import locks
from getdata.trust.backup.folder import Damaged
from getdata.trust.backup.restoring import opened, restore
from getdata.trust.backup.rows import CannotRestore
from getdata.trust.management.commands.backup import VARIABLE, passphrase_of


class Command(BaseCommand):
    help = (
        "Restore a backup into an empty, migrated system and verify the audit log and every object. See docs/backup.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--private-key", type=Path, metavar="FILE", help="for a backup sealed for a public key")
        parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help=f"or set {VARIABLE}")
        parser.add_argument(
            "--keys-to", type=Path, metavar="FILE", help="write the portal's keys to a file, and nothing else"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["private_key"]:
                holder: locks.Holder | locks.Passphrase | None = locks.read_private_key(options["private_key"])
            else:
                holder = passphrase_of(options)
            if holder is None:
                raise CommandError(f"Give --private-key or --passphrase-file, or set {VARIABLE}.")
            backup = opened(options["folder"], holder)
            if options["keys_to"]:
                self._write_keys(options["keys_to"], backup.keys())
                return
            outcome = restore(backup, tell=self.stdout.write)
        except (locks.LockProblem, CannotRestore) as problem:
            raise CommandError(str(problem)) from None
        except Damaged as problem:
            raise CommandError(
                f"The backup is not whole: {problem}. Nothing was restored; take another backup."
            ) from None
        for line in outcome.problems[:50]:
            self.stderr.write(line)
        for alias, count in outcome.absent.items():
            self.stdout.write(
                f"{alias}: {count:,} objects are not in this backup. Bring them from the storage's own copy."
            )
        if outcome.problems:
            raise CommandError(
                f"{len(outcome.problems)} thing(s) are not as they were. Do not open this portal to people."
            )
        self.stdout.write(
            f"{outcome.rows:,} rows and {outcome.objects:,} objects are as they were; the audit log is whole."
        )

    def _write_keys(self, path: Path, keys: dict[str, str]) -> None:
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.writelines(f"{name}={value}\n" for name, value in keys.items() if value)
        except OSError as problem:
            raise CommandError(f"{path.name} cannot be written ({problem.strerror}). Choose another name.") from None
        self.stdout.write(f"The keys are in {path.name}. Put them into the environment, then destroy the file.")
