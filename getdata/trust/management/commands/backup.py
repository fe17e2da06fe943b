"""``manage.py backup``: the database, the keys and a manifest of every stored object, sealed, in a new folder."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from getdata.trust.backup import locks
from getdata.trust.backup.making import ALIASES, make

VARIABLE = "GETDATA_BACKUP_PASSPHRASE"


def passphrase_of(options: dict[str, Any]) -> locks.Passphrase | None:
    """From a file, or from the environment; never from the command line, which other people on the machine can read."""
    if options["passphrase_file"]:
        try:
            return locks.Passphrase(options["passphrase_file"].read_text().strip())
        except (OSError, UnicodeDecodeError):
            raise CommandError("The passphrase's file cannot be read. Give a readable text file.") from None
    value = os.environ.get(VARIABLE, "")
    return locks.Passphrase(value) if value else None


class Command(BaseCommand):
    help = "Back up database, keys and the manifest of stored objects while the portal runs. See docs/backup.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, help="a folder that does not exist yet")
        parser.add_argument("--public-key", type=Path, metavar="FILE", help="seal for the holder of the private key")
        parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help=f"or set {VARIABLE}")
        parser.add_argument(
            "--copy",
            action="append",
            default=[],
            choices=ALIASES,
            help="put this storage's objects into the backup too (may be given several times)",
        )
        parser.add_argument(
            "--make-key", type=Path, metavar="FILE", help="make a key pair for backups, and nothing else"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["make_key"]:
                public = locks.make_key(options["make_key"])
                self.stdout.write(
                    f"Keep {options['make_key'].name} away from this machine. Give {public.name} to backups."
                )
                return
            if options["folder"] is None:
                raise CommandError("Name a folder for the backup.")
            recipient = (
                locks.read_public_key(options["public_key"]) if options["public_key"] else passphrase_of(options)
            )
            if recipient is None:
                raise CommandError(f"A backup is sealed: give --public-key or --passphrase-file, or set {VARIABLE}.")
            made = make(into=options["folder"], lock=recipient, copy=options["copy"], tell=self.stdout.write)
        except locks.LockProblem as problem:
            raise CommandError(str(problem)) from None
        except FileExistsError as problem:
            raise CommandError(f"{problem} exists already. Name a folder that does not.") from None
        except OSError as problem:
            raise CommandError(
                f"The backup could not be written ({problem.strerror}). Nothing was left behind."
            ) from None
        self.stdout.write(f"Backup {made['id']} is whole. Audit log: {made['audit']['events']} events.")
