"""``manage.py seed_demo``: fill the portal with a demonstration and print who can sign in. Does nothing twice."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fulfillment.models import Batch
from fulfillment.services import batches
from getdata.demo import cast, delivery

FIRST, SECOND = "Spring series, room 1", "Spring series, room 2"


class Command(BaseCommand):
    help = "Fill the portal with demonstration data (never in production)."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--images", type=int, default=18, help="phantoms in the first batch")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("Demonstration accounts do not belong in production.")
        people = cast.people()
        self._print_credentials()
        organizations = cast.organizations(people)
        cast.capabilities(people, organizations)
        request = cast.requests(people, organizations["lab"])
        fulfillment = delivery.agree(request, organizations["hospital"], people)
        if not Batch.objects.filter(fulfillment=fulfillment, name=FIRST).exists():
            first = batches.create_batch(fulfillment=fulfillment, name=FIRST, actor=people["hospital"])
            self._say("Phantoms with invented identity travel through the pipeline; follow them on the batch page.")
            delivery.deliver(first, seed=7, count=options["images"], actor=people["hospital"])
            if not delivery.wait_until_settled(first, seconds=600, say=self._say):
                self._say("The first batch is still being processed; the portal is ready all the same.")
                return
            delivery.review_and_release(first, people)
            self._say("The first batch is reviewed, and its release can be downloaded.")
        if not Batch.objects.filter(fulfillment=fulfillment, name=SECOND).exists():
            second = batches.create_batch(fulfillment=fulfillment, name=SECOND, actor=people["hospital"])
            delivery.deliver(second, seed=11, count=max(2, options["images"] // 2), actor=people["hospital"])
            self._say("A second batch is on its way; it waits for its hospital to seal it.")

    def _print_credentials(self) -> None:
        width = max(len(part.email) for part in cast.PARTS)
        self._say(f"Demonstration accounts (password for all: {cast.password()})")
        if settings.DEMO_CODE:
            self._say(f"  Second step for all, in this demonstration only: {settings.DEMO_CODE}")
        for part in cast.PARTS:
            self._say(f"  {part.email:<{width}}  {part.what}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
