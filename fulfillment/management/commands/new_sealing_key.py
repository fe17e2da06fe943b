"""``manage.py new_sealing_key SLUG``: what a hospital sends from now on is sealed under a new key; older keys still open."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max

from fulfillment.intake import sealing
from fulfillment.models import SealingKey
from getdata.accounts.models import Organization


class Command(BaseCommand):
    help = "Give a hospital a new key for its originals. Older keys stay, to open what they sealed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the hospital's short name, as in its address")

    def handle(self, *args: Any, **options: Any) -> None:
        hospital = Organization.objects.filter(slug=options["slug"]).first()
        if hospital is None:
            raise CommandError("There is no organization of that name. Take the last part of its page's address.")
        highest = SealingKey.objects.filter(organization=hospital).aggregate(highest=Max("number"))["highest"] or 0
        made = sealing.new_key(hospital.pk, highest + 1)
        self.stdout.write(f"Key {made.ident} (number {made.number}) seals what {hospital.slug} sends from now on.")
