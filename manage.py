#!/usr/bin/env python
"""Django's command line for GetDATA."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a mistake in the environment: its message says the remedy
        sys.exit(f"manage.py: {error}")


if __name__ == "__main__":
    main()
