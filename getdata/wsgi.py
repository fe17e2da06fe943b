"""WSGI entry point: ``granian --interface wsgi getdata.wsgi:application``."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")

application = get_wsgi_application()

from getdata.checks import refuse_unsafe_production  # noqa: E402 (needs the settings that the line above sets up)

refuse_unsafe_production()
