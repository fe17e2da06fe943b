"""``manage.py rotate_keys``: new versions of the portal's keys while everything runs. See docs/keys.md."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fulfillment.services import key_rotation
from getdata.accounts.models import Organization
from getdata.common.sealed_columns import Counts
from getdata.trust import signing

WHAT = ("master", "storage", "pseudonym", "signing")


class Command(BaseCommand):
    help = "Rotate keys. Each kind can be stopped at any moment and begun again, and workers need not be stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "what",
            choices=WHAT,
            help="master: seal anew under the new GETDATA_MASTER_KEY what GETDATA_OLD_MASTER_KEYS sealed; "
            "storage: a new key for each hospital's originals, and the originals sealed anew; "
            "pseudonym: wrap the secrets behind pseudonyms anew (pseudonyms stay); signing: a new key for signatures",
        )
        parser.add_argument("--hospital", metavar="SLUG", help="storage: this hospital alone")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["hospital"] and options["what"] != "storage":
            raise CommandError("--hospital goes with storage: the other keys are the whole portal's.")
        getattr(self, f"_{options['what']}")(options)

    def _master(self, options: dict[str, Any]) -> None:
        if not settings.GETDATA_OLD_MASTER_KEYS:
            raise CommandError(
                "There is no older master key to go from. Set GETDATA_OLD_MASTER_KEYS to the present GETDATA_MASTER_KEY, "
                "set GETDATA_MASTER_KEY to 32 new random bytes in base64, start web, workers and beat with both, and run this again."
            )
        counts = key_rotation.rotate_master_key(tell=self.stdout.write)
        self._judge(counts)
        self.stdout.write(
            "Take GETDATA_OLD_MASTER_KEYS out of the environment now. Backups from before need the older key."
        )

    def _pseudonym(self, options: dict[str, Any]) -> None:
        self._judge(key_rotation.rewrap_pseudonym_keys())

    def _signing(self, options: dict[str, Any]) -> None:
        made = signing.rotate()
        self.stdout.write(
            f"Key {made.fingerprint} signs from now on. Publish this fingerprint; older signatures stay verifiable: "
            f"{settings.PUBLIC_URL}/certificates/public-keys.json"
        )

    def _storage(self, options: dict[str, Any]) -> None:
        hospitals = list(key_rotation.hospitals())
        if options["hospital"]:
            hospitals = [found for found in hospitals if found.slug == options["hospital"]]
            if not hospitals:
                known = Organization.objects.filter(slug=options["hospital"]).exists()
                raise CommandError(
                    "This hospital has sent nothing yet, so it has no key."
                    if known
                    else "There is no hospital of that name. Take the last part of its page's address."
                )
        unopened = 0
        for hospital in hospitals:
            done = key_rotation.rotate_storage_key(hospital=hospital, tell=self.stdout.write)
            unopened += done.unopened
            self.stdout.write(
                f"{hospital.slug}: {done.anew:,} objects sealed anew under key {done.key.ident}, {done.already:,} were already; "
                f"{done.retired} older key(s) retired."
            )
            if done.waiting or done.orphans:
                self.stdout.write(
                    f"{hospital.slug}: {done.waiting:,} are worked on or about to be destroyed, {done.orphans:,} belong to no file "
                    "and are swept. Run this again later to retire the older key."
                )
            elif not done.retired and not done.unopened:
                self.stdout.write(f"{hospital.slug}: run this again in an hour to retire the older key.")
        if unopened:
            raise CommandError(f"{unopened} object(s) do not open under any key: damaged, or of another master key.")

    def _judge(self, counts: Counts) -> None:
        self.stdout.write(f"{counts.anew:,} sealed anew, {counts.already:,} were already.")
        if counts.changed:
            raise CommandError(f"{counts.changed} row(s) were written by somebody else meanwhile. Run this again.")
        if counts.unopened:
            raise CommandError(
                f"{counts.unopened} value(s) do not open under any key that is set. Keep the older keys, and look for the "
                "one that is missing: these values are lost without it."
            )
