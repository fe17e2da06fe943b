"""``manage.py sbom``: the software bill of materials of the locked packages, as CycloneDX JSON."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from getdata.trust.sbom import as_text, sbom


class Command(BaseCommand):
    help = "Write the software bill of materials (CycloneDX 1.6 JSON) of uv.lock."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, metavar="FILE", help="instead of standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.BASE_DIR)
        try:
            text = as_text(sbom((folder / "uv.lock").read_bytes(), (folder / "pyproject.toml").read_bytes()))
            if options["output"]:
                options["output"].write_text(text)
                return
        except (OSError, ValueError) as problem:
            raise CommandError(
                f"The bill of materials cannot be made: {problem}. Run it in the project's folder."
            ) from None
        self.stdout.write(text, ending="")
