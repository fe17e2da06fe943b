"""``getdata deid`` and ``getdata verify-certificate``: the engine's own command line (``python -m deid``) under this command.

Exit status: 0 all released, or genuine; 3 some withheld, or not genuine; 2 usage; 1 failure.
"""

from __future__ import annotations

import sys
from typing import Any

import typer

#: The engine reads its own arguments: one contract, whichever way it is called.
PASSED_ON: dict[str, Any] = {
    "add_help_option": False,
    "context_settings": {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
}


def deid(context: typer.Context) -> None:
    """De-identify a folder: INPUT OUTPUT --policy NAME --key-file KEY --map MAP.csv --report REPORT.json [--workers N] [--resume]."""
    _run(list(context.args))


def verify_certificate(context: typer.Context) -> None:
    """Say whether a certificate is genuine: CERT.json [--public-key FILE] [--files FOLDER] [--report REPORT.json]."""
    _run(["verify-certificate", *context.args])


def _run(arguments: list[str]) -> None:
    from deid.__main__ import main

    status = main(arguments)
    sys.stdout.flush()
    raise typer.Exit(status)
