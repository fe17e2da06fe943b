"""``manage.py dicom_listener``: take in what hospitals' systems send by C-STORE, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fulfillment.dicomweb.listener import Listener

_SWEEP_SECONDS = 300


class Command(BaseCommand):
    help = "Listen for C-STORE and C-ECHO of the senders that hospitals put on their list."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--host", default="", help="address to listen on; GETDATA_DICOM_HOST otherwise")
        parser.add_argument("--port", type=int, default=None, help="0 takes a free one; GETDATA_DICOM_PORT otherwise")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION and not settings.DICOM_TLS_CERTIFICATE and not settings.DICOM_PLAIN:
            raise CommandError(
                "Without TLS, patients' names would cross the network in the clear. Set GETDATA_DICOM_TLS_CERTIFICATE and "
                "GETDATA_DICOM_TLS_KEY, or GETDATA_DICOM_PLAIN=1 where a VPN encrypts the way here."
            )
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        listener = Listener(host=options["host"], port=options["port"])
        try:
            port = listener.start()
        except OSError as error:
            raise CommandError(f"The port or a file of the certificate cannot be used: {error.strerror}") from error
        self.stdout.write(f"Listening on {listener.host}:{port}{' with TLS' if settings.DICOM_TLS_CERTIFICATE else ''}")
        self.stdout.flush()
        while not ended.wait(_SWEEP_SECONDS):
            listener.sweep()
        listener.stop()
