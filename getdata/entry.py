"""What ``getdata`` and ``python -m getdata`` start: the command line, or, where a package is missing, which one to install."""

from __future__ import annotations

import sys

#: Packages of the portal alone; whatever else is missing belongs to the kit.
WEB = frozenset(
    {"django", "celery", "rest_framework", "storages", "allauth", "redis", "psycopg2", "environ", "whitenoise", "csp"}
)


def main() -> None:
    """Run the command line. Ends with status 2, a cause and a remedy where a package it needs is not installed."""
    try:
        from getdata.cli import app

        app()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not missing or missing in ("getdata", "fulfillment", "requests_app", "deid"):
            raise  # the installation itself is broken
        extra = "web" if missing in WEB else "edge"
        sys.stderr.write(f'The package {missing} is not installed. Run: pip install "getdata[{extra}]"\n')
        sys.exit(2)
